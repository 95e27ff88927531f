/** Harness: the protocol on an engine in memory, with HTTP requests but no network. */
import { Effect, Layer, Logger, References } from "effect"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as Host from "../../../adapter-node/src/internal/http/HttpHost.ts"
import type { OpenDialect } from "@parley/core/Dialect"
import * as Parley from "@parley/core/Parley"
import { Passwords } from "@parley/core/Passwords"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { type UserDraft, Users } from "@parley/core/Users"
import { dialect } from "../../src/hisihi/index.ts"
import type { HttpRoutes } from "../../src/_http/protocolRoutes.ts"

/** These tests do not log in with passwords. */
const passwords = Layer.succeed(
  Passwords,
  Passwords.of({ hash: (secret) => Effect.succeed(secret), verify: () => Effect.succeed(false) })
)

export const engineLayer = Parley.layer.pipe(Layer.provideMerge(Layer.merge(MemoryStore.layer, passwords)))

/** Engine with a replaced store. */
export const engineOver = (change: (store: Store["Service"]) => Partial<Store["Service"]>) =>
  Parley.layer.pipe(
    Layer.provideMerge(
      Layer.merge(
        Layer.effect(
          Store,
          Effect.map(Store, (store) => Store.of({ ...store, ...change(store) }))
        ).pipe(Layer.provide(MemoryStore.layer)),
        passwords
      )
    )
  )

/** The checked parts of a response. */
interface Json {
  readonly [field: string]: unknown
}

export interface Reply {
  readonly status: number
  readonly text: string
  readonly json: Json
  readonly headers: Headers
}

export interface Call {
  readonly query?: Record<string, string>
  readonly form?: Record<string, string>
  readonly parts?: Record<string, string>
  readonly json?: unknown
  readonly body?: string
  readonly headers?: Record<string, string>
}

const bodyOf = ({ form, parts, json, body }: Call): BodyInit | null => {
  if (form !== undefined) return new URLSearchParams(form)
  if (json !== undefined) return JSON.stringify(json)
  if (parts === undefined) return body ?? null
  const data = new FormData()
  for (const [name, value] of Object.entries(parts)) data.append(name, value)
  return data
}

export const clientOf = (opened: OpenDialect<HttpRoutes>) =>
  Effect.map(
    Host.make({ endpoints: opened.endpoints }),
    (host) =>
      (method: string, path: string, call: Call = {}) =>
        Effect.promise(async (): Promise<Reply> => {
          const query = call.query === undefined ? "" : `?${new URLSearchParams(call.query).toString()}`
          const response = await host.fetch(
            new Request(`http://parley${path}${query}`, {
              method,
              body: bodyOf(call),
              headers: { ...(call.json !== undefined && { "content-type": "application/json" }), ...call.headers }
            })
          )
          const text = await response.text()
          return {
            status: response.status,
            text,
            json: text === "" ? {} : (JSON.parse(text) as Json),
            headers: response.headers
          }
        })
  )

/** By default a demonstration on a loopback address. */
export const openedEmpty = (settings: Readonly<Record<string, string | boolean>> = {}, demonstration = true) =>
  dialect.open({ settings, tcp: () => undefined, demonstration })

export const opened = (settings: Readonly<Record<string, string | boolean>> = {}, demonstration = true) =>
  openedEmpty(settings, demonstration).pipe(Effect.tap(({ demo }) => demo))

export const fixture = Effect.fnUntraced(function* (settings: Readonly<Record<string, string | boolean>> = {}) {
  return yield* clientOf(yield* opened(settings))
})

/** Adds users; returns the headers of each. */
export const addUsers = Effect.fnUntraced(function* (...drafts: ReadonlyArray<string | UserDraft>) {
  const users = yield* Users
  const sessions = yield* Sessions
  const added = yield* users.add(drafts.map((draft) => (typeof draft === "string" ? { account: draft } : draft)))
  return yield* Effect.forEach(added, (user) =>
    Effect.map(sessions.issue(user.id, "token"), ({ token }) => ({ authorization: `Bearer ${token}` }))
  )
})

/** Runs a test with the audit log's acts so far. */
export const audited = <A, E, R>(test: (acts: ReadonlyArray<unknown>) => Effect.Effect<A, E, R>) => {
  const acts: Array<unknown> = []
  const logger = Logger.make(({ fiber }) => {
    const details = fiber.getRef(References.CurrentLogAnnotations)
    if ("audit" in details) acts.push({ ...details })
  })
  return test(acts).pipe(Effect.provide(Logger.layer([logger])))
}

export const GROUP = {
  group_name: "666",
  member_client_ids: "o12:u232:p23",
  organization_id: "2",
  conversion_id: "dasjfr4529sadfh",
  group_avatar: "http://pic.hisihi.com/232rwfrqw.jpg"
}
