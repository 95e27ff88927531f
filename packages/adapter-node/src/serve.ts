/**
 * Opens protocols over an engine and serves them by one host; used by `createParley` and by the reference server.
 */
import type { Blobs } from "@parley/core/Blobs"
import type { Dialect, Endpoint, OpenDialect, DialectConfigError } from "@parley/core/Dialect"
import type * as Parley from "@parley/core/Parley"
import { HttpPost } from "@parley/core/HttpPost"
import { Acceptor } from "@parley/core/Acceptor"
import type { Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { authRoutes } from "./internal/http/authRoutes.ts"
import * as Host from "./internal/http/HttpHost.ts"
import type { HttpRoutes } from "./internal/http/routes.ts"
import type { Address, ListenError } from "./internal/http/listen.ts"
import * as NodeHttpPost from "./NodeHttpPost.ts"

/** The services that protocols and hosts require. */
export type Engine = Parley.Services | Store | Blobs

/** A protocol with HTTP routes of this host. */
export type ServedDialect = Dialect<HttpRoutes, Engine, DialectConfigError>

/** Options of `serve`. */
export interface Options extends Omit<Host.Options, "endpoints" | "input"> {
  /** The protocols to serve. */
  readonly dialects: ReadonlyArray<ServedDialect>
  /** Values of the dialects' settings by key; missing ones have their defaults. */
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined
  /** Whether `POST /auth/login` and `/auth/logout` are served. Default: false. */
  readonly login?: boolean | undefined
  /** Further endpoints. */
  readonly endpoints?: ReadonlyArray<Endpoint<HttpRoutes>> | undefined
  /** Whether the protocols serve their demonstration; implies `localOnly`. */
  readonly demonstration?: boolean | undefined
}

/** The served dialects and their host. */
export interface Served {
  /** The host of their endpoints. */
  readonly host: Host.HttpHost
  /** The opened dialects, in order. */
  readonly open: ReadonlyArray<OpenDialect<HttpRoutes>>
  /** `HttpHost.listenTcp`; protocols announce the address to their clients from then on. */
  readonly listenTcp: (address: Address) => Effect.Effect<Address, ListenError>
  /**
   * Lets the protocols ask their clients to leave, finishes the requests in flight and closes the host; each step takes at
   * most `drain` milliseconds, and the first one at most one second.
   */
  readonly end: (options: { readonly drain: number }) => Effect.Effect<void>
}

/** Maximum time in which clients leave by themselves, in milliseconds. */
const MAX_LEAVING_MS = 1000

/** Serves until the scope closes. */
export const serve: (options: Options) => Effect.Effect<Served, DialectConfigError, Engine | Scope.Scope> =
  Effect.fnUntraced(function* ({
    dialects,
    settings = {},
    login = false,
    endpoints = [],
    demonstration = false,
    ...rest
  }) {
    const localOnly = demonstration || rest.localOnly
    let tcp: Address | undefined
    const context = { settings, tcp: () => tcp, demonstration }
    const open: Array<OpenDialect<HttpRoutes>> = []
    const post = yield* NodeHttpPost.make
    for (const dialect of dialects) {
      open.push(yield* Effect.provideService(dialect.open(context), HttpPost, post))
    }
    const own: Host.Options["endpoints"] = login ? [{ _tag: "Http", routes: yield* authRoutes }] : []
    const acceptor = yield* Acceptor
    const host = yield* Host.make({
      ...rest,
      input: acceptor.input,
      localOnly,
      endpoints: [...open.flatMap((one) => one.endpoints), ...own, ...endpoints]
    })
    const drained = Effect.forEach(open, ({ drain = Effect.void }) => drain, {
      concurrency: "unbounded",
      discard: true
    })
    for (const { background } of open) if (background !== undefined) yield* Effect.forkScoped(background)
    return {
      host,
      open,
      listenTcp: (address) =>
        Effect.tap(host.listenTcp(address), (real) =>
          Effect.sync(() => {
            tcp = real
          })
        ),
      end: ({ drain }) =>
        Effect.andThen(
          Effect.timeoutOption(drained, Math.min(drain, MAX_LEAVING_MS)),
          host.close({ drain, first: acceptor.finish })
        )
    }
  })
