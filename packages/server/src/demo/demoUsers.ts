/** Adds and removes the users of the demonstration. */
import { refuseOnStorageFailure } from "@parley/core/StorageErrors"
import { Credentials } from "@parley/core/Credentials"
import { Engine } from "@parley/core/Engine"
import { Passwords } from "@parley/core/Passwords"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"

const DEMO_ACCOUNTS = ["admin", "demo", "alice", "bob", "carol", "dave", "erin"]
const DEMO_PASSWORD = "123456"
/** Hash of it, of the lowest cost: a slow one protects no public password, and would delay each first login. */
const DEMO_HASH = "$scrypt$ln=1,r=8,p=1$xlHBe8RP6Iq+8byput+Cnw$5aNE/xOEM5h3EBetdnQmYjZ2mX2WefKUvdAoVsOudq0"
const DEMO_ORGANISATION = 1

/** Adds the missing demo users. Of several nodes that start at once, one adds them. */
export const addDemoUsers = Effect.gen(function* () {
  const users = yield* Users
  const store = yield* Store
  const stored = Effect.map(refuseOnStorageFailure("users")(store.usersByAccount(DEMO_ACCOUNTS)), (found) =>
    found.map(({ account }) => account)
  )
  const present = new Set(yield* stored)
  if (present.size === DEMO_ACCOUNTS.length) return
  // A hash: `passwords.minimum` does not allow this password. The demonstration is served to this machine only.
  const added = users.add(
    DEMO_ACCOUNTS.filter((account) => !present.has(account)).map((account) => ({
      account,
      passwordHash: DEMO_HASH,
      realname: `${account.slice(0, 1).toUpperCase()}${account.slice(1)}`,
      admin: account === "admin",
      organisation: DEMO_ORGANISATION
    }))
  )
  yield* Effect.catch(added, (refused) =>
    Effect.flatMap(stored, ({ length }) => (length === DEMO_ACCOUNTS.length ? Effect.void : Effect.fail(refused)))
  )
})

/**
 * Disables the demo users that still have the demonstration's password, removes it, and ends their sessions. Returns their
 * accounts. Demo users with a changed password, and all other users, are not changed.
 */
export const removeDemoUsers = Effect.gen(function* () {
  const users = yield* Users
  const store = yield* Store
  const engine = yield* Engine
  const sessions = yield* Sessions
  const passwords = yield* Passwords
  const secret = yield* (yield* Credentials).md5Secret(DEMO_PASSWORD)
  const stored = refuseOnStorageFailure("users")
  return Effect.gen(function* () {
    const removed: Array<string> = []
    for (const account of DEMO_ACCOUNTS) {
      const user = yield* users.byAccount(account)
      const hash = user === undefined ? null : yield* stored(store.password(user.id))
      if (user === undefined || hash === null || !(yield* passwords.verify(secret, hash))) continue
      const change = { password: null, disabled: true }
      yield* stored(engine.commit({ expectedVersions: [], writes: [{ _tag: "ChangeUser", user: user.id, change }] }))
      yield* sessions.endAll(user.id)
      removed.push(account)
    }
    return removed
  })
})
