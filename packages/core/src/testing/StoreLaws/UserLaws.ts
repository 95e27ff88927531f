/** Laws of users, their passwords and settings. */
import * as Effect from "effect/Effect"
import {
  append,
  appending,
  createChat,
  createUser,
  law,
  newUser,
  NO_USER,
  NOW,
  pair,
  post,
  posting,
  same,
  sorted,
  batch,
  type StoreLaw
} from "./Law.ts"

export const userLaws: ReadonlyArray<StoreLaw> = [
  law(
    "a user is read by id and by account as created, without the password",
    Effect.fnUntraced(function* (store) {
      const fields = {
        realname: "安娜",
        avatar: "/a.png",
        role: "dev",
        dept: 3,
        admin: true,
        organisation: 8,
        disabled: true,
        createdAt: NOW + 1
      }
      const ann = yield* createUser(store, "ann", { ...fields, password: "$scrypt$x" })
      const bob = yield* createUser(store, "Ann")
      yield* same("ann", ann, { id: ann.id, account: "ann", ...fields, since: {} })
      yield* same("bob", [bob.organisation, bob.admin, bob.disabled], [null, false, false])
      const found = yield* store.users([bob.id, NO_USER, ann.id, ann.id])
      yield* same(
        "by id",
        sorted(found, (user) => user.id),
        [ann, bob]
      )
      yield* same("by account", yield* store.usersByAccount(["nobody", "Ann"]), [bob])
      yield* same("everybody", yield* store.allUsers, [ann, bob])
      yield* same("ids from 1, rising", ann.id >= 1 && bob.id > ann.id, true)
      yield* same("none", [...(yield* store.users([])), ...(yield* store.usersByAccount([]))], [])
    })
  ),
  law(
    "a new user's since is the newest sequence of each system chat that is not dissolved",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const facts = { type: "system", owner: null } as const
      const system = (yield* createChat(store, "s1", [], facts)).chat.id
      const dissolved = (yield* createChat(store, "s2", [], facts)).chat.id
      yield* append(store, dissolved, null, { _tag: "Changed", dissolved: true })
      yield* post(store, chat.id, a, "m")
      yield* post(store, system, a, "m1")
      yield* post(store, system, a, "m2")
      const late = yield* createUser(store, "late")
      yield* same("since", late.since, { [system]: 3 })
      yield* post(store, system, a, "m3")
      const empty = (yield* createChat(store, "s3", [], facts)).chat.id
      yield* same(
        "since stays",
        (yield* store.users([late.id])).map((user) => user.since),
        [{ [system]: 3 }]
      )
      yield* same("of two chats", (yield* createUser(store, "later")).since, { [system]: 4, [empty]: 1 })
      const both = yield* store.commit(
        batch(appending(system, a, posting("m4")), { _tag: "CreateUser", user: newUser("last") })
      )
      yield* same(
        "after an entry of the batch",
        both.flatMap((one) => (one._tag === "User" ? [one.user.since] : [])),
        [{ [system]: 5, [empty]: 1 }]
      )
    })
  ),
  law(
    "a change of a user changes the named fields and no others",
    Effect.fnUntraced(function* (store) {
      const ann = yield* createUser(store, "ann", { role: "dev", organisation: 4, password: "p1" })
      const bob = yield* createUser(store, "bob", { password: "p2" })
      const change = (one: Parameters<typeof write>[0]) => store.commit(batch(write(one)))
      const write = (one: {
        readonly realname?: string
        readonly avatar?: string
        readonly role?: string
        readonly dept?: number
        readonly admin?: boolean
        readonly organisation?: number | null
        readonly disabled?: boolean
        readonly password?: string | null
      }) => ({ _tag: "ChangeUser", user: ann.id, change: one }) as const
      yield* same("result", yield* change({ realname: "Ann", admin: true }), [{ _tag: "Done" }])
      yield* same("ann", yield* store.users([ann.id]), [{ ...ann, realname: "Ann", admin: true }])
      yield* change({ avatar: "x", role: "", dept: 5, organisation: null, disabled: true, admin: false })
      const now = { ...ann, realname: "Ann", avatar: "x", role: "", dept: 5, organisation: null, disabled: true }
      yield* same("ann, later", yield* store.users([ann.id]), [now])
      yield* same("password", yield* store.password(ann.id), "p1")
      yield* change({ password: "p3" })
      yield* same("password, changed", yield* store.password(ann.id), "p3")
      yield* change({ password: null })
      yield* same("password, removed", yield* store.password(ann.id), null)
      yield* change({})
      yield* same("ann, by account", yield* store.usersByAccount(["ann"]), [now])
      yield* same("bob", [yield* store.users([bob.id]), yield* store.password(bob.id)], [[bob], "p2"])
      yield* same("nobody's password", yield* store.password(NO_USER), null)
    })
  ),
  law(
    "a changed account is free, and the user is found by the new one",
    Effect.fnUntraced(function* (store) {
      const ann = yield* createUser(store, "ann", { role: "dev", password: "p1" })
      yield* store.commit(batch({ _tag: "ChangeUser", user: ann.id, change: { account: "removed:1", role: "" } }))
      const now = { ...ann, account: "removed:1", role: "" }
      yield* same("ann, by id", yield* store.users([ann.id]), [now])
      yield* same("by the account given up", yield* store.usersByAccount(["ann"]), [])
      yield* same("by the new one", yield* store.usersByAccount(["removed:1"]), [now])
      const second = yield* createUser(store, "ann")
      yield* same("the next of the account", yield* store.usersByAccount(["ann"]), [second])
      yield* same("everybody", yield* store.allUsers, [now, second])
    })
  ),
  law(
    "each user has their own settings, null before they were saved, and the latest count",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      yield* same("before", yield* store.settings(a), null)
      yield* store.commit(batch({ _tag: "SaveSettings", user: a, settings: '{"x":1}' }))
      yield* store.commit(batch({ _tag: "SaveSettings", user: a, settings: '{"x":"二"}' }))
      yield* same("after", yield* store.settings(a), '{"x":"二"}')
      yield* same("another's", yield* store.settings(b), null)
      yield* same("nobody's", yield* store.settings(NO_USER), null)
    })
  )
]
