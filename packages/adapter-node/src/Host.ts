/**
 * Serves the doors of opened dialects: inside somebody else's server (`node`, `fetch`, `upgrade`, `attach`), on its own
 * TCP port (`listenTcp`), or on a server of its own (`HttpServing`). It takes the requests for its own paths and leaves
 * all others alone; it installs no listener on the process and never ends it.
 */
import type { Accept, Opening } from "@parley/core/Connection"
import type { Door } from "@parley/core/Dialect"
import { Settings } from "@parley/core/Settings"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type * as Scope from "effect/Scope"
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http"
import type { Server as HttpsServer } from "node:https"
import * as net from "node:net"
import type { Duplex } from "node:stream"
import { WebSocketServer } from "ws"
import { type HttpRoutes, build } from "./HttpRoutes.ts"
import { type Address, CannotListen, listen } from "./Listening.ts"
import { CONSUMED, type ForeignRequest, restored, urlOf } from "./RequestBody.ts"
import { type Options as ConnectionOptions, type SocketConnection, defaultOptions } from "./SocketConnection.ts"
import { TcpConnection } from "./TcpConnection.ts"
import { WebSocketConnection } from "./WebSocketConnection.ts"

export interface Options {
  /** What opened dialects show, all dialects together. */
  readonly doors: ReadonlyArray<Door<HttpRoutes>>
  /** Bytes of one HTTP request body, at most; multipart routes set their own. By default the setting `limits.body`. */
  readonly body?: number
  /** By default the settings `limits.frame`, `limits.sendBuffer` and `connection.ping`, and the times of `defaultOptions`. */
  readonly connection?: Partial<ConnectionOptions>
}

export interface Host {
  /**
   * For `http.createServer`, or as middleware, before body parsers. Foreign paths go to `next`; without it they get a
   * JSON 404.
   */
  readonly node: (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void
  /** For hosts that speak the web's `Request` and `Response`. Foreign paths get a JSON 404. No WebSockets. */
  readonly fetch: (request: Request) => Promise<Response>
  /** For a server's `upgrade` event. False: not our path, and the socket was not touched. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  /**
   * Takes the WebSocket upgrades of a server; its HTTP requests are left to whoever has them. What happens to upgrades
   * for foreign paths: "ignore" leaves them to other listeners, "refuse" answers 404 and ends the socket. Attaching
   * again to the same server changes nothing. The returned function detaches.
   */
  readonly attach: (
    server: HttpServer | HttpsServer,
    options?: { readonly foreign?: "ignore" | "refuse" }
  ) => () => void
  /** Serves the protocol that has a TCP door; port 0 takes any free one. Answers the real address. */
  readonly listenTcp: (address: Address) => Effect.Effect<Address, CannotListen>
  /**
   * Takes nothing new, tells WebSocket clients 1001, and waits until what was under way is answered, `drain`
   * milliseconds at most (10 seconds by default); then ends what is left. Further calls wait for the same end.
   */
  readonly close: (options?: { readonly drain?: number }) => Effect.Effect<void>
}

const GOING_AWAY = "The server is going away."
const NO_SUCH_PATH = "There is nothing at this path."

const pathOf = (url: string): string => {
  const end = url.search(/[?#]/)
  return end < 0 ? url : url.slice(0, end)
}

const openingOf = (url: string): Opening => {
  const at = url.indexOf("?")
  return { query: new Map(at < 0 ? [] : new URLSearchParams(url.slice(at))) }
}

/** A request line may hold a whole URL, as sent to a proxy. */
const targetOf = (url: string): string => {
  if (url.startsWith("/") || !URL.canParse(url)) return url
  const { pathname, search } = new URL(url)
  return pathname + search
}

const answer = (response: ServerResponse, status: number, message: string): void => {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify({ message }))
}

const refuse = (socket: Duplex, status: "404 Not Found" | "503 Service Unavailable"): void => {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy())
}

/** What the doors come to: routes, WebSocket paths, and at most one protocol on raw TCP. */
const sorted = (doors: Options["doors"]) => {
  const routes: Array<HttpRoutes> = []
  const paths = new Map<string, Accept>()
  let tcp: Accept | undefined
  for (const door of doors) {
    if (door._tag === "Http") routes.push(door.routes)
    else if (door._tag === "WebSocket") {
      if (paths.has(door.path)) throw new Error(`Two protocols want WebSockets at ${door.path}.`)
      paths.set(door.path, door.accept)
    } else {
      if (tcp !== undefined) throw new Error("Two protocols want raw TCP, and one port cannot tell them apart.")
      tcp = door.accept
    }
  }
  return { routes, paths, tcp }
}

/** A host for as long as the scope lives. */
export const make: (options: Options) => Effect.Effect<Host, never, Scope.Scope> = Effect.fnUntraced(
  function* (options) {
    const settings = yield* Settings
    const { routes, paths, tcp } = sorted(options.doors)
    const scope = yield* Effect.scope
    const { app, owns } = yield* build(routes)
    const limited = Effect.provideService(
      HttpIncomingMessage.MaxBodySize,
      ByteSize.bytes(options.body ?? settings.body)
    )
    const handle = yield* NodeHttpServer.makeHandler(app, { scope }).pipe(limited)
    const answerWeb = HttpEffect.toWebHandlerWith<never, HttpServerRequest | Scope.Scope>(
      yield* Effect.context<never>().pipe(limited)
    )(app)
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const complain = (message: string, cause?: unknown): void => {
      run(cause === undefined ? Effect.logError(message) : Effect.logError(message, cause))
    }

    const connectionOptions: ConnectionOptions = {
      ...defaultOptions,
      frame: settings.frame,
      sendBuffer: settings.sendBuffer,
      heartbeat: settings.ping * 1000,
      defect: (cause) => complain("A connection's session failed.", cause),
      ...options.connection
    }
    const webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // A frame over the limit should get an answer in the protocol's own words; one far over it ends at `ws`.
      maxPayload: 4 * connectionOptions.frame
    })

