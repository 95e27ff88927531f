/** Users of this application; a real one has them in its database. */
import { timingSafeEqual } from "node:crypto"
import type { DirectoryOption } from "@parley/adapter-node"

export interface Person {
  /** This application's id of the user. */
  readonly id: string
  readonly account: string
  readonly realname: string
}

const people = [
  { id: "9f0e1c5a-ann", account: "ann", realname: "Ann", password: "tea" },
  { id: "4b7d2e8c-ben", account: "ben", realname: "Ben", password: "coffee" }
]

const isSame = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))

/** Returns the user if the password is right. */
export const check = (login: string, password: string): Person | undefined =>
  people.find((one) => one.account === login && isSame(one.password, password))

export const personOf = (id: string): Person | undefined => people.find((one) => one.id === id)

export const directory: DirectoryOption = {
  find: (ids) => people.filter(({ id }) => ids.includes(id)),
  findByAccount: (accounts) => people.filter(({ account }) => accounts.includes(account)),
  list: () => people
}
