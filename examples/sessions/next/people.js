/** Users of this application; a real one has them in its database. */
const people = [
  { id: "9f0e1c5a-ann", account: "ann", realname: "Ann", password: "tea" },
  { id: "4b7d2e8c-ben", account: "ben", realname: "Ben", password: "coffee" }
]

export const check = (login, password) => people.find((one) => one.account === login && one.password === password)?.id

export const directory = {
  find: (ids) => people.filter(({ id }) => ids.includes(id)),
  findByAccount: (accounts) => people.filter(({ account }) => accounts.includes(account)),
  list: () => people
}
