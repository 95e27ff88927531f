/**
 * Serves the endpoints of opened dialects: within another server (`node`, `fetch`, `upgrade`, `attach`), on a TCP port
 * (`listenTcp`), or on its own HTTP server (`serveHttp`). Requests for other paths are not touched. Installs no listener
 * on the process and never exits it.
 */
import { Authenticator, isCrossOrigin } from "@parley/core/Authenticator"
import { networkOf, plainAddress } from "@parley/core/ClientAddress"
import type { Accept } from "@parley/core/Connection"
import type { Endpoint } from "@parley/core/Dialect"
import { InputBudget, StreamBody } from "@parley/core/InputBudget"
import type { UserId } from "@parley/core/Ids"
import { LogThrottle } from "@parley/core/LogThrottle"
import { Settings } from "@parley/core/Settings"
import { ClaimRequest, type Slot, Slots, userHolder } from "@parley/core/Slots"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import * as net from "node:net"
import type { Duplex } from "node:stream"
import { WebSocketServer } from "ws"
import { attachListener, type UnmatchedUpgrade, type Server } from "../socket/attach.ts"
import { BodyBudget } from "./BodyBudget.ts"
import { BodyDeadlines } from "./BodyDeadlines.ts"
import { type HttpRoutes, type Routing, build } from "./routes.ts"
import { type Address, ListenError, listen } from "./listen.ts"
import { corsHeaders, preflightHeaders, preflightMethod } from "./cors.ts"
import { isLocal, NOT_LOCAL } from "./localOnly.ts"
import { parseMountPath } from "./mountPath.ts"
import { BODY_CONSUMED, type ParsedRequest, restoreBody, urlOf } from "./requestBody.ts"
import { watchRequest, watchWebRequest } from "./requestDeadlines.ts"
import { type Options as ConnectionOptions, type SocketConnection, defaultOptions } from "../socket/SocketConnection.ts"
import { noteSlowHttp } from "./slowRequests.ts"
import { SocketShares } from "../socket/SocketShares.ts"
import { TcpConnection } from "../socket/TcpConnection.ts"
import { isTrustedBy, clientAddressResolver } from "./trustedProxies.ts"
import { handshakeOf, refuse } from "../socket/upgrade.ts"
import { WebSocketConnection } from "../socket/WebSocketConnection.ts"

export interface Options {
  /** The endpoints of all dialects. */
  readonly endpoints: ReadonlyArray<Endpoint<HttpRoutes>>
  /** Mount path: `/im` puts `/ws` at `/im/ws`. Default: the documented paths. */
  readonly path?: string | undefined
  /**
   * Trusted proxies, whose `X-Forwarded-For` is used: addresses, ranges (`10.0.0.0/8`), `loopback`, `linklocal`,
   * `uniquelocal`. Default: none; the client's address is the peer's.
   */
  readonly trustedProxies?: ReadonlyArray<string> | undefined
  /**
   * Whether only programs on this machine are served: loopback peers, without a proxy, for a name of this machine. Others
   * get 403. For demonstrations, whose passwords are public. Default: false.
   */
  readonly localOnly?: boolean | undefined
  /** Budget of request bodies, shared with the engine's frames. Default: a separate one. */
  readonly input?: InputBudget
  /** For tests. Default: the settings `limits.frame`, `limits.sendBuffer`, `connection.ping` and `connection.stall`, and `defaultOptions`. */
  readonly connection?: Partial<ConnectionOptions>
}

/** Addresses of a web request, which a `Request` does not contain. */
export interface RequestOrigin {
  /** The client's address; overrides the request's headers. */
  readonly address?: string | undefined
  /** The peer's address, resolved through trusted proxies if `address` is absent. */
  readonly peer?: string | undefined
}

