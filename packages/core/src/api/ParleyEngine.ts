/** The engine with promises, callbacks and async iterations, for use without Effect. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as ManagedRuntime from "effect/ManagedRuntime"
import { plainAddress } from "../ports/ClientAddress.ts"
import type { Decision } from "../services/Permissions.ts"
import type { Operation } from "../rules/Operations.ts"
import type { ListedNode } from "../ports/Nodes.ts"
import type { Setting } from "../ports/Settings.ts"
import type { StorageStatus } from "../engine/StorageHealth.ts"
import type { StoredSession } from "../ports/Store.ts"
import { ensureSystemChat } from "../services/SystemChat.ts"
import type { User } from "../model/User.ts"
import { engineParameters } from "./ArgumentChecks.ts"
import { checkArguments, checkOptions } from "./Check.ts"
import { engineOptionChecks } from "./OptionChecks.ts"
import type { EventOf, EventType, ParleyEvent } from "./Events.ts"
import { EventStream } from "./EventStream.ts"
import { type SettingsInput, resolveSettings } from "./SettingsInput.ts"
import { type ChatRef, userNamed, type UserRef } from "./References.ts"
import { type EngineParts, openRuntime, type OpenedEngine } from "./Runtime.ts"
import { UserApi } from "./UserApi.ts"
import { aborted } from "./ParleyError.ts"
import { UsersApi } from "./UsersApi.ts"
import { onAbort, type AbortSignalLike } from "./AbortSignalLike.ts"
import type { Services, EngineServices } from "./EngineServices.ts"

export interface EngineOptions extends EngineParts {
  /** Settings that differ from the defaults. */
  readonly settings?: SettingsInput | undefined
  /** Closes the engine. */
  readonly signal?: AbortSignalLike | undefined
}

/** One of several nodes on one store. */
export interface EngineNode extends ListedNode {
  /** Whether it is this engine. */
  readonly isThis: boolean
}

/** A user who has authenticated. */
export interface LoggedIn {
  /** The user of the account. */
  readonly user: User
  /** Token for protocols that take one, until it expires or is ended. */
  readonly token: string
}

/** Every method that returns a promise rejects with a `ParleyError`; after `close`, with the code `Closed`. */
export class ParleyEngine implements AsyncDisposable {
  /** The engine's users. */
  readonly users: UsersApi
  /** The same engine for use with Effect. */
  readonly runtime: ManagedRuntime.ManagedRuntime<Services, never>
  protected readonly services: EngineServices
  readonly #events: EventStream
  readonly #close: () => Promise<void>

  constructor({ services, runtime, close }: OpenedEngine) {
    this.users = new UsersApi(services)
    this.runtime = runtime
    this.services = services
    this.#events = new EventStream(services)
    this.#close = close
  }

  /**
   * State of the storage by its latest results: `working`; `failing`, while writes fail; or `unreachable`, if this engine is one of
   * several nodes and has not reached their database for 5 seconds: it then rejects all calls with `Unavailable`, closes its
   * connections after 10 seconds, and recovers by itself.
   */
  get storage(): StorageStatus {
    return this.services.storageHealth.status()
  }

  /** Returns the live nodes that share the store, this engine's included, by their start; none for the only engine on its store. */
  nodes(): Promise<ReadonlyArray<EngineNode>> {
    const { hub, listNodes } = this.services
    return this.run(
      Effect.map(listNodes, (all) => all.map((one): EngineNode => ({ ...one, isThis: one.node === hub.nodes?.id })))
    )
  }

  /** Returns the commands of a user. An unknown user is reported by the first call. */
  as(user: UserRef): UserApi {
    return new UserApi(this.services, user)
  }

