/** Harness: protocols on an engine in memory, with HTTP requests but no network. */
import { Effect, Layer } from "effect"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as Host from "../../../adapter-node/src/internal/http/HttpHost.ts"
import type { HttpRoutes } from "../../../adapter-node/src/internal/http/routes.ts"
import type { OpenDialect, OperatorCommand } from "@parley/core/Dialect"
import type { UserCaller } from "@parley/core/Event"
import * as Parley from "@parley/core/Parley"
import { Passwords } from "@parley/core/Passwords"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { type UserDraft, Users } from "@parley/core/Users"

/** These tests do not log in with passwords. */
const passwords = Layer.succeed(
  Passwords,
  Passwords.of({ hash: (secret) => Effect.succeed(secret), verify: () => Effect.succeed(false) })
)

/** Engine whose store, in memory by default, is replaced by `change`. */
export const engineOver = (
  change: (store: Store["Service"]) => Partial<Store["Service"]>,
  storeLayer: Layer.Layer<Store> = MemoryStore.layer
) =>
  Parley.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        MemoryBlobs.layer,
        Layer.effect(
          Store,
          Effect.map(Store, (store) => Store.of({ ...store, ...change(store) }))
        ).pipe(Layer.provide(storeLayer)),
        passwords
      )
    )
  )

export const engineLayer = engineOver(() => ({}))

export interface Reply {
  readonly status: number
  readonly text: string
  readonly json: unknown
  readonly allow: string | null
  readonly cacheControl: string | null
  readonly headers: Headers
}

export interface Call {
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent unchanged. */
  readonly body?: string
  /** Sent as multipart/form-data. */
  readonly form?: FormData
  /** Sent as it is read. */
  readonly stream?: ReadableStream<Uint8Array>
  readonly headers?: Readonly<Record<string, string>>
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Sends requests to an opened protocol. */
export const clientOf = (opened: OpenDialect<HttpRoutes>) =>
  Effect.map(
    Host.make({ endpoints: opened.endpoints }),
    (host) =>
      (method: string, path: string, { json, body, form, stream, headers }: Call = {}): Effect.Effect<Reply> =>
        Effect.promise(async () => {
          // As bytes: a stream that the server does not read to its end would fail later.
          const encoded = form === undefined ? undefined : new Response(form)
          const formType = encoded?.headers.get("content-type") ?? undefined
          const content = (await encoded?.arrayBuffer()) ?? (json === undefined ? body : JSON.stringify(json))
          const response = await host.fetch(
            new Request(`http://parley${path}`, {
              method,
              ...(stream !== undefined && { body: stream, duplex: "half" }),
              ...(content !== undefined && { body: content }),
              headers: { "content-type": formType ?? "application/json", ...headers }
            })
          )
          const text = await response.text()
          const { status } = response
          return {
            status,
            text,
            json: parsed(text),
            allow: response.headers.get("allow"),
            cacheControl: response.headers.get("cache-control"),
            headers: response.headers
          }
        })
  )

export type Client = Effect.Success<ReturnType<typeof clientOf>>

export interface TestUser {
  readonly id: number
  readonly token: string
  readonly caller: UserCaller
}

/** Adds users, each with a token. */
export const addUsers = Effect.fnUntraced(function* (...drafts: ReadonlyArray<string | UserDraft>) {
  const users = yield* Users
  const sessions = yield* Sessions
  const added = yield* users.add(drafts.map((draft) => (typeof draft === "string" ? { account: draft } : draft)))
  return yield* Effect.forEach(added, (user) =>
    Effect.map(sessions.issue(user.id, "token"), ({ token }): TestUser => ({
      id: user.id,
      token,
      caller: { user: user.id, device: null }
    }))
  )
})

/** Runs an operator's command; returns its text, the rows of its list in lines, or its error. */
export const operate = (
  commands: ReadonlyArray<OperatorCommand>,
  words: string,
  inputs: Parameters<OperatorCommand["run"]>[0] = {}
): Effect.Effect<string> => {
  const command = commands.find((one) => one.path.join(" ") === words)
  if (command === undefined) return Effect.die(new Error(`there is no command ${words}`))
  return Effect.match(command.run(inputs), {
    onFailure: (problem) => `no: ${problem}`,
    onSuccess: (output) =>
      typeof output === "string"
        ? output
        : output.rows
            .map((row) =>
              Object.values(row)
                .filter((value) => value !== null)
                .join(" ")
            )
            .join("\n")
  })
}
