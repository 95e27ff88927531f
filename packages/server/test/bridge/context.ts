/** One running server with all users: chat clients of most, tokens of all, and one offline user. */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { type Client, desktop, idsOf, md5, online, PASSWORD } from "../clients.ts"
import { serveInProcess } from "../inProcess.ts"
import { type CallbackReceiver, callbackReceiver } from "./callback.ts"
import { rtmClients, type RtmClients } from "./rtmClient.ts"

export type Fields = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly json: Fields
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: object
  readonly form?: Readonly<Record<string, string>>
}

/** Users with a chat client all the time. */
export const ONLINE = ["admin", "alice", "bob", "dave", "erin"] as const
/** Member of many chats beside `bob`. */
export const PEER = "erin"
/** User that connects only for moments, to get the offline queue. */
export const OFFLINE = "carol"
export const ACCOUNTS = [...ONLINE, OFFLINE] as const
export type Account = (typeof ACCOUNTS)[number]

/**
 * Connection of the chat clients that readers observe: WebSocket in the documented profile, or raw TCP in the profile of the
 * published 1.0 client.
 */
export type Transport = "WebSocket" | "TCP"

/** Connects a 1.0 chat client. */
const loginOverTcp = Effect.fnUntraced(function* (tcp: string, account: string) {
  const client = yield* desktop(tcp)
  yield* client.get("login", [account, md5(PASSWORD), "online"])
  yield* client.until("the list of chats", () => client.pushes("getlist").length > 0)
  return client
})

export class BridgeContext extends Context.Service<
  BridgeContext,
  {
    readonly http: string
    readonly transport: Transport
    /** Returns the chat client of an online user. */
    readonly clientOf: (account: string) => Client
    readonly id: (account: string) => number
    readonly token: (account: string) => string
    readonly ask: (method: string, path: string, asked?: Asked) => Effect.Effect<Answer>
    /** Connects the offline user, waits for the message with this text, and disconnects. */
    readonly reconnectFor: (content: string) => Effect.Effect<Client, string>
    /** Receiver of the messages that users send to the app of youdu. */
    readonly callback: CallbackReceiver
    /** Clients of rtm. The offline user has only momentary ones. */
    readonly rtm: RtmClients
  }
>()("test/bridge/BridgeContext") {
  /** `bob`, the observed reader, and the offline user use this transport; all others WebSocket. */
  static readonly over = (transport: Transport) =>
    Layer.effect(
      BridgeContext,
      Effect.gen(function* () {
        const { http, tcp, commands } = yield* serveInProcess({ "youdu.callbackRetry": 1 })
        const { receiver, inputs } = yield* callbackReceiver
        // The app's user is in everybody's list from now on.
        yield* Effect.orDie(commands.find(({ path }) => path.join(" ") === "youdu-app set-callback")!.run(inputs))
        const ask = (method: string, path: string, { headers = {}, json, form }: Asked = {}): Effect.Effect<Answer> =>
          Effect.promise(async () => {
            const response = await fetch(http + path, {
              method,
              headers: { ...(json !== undefined && { "content-type": "application/json" }), ...headers },
              ...(json !== undefined && { body: JSON.stringify(json) }),
              ...(form !== undefined && { body: new URLSearchParams(form) })
            })
            const text = await response.text()
            return { status: response.status, json: (text === "" ? {} : JSON.parse(text)) as Fields }
          })
        const clients = new Map<string, Client>()
        const comes = (account: string) => (transport === "TCP" ? loginOverTcp(tcp, account) : online(http, account))
        for (const account of ONLINE) {
          // One other uses TCP's profile over WebSocket, and must get the same bytes.
          const query = transport === "TCP" && account === PEER ? "?profile=client-1.0" : ""
          clients.set(account, yield* account === "bob" ? comes(account) : online(http, account, { query }))
        }
        const tokens = new Map<string, string>()
        for (const account of ACCOUNTS) {
          const { json } = yield* ask("POST", "/auth/login", { json: { account, password: PASSWORD } })
          tokens.set(account, String(json["token"]))
        }
        const known = <A>(map: ReadonlyMap<string, A>, account: string): A => {
          const found = map.get(account)
          if (found === undefined) throw new Error(`there is no ${account} here`)
          return found
        }
        const clientOf = (account: string): Client => known(clients, account)
        const ids = idsOf(clientOf("alice"))
        const rtm = rtmClients(http)
        yield* Effect.addFinalizer(() => rtm.close)
        return BridgeContext.of({
          http,
          rtm,
          transport,
          clientOf,
          id: (account) => known(ids, account),
          token: (account) => known(tokens, account),
          ask,
          callback: receiver,
          reconnectFor: Effect.fnUntraced(function* (content) {
            const client = yield* comes(OFFLINE)
            yield* client.untilMessage(content)
            client.acknowledge(client.packets)
            yield* client.get("ping")
            yield* client.leave
            return client
          }, Effect.scoped)
        })
      })
    )
}

type Ask = BridgeContext["Service"]["ask"]

/** Sends a request that must succeed. */
export const got = (
  { ask }: BridgeContext["Service"],
  ...[method, path, asked]: Parameters<Ask>
): Effect.Effect<Fields> =>
  Effect.map(ask(method, path, asked), ({ status, json }) => {
    assert.isTrue(status >= 200 && status < 300, `${method} ${path}: ${status} ${JSON.stringify(json)}`)
    return json
  })

let texts = 0
/** Returns a unique text. */
export const fresh = (what: string): string => `${what} ${++texts}`
