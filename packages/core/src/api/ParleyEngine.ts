/** The engine for who does not know Effect: promises, callbacks and async iterations. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as ManagedRuntime from "effect/ManagedRuntime"
import { plainAddress } from "../ports/ClientAddress.ts"
import type { Decision } from "../services/Permissions.ts"
import type { Operation } from "../rules/Operations.ts"
import type { Setting } from "../ports/Settings.ts"
import type { StoredSession } from "../ports/Store.ts"
import { ensureSystemChat } from "../services/SystemChat.ts"
import type { User } from "../model/User.ts"
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
  /** What differs from the defaults. */
  readonly settings?: SettingsInput | undefined
  /** Closes the engine. */
  readonly signal?: AbortSignalLike | undefined
}

/** A user who has shown that it is them. */
export interface LoggedIn {
  readonly user: User
  /** Shown to protocols that take a token, until it expires or is ended. */
  readonly token: string
}

/** Every method that answers a promise rejects with a `ParleyError`; after `close`, with the code `Closed`. */
export class ParleyEngine implements AsyncDisposable {
  /** The engine's users. */
  readonly users: UsersApi
  /** The same engine for who knows Effect. */
  readonly runtime: ManagedRuntime.ManagedRuntime<Services, never>
  protected readonly services: EngineServices
  readonly #feed: EventStream
  readonly #close: () => Promise<void>

  constructor({ services, runtime, close }: OpenedEngine) {
    this.users = new UsersApi(services)
    this.runtime = runtime
    this.services = services
    this.#feed = new EventStream(services)
    this.#close = close
  }

  /** What this user can do. Whether there is such a user is seen by the first call. */
  as(user: UserRef): UserApi {
    return new UserApi(this.services, user)
  }

  /** Calls back for each event of a type, in the turn in which it happens, until the returned function is called. */
  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => unknown): () => void {
    return this.#feed.on(type, listener)
  }

  /**
   * Every event from the first `next()` on. It ends with the signal and with the engine. Up to 10,000 events wait for who
   * is slow; beyond that the iteration throws, code `Overflowed`: what happened in a chat is in its log.
   */
  events(options: { readonly signal?: AbortSignalLike } = {}): AsyncIterableIterator<ParleyEvent> {
    return this.#feed.events(options)
  }

  /** Whether the user may do it, and else which rule says no; nothing is done. */
  explain(user: UserRef, chat: ChatRef, operation: Operation): Promise<Decision> {
    return this.as(user).may(operation, chat)
  }

  /**
   * A token that a client of the user shows once in place of a password, where the host has the passwords and a protocol's
   * login cannot be verified. `ttl` in seconds.
   */
  mintToken(user: UserRef, options: { readonly ttl?: number } = {}): Promise<string> {
    const { ttl } = options
    return this.#with(user, ({ credentials }, { id }) =>
      credentials.mint(id, ttl === undefined ? {} : { ttl: Duration.seconds(ttl) })
    )
  }

  /**
   * A session for a user whom the host has authenticated: a token that protocols over HTTP take. `chat` is that of a chat
   * client, of which a user may have one only by default; `token`, the usual one, is for everything else.
   */
  openSession(
    user: UserRef,
    { kind = "token", device = "" }: { readonly kind?: StoredSession["kind"]; readonly device?: string } = {}
  ): Promise<string> {
    return this.#with(user, ({ sessions }, { id }) =>
      Effect.map(sessions.issue(id, kind, device), ({ token }) => token)
    )
  }

  /** By account and password, as a protocol does it; failed attempts are throttled by account and `address`. */
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

  /** Whose token it is; it counts as used now. Undefined for one that is not good. */
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

  /** Makes the chat of which everybody is a member, if there is none; system administrators are its admins. */
  async addSystemChat(): Promise<void> {
    // Two that make it at once make one: the other one's is there.
    await this.run(Effect.catchTag(ensureSystemChat, "Duplicate", () => Effect.void))
  }

  /** Runs an effect on the engine's services. What it fails with becomes a `ParleyError`. */
  run<A, E>(effect: Effect.Effect<A, E, Services>): Promise<A> {
    return this.services.run(effect)
  }

  /** Ends what is under way and releases everything; further calls wait for the same. */
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

/** What an engine needs to become one with more to it. */
export interface StartedEngine {
  readonly opened: OpenedEngine
  /** The values of the settings that `declared` adds, by key. */
  readonly dialects: Readonly<Record<string, string | number | boolean>>
}

/** Opens what `options` say, with the settings that protocols declare. */
export const startEngine = async (
  { settings = {}, signal, ...parts }: EngineOptions,
  declared: ReadonlyArray<Setting>
): Promise<StartedEngine> => {
  if (signal?.aborted === true) throw aborted(undefined)
  const { engine, dialects } = resolveSettings(settings, declared)
  return { opened: await openRuntime(parts, engine), dialects }
}

/** Lets the signal end it. */
export const closeOnAbort = (
  signal: AbortSignalLike | undefined,
  engine: ParleyEngine,
  services: EngineServices
): void => {
  const forget = onAbort(signal, () => void engine.close().catch(() => {}))
  services.onClose(forget)
}

/**
 * An engine in this process: no port, no thread, no timer before somebody is there. Rejected with a `ParleyError` where
 * the store cannot be opened or a setting is none.
 */
export const createEngine = async (options: EngineOptions): Promise<ParleyEngine> => {
  const { opened } = await startEngine(options, [])
  const engine = new ParleyEngine(opened)
  closeOnAbort(options.signal, engine, opened.services)
  return engine
}
