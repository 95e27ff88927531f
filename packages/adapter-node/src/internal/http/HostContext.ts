/** Path, client addresses, origins and log of a host: shared by its HTTP requests and its sockets. */
import { Authenticator } from "@parley/core/Authenticator"
import { networkOf } from "@parley/core/ClientAddress"
import { LogThrottle } from "@parley/core/LogThrottle"
import { originsProblem } from "@parley/core/Origins"
import { Settings } from "@parley/core/Settings"
import * as Effect from "effect/Effect"
import type { IncomingHttpHeaders } from "node:http"
import { type Options as ConnectionOptions, defaultOptions } from "../socket/SocketConnection.ts"
import type { UpgradeMiddleware } from "../socket/upgradeMiddleware.ts"
import { Drain } from "./Drain.ts"
import { isLocal } from "./localOnly.ts"
import { parseMountPath } from "./mountPath.ts"
import { PageOrigins } from "./pageOrigins.ts"
import { headerOf } from "./requestHead.ts"
import { isTrustedBy, clientAddressResolver } from "./trustedProxies.ts"

export interface ContextOptions {
  /** Mount path: `/im` puts `/ws` at `/im/ws`. Default: the documented paths. */
  readonly path?: string | undefined
  /**
   * Trusted proxies, whose `X-Forwarded-For`, `-Host` and `-Proto` are used: addresses, ranges (`10.0.0.0/8`), `loopback`, `linklocal`,
   * `uniquelocal`. Default: none; the client's address is the peer's.
   */
  readonly trustedProxies?: ReadonlyArray<string> | undefined
  /**
   * Whether only programs on this machine are served: loopback peers, without a proxy, for a name of this machine. Others
   * get 403. For demonstrations, whose passwords are public. Default: false.
   */
  readonly localOnly?: boolean | undefined
  /**
   * The host's middleware for upgrades of WebSockets, which pass no router: functions of Node's request and response, as
   * `session()` of express-session or `passport.session()`. They run in this order, after the check of the page's origin
   * and before `authenticate`, which gets the request as `source`. One that ends the response refuses the upgrade with it.
   * For HTTP requests, mount them before this host.
   */
  readonly upgradeMiddleware?: ReadonlyArray<UpgradeMiddleware> | undefined
  /** For tests. Default: the settings `limits.frame`, `limits.sendBuffer`, `connection.ping` and `connection.stall`, and `defaultOptions`. */
  readonly connection?: Partial<ConnectionOptions>
}

/** Creates the context of a host. Throws for an invalid path, proxy or origin. */
export const makeHostContext = Effect.fnUntraced(function* (options: ContextOptions) {
  const settings = yield* Settings
  const authenticator = yield* Authenticator
  const throttle = yield* LogThrottle
  const problem = originsProblem(authenticator.origins)
  if (problem !== undefined) throw new Error(`origins ${problem}.`)
  const mount = parseMountPath(options.path)
  const { localOnly = false, trustedProxies = [], upgradeMiddleware = [] } = options
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const logError = (message: string, cause?: unknown): void => {
    run(cause === undefined ? Effect.logError(message) : Effect.logError(message, cause))
  }
  const logDropped = (message: string, reason: string, address: string, details: Record<string, number> = {}): void => {
    const key = `${message} ${reason} ${networkOf(address)}`
    throttle.note({ key, level: "Info", message, details: { reason, address, ...details } })
  }
  const isTrusted = isTrustedBy(trustedProxies)
  const pages = new PageOrigins(authenticator, isTrusted, throttle)
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
  return {
    settings,
    authenticator,
    mount,
    localOnly,
    upgradeMiddleware,
    /** Returns the client's address. */
    clientOf: clientAddressResolver(trustedProxies),
    isTrusted,
    pages,
    /** A demonstration serves this machine only, and pages of its own origin or of `origins`. */
    isRefused: (peer: string | undefined, headers: IncomingHttpHeaders): boolean =>
      localOnly && (!isLocal(peer, headers) || pages.refusal(peer, headerOf(headers)) !== undefined),
    connectionOptions,
    logError,
    logDropped,
    drain: new Drain()
  }
})

export type HostContext = Effect.Success<ReturnType<typeof makeHostContext>>
