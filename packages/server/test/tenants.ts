/** A server in the process of the test with users of three tenants, and its refusals. */
import { assert } from "@effect/vitest"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley, type VisibilityOption } from "@parley/adapter-node"
import { ParleyError } from "@parley/core"
import { UserId } from "@parley/core/Ids"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as hisihi } from "@parley/dialects/hisihi"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { dialect as youdu } from "@parley/dialects/youdu"
import { Effect } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { md5, webSocket } from "./clients.ts"

export const PASSWORD = "correct-horse-7"

/** Organisation of each account. */
export const PEOPLE = { ann: 1, al: 1, amy: 1, root: 1, ben: 2, bea: 2, nia: null, noa: null } as const

/** An account and an id that do not exist. */
export const NOBODY = "zed"
export const NO_ID = 99

/** Protocols and users of three tenants in a server of the test. */
export const tenants = (visibility: VisibilityOption) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const parley = await createParley({
        store: MemoryStore.layer,
        blobs: MemoryBlobs.layer,
        dialects: [xuanxuan, spark, hisihi, ha, youdu],
        settings: { "hisihi.auth": "token" },
        login: true,
        visibility,
        log: () => {}
      })
      const users = await parley.users.addAll(
        Object.entries(PEOPLE).map(([account, organisation]) => ({
          account,
          organisation,
          password: PASSWORD,
          admin: account === "root"
        }))
      )
      await parley.addSystemChat()
      await parley.operate("ha-key add", { key: "app" })
      const ids = Object.fromEntries(users.map(({ account, id }) => [account, id])) as Record<
        keyof typeof PEOPLE,
        UserId
      >
      const server = createServer((request, response) => parley.node(request, response))
      parley.attach(server)
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      return { parley, ids, http, server }
    }),
    ({ parley, server }) =>
      Effect.promise(async () => {
        await parley.close()
        server.close()
      })
  )

export const online = Effect.fnUntraced(function* (http: string, account: string) {
  const client = yield* webSocket(http)
  yield* client.get("login", { account, password: md5(PASSWORD) })
  yield* client.until("the list of chats", () => client.pushes("getlist").length > 0)
  return client
})

export const accountsIn = (data: unknown): ReadonlyArray<string> =>
  (data as ReadonlyArray<{ readonly account: string }>).map(({ account }) => account).toSorted()

/** The users who see each other are the same by organisation and by the host's own function. */
export const policies: ReadonlyArray<readonly [name: string, visibility: VisibilityOption]> = [
  ["by organisation", "organisation"],
  [
    "by a function of pairs",
    async (pairs) => {
      assert.isAtMost(pairs.length, 1000)
      return pairs.map(
        ({ viewer, other }) => viewer.organisation !== null && viewer.organisation === other.organisation
      )
    }
  ]
]

/** The same refusal, with the same words. */
export const refused = async (
  invisible: () => Promise<unknown>,
  missing: () => Promise<unknown>,
  names: readonly [unknown, unknown]
) => {
  const errors: Array<object> = []
  for (const [index, call] of [invisible, missing].entries()) {
    const error: unknown = await call().then(
      () => "nothing was refused",
      (cause: unknown) => cause
    )
    assert.instanceOf(error, ParleyError)
    const text = JSON.stringify({ code: error.code, message: error.message, reason: error.reason })
    errors.push(JSON.parse(text.replaceAll(String(names[index]), "X")) as object)
  }
  assert.deepStrictEqual(errors[0], errors[1])
}
