/** Embeds the engine and its protocols in an existing server. */
import type { Listing, OperatorCommand } from "@parley/core/Dialect"
import {
  startEngine,
  type StartedEngine,
  closeOnAbort,
  type EngineOptions,
  ParleyEngine
} from "@parley/core/ParleyEngine"
import { fromCause, ParleyError } from "@parley/core/ParleyError"
import { checkArguments, checkOptions } from "@parley/core/Check"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as Host from "./internal/http/HttpHost.ts"
import { type Served, type Options as ServeOptions, serve, type ServedDialect } from "./serve.ts"
import type { Address } from "./internal/http/listen.ts"
import * as NodePasswords from "./NodePasswords.ts"
import { checkInputs, parleyOptionChecks, parleyParameters } from "./internal/http/optionChecks.ts"

/** Options of `createParley`. */
export interface ParleyOptions
  extends EngineOptions, Pick<ServeOptions, "path" | "login" | "trustedProxies" | "upgradeMiddleware"> {
  /** The protocols to serve; no other one is loaded. */
  readonly dialects: ReadonlyArray<ServedDialect>
  /**
   * Adds the protocols' demonstration data: publicly known keys and apps, and open access. Serves this machine only. Default:
   * false.
   */
  readonly demonstration?: boolean | undefined
}

/** Default milliseconds that `close` waits for requests in flight. */
const DRAIN = 10_000

/** The engine of `createParley` with its entry points for a host server. */
export class Parley extends ParleyEngine {
  /** Mount path on the server: "" or as in `/im`. */
  readonly path: string
  /**
   * For `http.createServer`, or as middleware before body parsers. Other paths are passed to `next` untouched; without
   * `next` they get a JSON 404.
   */
  readonly node: Host.HttpHost["node"]
  /** For hosts with web `Request` and `Response`. Other paths get a JSON 404. */
  readonly fetch: Host.HttpHost["fetch"]
  /** Whether a request is for one of Parley's paths. */
  readonly owns: Host.HttpHost["owns"]
  /** For a server's `upgrade` event. Returns false for other paths, without touching the socket. */
  readonly upgrade: Host.HttpHost["upgrade"]
  /** Handles a server's WebSocket upgrades for Parley's paths, until the returned function is called. */
  readonly attach: Host.HttpHost["attach"]
  readonly #served: Served
  readonly #scope: Scope.Closeable
  #closing: Promise<void> | undefined

  constructor({ opened }: StartedEngine, served: Served, scope: Scope.Closeable) {
    super(opened)
    const { host } = served
    this.path = host.path
    this.node = host.node
    this.fetch = host.fetch
    this.owns = host.owns
    this.upgrade = host.upgrade
    this.attach = host.attach
    this.#served = served
    this.#scope = scope
  }

  /** Serves the protocol with raw TCP; port 0 selects a free port. Resolves to the actual address. */
  listenTcp(address: Address): Promise<Address> {
    return this.run(this.#served.listenTcp(address))
  }

  /** Returns the protocols' operator commands: path, description, inputs. */
  commands(): ReadonlyArray<Pick<OperatorCommand, "path" | "description" | "inputs">> {
    return this.#commands()
  }

  /**
   * Runs an operator command: `operate("ha-key add", { key: "our-app" })`. Resolves to its text, or to the rows of a list, as
   * `operate("ha-key list")` does.
   */
  async operate(
    path: string,
    inputs: Readonly<Record<string, string | number | boolean>> = {}
  ): Promise<string | Listing["rows"]> {
    const command = this.#commands().find((one) => one.path.join(" ") === path)
    if (command === undefined) {
      const known = this.#commands().map((one) => one.path.join(" "))
      throw new ParleyError("Failed", `There is no command ${path}; there are ${known.join(", ")}.`)
    }
    checkInputs(command, inputs)
    const output = await this.run(command.run(inputs))
    return typeof output === "string" ? output : output.rows
  }

  /**
   * Accepts no more requests, finishes those in flight, closes WebSockets with 1001 (each step takes at most `drain`
   * milliseconds; default 10,000), and releases all resources. Does not close the host's server. Further calls return the
   * same promise.
   */
  override close({ drain = DRAIN }: { readonly drain?: number } = {}): Promise<void> {
    this.#closing ??= (async () => {
      await Effect.runPromise(this.#served.end({ drain }))
      await Effect.runPromise(Scope.close(this.#scope, Exit.void))
      await super.close()
    })()
    return this.#closing
  }

  #commands(): ReadonlyArray<OperatorCommand> {
    return this.#served.open.flatMap(({ commands }) => commands)
  }
}

checkArguments(Parley, parleyParameters)

/**
 * Creates an engine with protocols for an existing server. Opens no port, installs no listener on the process and never
 * exits it. Rejects with a `ParleyError` if a part cannot be opened, a setting is invalid, or two protocols use the same
 * path.
 */
export const createParley = async (given: ParleyOptions): Promise<Parley> => {
  checkOptions("createParley", given, parleyOptionChecks)
  const { dialects, path, login, trustedProxies, upgradeMiddleware, demonstration, ...options } = given
  const passwords = options.passwords ?? NodePasswords.layer
  const started = await startEngine(
    { ...options, passwords },
    dialects.flatMap(({ settings }) => settings)
  )
  const { opened, dialects: settings } = started
  const scope = await Effect.runPromise(Scope.make())
  const exit = await opened.runtime.runPromiseExit(
    serve({
      dialects,
      settings,
      path,
      login,
      trustedProxies,
      upgradeMiddleware,
      demonstration
    }).pipe(Scope.provide(scope))
  )
  if (Exit.isFailure(exit)) {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await opened.close()
    throw fromCause(exit.cause)
  }
  const parley = new Parley(started, exit.value, scope)
  try {
    if (demonstration === true) for (const { demo } of exit.value.open) await parley.run(demo)
  } catch (error) {
    await parley.close()
    throw error
  }
  closeOnAbort(options.signal, parley, opened.services)
  return parley
}
