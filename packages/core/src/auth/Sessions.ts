/**
 * Sessions: one store of opaque tokens for every protocol. A token has 256 random bits and is stored as its hash only;
 * it expires when it is idle for too long or too old, and can be ended at any time.
 */
import { resolveIdentity } from "./resolveIdentity.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  Authenticator,
  type RequestInfo,
  DEFAULT_TIMEOUT,
  crossOriginRefusal,
  isCrossOrigin
} from "../ports/Authenticator.ts"
import { audit } from "../logging/Audit.ts"
import { Fence } from "../ports/Fence.ts"
import { refuseOnStorageFailure } from "../ports/StorageErrors.ts"
import { Credentials } from "./Credentials.ts"
import { Engine } from "../engine/Engine.ts"
import { Hub } from "../delivery/Hub.ts"
import { UserId } from "../model/Ids.ts"
import { LiveSession } from "../delivery/LiveSession.ts"
import { LiveSessions } from "./LiveSessions.ts"
import { logThrottled } from "../logging/LogThrottle.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { makeSessionSweep } from "./SessionSweep.ts"
import { makeSessionWriter } from "./SessionWriter.ts"
import { Settings } from "../ports/Settings.ts"
import { Store, type StoredSession, type Write } from "../ports/Store.ts"
import type { User } from "../model/User.ts"

export { LiveSession } from "../delivery/LiveSession.ts"

/** Credentials and client of a login. */
export interface LoginRequest {
  /** Account of the user. */
  readonly account: string
  /** `md5(password)` as 32 lower-case hex digits; a token of `Credentials.mint` may be sent as it is. */
  readonly secret: string
  /** The password itself, if the protocol sends it. */
  readonly password?: string
  /**
   * The connection's first request: a client without a password is the user whom the embedder's authenticator returns
   * for it.
   */
  readonly request?: RequestInfo
  /** Kind of the session to begin. */
  readonly kind: StoredSession["kind"]
  /** Name of the device; "" for a user with a single device. */
  readonly device: string
  /** The client's address, for throttling. */
  readonly address: string
  /**
   * Returns whether the client still waits for the login. A client that disconnected while its password was checked
   * gets no session, which would end the session of a newer login.
   */
  readonly isAwaited?: () => boolean
}

/** One session of a user, for operators. */
export interface SessionView {
  /** The first 16 digits of the hash of its token. */
  readonly id: string
  /** `chat` for a chat client's login, `token` for all others. */
  readonly kind: StoredSession["kind"]
  /** The device that logged in; "" for a user with a single device. */
  readonly device: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970; inaccurate by up to a 24th of the idle time if another node has the session. */
  readonly usedAt: number
  /** Whether a connection of this node has it. */
  readonly connected: boolean
}

/** Number of characters of a session's public id. */
const ID_LENGTH = 16
/** Maximum number of characters of a token that is looked up: longer ones are never issued, and are not hashed. */
const MAX_TOKEN = 256
/** Maximum number of attempts at a login while all sessions of the user are ended concurrently. */
const MAX_ATTEMPTS = 3
/** Id of no user: the epoch is read for an unknown account too. */
const NO_USER = UserId(0)
/** Sent by clients for an empty password. */
const MD5_OF_EMPTY = "d41d8cd98f00b204e9800998ecf8427e"

/** Returns an account as sent by a client, safe for a log: at most 64 characters, without control characters. */
const printable = (account: string): string => account.slice(0, 64).replace(/\p{C}/gu, "?")

