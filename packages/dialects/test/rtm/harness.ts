/** A server with the rtm protocol on SQLite, in the process of the test, and the published SDKs as its clients. */
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { createParley, type Parley, type ParleyOptions } from "@parley/adapter-node"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import { createServer, type Server } from "node:http"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as sdk4 from "leancloud-realtime"
import * as sdk5 from "leancloud-realtime-5"
import { dialect } from "../../src/rtm/index.ts"
import type { ServedDialect } from "@parley/adapter-node/serve"

/** The API that both versions have. */
export type Sdk = typeof sdk4
export type Client = sdk4.IMClient

/** The SDKs by version; the judges of this protocol. */
export const sdks: ReadonlyArray<readonly [version: string, sdk: Sdk]> = [
  ["4.3.1", sdk4],
  ["5.0.0-rc.8", sdk5 as unknown as Sdk]
]

export interface RtmServer {
  readonly parley: Parley
  readonly http: string
  /** URL of the WebSocket. */
  readonly url: string
  /** Ends the engine and opens another one on the same database, behind the same HTTP server. */
  readonly restart: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts a server with the apps `own-…`, one for each SDK, whose clients are their own users. */
export const startServer = async (
  dialects: ReadonlyArray<ServedDialect> = [],
  options: Pick<ParleyOptions, "demonstration" | "login" | "settings"> = {}
): Promise<RtmServer> => {
  const folder = mkdtempSync(join(tmpdir(), "parley-rtm-"))
  const open = (): Promise<Parley> =>
    createParley({
      store: SqliteStore.layer({ file: join(folder, "parley.db") }),
      blobs: MemoryBlobs.layer,
      dialects: [dialect, ...dialects],
      ...options
    })
  let parley = await open()
  for (const [version] of sdks) await parley.operate("rtm-app add", { id: `own-${version}`, key: "secret" })
  const server: Server = createServer((request, response) => parley.node(request, response))
  parley.attach(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return {
    get parley() {
      return parley
    },
    http: `http://127.0.0.1:${port}`,
    url: `ws://127.0.0.1:${port}/rtm`,
    restart: async () => {
      await parley.close({ drain: 10_000 })
      parley = await open()
      parley.attach(server)
    },
    close: async () => {
      await parley.close({ drain: 100 })
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Options of the SDK, and of the app. */
export interface ConnectOptions {
  /** An existing app; by default a new one, since an SDK has one `Realtime` of each app. */
  readonly appId?: string
  /** Whether conversations of a new app are public. */
  readonly public?: boolean
  /** Whether unique conversations of two clients of a new app are direct chats. */
  readonly direct?: boolean
  /** Plugins of the SDK. */
  readonly plugins?: ReadonlyArray<unknown>
  /** Texts in base64 instead of binary frames. */
  readonly noBinary?: boolean
  /** Whether missed messages are pushed at a login, by version 4 only. */
  readonly pushOfflineMessages?: boolean
}

let apps = 0

/** Connects to a server: version 4 by the address of the WebSocket, version 5 by the router. */
export const connect = async (
  sdk: Sdk,
  server: Pick<RtmServer, "http" | "parley" | "url">,
  { appId = `app-${++apps}`, public: isPublic = false, direct = false, ...options }: ConnectOptions = {}
): Promise<sdk4.Realtime> => {
  if (appId === `app-${apps}`)
    await server.parley.operate("rtm-app add", { id: appId, "all-users": true, public: isPublic, direct })
  const { host } = new URL(server.http)
  const address = sdk === sdk4 ? { RTMServers: server.url, server: host } : { server: server.http, ssl: false }
  return new sdk.Realtime({ appId, appKey: "unused", ...options, ...address } as never)
}

interface Emitter {
  readonly once: (event: never, listener: (...payload: ReadonlyArray<never>) => void) => unknown
}

/** Resolves to the payload of an emitter's next event. */
export const next = <A extends ReadonlyArray<unknown> = ReadonlyArray<unknown>>(
  emitter: Emitter,
  event: string
): Promise<A> =>
  new Promise((resolve) => {
    emitter.once(event as never, (...payload) => resolve(payload as unknown as A))
  })

/** Resolves to the code of the error with which a promise rejects. */
export const codeOf = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    return { resolved: await promise }
  } catch (error) {
    return (error as { readonly code?: unknown }).code ?? error
  }
}

/** Ends the connection under a client, as a network would, and reconnects after `meanwhile`. */
export const cut = async (
  realtime: sdk4.Realtime,
  client: Client,
  meanwhile: () => Promise<unknown> = () => Promise.resolve()
): Promise<void> => {
  const { _ws: socket } = (client as unknown as SdkClient)._connection
  const scheduled = next(realtime, "schedule")
  const reconnected = next(client, "reconnect")
  socket.terminate()
  await scheduled
  await meanwhile()
  realtime.retry()
  await reconnected
}

/** Parts of the SDK's client that are not in its types. */
interface SdkClient {
  readonly _connection: { readonly _ws: { readonly terminate: () => void } }
}
