/** HTTP requests of a host, by Node or by web `Request`: limits those in flight, and passes them to the routes. */
import { Forwarded, type ForwardedOrigin, RequestSource } from "@parley/core/Authenticator"
import { networkOf, plainAddress } from "@parley/core/ClientAddress"
import { type InputBudget, StreamBody } from "@parley/core/InputBudget"
import type { UserId } from "@parley/core/Ids"
import { ClaimRequest, type Slot, Slots, userHolder } from "@parley/core/Slots"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { ServerResponse } from "node:http"
import { BodyBudget } from "./BodyBudget.ts"
import { BodyDeadlines } from "./BodyDeadlines.ts"
import { corsHeaders, preflightHeaders, preflightMethod } from "./cors.ts"
import type { HostContext } from "./HostContext.ts"
import { NOT_LOCAL } from "./localOnly.ts"
import { makeNodeHandler } from "./nodeHandler.ts"
import { REFUSAL_HEADERS } from "./pageOrigins.ts"
import { BODY_CONSUMED, type ParsedRequest, restoreBody, urlOf } from "./requestBody.ts"
import { watchRequest, watchWebRequest } from "./requestDeadlines.ts"
import { forwardedFor, headerOf, type HeaderOf, pathOf, targetOf } from "./requestHead.ts"
import { build, type Routing } from "./routes.ts"
import { noteSlowHttp } from "./slowRequests.ts"

/** Addresses of a web request, which a `Request` does not contain. */
export interface RequestOrigin {
  /** The client's address; overrides the request's headers. */
  readonly address?: string | undefined
  /** The peer's address, resolved through trusted proxies if `address` is absent. */
  readonly peer?: string | undefined
}

export const GOING_AWAY = "The server is shutting down."
const SERVER_BUSY = "Too many requests in flight; retry later."
const ADDRESS_BUSY = "Too many requests in flight from this address; retry later."
/** Seconds before a refused request may be repeated. */
const RETRY_AFTER = { "retry-after": "1" }
const NO_SUCH_PATH = "There is nothing at this path."

const respond = (
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {}
): void => {
  const head = { ...headers, "content-type": "application/json; charset=utf-8" }
  response.writeHead(status, head).end(JSON.stringify({ message }))
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
  readonly forwarded: ForwardedOrigin
  /** The host's own object of the request. */
  readonly source: unknown
  readonly slot: Slot
  readonly body: BodyBudget
}

/** Requests in flight. */
const inFlight = new WeakMap<object, ActiveRequest>()

/** Provides the client's address, and counts the request for its user once authenticated. */
const fromClient = <A, E, R>(app: Effect.Effect<A, E, R | HttpServerRequest>) =>
  Effect.flatMap(HttpServerRequest, (request) => {
    const { address = "", forwarded = {}, source, slot, body } = inFlight.get(request.source) ?? {}
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
      Effect.provideService(Forwarded, forwarded),
      Effect.provideService(RequestSource, source),
      Effect.provideService(ClaimRequest, claim),
      Effect.provideService(StreamBody, () => body?.stream())
    )
  })