/** Login sessions: opens, finds and ends them. */
export class Sessions extends Context.Service<
  Sessions,
  {
    /**
     * Opens a session after checking the password. Without a password (or with the md5 of an empty one) the user is the
     * one whom the authenticator returns for `request`; a named account must match. A chat login ends the user's earlier
     * chat sessions if only one is allowed. A wrong password and an unknown account are refused alike, in similar time.
     */
    readonly login: (
      request: LoginRequest
    ) => Effect.Effect<{ readonly session: LiveSession; readonly user: User }, Refused>
    /** Opens a session for a user who was authenticated by other means. */
    readonly issue: (user: UserId, kind: StoredSession["kind"], device?: string) => Effect.Effect<LiveSession, Refused>
    /** Returns the live session of a token with its user, and records a use; otherwise undefined. */
    readonly resume: (
      token: string
    ) => Effect.Effect<{ readonly session: LiveSession; readonly user: User } | undefined, Refused>
    /**
     * Returns the user whom the embedder's authenticator returns for a request without a token, or undefined, as
     * without an authenticator. A cross-origin request for which it returns a user is refused with `Rejected`, code
     * `cross_origin`.
     */
    readonly authenticated: (request: RequestInfo) => Effect.Effect<User | undefined, Refused>
    /** Refuses cross-origin requests: for credentials that browsers attach to every request. */
    readonly rejectCrossOrigin: (request: RequestInfo) => Effect.Effect<void, Refused>
    /** Returns whether a held session is still valid, and records a use. `now` in milliseconds since 1970. */
    readonly isValid: (session: LiveSession, now: number) => boolean
    /** Ends a session, and closes its connections except the one with the id `keep`. */
    readonly end: (session: LiveSession, keep?: number) => Effect.Effect<void, Refused>
    /**
     * Ends the user's other sessions of the kind `device` with the device of this one. Their clients on other nodes are
     * notified as of a login elsewhere; the caller notifies those of this node.
     */
    readonly replaceDevice: (session: LiveSession) => Effect.Effect<void, Refused>
    /** Returns whether a user has a valid session of the kind `device` with this device. */
    readonly hasDevice: (user: UserId, device: string) => Effect.Effect<boolean, Refused>
    /**
     * Ends all sessions of a user, atomically with these writes: concurrent logins based on earlier facts fail.
     * Audited.
     */
    readonly endAll: (user: UserId, writes?: ReadonlyArray<Write>) => Effect.Effect<void, Refused>
    /** Returns the valid sessions of a user, the most recently used first. */
    readonly list: (user: UserId) => Effect.Effect<ReadonlyArray<SessionView>, Refused>
    /**
     * Ends the session of a user by its public id, and closes its connections; returns false if it does not exist.
     * Audited.
     */
    readonly endOne: (user: UserId, id: string) => Effect.Effect<boolean, Refused>
    /**
     * Ends a session in this process that another node has ended in storage. `replaced`: by a login, of which the client is
     * notified if only one chat session is allowed.
     */
    readonly endedElsewhere: (user: UserId, hash: string, replaced: boolean) => void
    /** Drops all sessions from memory; those of connections are looked up again by their next use. */
    readonly clear: () => void
  }
