/**
 * Serves the doors of opened dialects: inside somebody else's server (`node`, `fetch`, `upgrade`, `attach`), on its own
 * TCP port (`listenTcp`), or on a server of its own (`HttpServing`). It takes the requests for its own paths and leaves
 * all others alone; it installs no listener on the process and never ends it.
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
import { isTrustedBy, clientAddressResolver } from "../../trustedProxies.ts"
import { handshakeOf, refuse } from "../socket/upgrade.ts"
import { WebSocketConnection } from "../socket/WebSocketConnection.ts"

export interface Options {
  /** What opened dialects show, all dialects together. */
  readonly endpoints: ReadonlyArray<Endpoint<HttpRoutes>>
  /** Where they are on the server: `/im` puts `/ws` at `/im/ws`. By default they are where their protocols say. */
  readonly path?: string | undefined
  /**
   * Whom to believe `X-Forwarded-For` of a request and an upgrade: addresses, ranges (`10.0.0.0/8`), `loopback`,
   * `linklocal`, `uniquelocal`. By default nobody: the client's address is that of whoever has connected.
   */
  readonly trustedProxies?: ReadonlyArray<string> | undefined
  /**
   * Whether only programs on this machine are served: peers with a loopback address, without a proxy between, and for a
   * name of this machine. All others get 403. For demonstrations, whose passwords everybody knows; by default not.
   */
  readonly localOnly?: boolean | undefined
  /** The budget in which bodies of requests count, that of the engine's frames; by default one of its own. */
  readonly input?: InputBudget
  /** For tests. By default the settings `limits.frame`, `limits.sendBuffer`, `connection.ping` and `connection.stall`, and `defaultOptions`. */
  readonly connection?: Partial<ConnectionOptions>
}

/** Where a web request comes from, which is not in it. */
export interface RequestOrigin {
  /** The client's address, whatever its request says. */
  readonly address?: string | undefined
  /** The address of who has connected: the client's, unless it is a trusted proxy's. For who does not know `address`. */
  readonly peer?: string | undefined
}

