/**
 * Protocols, opened over an engine and served by one host: what an embedder's object and a server of its own have in
 * common.
 */
import type { Blobs } from "@parley/core/Blobs"
import type { Dialect, Endpoint, OpenDialect, DialectConfigError } from "@parley/core/Dialect"
import type * as Parley from "@parley/core/Parley"
import { Acceptor } from "@parley/core/Acceptor"
import type { Store } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { authRoutes } from "./internal/http/authRoutes.ts"
import * as Host from "./internal/http/HttpHost.ts"
import type { HttpRoutes } from "./internal/http/routes.ts"
import type { Address, ListenError } from "./internal/http/listen.ts"

/** What protocols and hosts ask of an engine. */
export type Engine = Parley.Services | Store | Blobs

/** A protocol that can be served here. */
export type ServedDialect = Dialect<HttpRoutes, Engine, DialectConfigError>

export interface Options extends Omit<Host.Options, "endpoints" | "input"> {
  readonly dialects: ReadonlyArray<ServedDialect>
  /** The values of the dialects' settings, by key; those that are missing are the defaults. */
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined
  /** Whether `POST /auth/login` and `/auth/logout` give out tokens for accounts and passwords; by default not. */
  readonly login?: boolean | undefined
  /** Doors beside those of the dialects. */
  readonly endpoints?: ReadonlyArray<Endpoint<HttpRoutes>> | undefined
  /** Whether the protocols serve their demonstration, to this machine alone: `localOnly` follows. */
  readonly demonstration?: boolean | undefined
}

export interface Served {
  readonly host: Host.HttpHost
  /** What was opened, in the order of the dialects. */
  readonly open: ReadonlyArray<OpenDialect<HttpRoutes>>
  /** `Host.listenTcp`; protocols that tell their clients of it know it from then on. */
  readonly listenTcp: (address: Address) => Effect.Effect<Address, ListenError>
  /**
   * Takes up nothing more, answers what is under way, and closes the host as `Host.close` does; each of the two may take
   * `drain` milliseconds.
   */
  readonly end: (options: { readonly drain: number }) => Effect.Effect<void>
}

/** As long as the scope lives. */
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
    const site = { settings, tcp: () => tcp, demonstration }
    const open: Array<OpenDialect<HttpRoutes>> = []
    for (const dialect of dialects) open.push(yield* dialect.open(site))
    const own: Host.Options["endpoints"] = login ? [{ _tag: "Http", routes: yield* authRoutes }] : []
    const reception = yield* Acceptor
    const host = yield* Host.make({
      ...rest,
      input: reception.input,
      localOnly,
      endpoints: [...open.flatMap((one) => one.endpoints), ...own, ...endpoints]
    })
    return {
      host,
      open,
      listenTcp: (address) =>
        Effect.tap(host.listenTcp(address), (real) =>
          Effect.sync(() => {
            tcp = real
          })
        ),
      end: ({ drain }) => host.close({ drain, first: reception.finish })
    }
  })