export interface HttpHost {
  /** Mount path on the server: "" or as in `/im`. */
  readonly path: string
  /** Whether a request is for one of the host's paths; `url` as in a request line. */
  readonly owns: (method: string, url: string) => boolean
  /**
   * For `http.createServer`, or as middleware before body parsers. Other paths are passed to `next`; without it they get a
   * JSON 404.
   */
  readonly node: (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void
  /**
   * For hosts with web `Request` and `Response`. Other paths get a JSON 404. No WebSockets. Pass the client's address, by
   * which failed logins are throttled: a `Request` does not contain it.
   */
  readonly fetch: (request: Request, from?: RequestOrigin) => Promise<Response>
  /** For a server's `upgrade` event. Returns false for other paths, without touching the socket. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  /**
   * Handles the WebSocket upgrades of a server, but not its HTTP requests. Upgrades for other paths: "ignore" leaves them to
   * other listeners, "refuse" replies 404 and ends the socket, "alone" (default) refuses only if there is no other
   * listener, since the socket would stay open forever. With `own`, the server stops listening when the host closes.
   * Attaching twice to one server has no effect. Returns a function that detaches.
   */
  readonly attach: (
    server: Server,
    options?: { readonly foreign?: UnmatchedUpgrade; readonly own?: boolean }
  ) => () => void
  /** Serves the protocol with a TCP endpoint; port 0 selects a free port. Returns the actual address. */
  readonly listenTcp: (address: Address) => Effect.Effect<Address, ListenError>
  /**
   * Accepts no more requests, waits for `first` while connected clients still get replies, closes WebSockets with 1001, waits
   * for the requests in flight, and ends the rest. Each wait takes at most `drain` milliseconds (default 10,000). Further
   * calls wait for the same end.
   */
  readonly close: (options?: { readonly drain?: number; readonly first?: Effect.Effect<void> }) => Effect.Effect<void>
}

const GOING_AWAY = "The server is shutting down."
const SERVER_BUSY = "Too many requests in flight; retry later."
const ADDRESS_BUSY = "Too many requests in flight from this address; retry later."
/** Seconds before a refused request may be repeated. */
const RETRY_AFTER = { "retry-after": "1" }
const NO_SUCH_PATH = "There is nothing at this path."

/** Shared by all sockets: a closure per socket would retain its upgrade request. */
const nothing = (): void => {}

const pathOf = (url: string): string => {
  const end = url.search(/[?#]/)
  return end < 0 ? url : url.slice(0, end)
}

/** A request line may contain an absolute URL. */
const targetOf = (url: string): string => {
  if (url.startsWith("/") || !URL.canParse(url)) return url
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** Node joins several of these headers, in their order. */
const forwardedFor = ({ headers }: IncomingMessage): string => String(headers["x-forwarded-for"] ?? "")

const respond = (
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {}
): void => {
  const head = { ...headers, "content-type": "application/json; charset=utf-8" }
  response.writeHead(status, head).end(JSON.stringify({ message }))
}

type HeaderOf = (name: string) => string | undefined

const headerOf =
  (headers: IncomingHttpHeaders): HeaderOf =>
  (name) => {
    const value = headers[name]
    return Array.isArray(value) ? value[0] : value
  }

/** Adds CORS headers, unless the application has done so. */
const addCorsHeaders = (response: ServerResponse, headers: Readonly<Record<string, string>>): void => {
  if (response.hasHeader("access-control-allow-origin")) return
  for (const [name, value] of Object.entries(headers)) {
    if (name === "vary") response.appendHeader(name, value)
    else response.setHeader(name, value)
  }
}

interface ActiveRequest {
  /** The client's address; "" if unknown. */
  readonly address: string
  readonly slot: Slot
  readonly body: BodyBudget
}

/** Requests in flight. */
const inFlight = new WeakMap<object, ActiveRequest>()

/** Provides the client's address, and counts the request for its user once authenticated. */
const fromClient = <A, E, R>(app: Effect.Effect<A, E, R | HttpServerRequest>) =>
  Effect.flatMap(HttpServerRequest, (request) => {
    const { address = "", slot, body } = inFlight.get(request.source) ?? {}
    const claim = (user: UserId): boolean => {
      if (slot?.claim(userHolder(user)) === false) return false
      body?.authenticate()
      return true
    }
    const addressed =
      address === ""
        ? request
        : request.modify({ remoteAddress: Option.some(address), peerAddress: request.peerAddress })
    return noteSlowHttp(app).pipe(
      Effect.provideService(HttpServerRequest, addressed),
      Effect.provideService(ClaimRequest, claim),
      Effect.provideService(StreamBody, () => body?.stream())
    )
  })

/** Sorts endpoints into routes, WebSocket paths, and at most one protocol on raw TCP. */
const sortEndpoints = (endpoints: Options["endpoints"]) => {
  const routes: Array<Routing> = []
  const paths = new Map<string, Accept>()
  let tcp: Accept | undefined
  for (const endpoint of endpoints) {
    if (endpoint._tag === "Http") routes.push(endpoint)
    else if (endpoint._tag === "WebSocket") {
      if (paths.has(endpoint.path)) throw new Error(`Two protocols use WebSockets at ${endpoint.path}.`)
      paths.set(endpoint.path, endpoint.accept)
    } else {
      if (tcp !== undefined) throw new Error("Two protocols use raw TCP; one port can serve only one of them.")
      tcp = endpoint.accept
    }
  }
  return { routes, paths, tcp }
}

/** Creates a host until the scope closes. */
export const make: (options: Options) => Effect.Effect<HttpHost, never, Scope.Scope> = Effect.fnUntraced(
  function* (options) {
    const settings = yield* Settings
    const authenticator = yield* Authenticator
    const { routes, paths, tcp } = sortEndpoints(options.endpoints)
    const mount = parseMountPath(options.path)
    const clientOf = clientAddressResolver(options.trustedProxies ?? [])
    const { localOnly = false } = options
    // A separate scope for requests: those in flight outlive the start of `close`.
    const scope = yield* Scope.make()
    const { app, owns } = yield* build(routes)
    // Routes of multipart forms have their own limit.
    const bodyLimit = settings.body
    const limited = Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bodyLimit))
    const handle = yield* NodeHttpServer.makeHandler(fromClient(app), { scope }).pipe(limited)
    const handleWeb = HttpEffect.toWebHandlerWith<never, HttpServerRequest | Scope.Scope>(
      yield* Effect.context<never>().pipe(limited)
    )(fromClient(app))
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const logError = (message: string, cause?: unknown): void => {
      run(cause === undefined ? Effect.logError(message) : Effect.logError(message, cause))
    }

    const throttle = yield* LogThrottle
    const logDropped = (
      message: string,
      reason: string,
      address: string,
      details: Record<string, number> = {}
    ): void => {
      const key = `${message} ${reason} ${networkOf(address)}`
      throttle.note({ key, level: "Info", message, details: { reason, address, ...details } })
    }
    const connectionOptions: ConnectionOptions = {
      ...defaultOptions,
      frame: settings.frame,
      sendBuffer: settings.sendBuffer,
      heartbeat: settings.ping * 1000,
      stall: settings.stall * 1000,
      dropped: ({ id, address }, reason) => logDropped("a connection was dropped", reason, address, { connection: id }),
      defect: (cause) => logError("A connection's session failed.", cause),
      ...options.connection
    }
    const webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      skipUTF8Validation: true,
      // A frame over the limit gets an error of its protocol; one far over it is rejected by `ws`.
      maxPayload: 4 * connectionOptions.frame
    })

    const connections = new Set<SocketConnection>()
    const servers = new Set<net.Server>()
    const attached = new Map<Server, () => void>()
    const slots = new Slots(settings.requests, settings.share)
    const shares = new SocketShares({
      sockets: settings.sockets,
      share: settings.share,
      isTrusted: isTrustedBy(options.trustedProxies ?? []),
      dropped: (address) => logDropped("a connection was dropped", "too many sockets from this address", address)
    })
    const input = options.input ?? new InputBudget(settings)
    const limitsOf = (address: string, body: BodyBudget) => ({
      body,
      bodies,
      stall: connectionOptions.stall,
      dropped: (reason: string) => logDropped("a request was dropped", reason, address)
    })
    const bodies = new BodyDeadlines(connectionOptions.stall, connectionOptions.every)
    let closing = false
    const watchers = new Set<{ readonly condition: () => boolean; readonly satisfied: () => void }>()

    const notifyWatchers = (): void => {
      for (const watcher of Array.from(watchers)) {
        if (watcher.condition() && watchers.delete(watcher)) watcher.satisfied()
      }
    }
    const until = (condition: () => boolean): Effect.Effect<void> =>
      Effect.callback((resume) => {
        const watcher = { condition, satisfied: () => resume(Effect.void) }
        watchers.add(watcher)
        notifyWatchers()
        return Effect.sync(() => watchers.delete(watcher))
      })
    const onClosed = (connection: SocketConnection): void => {
      connections.delete(connection)
      notifyWatchers()
    }
    const onAnswered = ({ slot, body }: ActiveRequest): void => {
      slot.release()
      body.end()
      notifyWatchers()
    }

    /** A demonstration serves this machine only, and pages of its own origin or of `origins`. */
    const isRefused = (peer: string | undefined, headers: IncomingHttpHeaders): boolean =>
      localOnly && (!isLocal(peer, headers) || isCrossOrigin({ headers: { get: headerOf(headers) } }, authenticator))

    /** Returns the headers of the response to an allowed preflight for one of the host's paths. */
    const preflight = (method: string | undefined, url: string | undefined, header: HeaderOf) => {
      const requested = preflightMethod(method, header)
      if (url === undefined || requested === undefined || !owns(requested, url)) return undefined
      return preflightHeaders(header, authenticator)
    }

    const node: HttpHost["node"] = (request: ParsedRequest, response, next) => {
      const url = mount.within(targetOf(urlOf(request)))
      const allowed = preflight(request.method, url, headerOf(request.headers))
      if (allowed !== undefined) {
        response.writeHead(204, allowed).end()
        return
      }
      if (url === undefined || !owns(request.method ?? "GET", url)) {
        if (next === undefined) respond(response, 404, NO_SUCH_PATH)
        else next()
        return
      }
      addCorsHeaders(response, corsHeaders(request.headers.origin, authenticator))
      if (isRefused(request.socket.remoteAddress, request.headers)) return respond(response, 403, NOT_LOCAL)
      if (closing) return respond(response, 503, GOING_AWAY)
      if (slots.isFull) return respond(response, 503, SERVER_BUSY, RETRY_AFTER)
      const restored = restoreBody(request, url)
      if (restored === undefined) {
        logError(`${pathOf(url)}: ${BODY_CONSUMED}`)
        return respond(response, 500, BODY_CONSUMED)
      }
      // Client disconnected while earlier middleware ran; no `close` event would follow.
      if (response.closed || response.destroyed) return
      const address = clientOf(restored.socket.remoteAddress, forwardedFor(restored))
      const slot = slots.take(networkOf(address))
      if (slot === undefined) return respond(response, 429, ADDRESS_BUSY, RETRY_AFTER)
      const body = new BodyBudget(input.open(address), bodyLimit)
      const active = { address, slot, body }
      response.once("close", () => onAnswered(active))
      inFlight.set(restored, active)
      if (watchRequest(restored, response, limitsOf(address, body))) handle(restored, response)
    }

    const fetch: HttpHost["fetch"] = (request, { address, peer } = {}) => {
      const { origin, pathname, search } = new URL(request.url)
      const url = mount.within(pathname + search)
      const header: HeaderOf = (name) => request.headers.get(name) ?? undefined
      const allowed = preflight(request.method, url, header)
      if (allowed !== undefined) return Promise.resolve(new Response(null, { status: 204, headers: allowed }))
      if (url === undefined || !owns(request.method, url)) {
        return Promise.resolve(Response.json({ message: NO_SUCH_PATH }, { status: 404 }))
      }
      if (isRefused(peer ?? address, Object.fromEntries(request.headers))) {
        return Promise.resolve(Response.json({ message: NOT_LOCAL }, { status: 403 }))
      }
      if (closing || slots.isFull) {
        return Promise.resolve(
          closing
            ? Response.json({ message: GOING_AWAY }, { status: 503 })
            : Response.json({ message: SERVER_BUSY }, { status: 503, headers: RETRY_AFTER })
        )
      }
      if (request.bodyUsed) {
        logError(`${pathname}: ${BODY_CONSUMED}`)
        return Promise.resolve(Response.json({ message: BODY_CONSUMED }, { status: 500 }))
      }
      const client =
        address !== undefined
          ? plainAddress(address)
          : peer === undefined
            ? ""
            : clientOf(peer, request.headers.get("x-forwarded-for") ?? "")
      const slot = slots.take(networkOf(client))
      if (slot === undefined) {
        return Promise.resolve(Response.json({ message: ADDRESS_BUSY }, { status: 429, headers: RETRY_AFTER }))
      }
      const body = new BodyBudget(input.open(client), bodyLimit)
      const active = { address: client, slot, body }
      const watched = watchWebRequest(request, origin + url, limitsOf(client, body))
      inFlight.set(watched.request, active)
      const cors = Object.entries(corsHeaders(header("origin"), authenticator))
      return handleWeb(watched.request)
        .then((handled) => {
          const response = watched.refused() ?? handled
          for (const [name, value] of cors) response.headers.append(name, value)
          return response
        })
        .finally(() => {
          watched.done()
          onAnswered(active)
        })
    }

    const upgrade: HttpHost["upgrade"] = (request: ParsedRequest, socket, head) => {
      const url = mount.within(targetOf(urlOf(request)))
      const accept = url === undefined ? undefined : paths.get(pathOf(url))
      if (url === undefined || accept === undefined) return false
      // First: a socket may fail immediately, and without a listener the error would end the process.
      socket.on("error", nothing)
      if (closing) {
        refuse(socket, "503 Service Unavailable")
        return true
      }
      const address = clientOf(request.socket.remoteAddress, forwardedFor(request))
      // CORS does not apply to WebSockets: only the server can refuse other origins.
      const isOtherOrigin = isCrossOrigin({ headers: { get: headerOf(request.headers) } }, authenticator)
      if (isOtherOrigin || isRefused(request.socket.remoteAddress, request.headers)) {
        refuse(socket, "403 Forbidden")
        return true
      }
      const handshake = handshakeOf(request, url, address, authenticator)
      webSockets.handleUpgrade(request, socket, head, (ws) => {
        shares.upgraded(socket)
        const connection = new WebSocketConnection(ws, socket, address, connectionOptions, onClosed)
        connections.add(connection)
        connection.open(accept, handshake)
      })
      return true
    }

    const attach: HttpHost["attach"] = (server, { foreign = "alone", own = false } = {}) => {
      const before = attached.get(server)
      if (before !== undefined) return before
      const release = attachListener(server, upgrade, foreign)
      if (own) {
        servers.add(server)
        server.on("connection", shares.opened)
      }
      const detach = (): void => {
        if (attached.delete(server)) release()
      }
      attached.set(server, detach)
      return detach
    }

    const listenTcp: HttpHost["listenTcp"] = Effect.fnUntraced(function* (address) {
      if (tcp === undefined) {
        return yield* new ListenError({ ...address, message: "No served protocol uses raw TCP." })
      }
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        if (localOnly && !isLocal(socket.remoteAddress)) return socket.destroy()
        const connection = new TcpConnection(socket, connectionOptions, onClosed)
        connections.add(connection)
        connection.open(tcp, { query: new Map() })
      })
      server.maxConnections = settings.sockets
      servers.add(server)
      return yield* listen(server, address)
    })

    let drain = 10_000
    let first: Effect.Effect<void> = Effect.void
    const closed = yield* Effect.cached(
      Effect.gen(function* () {
        for (const detach of Array.from(attached.values())) detach()
        for (const server of servers) server.close()
        yield* Effect.timeoutOption(first, drain)
        for (const connection of connections) connection.finish(1001, GOING_AWAY)
        yield* Effect.timeoutOption(
          until(() => connections.size === 0 && slots.taken === 0),
          drain
        )
        for (const connection of connections) connection.destroy()
        yield* until(() => connections.size === 0)
        webSockets.close()
      })
    )
    const close: HttpHost["close"] = (options) =>
      Effect.suspend(() => {
        if (!closing) {
          drain = options?.drain ?? drain
          first = options?.first ?? first
        }
        closing = true
        return closed
      })
    yield* Effect.addFinalizer(() => Effect.andThen(close(), Scope.close(scope, Exit.void)))

    return {
      path: mount.path,
      owns: (method, url) => {
        const own = mount.within(targetOf(url))
        return own !== undefined && (owns(method, own) || paths.has(pathOf(own)))
      },
      node,
      fetch,
      upgrade,
      attach,
      listenTcp,
      close
    }
  }
)
