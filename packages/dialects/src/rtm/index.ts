/**
 * The `rtm` protocol: clients of a hosted messaging service's SDKs, over WebSocket, as protocol buffers.
 */
import { Acceptor } from "@parley/core/Acceptor"
import type { Accept, Peer } from "@parley/core/Connection"
import { type Dialect, DialectConfigError } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { FileId } from "@parley/core/Ids"
import { Sessions } from "@parley/core/Sessions"
import { Settings, text } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type { HttpRoutes } from "../_http/protocolRoutes.ts"
import { DIALECT, makeApps } from "./apps.ts"
import { type ClientHost, ClientConnections, type Format } from "./ClientConnections.ts"
import { makeClients } from "./clients.ts"
import type { Deps } from "./context.ts"
import { type EncodingFacts, makeSerializer } from "./encode.ts"
import { makeRequests } from "./handle.ts"
import { importCommand } from "./importCommand.ts"
import { OpenConnections } from "./OpenConnections.ts"
import { PendingReceipts } from "./PendingReceipts.ts"
import { routesOf, WEBSOCKET_PATH } from "./routes.ts"

const settings = {
  address: text(
    "rtm.address",
    "",
    "URL of the WebSocket that the router returns, such as `wss://chat.example.com/rtm`; empty for the host of the request."
  )
}

/** Formats of frames, by subprotocol. */
const FORMATS: ReadonlyMap<string | undefined, Format> = new Map([
  ["lc.protobuf2.1", { frames: "binary", missed: "pushed" }],
  ["lc.proto2base64.1", { frames: "base64", missed: "pushed" }],
  ["lc.protobuf2.3", { frames: "binary", missed: "counted" }],
  ["lc.proto2base64.3", { frames: "base64", missed: "counted" }]
])
/** WebSocket close codes of RFC 6455. */
const CLOSE_GOING_AWAY = 1001
const CLOSE_PROTOCOL = 1002

const nothing = (): void => {}
/** The end of a connection that is being closed. */
const REFUSED: Peer = { receive: nothing, invalidUtf8: nothing, oversized: nothing, closed: nothing }

/** Beginning of the ids of clients that have none, and bytes of randomness in them. */
const ANONYMOUS = "anonymous-"
const CLIENT_ID_BYTES = 16

const DEMO_APP = "rtm-demo"
const DEMO_KEY = "demo-master-key"

type Requirements = Acceptor | Digest.Digest | Engine | Hub | SecureRandom.SecureRandom | Sessions | Store | Users

/** The `rtm` protocol, for `createParley` and `serve`. No client can log in before an app is added. */
export const dialect: Dialect<HttpRoutes, Requirements, DialectConfigError> = {
  name: DIALECT,
  settings: Object.values(settings),
  open: Effect.fnUntraced(function* (context) {
    const engine = yield* Engine
    const store = yield* Store
    const users = yield* Users
    const random = yield* SecureRandom.SecureRandom
    const acceptor = yield* Acceptor
    const address = String(context.settings[settings.address.key] ?? settings.address.default)
    if (address !== "" && !/^wss?:\/\/[^\s/]+(?:\/\S*)?$/.test(address)) {
      return yield* new DialectConfigError({ message: `${settings.address.key} must be a URL with ws: or wss:` })
    }
    const apps = makeApps(store, engine, random)
    const { context: engineContext } = engine
    const facts: EncodingFacts = {
      clientOf: (user) => (user === null ? "" : (engineContext.users.getCached(user)?.account ?? "")),
      receipts: new PendingReceipts(),
      linkOf: (file) => engineContext.fileUrls[0]?.(FileId(file)),
      headOf: (chat) => engineContext.chats.getCached({ id: chat.id })?.head
    }
    const deps: Deps = {
      apps,
      clients: makeClients({ engine, store, users }),
      engine,
      hub: yield* Hub,
      sessions: yield* Sessions,
      users,
      store,
      settings: yield* Settings,
      clock: yield* Clock.Clock,
      random,
      digest: yield* Digest.Digest,
      mac: yield* Effect.provide(Mac.Mac, Mac.layerWebCrypto),
      facts
    }
    const requests = makeRequests(deps)
    const serializer = makeSerializer(facts)
    const connections = new OpenConnections()
    const host: ClientHost = {
      ended: connections.ended,
      newClientId: () => ANONYMOUS + Hex.encode(Effect.runSync(random.randomBytes(CLIENT_ID_BYTES))),
      accept: (client) => acceptor.accept(client, serializer, requests),
      // Refused if the sender may not send any more.
      sendWill: (caller, will) => {
        // Clients that leave because the server closes come back.
        if (connections.isDraining) return
        acceptor.run(
          Effect.ignore(
            engine.commands.run(
              (run) => run(caller, will),
              () => {}
            )
          )
        )
      }
    }
    const accept: Accept = (connection, { subprotocol, query }) => {
      const format = FORMATS.get(subprotocol ?? query.get("subprotocol"))
      if (format !== undefined && !connections.isDraining) {
        const clients = new ClientConnections(connection, format, host)
        connections.add(clients)
        return clients
      }
      if (format === undefined) connection.close(CLOSE_PROTOCOL, "unsupported subprotocol")
      else connection.close(CLOSE_GOING_AWAY, "the server is closing")
      return REFUSED
    }
    return {
      endpoints: [
        { _tag: "WebSocket", path: WEBSOCKET_PATH, accept },
        { _tag: "Http", ...routesOf({ ...deps, address }) }
      ],
      commands: [...apps.commands, importCommand(deps)],
      drain: connections.drain,
      demo: apps.ensure(DEMO_APP, {
        key: DEMO_KEY,
        accounts: "all",
        conversations: "private",
        pairs: "direct",
        signed: []
      }),
      removeDemo: Effect.map(apps.removeUnchanged(DEMO_APP, DEMO_KEY), (removed) =>
        removed ? [`the app ${DEMO_APP} of rtm`] : []
      )
    }
  })
}