  /** Calls back for each event of a type, in the same turn, until the returned function is called. */
  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => unknown): () => void {
    return this.#events.on(type, listener)
  }

  /**
   * Iterates over all events from the first `next()` on, until the signal aborts or the engine closes. Up to 10,000
   * events are buffered for a slow consumer; beyond that the iteration throws, code `Overflowed`: the events of a chat
   * are in its log.
   */
  events(options: { readonly signal?: AbortSignalLike } = {}): AsyncIterableIterator<ParleyEvent> {
    return this.#events.events(options)
  }

  /** Returns whether a user is allowed an operation, and otherwise the refusing rule, without running it. */
  explain(user: UserRef, chat: ChatRef, operation: Operation): Promise<Decision> {
    return this.as(user).may(operation, chat)
  }

  /**
   * Returns a token that a client of the user sends once in place of a password, for hosts that have the passwords and
   * protocols whose login cannot be verified. `ttl` in seconds.
   */
  mintToken(user: UserRef, options: { readonly ttl?: number } = {}): Promise<string> {
    const { ttl } = options
    return this.#with(user, ({ credentials }, { id }) =>
      credentials.mint(id, ttl === undefined ? {} : { ttl: Duration.seconds(ttl) })
    )
  }

  /**
   * Opens a session for a user whom the host has authenticated, and returns its token for protocols over HTTP. `chat`
   * is the kind of a chat client, of which a user may have only one by default; `token`, the default, is for all other
   * uses.
   */
  openSession(
    user: UserRef,
    { kind = "token", device = "" }: { readonly kind?: StoredSession["kind"]; readonly device?: string } = {}
  ): Promise<string> {
    return this.#with(user, ({ sessions }, { id }) =>
      Effect.map(sessions.issue(id, kind, device), ({ token }) => token)
    )
  }

  /** Logs in by account and password, as protocols do; failed attempts are throttled by account and `address`. */
  login(
    account: string,
    password: string,
    {
      kind = "token",
      device = "",
      address = ""
    }: { readonly [K in "device" | "address"]?: string } & {
      readonly kind?: StoredSession["kind"]
    } = {}
  ): Promise<LoggedIn> {
    const { credentials, sessions } = this.services
    return this.run(
      Effect.gen(function* () {
        const secret = yield* credentials.md5Secret(password)
        const { session, user } = yield* sessions.login({
          account,
          secret,
          password,
          kind,
          device,
          address: plainAddress(address)
        })
        return { user, token: session.token }
      })
    )
  }

  /** Returns the user of a token and records a use; undefined for an invalid token. */
  resume(token: string): Promise<User | undefined> {
    return this.run(Effect.map(this.services.sessions.resume(token), (found) => found?.user))
  }

  /** Ends the session of a token, and closes its connections. */
  endSession(token: string): Promise<void> {
    const { sessions } = this.services
    return this.run(
      Effect.flatMap(sessions.resume(token), (found) =>
        found === undefined ? Effect.void : sessions.end(found.session)
      )
    )
  }

  /**
   * Creates the system chat, whose members are all users, if it does not exist; system administrators are its admins.
   */
  async addSystemChat(): Promise<void> {
    // Of two concurrent calls one creates it, and the other one finds it.
    await this.run(ensureSystemChat)
  }

  /** Runs an effect on the engine's services. Failures become a `ParleyError`. */
  run<A, E>(effect: Effect.Effect<A, E, Services>): Promise<A> {
    return this.services.run(effect)
  }

  /** Stops all work and releases all resources; further calls await the same. */
  close(): Promise<void> {
    return this.#close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #with<A, E>(named: UserRef, work: (services: EngineServices, user: User) => Effect.Effect<A, E>): Promise<A> {
    return this.run(Effect.flatMap(userNamed(this.services.engine.context, named), (user) => work(this.services, user)))
  }
}

checkArguments(ParleyEngine, engineParameters)

/** A started engine, to be extended by an adapter. */
export interface StartedEngine {
  /** The engine, for the adapter. */
  readonly opened: OpenedEngine
  /** The values of the settings that `declared` adds, by key. */
  readonly dialects: Readonly<Record<string, string | number | boolean>>
}

/** Opens an engine from its options, with the settings that protocols declare. */
export const startEngine = async (
  { settings = {}, signal, ...parts }: EngineOptions,
  declared: ReadonlyArray<Setting>
): Promise<StartedEngine> => {
  if (signal?.aborted === true) throw aborted(undefined)
  const { engine, dialects } = resolveSettings(settings, declared)
  return { opened: await openRuntime(parts, engine), dialects }
}

/** Closes the engine when the signal aborts. */
export const closeOnAbort = (
  signal: AbortSignalLike | undefined,
  engine: ParleyEngine,
  services: EngineServices
): void => {
  const removeListener = onAbort(signal, () => void engine.close().catch(() => {}))
  services.onClose(removeListener)
}

/**
 * Creates an engine in this process: no port, no thread, and no timer before the first use. Rejects with a
 * `ParleyError` if the store cannot be opened or a setting is invalid.
 */
export const createEngine = async (options: EngineOptions): Promise<ParleyEngine> => {
  checkOptions("createEngine", options, engineOptionChecks)
  const { opened } = await startEngine(options, [])
  const engine = new ParleyEngine(opened)
  closeOnAbort(options.signal, engine, opened.services)
  return engine
}
