/** Users of a running server, each with a chat connection and a token, and their concurrent requests. */
import { Effect } from "effect"
import { WebSocket } from "ws"
import { md5, PASSWORD } from "../clients.ts"

export type Json = { readonly [name: string]: unknown }

/** An HTTP response; `json` is empty without a JSON body. */
export interface Answer {
  readonly status: number
  readonly json: Json
}

export interface Sent {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Actor {
  readonly account: string
  readonly id: number
  /** A system administrator. */
  readonly admin: boolean
  readonly token: string
  /** Sends a request over the chat connection. Several may be pending: replies are in the order of the requests. */
  readonly chat: (method: string, params: unknown) => Effect.Effect<Json>
  /** Like `chat`, for a request that must succeed; returns its data. */
  readonly done: (method: string, params: unknown) => Effect.Effect<unknown>
}

export const http =
  (base: string) =>
  (method: string, path: string, { body, headers = {} }: Sent = {}): Effect.Effect<Answer> =>
    Effect.promise(async () => {
      const isForm = body instanceof FormData
      const response = await fetch(base + path, {
        method,
        headers: { ...(body !== undefined && !isForm && { "content-type": "application/json" }), ...headers },
        ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) })
      })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.startsWith("application/json") === true
      return { status: response.status, json: (isJson ? JSON.parse(text) : {}) as Json }
    })

export type Http = ReturnType<typeof http>

/** A connection that matches each reply with its request. */
export const connection = (base: string) =>
  Effect.acquireRelease(
    Effect.callback<WebSocket, Error>((resume) => {
      const ws = new WebSocket(`${base.replace("http:", "ws:")}/ws`, { perMessageDeflate: false })
      ws.once("open", () => resume(Effect.succeed(ws)))
      ws.once("error", (error) => resume(Effect.fail(error)))
    }),
    (ws) => Effect.sync(() => ws.terminate())
  ).pipe(
    Effect.orDie,
    Effect.map((ws) => {
      const waiting: Array<(answer: Effect.Effect<Json>) => void> = []
      ws.on("message", (data: Buffer) => {
        const packets = JSON.parse(data.toString()) as Json | ReadonlyArray<Json>
        for (const packet of Array.isArray(packets) ? packets : [packets]) {
          if (packet["result"] !== undefined) waiting.shift()?.(Effect.succeed(packet as Json))
          else if (packet["method"] === "message") {
            // Acknowledged at once, so that no queue grows.
            ws.send(JSON.stringify({ module: "chat", method: "message", id: packet["id"], sid }))
          }
        }
      })
      ws.on("close", (code) => {
        for (const resume of waiting) resume(Effect.die(new Error(`the connection was closed with ${code}`)))
      })
      let sid = ""
      return {
        ask: (method: string, params: unknown): Effect.Effect<Json> =>
          Effect.callback((resume) => {
            waiting.push(resume)
            const [module, name] = method.includes("/") ? method.split("/") : ["chat", method]
            ws.send(JSON.stringify({ module, method: name, ...(sid !== "" && { sid }), params }))
          }),
        enter: (live: string) => {
          sid = live
        }
      }
    })
  )

export const actor = Effect.fnUntraced(function* (base: string, account: string) {
  const { json } = yield* http(base)("POST", "/auth/login", { body: { account, password: PASSWORD } })
  const { token, user } = json as { readonly token: string; readonly user: { readonly id: number; admin: boolean } }
  const { ask, enter } = yield* connection(base)
  const login = yield* ask("login", { account, password: md5(PASSWORD) })
  enter(String(login["sid"]))
  return actorWith({ account, id: user.id, admin: user.admin, token }, ask)
})

/** Returns an actor with this chat connection. */
export const actorWith = (
  { account, id, admin, token }: Pick<Actor, "account" | "id" | "admin" | "token">,
  chat: Actor["chat"]
): Actor => ({
  account,
  id,
  admin,
  token,
  chat,
  done: (method, params) =>
    Effect.flatMap(chat(method, params), (answer) =>
      answer["result"] === "success"
        ? Effect.succeed(answer["data"])
        : Effect.die(new Error(`${account}: ${method} ${JSON.stringify(params)} answered ${JSON.stringify(answer)}`))
    )
})

/** The actors. Rights depend on the chat and on `admin`, so a few users suffice for all roles. */
export interface Actors {
  readonly base: string
  readonly http: Http
  /** Has every role but those of system administrators. */
  readonly alice: Actor
  readonly admin: Actor
  /** Creates the chats that the actor does not create. */
  readonly bob: Actor
  /** A permanent member, who observes and may be removed. */
  readonly carol: Actor
  /** Not a member, and may be added. */
  readonly dave: Actor
  /** Message of xuanxuan for an unknown chat; it has no error codes. */
  readonly missing: unknown
}

export const openActors = Effect.fnUntraced(function* (base: string) {
  const of = (account: string) => actor(base, account)
  const alice = yield* of("alice")
  const nowhere = yield* alice.chat("members", { gid: "nowhere" })
  const made: Actors = {
    base,
    http: http(base),
    alice,
    missing: nowhere["message"],
    admin: yield* of("admin"),
    bob: yield* of("bob"),
    carol: yield* of("carol"),
    dave: yield* of("dave")
  }
  return made
})

let last = 0
/** Returns a number that is unique in this process. */
export const fresh = (): number => ++last
export const freshGid = (): string => `algebra-${process.pid}-${fresh()}`