export interface HttpHost {
  /** Where its doors are on the server: "" or as `/im`. */
  readonly path: string
  /** Whether a request is for one of its paths; `url` as in a request line. */
  readonly owns: (method: string, url: string) => boolean
  /**
   * For `http.createServer`, or as middleware, before body parsers. Foreign paths go to `next`; without it they get a
   * JSON 404.
   */
  readonly node: (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void
  /**
   * For hosts that speak the web's `Request` and `Response`. Foreign paths get a JSON 404. No WebSockets. The client's
   * address, by which failed logins are throttled, is not in a `Request`: whoever knows it passes it.
   */
  readonly fetch: (request: Request, from?: RequestOrigin) => Promise<Response>
  /** For a server's `upgrade` event. False: not our path, and the socket was not touched. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean
  /**
   * Takes the WebSocket upgrades of a server; its HTTP requests are left to whoever has them. What happens to upgrades
   * for foreign paths: "ignore" leaves them to other listeners, "refuse" answers 404 and ends the socket, "alone", the
   * default, refuses only where nobody else listens, since such a socket would stay open for ever. A server that is `own`
   * stops listening as soon as the host closes. Attaching again to the same server changes nothing. The returned function
   * detaches.
   */
  readonly attach: (
    server: Server,
    options?: { readonly foreign?: UnmatchedUpgrade; readonly own?: boolean }
  ) => () => void
  /** Serves the protocol that has a TCP door; port 0 takes any free one. Answers the real address. */
  readonly listenTcp: (address: Address) => Effect.Effect<Address, ListenError>
  /**
   * Takes nothing new, tells WebSocket clients 1001, and waits until what was under way is answered, `drain`
   * milliseconds at most (10 seconds by default); then ends what is left. Before that, it waits as long again at most for
   * `first`, while the clients that are there still get their answers. Further calls wait for the same end.
   */
  readonly close: (options?: { readonly drain?: number; readonly first?: Effect.Effect<void> }) => Effect.Effect<void>
}

const GOING_AWAY = "The server is going away."
const SERVER_BUSY = "Too many requests are under way; please try again later."
const ADDRESS_BUSY = "Too many requests from this address are under way; please try again later."
/** Seconds after which who was refused may come again. */
const RETRY_AFTER = { "retry-after": "1" }
const NO_SUCH_PATH = "There is nothing at this path."

/** One for all sockets: a function made for one would keep what its upgrade came with in memory. */
const nothing = (): void => {}

const pathOf = (url: string): string => {
  const end = url.search(/[?#]/)
  return end < 0 ? url : url.slice(0, end)
}

/** A request line may hold a whole URL, as sent to a proxy. */
const targetOf = (url: string): string => {
  if (url.startsWith("/") || !URL.canParse(url)) return url
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** Node joins several of these headers, in their order. */
const forwardedFor = ({ headers }: IncomingMessage): string => String(headers["x-forwarded-for"] ?? "")

const answer = (
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

/** Adds the headers for pages of other origins, unless the application around has done so. */
const share = (response: ServerResponse, headers: Readonly<Record<string, string>>): void => {
  if (response.hasHeader("access-control-allow-origin")) return
  for (const [name, value] of Object.entries(headers)) {
    if (name === "vary") response.appendHeader(name, value)
    else response.setHeader(name, value)
  }
}

interface ActiveRequest {
  /** The client's; "" where it is not known. */
  readonly address: string
  readonly slot: Slot
  readonly body: BodyBudget
}

/** The requests under way. */
const known = new WeakMap<object, ActiveRequest>()

/** Requests have their client's address, and count for the user whom they turn out to be of. */
const fromClient = <A, E, R>(app: Effect.Effect<A, E, R | HttpServerRequest>) =>
  Effect.flatMap(HttpServerRequest, (request) => {
    const { address = "", slot, body } = known.get(request.source) ?? {}
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

/** What the doors come to: routes, WebSocket paths, and at most one protocol on raw TCP. */
const sorted = (endpoints: Options["endpoints"]) => {
  const routes: Array<Routing> = []
  const paths = new Map<string, Accept>()
  let tcp: Accept | undefined
  for (const door of endpoints) {
    if (door._tag === "Http") routes.push(door)
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
export const make: (options: Options) => Effect.Effect<HttpHost, never, Scope.Scope> = Effect.fnUntraced(
  function* (options) {
    const settings = yield* Settings
    const authenticator = yield* Authenticator
    const { routes, paths, tcp } = sorted(options.endpoints)
    const mount = parseMountPath(options.path)
    const clientOf = clientAddressResolver(options.trustedProxies ?? [])
    const { localOnly = false } = options
    // Requests end with this scope: one of their own, since those under way outlive the beginning of our end.
    const scope = yield* Scope.make()
    const { app, owns } = yield* build(routes)
    // Routes of multipart forms have a limit of their own.
    const bodyLimit = settings.body
    const limited = Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bodyLimit))
    const handle = yield* NodeHttpServer.makeHandler(fromClient(app), { scope }).pipe(limited)
    const answerWeb = HttpEffect.toWebHandlerWith<never, HttpServerRequest | Scope.Scope>(
      yield* Effect.context<never>().pipe(limited)
    )(fromClient(app))
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const complain = (message: string, cause?: unknown): void => {
      run(cause === undefined ? Effect.logError(message) : Effect.logError(message, cause))
    }

    const throttle = yield* LogThrottle
    const dropped = (message: string, reason: string, address: string, details: Record<string, number> = {}): void => {
      const key = `${message} ${reason} ${networkOf(address)}`
      throttle.note({ key, level: "Info", message, details: { reason, address, ...details } })
    }
    const connectionOptions: ConnectionOptions = {
      ...defaultOptions,
      frame: settings.frame,
      sendBuffer: settings.sendBuffer,
      heartbeat: settings.ping * 1000,
      stall: settings.stall * 1000,
      dropped: ({ id, address }, reason) => dropped("a connection was dropped", reason, address, { connection: id }),
      defect: (cause) => complain("A connection's session failed.", cause),
      ...options.connection
    }
    const webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      skipUTF8Validation: true,
      // A frame over the limit should get an answer in the protocol's own words; one far over it ends at `ws`.
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
      dropped: (address) => dropped("a connection was dropped", "too many sockets from this address", address)
    })
    const input = options.input ?? new InputBudget(settings)
    const limitsOf = (address: string, body: BodyBudget) => ({
      body,
      bodies,
      stall: connectionOptions.stall,
      dropped: (reason: string) => dropped("a request was dropped", reason, address)
    })
    const bodies = new BodyDeadlines(connectionOptions.stall, connectionOptions.every)
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
    const answered = ({ slot, body }: ActiveRequest): void => {
      slot.release()
      body.end()
      tell()
    }

    /** A demonstration is for this machine, and for pages of its own or of `origins`. */
    const isRefused = (peer: string | undefined, headers: IncomingHttpHeaders): boolean =>
      localOnly && (!isLocal(peer, headers) || isCrossOrigin({ headers: { get: headerOf(headers) } }, authenticator))

    /** The headers of the answer to a preflight for one of our paths, where its origin is allowed. */
    const preflight = (method: string | undefined, url: string | undefined, header: HeaderOf) => {
      const asked = preflightMethod(method, header)
      if (url === undefined || asked === undefined || !owns(asked, url)) return undefined
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
        if (next === undefined) answer(response, 404, NO_SUCH_PATH)
        else next()
        return
      }
      share(response, corsHeaders(request.headers.origin, authenticator))
      if (isRefused(request.socket.remoteAddress, request.headers)) return answer(response, 403, NOT_LOCAL)
      if (closing) return answer(response, 503, GOING_AWAY)
      if (slots.isFull) return answer(response, 503, SERVER_BUSY, RETRY_AFTER)
      const whole = restoreBody(request, url)
      if (whole === undefined) {
        complain(`${pathOf(url)}: ${BODY_CONSUMED}`)
        return answer(response, 500, BODY_CONSUMED)
      }
      // Gone while others had the request: nobody waits for an answer, and no end of it would be told any more.
      if (response.closed || response.destroyed) return
      const address = clientOf(whole.socket.remoteAddress, forwardedFor(whole))
      const slot = slots.take(networkOf(address))
      if (slot === undefined) return answer(response, 429, ADDRESS_BUSY, RETRY_AFTER)
      const body = new BodyBudget(input.open(address), bodyLimit)
      const underWay = { address, slot, body }
      response.once("close", () => answered(underWay))
      known.set(whole, underWay)
      if (watchRequest(whole, response, limitsOf(address, body))) handle(whole, response)
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
        complain(`${pathname}: ${BODY_CONSUMED}`)
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
      const underWay = { address: client, slot, body }
      const watched = watchWebRequest(request, origin + url, limitsOf(client, body))
      known.set(watched.request, underWay)
      const cors = Object.entries(corsHeaders(header("origin"), authenticator))
      return answerWeb(watched.request)
        .then((given) => {
          const response = watched.refused() ?? given
          for (const [name, value] of cors) response.headers.append(name, value)
          return response
        })
        .finally(() => {
          watched.done()
          answered(underWay)
        })
    }

    const upgrade: HttpHost["upgrade"] = (request: ParsedRequest, socket, head) => {
      const url = mount.within(targetOf(urlOf(request)))
      const accept = url === undefined ? undefined : paths.get(pathOf(url))
      if (url === undefined || accept === undefined) return false
      // Before anything else: a socket may fail at once, and without a listener that would end the process.
      socket.on("error", nothing)
      if (closing) {
        refuse(socket, "503 Service Unavailable")
        return true
      }
      const address = clientOf(request.socket.remoteAddress, forwardedFor(request))
      // Browsers let every page open WebSockets, whatever CORS says: only the server can refuse those of other origins.
      const isForeignPage = isCrossOrigin({ headers: { get: headerOf(request.headers) } }, authenticator)
      if (isForeignPage || isRefused(request.socket.remoteAddress, request.headers)) {
        refuse(socket, "403 Forbidden")
        return true
      }
      const opening = handshakeOf(request, url, address, authenticator)
      webSockets.handleUpgrade(request, socket, head, (ws) => {
        shares.upgraded(socket)
        const connection = new WebSocketConnection(ws, socket, address, connectionOptions, gone)
        connections.add(connection)
        connection.open(accept, opening)
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

    const listenTcp: HttpHost["listenTcp"] = Effect.fnUntraced(function* (wanted) {
      if (tcp === undefined) {
        return yield* new ListenError({ ...wanted, message: "No protocol here is served over raw TCP." })
      }
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        if (localOnly && !isLocal(socket.remoteAddress)) return socket.destroy()
        const connection = new TcpConnection(socket, connectionOptions, gone)
        connections.add(connection)
        connection.open(tcp, { query: new Map() })
      })
      server.maxConnections = settings.sockets
      servers.add(server)
      return yield* listen(server, wanted)
    })

    let drain = 10_000
    let first: Effect.Effect<void> = Effect.void
    const ended = yield* Effect.cached(
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
        return ended
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
