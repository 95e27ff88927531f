/** What has to be there before anybody can come: the system chat, and in a demonstration its users. */
import { Engine } from "@parley/core/Engine"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

const SYSTEM_GID = "system"

/** A system chat exists from the first start; everybody is a member. Source: PROTOCOLS, "Who may do what". */
export const ensureSystemChat = Effect.gen(function* () {
  const store = yield* Store
  const { commit } = yield* Engine
  if ((yield* store.systemChats).length > 0) return
  yield* commit({
    relies: [],
    writes: [
      {
        _tag: "CreateChat",
        by: null,
        chat: {
          gid: SYSTEM_GID,
          name: "System",
          type: "system",
          public: false,
          subject: 0,
          createdBy: null,
          owner: null,
          admins: [],
          committers: [],
          createdAt: yield* Clock.currentTimeMillis,
          attributes: {},
          members: []
        }
      }
    ]
  })
})

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