    const connections = new Set<SocketConnection>()
    const servers = new Set<net.Server>()
    const attached = new Map<HttpServer | HttpsServer, () => void>()
    let requests = 0
    let closing = false
    const watchers = new Set<{ readonly condition: () => boolean; readonly satisfied: () => void }>()

    const tell = (): void => {
      for (const watcher of Array.from(watchers)) {
        if (watcher.condition() && watchers.delete(watcher)) watcher.satisfied()
      }
    }
    const until = (condition: () => boolean): Effect.Effect<void> =>
      Effect.callback((resume) => {
        const watcher = { condition, satisfied: () => resume(Effect.void) }
        watchers.add(watcher)
        tell()
        return Effect.sync(() => watchers.delete(watcher))
      })
    const gone = (connection: SocketConnection): void => {
      connections.delete(connection)
      tell()
    }
    const answered = (): void => {
      requests -= 1
      tell()
    }

    const node: Host["node"] = (request: ForeignRequest, response, next) => {
      if (!owns(request.method ?? "GET", targetOf(urlOf(request)))) {
        if (next === undefined) answer(response, 404, NO_SUCH_PATH)
        else next()
        return
      }
      if (closing) return answer(response, 503, GOING_AWAY)
      const whole = restored(request)
      if (whole === undefined) {
        complain(`${urlOf(request)}: ${CONSUMED}`)
        return answer(response, 500, CONSUMED)
      }
      requests += 1
      response.once("close", answered)
      handle(whole, response)
    }

    const fetch: Host["fetch"] = (request) => {
      const { pathname, search } = new URL(request.url)
      if (!owns(request.method, pathname + search)) {
        return Promise.resolve(Response.json({ message: NO_SUCH_PATH }, { status: 404 }))
      }
      if (closing) return Promise.resolve(Response.json({ message: GOING_AWAY }, { status: 503 }))
      if (request.bodyUsed) {
        complain(`${pathname}: ${CONSUMED}`)
        return Promise.resolve(Response.json({ message: CONSUMED }, { status: 500 }))
      }
      requests += 1
      return answerWeb(request).finally(answered)
    }

    const upgrade: Host["upgrade"] = (request: ForeignRequest, socket, head) => {
      const url = targetOf(urlOf(request))
      const accept = paths.get(pathOf(url))
      if (accept === undefined) return false
      // Before anything else: a socket may fail at once, and without a listener that would end the process.
      socket.on("error", () => {})
      if (closing) {
        refuse(socket, "503 Service Unavailable")
        return true
      }
      webSockets.handleUpgrade(request, socket, head, (ws) => {
        const connection = new WebSocketConnection(ws, socket, connectionOptions, gone)
        connections.add(connection)
        connection.open(accept, openingOf(url))
      })
      return true
    }

    const attach: Host["attach"] = (server, { foreign = "ignore" } = {}) => {
      const before = attached.get(server)
      if (before !== undefined) return before
      const listener = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
        if (upgrade(request, socket, head) || foreign === "ignore") return
        socket.on("error", () => {})
        refuse(socket, "404 Not Found")
      }
      const detach = (): void => {
        attached.delete(server)
        server.off("upgrade", listener)
      }
      attached.set(server, detach)
      server.on("upgrade", listener)
      return detach
    }

    const listenTcp: Host["listenTcp"] = Effect.fnUntraced(function* (wanted) {
      if (tcp === undefined) {
        return yield* new CannotListen({ ...wanted, message: "No protocol here is served over raw TCP." })
      }
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        const connection = new TcpConnection(socket, connectionOptions, gone)
        connections.add(connection)
        connection.open(tcp, { query: new Map() })
      })
      servers.add(server)
      return yield* listen(server, wanted)
    })

    let drain = 10_000
    const ended = yield* Effect.cached(
      Effect.gen(function* () {
        for (const detach of attached.values()) detach()
        for (const server of servers) server.close()
        for (const connection of connections) connection.finish(1001, GOING_AWAY)
        yield* Effect.timeoutOption(
          until(() => connections.size === 0 && requests === 0),
          drain
        )
        for (const connection of connections) connection.destroy()
        yield* until(() => connections.size === 0)
        webSockets.close()
      })
    )
    const close: Host["close"] = (options) =>
      Effect.suspend(() => {
        if (!closing) drain = options?.drain ?? drain
        closing = true
        return ended
      })
    yield* Effect.addFinalizer(() => close())

    return { node, fetch, upgrade, attach, listenTcp, close }
  }
)
