/** Harness: the protocol on an engine in memory without a network, and its apps. */
import * as Host from "../../../adapter-node/src/internal/http/HttpHost.ts"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Engine } from "@parley/core/Engine"
import type { UserCaller } from "@parley/core/Event"
import type { UserId } from "@parley/core/Ids"
import * as Parley from "@parley/core/Parley"
import { Sessions } from "@parley/core/Sessions"
import { type EngineSettings, Settings } from "@parley/core/Settings"
import { Store, type Write } from "@parley/core/Store"
import { expect } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import { people, plainPasswords } from "../../../core/test/harness.ts"
import { dialect } from "../../src/spark/index.ts"

export type Fields = { readonly [name: string]: unknown }

export interface Reply {
  readonly status: number
  readonly body: Fields
  readonly headers: Headers
}

export const engineOn = (store: Layer.Layer<Store>) =>
  Parley.layer.pipe(Layer.provideMerge(Layer.merge(store, plainPasswords)))

export const engine = engineOn(MemoryStore.layer)

/** The document's key of a set, computed independently of the protocol's code. */
export const md5 = (...accounts: ReadonlyArray<string>): string =>
  createHash("md5")
    .update([...accounts].sort().join())
    .digest("hex")

/** A session in responses. */
export const sessionOf = (id: unknown, ...accounts: ReadonlyArray<string>): Fields => ({
  SesssionId: id,
  SessionId: id,
  Members: [...accounts].sort(),
  md5: md5(...accounts)
})

/** Serves the protocol with these users, each with an app that has their token. */
export const apps = Effect.fnUntraced(function* (
  accounts: ReadonlyArray<string>,
  settings: Partial<EngineSettings> = {}
) {
  const defaults = yield* Settings
  const { endpoints } = yield* dialect.open({ settings: {}, tcp: () => undefined })
  const host = yield* Host.make({ endpoints }).pipe(Effect.provideService(Settings, { ...defaults, ...settings }))
  const sessions = yield* Sessions
  const { context, perform } = yield* Engine

  const request = (path: string, init: RequestInit): Effect.Effect<Reply> =>
    Effect.promise(async () => {
      const response = await host.fetch(new Request(`http://spark.test${path}`, init))
      return { status: response.status, body: (await response.json()) as Fields, headers: response.headers }
    })

  const app = Effect.fnUntraced(function* (account: string) {
    const [caller] = yield* people(account)
    if (caller === undefined) return yield* Effect.die(`no ${account}`)
    const { token } = yield* sessions.issue(caller.user, "token")
    const call = (path: string, body: unknown): Effect.Effect<Reply> =>
      request(`${path}?token=${token}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body)
      })
    return {
      account,
      caller: caller satisfies UserCaller,
      token,
      call,
      form: (path: string, body: string): Effect.Effect<Reply> =>
        request(`${path}?token=${token}`, {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body
        }),
      /** Starts a session with these members; returns its id. */
      start: (...To: ReadonlyArray<string>): Effect.Effect<string> =>
        Effect.map(call("/session/start", { To }), ({ body }) => String(body["SessionId"])),
      /** Sends a text; returns its id. */
      say: (SessionId: string, Content: string): Effect.Effect<string> =>
        Effect.map(call("/message/push", { SessionId, Type: 0, Content }), ({ body }) => String(body["MessageId"]))
    }
  })
  const all = yield* Effect.forEach(accounts, app)
  return {
    request,
    apps: all,
    /** Returns the app of a user. */
    of: (account: string) => {
      const found = all.find((one) => one.account === account)
      if (found === undefined) throw new Error(`no ${account}`)
      return found
    },
    context,
    perform,
    chat: (gid: string) =>
      Effect.flatMap(context.chats.find({ gid }), (chat) =>
        chat === undefined ? Effect.die(`no chat ${gid}`) : Effect.succeed(chat.chat)
      )
  }
})

/** A system chat: of all users, without a creator. */
export const systemChat = (gid: string, ...admins: ReadonlyArray<UserId>): Write => ({
  _tag: "CreateChat",
  by: null,
  chat: {
    gid,
    name: "",
    type: "system",
    public: false,
    subject: 0,
    createdBy: null,
    owner: null,
    admins,
    senders: [],
    createdAt: 0,
    attributes: {},
    members: []
  }
})

/** Asserts that the actual value contains the expected one; `what` labels a failure. */
export const like = (found: unknown, wanted: object, what = ""): void =>
  expect({ what, found }).toMatchObject({ what, found: wanted })

export const failed = (status: number, error: string, message: unknown): Fields => ({
  status,
  body: { success: false, error, message }
})