>()("@parley/core/Sessions") {
  /** The service, on the engine and the store of the same scope. */
  static readonly layer: Layer.Layer<
    Sessions,
    never,
    Engine | Fence | Hub | Store | Credentials | Digest.Digest | SecureRandom.SecureRandom
  > = Layer.effect(
    Sessions,
    Effect.gen(function* () {
      const { context } = yield* Engine
      const store = yield* Store
      const fence = yield* Fence
      const credentials = yield* Credentials
      const settings = yield* Settings
      const authenticator = yield* Authenticator
      const times = { idle: settings.sessionIdle * 1000, lifetime: settings.sessionLifetime * 1000 }
      const live = new LiveSessions(times, yield* Clock.Clock)
      const writer = yield* makeSessionWriter(live)
      const sweep = yield* makeSessionSweep(writer)

      const orUnavailable = refuseOnStorageFailure("sessions")

      const openSession = (...session: Parameters<typeof writer.open>): ReturnType<typeof writer.open> =>
        Effect.tap(writer.open(...session), (opened) => {
          if (opened !== undefined) sweep.start()
          return Effect.void
        })

      const lookUp = Effect.fnUntraced(function* (token: string): Effect.fn.Return<LiveSession | undefined, Refused> {
        const hash = yield* writer.hashOf(token)
        return yield* live.watching(hash, (watch) =>
          Effect.map(orUnavailable(store.session(hash)), (stored) =>
            stored === undefined ? undefined : live.add(token, stored, watch)
          )
        )
      })

      const resume = Effect.fnUntraced(function* (token: string) {
        if (token === "" || token.length > MAX_TOKEN) return undefined
        if (fence.isClosed) yield* orUnavailable(fence.check("session"))
        const session = live.get(token) ?? (yield* lookUp(token))
        if (session === undefined || !sweep.use(session, yield* Clock.currentTimeMillis)) return undefined
        const user = yield* orUnavailable(context.users.find(session.user))
        return user === undefined || user.disabled || session.ended ? undefined : { session, user }
      })

      const list = Effect.fnUntraced(function* (user: UserId) {
        const local = new Map(Array.from(live.of(user), (one) => [one.hash, one]))
        const clock = yield* Clock.Clock
        const now = yield* Clock.currentTimeMillis
        return (yield* orUnavailable(store.sessionsOf(user)))
          .map((stored) => local.get(stored.hash) ?? new LiveSession("", stored, times, clock))
          .filter((one) => one.isValid)
          .map((one): SessionView => ({
            id: one.hash.slice(0, ID_LENGTH),
            kind: one.kind,
            device: one.device,
            createdAt: one.createdAt,
            usedAt: one.isConnected ? now : one.usedAt,
            connected: one.isConnected
          }))
          .sort((one, other) => other.usedAt - one.usedAt)
      })

      const endOne = Effect.fnUntraced(function* (user: UserId, id: string): Effect.fn.Return<boolean, Refused> {
        const stored = yield* orUnavailable(store.sessionsOf(user))
        const found = stored.find(({ hash }) => hash.slice(0, ID_LENGTH) === id)
        if (found === undefined) return false
        yield* writer.end(user, [found.hash], "the session was ended by an administrator")
        yield* audit("session.end", { user, session: id, kind: found.kind })
        return true
      })

      const rejectCrossOrigin = (request: RequestInfo): Effect.Effect<void, Refused> =>
        isCrossOrigin(request, authenticator) ? Effect.fail(crossOriginRefusal) : Effect.void

      const authenticated = Effect.fnUntraced(function* (request: RequestInfo) {
        const { authenticate, timeout = DEFAULT_TIMEOUT } = authenticator
        if (authenticate === undefined) return undefined
        const identity = yield* Effect.suspend(() => authenticate(request)).pipe(
          Effect.timeout(timeout),
          Effect.catchCause((cause) => {
            const isTimeout = Cause.isTimeoutError(Cause.squash(cause))
            const message = isTimeout ? `authenticate took longer than ${timeout} ms` : "authenticate failed"
            return Effect.as(logThrottled({ key: message, level: "Error", message, cause }), undefined)
          })
        )
        if (identity === undefined) return undefined
        yield* rejectCrossOrigin(request)
        const user = yield* orUnavailable(resolveIdentity(context.users, identity, "authenticate"))
        return user?.disabled === false ? user : undefined
      })

      /** Returns the user of a login without a password: by the request that opened the connection. */
      const identifyByRequest = Effect.fnUntraced(function* ({ account, secret, request }: LoginRequest) {
        if (request === undefined || (secret !== "" && secret !== MD5_OF_EMPTY)) return undefined
        const user = yield* authenticated(request)
        return user !== undefined && (account === "" || account === user.account) ? user : undefined
      })

      /** Returns the epoch of a user's sessions, read before checking that they may have one. */
      const epochOf = Effect.fnUntraced(function* (id: UserId): Effect.fn.Return<number, Refused> {
        const epoch = yield* orUnavailable(store.sessionEpoch(id))
        const user = yield* orUnavailable(context.users.find(id))
        if (user === undefined || user.disabled) return yield* refuse({ _tag: "NoSuchUsers", users: [String(id)] })
        return epoch
      })

      /** Verifies the password; refusals are logged, throttled by account and address. */
      const verifyPassword = (request: LoginRequest): Effect.Effect<User, Refused> =>
        Effect.tapError(credentials.verify(request), ({ reason }) => {
          const message = reason._tag === "WrongPassword" ? "login failed" : "login refused"
          const account = printable(request.account)
          const details = { account, address: request.address, kind: request.kind, reason: reason._tag }
          return logThrottled({ key: `${message} ${account} ${request.address}`, level: "Info", message, details })
        })

      return Sessions.of({
        authenticated,
        rejectCrossOrigin,
        login: Effect.fnUntraced(function* (request) {
          for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
            const [named] = yield* orUnavailable(context.users.resolve([request.account]))
            // Read before the password: if the password changes afterwards, the epoch has changed, and the login is retried.
            const before = yield* orUnavailable(store.sessionEpoch(named?.id ?? NO_USER))
            const user = (yield* identifyByRequest(request)) ?? (yield* verifyPassword(request))
            const epoch = user.id === named?.id ? before : yield* epochOf(user.id)
            const session = yield* openSession(user.id, request.kind, request.device, epoch, request.isAwaited)
            if (session !== undefined) return { session, user }
          }
          return yield* refuse({ _tag: "Busy" })
        }),
        issue: Effect.fnUntraced(function* (user, kind, device = "") {
          for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
            const session = yield* openSession(user, kind, device, yield* epochOf(user))
            if (session !== undefined) return session
          }
          return yield* refuse({ _tag: "Busy" })
        }),
        resume,
        isValid: sweep.use,
        end: (session, keep) => writer.end(session.user, [session.hash], "the session has ended", keep),
        replaceDevice: Effect.fnUntraced(function* ({ hash, user, device }) {
          const stored = yield* orUnavailable(store.sessionsOf(user))
          const others = stored.filter((one) => one.kind === "device" && one.device === device && one.hash !== hash)
          yield* writer.replace(
            user,
            others.map((one) => one.hash)
          )
        }),
        hasDevice: (user, device) =>
          Effect.map(list(user), (all) => all.some((one) => one.kind === "device" && one.device === device)),
        endAll: writer.endAll,
        list,
        endOne,
        endedElsewhere: writer.endedElsewhere,
        clear: () => live.clear()
      })
    })
  )
}
