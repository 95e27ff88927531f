/** Two servers on one PostgreSQL database, with users who have sessions and a group of them. */
import { join } from "node:path"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import type { Store } from "@parley/core/Store"
import { Effect } from "effect"
import type { MadeChat, User } from "../generator/Plan.ts"
import { accountsOf, type Serving, serveWith } from "../Prepared.ts"
import { makeGroups, sessionsFor } from "../Seed.ts"

export interface TwoNodes {
  readonly here: Serving
  readonly there: Serving
  readonly chat: MadeChat
  readonly stop: () => Promise<void>
}

const createUsers = (store: Store["Service"], accounts: ReadonlyArray<string>): Promise<unknown> => {
  const writes = accounts.map((account) => {
    const user = {
      account,
      realname: account,
      avatar: "",
      role: "",
      dept: 0,
      admin: false,
      organisation: null,
      disabled: false,
      createdAt: 0,
      password: null
    }
    return { _tag: "CreateUser", user } as const
  })
  return Effect.runPromise(store.commit({ expectedVersions: [], writes }))
}

const seed = (url: string, members: number): Promise<MadeChat> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(PgStore.make({ url }), (store) =>
        Effect.promise(async () => {
          const accounts = accountsOf(members)
          await createUsers(store, accounts)
          const users: ReadonlyArray<User> = await sessionsFor(store, accounts, members)
          const chat = { gid: "nodes", members: users }
          await makeGroups(store, [chat])
          return chat
        })
      )
    )
  )

/** Starts two nodes on an empty database; `bus` is the URL of NATS, or undefined for notifications of the database. */
export const startTwoNodes = async (
  url: string,
  { folder, members, bus }: { readonly folder: string; readonly members: number; readonly bus: string | undefined }
): Promise<TwoNodes> => {
  const chat = await seed(url, members)
  const where = [
    "--database",
    url,
    "--files",
    join(folder, "nodes-files"),
    ...(bus === undefined ? [] : ["--bus", bus])
  ]
  const here = await serveWith(undefined, where)
  const there = await serveWith(undefined, where)
  return {
    here,
    there,
    chat,
    stop: async () => {
      await Promise.all([here.program.stop(), there.program.stop()])
    }
  }
}
