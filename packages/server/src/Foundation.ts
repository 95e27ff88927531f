/** The users of a demonstration. */
import { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"

const DEMO_ACCOUNTS = ["admin", "demo", "alice", "bob", "carol", "dave", "erin"]
const DEMO_PASSWORD = "123456"
const DEMO_ORGANISATION = 1

/** Adds those demo users who are missing. */
export const addDemoUsers = Effect.gen(function* () {
  const users = yield* Users
  const present = new Set((yield* users.list).map(({ account }) => account))
  yield* users.add(
    DEMO_ACCOUNTS.filter((account) => !present.has(account)).map((account) => ({
      account,
      password: DEMO_PASSWORD,
      realname: `${account.slice(0, 1).toUpperCase()}${account.slice(1)}`,
      admin: account === "admin",
      organisation: DEMO_ORGANISATION
    }))
  )
})