/** Serves these routes until the scope closes, and explains at the paths of WebSockets why a page is refused. */
export const makeHttpRequests = Effect.fnUntraced(function* (
  context: HostContext,
  routes: ReadonlyArray<Routing>,
  webSockets: ReadonlyMap<string, unknown>,
  input: InputBudget,
  scope: Scope.Scope
) {
  const { authenticator, mount, clientOf, pages, isRefused, connectionOptions, logError, logDropped, drain } = context
  const { settings } = context
  const { app, owns } = yield* build(routes)
  // Routes of multipart forms have their own limit.
  const bodyLimit = settings.body
  const limited = Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bodyLimit))
  const handle = yield* makeNodeHandler(fromClient(app), scope).pipe(limited)
  const handleWeb = HttpEffect.toWebHandlerWith<never, HttpServerRequest | Scope.Scope>(
    yield* Effect.context<never>().pipe(limited)
  )(fromClient(app))
  const slots = new Slots(settings.requests, settings.share)
  const bodies = new BodyDeadlines(connectionOptions.stall, connectionOptions.every)
  const limitsOf = (address: string, body: BodyBudget) => ({
    body,
    bodies,
    stall: connectionOptions.stall,
    dropped: (reason: string) => logDropped("a request was dropped", reason, address)
  })
  const onAnswered = ({ slot, body }: ActiveRequest): void => {
    slot.release()
    body.end()
    drain.notify()
  }

  /** Returns the headers of the response to an allowed preflight for one of the host's paths. */
  const preflight = (method: string | undefined, url: string | undefined, header: HeaderOf) => {
    const requested = preflightMethod(method, header)
    if (url === undefined || requested === undefined || !owns(requested, url)) return undefined
    return preflightHeaders(header, authenticator)
  }

  /** Returns why upgrades of the page that sends this GET to a WebSocket's path are refused, or undefined. */
  const refusedPage = (
    method: string | undefined,
    peer: string | undefined,
    url: string | undefined,
    header: HeaderOf
  ): string | undefined =>
    url !== undefined && method === "GET" && webSockets.has(pathOf(url))
      ? pages.explained(peer, url, header)
      : undefined

  const node = (request: ParsedRequest, response: ServerResponse, next?: (error?: unknown) => void): void => {
    const url = mount.within(targetOf(urlOf(request)))
    const allowed = preflight(request.method, url, headerOf(request.headers))
    if (allowed !== undefined) {
      response.writeHead(204, allowed).end()
      return
    }
    const reason = refusedPage(request.method, request.socket.remoteAddress, url, headerOf(request.headers))
    if (reason !== undefined) return respond(response, 403, reason, REFUSAL_HEADERS)
    if (url === undefined || !owns(request.method ?? "GET", url)) {
      if (next === undefined) respond(response, 404, NO_SUCH_PATH)
      else next()
      return
    }
    addCorsHeaders(response, corsHeaders(request.headers.origin, authenticator))
    if (isRefused(request.socket.remoteAddress, request.headers)) return respond(response, 403, NOT_LOCAL)
    if (drain.isClosing) return respond(response, 503, GOING_AWAY)
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
    const forwarded = pages.forwarded(restored.socket.remoteAddress, headerOf(restored.headers))
    const active = { address, forwarded, source: request, slot, body }
    response.once("close", () => onAnswered(active))
    inFlight.set(restored, active)
    if (watchRequest(restored, response, limitsOf(address, body))) handle(restored, response)
  }

  const fetch = (request: Request, { address, peer }: RequestOrigin = {}): Promise<Response> => {
    const { origin, pathname, search } = new URL(request.url)
    const url = mount.within(pathname + search)
    const header: HeaderOf = (name) => request.headers.get(name) ?? undefined
    const allowed = preflight(request.method, url, header)
    if (allowed !== undefined) return Promise.resolve(new Response(null, { status: 204, headers: allowed }))
    const reason = refusedPage(request.method, peer, url, header)
    if (reason !== undefined) {
      return Promise.resolve(Response.json({ message: reason }, { status: 403, headers: REFUSAL_HEADERS }))
    }
    if (url === undefined || !owns(request.method, url)) {
      return Promise.resolve(Response.json({ message: NO_SUCH_PATH }, { status: 404 }))
    }
    if (isRefused(peer ?? address, Object.fromEntries(request.headers))) {
      return Promise.resolve(Response.json({ message: NOT_LOCAL }, { status: 403 }))
    }
    if (drain.isClosing || slots.isFull) {
      return Promise.resolve(
        drain.isClosing
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
    const active = { address: client, forwarded: pages.forwarded(peer, header), source: request, slot, body }
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

  return {
    owns,
    node,
    fetch,
    /** Number of requests in flight. */
    inFlight: () => slots.taken
  }
})
