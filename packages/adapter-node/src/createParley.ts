/** Conversations in the server that somebody has: the engine's promises, and the protocols that its clients speak. */
import type { OperatorCommand } from "@parley/core/Dialect"
import {
  startEngine,
  type StartedEngine,
  closeOnAbort,
  type EngineOptions,
  ParleyEngine
} from "@parley/core/ParleyEngine"
import { fromCause, ParleyError } from "@parley/core/ParleyError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as Host from "./internal/http/HttpHost.ts"
import { type Served, type Options as HostingOptions, serve, type ServedDialect } from "./serve.ts"
import type { Address } from "./internal/http/listen.ts"
import * as NodePasswords from "./NodePasswords.ts"

export interface ParleyOptions extends EngineOptions, Pick<HostingOptions, "path" | "login" | "trustedProxies"> {
  /** The protocols that are served; no other one is loaded. */
  readonly dialects: ReadonlyArray<ServedDialect>
  /**
   * Adds what the protocols show in a demonstration: keys and apps that everybody knows, and what is open to anybody. Only
   * for this machine alone; by default not.
   */
  readonly demonstration?: boolean | undefined
}

/** Milliseconds that a closing may take for what is under way. */
const DRAIN = 10_000

export class Parley extends ParleyEngine {
  /** Where it is on the server: "" or as `/im`. */
  readonly path: string
  /**
   * For `http.createServer`, or as middleware, before body parsers: foreign paths go to `next`, untouched; without it
   * they get a JSON 404.
   */
  readonly node: Host.HttpHost["node"]
  /** For hosts that speak the web's `Request` and `Response`. Foreign paths get a JSON 404. */
  readonly fetch: Host.HttpHost["fetch"]
  /** Whether a request is for one of its paths. */
  readonly owns: Host.HttpHost["owns"]
  /** For a server's `upgrade` event. False: not our path, and the socket was not touched. */
  readonly upgrade: Host.HttpHost["upgrade"]
  /** Takes a server's WebSocket upgrades for its paths, until the returned function is called. */
  readonly attach: Host.HttpHost["attach"]
  readonly #hosted: Served
  readonly #scope: Scope.Closeable
  #ended: Promise<void> | undefined

  constructor({ opened }: StartedEngine, hosted: Served, scope: Scope.Closeable) {
    super(opened)
    const { host } = hosted
    this.path = host.path
    this.node = host.node
    this.fetch = host.fetch
    this.owns = host.owns
    this.upgrade = host.upgrade
    this.attach = host.attach
    this.#hosted = hosted
    this.#scope = scope
  }

  /** Serves the protocol that has raw TCP; port 0 takes any free one. Answers the real address. */
  listenTcp(address: Address): Promise<Address> {
    return this.run(this.#hosted.listenTcp(address))
  }

  /** What operators do for a protocol: its words, what it takes, what it is for. */
  commands(): ReadonlyArray<Pick<OperatorCommand, "path" | "description" | "inputs">> {
    return this.#commands()
  }

  /** Carries such a command out: `operate("ha-key add", { key: "our-app" })`. Answers what it has to say. */
  operate(path: string, inputs: Readonly<Record<string, string | number | boolean>> = {}): Promise<string> {
    const command = this.#commands().find((one) => one.path.join(" ") === path)
    if (command === undefined) {
      const known = this.#commands().map((one) => one.path.join(" "))
      return Promise.reject(new ParleyError("Failed", `There is no command ${path}; there are ${known.join(", ")}.`))
    }
    return this.run(command.run(inputs))
  }

  /**
   * Takes nothing new, answers what is under way, tells WebSocket clients 1001 (all of it `drain` milliseconds at most,
   * twice; 10,000 by default), and releases everything. The server itself stays the host's. Further calls wait for the
   * same end.
   */
  override close({ drain = DRAIN }: { readonly drain?: number } = {}): Promise<void> {
    this.#ended ??= (async () => {
      await Effect.runPromise(this.#hosted.end({ drain }))
      await Effect.runPromise(Scope.close(this.#scope, Exit.void))
      await super.close()
    })()
    return this.#ended
  }

  #commands(): ReadonlyArray<OperatorCommand> {
    return this.#hosted.open.flatMap(({ commands }) => commands)
  }
}

/**
 * An engine with protocols, to be put into a server. It opens no port, installs no listener on the process and never ends
 * it. Rejected with a `ParleyError` where a part cannot be opened, a setting is none, or two protocols want the same path.
 */
export const createParley = async (given: ParleyOptions): Promise<Parley> => {
  const { dialects, path, login, trustedProxies, demonstration, ...options } = given
  const passwords = options.passwords ?? NodePasswords.layer
  const begun = await startEngine(
    { ...options, passwords },
    dialects.flatMap(({ settings }) => settings)
  )
  const { opened, dialects: settings } = begun
  const scope = await Effect.runPromise(Scope.make())
  const exit = await opened.runtime.runPromiseExit(
    serve({
      dialects,
      settings,
      path,
      login,
      trustedProxies,
      demonstration
    }).pipe(Scope.provide(scope))
  )
  if (Exit.isFailure(exit)) {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await opened.close()
    throw fromCause(exit.cause)
  }
  const parley = new Parley(begun, exit.value, scope)
  try {
    if (demonstration === true) for (const { demo } of exit.value.open) await parley.run(demo)
  } catch (error) {
    await parley.close()
    throw error
  }
  closeOnAbort(options.signal, parley, opened.services)
  return parley
}
