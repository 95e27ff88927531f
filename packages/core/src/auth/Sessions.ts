/**
 * Sessions: one store of opaque tokens for every protocol. A token has 256 random bits and is stored as its hash only;
 * it expires when it was not used for a while or is too old, and can be ended at any time.
 *
 * Logins, logouts, changes of passwords and disabling of one user take effect in the order of their commits. Each commits
 * first, then ends what this process holds; a lookup or a login that was under way meanwhile learns of it by its watch.
 */
import { resolveIdentity } from "./resolveIdentity.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import {
  Authenticator,
  type RequestInfo,
  DEFAULT_TIMEOUT,
  crossOriginRefusal,
  isCrossOrigin
} from "../ports/Authenticator.ts"
import { audit } from "../logging/Audit.ts"
import { refuseOnStorageFailure as availableOr, logStorageFailure } from "../ports/StorageErrors.ts"
import { Credentials } from "./Credentials.ts"
import { Engine } from "../engine/Engine.ts"
import { Hub } from "../delivery/Hub.ts"
import { UserId } from "../model/Ids.ts"
import { LiveSession } from "./LiveSession.ts"
import { LiveSessions, type Watch } from "./LiveSessions.ts"
import { logThrottled } from "../logging/LogThrottle.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { Settings } from "../ports/Settings.ts"
import {
  type Duplicate,
  type VersionConflict,
  type StorageFailed,
  Store,
  type StoredSession,
  type Write
} from "../ports/Store.ts"
import type { User } from "../model/User.ts"
import { textBytes } from "../model/Utf8.ts"

export { LiveSession } from "./LiveSession.ts"

export interface LoginRequest {
  readonly account: string
  /** `md5(password)` as 32 lower-case hex digits; a token of `Credentials.mint` also as it is. */
  readonly secret: string
  /** The password itself, where the protocol has it. */
  readonly password?: string
  /** What the connection began with: a client without a password is who the embedder's authenticator says it is. */
  readonly request?: RequestInfo
  readonly kind: StoredSession["kind"]
  readonly device: string
  /** The client's address, for throttling. */
  readonly address: string
  /**
   * Whether the client still waits for the login. One that has gone away while its password was checked gets no session: that
   * would end the session of a newer login.
   */
  readonly isAwaited?: () => boolean
}

/** One session of a user, as an operator sees it. */
export interface SessionView {
  /** The first 16 digits of the hash of its token. */
  readonly id: string
  readonly kind: StoredSession["kind"]
  /** The device that logged in; "" where a user has one only. */
  readonly device: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970; off by up to a 24th of the idle time where another node has it. */
  readonly usedAt: number
  /** Whether a connection of this node has it. */
  readonly connected: boolean
}

/** Characters of a session's public id. */
const ID_LENGTH = 16
const TOKEN_BYTES = 32
/** Characters of a token that is looked up, at most: longer ones are never made, and are not hashed. */
const MAX_TOKEN = 1024
/** Milliseconds between two looks at the sessions of all connections. */
const SWEEP = 60_000
/** Sessions whose last use is written in one commit, at most. */
const BATCH = 500
/** Logins that are decided again since all sessions of the user ended meanwhile, at most. */
const MAX_ATTEMPTS = 3
/** WebSocket close code of our own: log in again. */
const CLOSE_SESSION_ENDED = 4003
/** No user has this id: the epoch of an unknown account is looked for as well. */
const SYSTEM_ACTOR = UserId(0)
/** What clients send for an empty password. */
const MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"

/** What a client sent as an account, as it may stand in a log: at most 64 characters, without control characters. */
const printable = (account: string): string => account.slice(0, 64).replace(/\p{C}/gu, "?")

export class Sessions extends Context.Service<
  Sessions,
  {
    /**
     * A new session for who knows the password. Without one (also as the md5 of none) it is for whom the authenticator
     * knows `request` by, if that is the account, or if no account is named. A chat login ends the user's earlier chat
     * sessions where only one is allowed. A wrong password and an unknown account are refused alike, in like time.
     */
    readonly login: (
      request: LoginRequest
    ) => Effect.Effect<{ readonly session: LiveSession; readonly user: User }, Refused>
    /** A new session for a user whom somebody else has authenticated. */
    readonly issue: (user: UserId, kind: StoredSession["kind"], device?: string) => Effect.Effect<LiveSession, Refused>
    /** The live session of a token with its user, who counts as having used it now; else nothing. */
    readonly resume: (
      token: string
    ) => Effect.Effect<{ readonly session: LiveSession; readonly user: User } | undefined, Refused>
    /**
     * Whom the embedder's authenticator knows a request by, for requests that show no token; nobody where there is no
     * authenticator. What a page of a foreign origin sends is refused with `Rejected`, code `cross_origin`, if it carries
     * what the authenticator knows.
     */
    readonly authenticated: (request: RequestInfo) => Effect.Effect<User | undefined, Refused>
    /** Refuses what a page of a foreign origin sends: for what browsers add by themselves to whatever a page sends. */
    readonly rejectCrossOrigin: (request: RequestInfo) => Effect.Effect<void, Refused>
    /** Whether a session that is held is still good; it counts as used now. `now` in milliseconds since 1970. */
    readonly isValid: (session: LiveSession, now: number) => boolean
    /** Ends it, and closes the connections that have it, but the one of this id. */
    readonly end: (session: LiveSession, keep?: number) => Effect.Effect<void, Refused>
    /**
     * Ends all sessions of a user, together with these writes or not at all: logins that were decided on before come too
     * late. Recorded by `audit`.
     */
    readonly endAll: (user: UserId, writes?: ReadonlyArray<Write>) => Effect.Effect<void, Refused>
    /** The sessions of a user that are good, those used last first. */
    readonly list: (user: UserId) => Effect.Effect<ReadonlyArray<SessionView>, Refused>
    /** Ends the session of a user by its public id, and closes its connections; false where there is none. Recorded by `audit`. */
    readonly endOne: (user: UserId, id: string) => Effect.Effect<boolean, Refused>
  }
>()("@parley/core/Sessions") {
  static readonly layer: Layer.Layer<
    Sessions,
    never,
    Engine | Hub | Store | Credentials | Digest.Digest | SecureRandom.SecureRandom
  > = Layer.effect(
    Sessions,
    Effect.gen(function* () {
      const { commit, context: desk } = yield* Engine
      const store = yield* Store
      const credentials = yield* Credentials
      const hub = yield* Hub
      const digest = yield* Digest.Digest
      const random = yield* SecureRandom.SecureRandom
      const settings = yield* Settings
      const authenticator = yield* Authenticator
      const times = { idle: settings.sessionIdle * 1000, lifetime: settings.sessionLifetime * 1000 }
      const live = new LiveSessions(times, yield* Clock.Clock)
      const scope = yield* Effect.scope
      const fork = Effect.runForkWith(yield* Effect.context<never>())

      const available = availableOr("sessions")

      const hashOf = (token: string): Effect.Effect<string> => digest.digestHex(Digest.sha256, textBytes(token))

      /** Whoever ends the session while `work` is under way is noted in its watch. */
      const watching = <A, E>(hash: string, work: (watch: Watch) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
        Effect.suspend(() => {
          const watch = live.watch(hash)
          return Effect.ensuring(
            work(watch),
            Effect.sync(() => live.unwatch(hash, watch))
          )
        })

      const hangUp = (user: UserId, hashes: ReadonlySet<string>, why: string, keep?: number): void => {
        for (const held of hub.sessionsOf(user)) {
          if (held.live === undefined || !hashes.has(held.live.hash)) continue
          held.live.ended = true
          if (held.connection.id === keep) continue
          held.detachUser()
          held.connection.close(CLOSE_SESSION_ENDED, why)
        }
      }

      /** Commits, then ends what of it is in use here: nobody can be between the two. */
      const commitEnding = (
        user: UserId,
        writes: ReadonlyArray<Write>,
        ended: (hashes: ReadonlyArray<string>) => void
      ): Effect.Effect<void, VersionConflict | Duplicate | StorageFailed> =>
        commit({ expectedVersions: [], writes }).pipe(
          Effect.map((written) => {
            const hashes = written.flatMap((one) => (one._tag === "Sessions" ? one.ended : []))
            live.end(user, new Set(hashes))
            ended(hashes)
          }),
          Effect.uninterruptible
        )

      /** Nothing where it was decided on an epoch that is over, or the user is disabled. */
      const open = Effect.fnUntraced(function* (
        user: UserId,
        kind: StoredSession["kind"],
        device: string,
        epoch: number,
        isAwaited: () => boolean = () => true
      ): Effect.fn.Return<LiveSession | undefined, Refused> {
        const now = yield* Clock.currentTimeMillis
        const token = Base64Url.encode(yield* random.randomBytes(TOKEN_BYTES))
        const hash = yield* hashOf(token)
        const session: StoredSession = { hash, user, kind, device, createdAt: now, usedAt: now }
        const isSingle = kind === "chat" && settings.sessions === "single"
        const keep = isSingle ? 1 : settings.sessionsPerUser
        // Those who are connected are in use, however long ago that was written.
        const touches = isSingle ? [] : [...live.of(user)].filter((one) => one.isConnected && one.kind === kind)
        const writes: ReadonlyArray<Write> = [
          ...touches.map((one): Write => ({ _tag: "TouchSession", hash: one.hash, usedAt: now })),
          { _tag: "SaveSession", session, keep, epoch }
        ]
        return yield* watching(hash, (watch) => {
          if (!isAwaited()) return refuse({ _tag: "NotLoggedIn" })
          let opened: LiveSession | undefined
          return commitEnding(user, writes, (ended) => {
            opened = live.hold(token, session, watch)
            // Connections of a session that a login has replaced are told so when the next one has it.
            if (!isSingle && ended.length > 0) hangUp(user, new Set(ended), "the user has too many sessions")
            startSweeping()
          }).pipe(
            Effect.map(() => opened),
            Effect.catchTag("VersionConflict", () => Effect.undefined),
            available
          )
        })
      })

      const endHashes = (user: UserId, hashes: ReadonlyArray<string>, why: string, keep?: number) =>
        hashes.length === 0
          ? Effect.void
          : available(
              commitEnding(
                user,
                hashes.map((hash) => ({ _tag: "EndSession", hash })),
                () => {
                  const all = new Set(hashes)
                  live.end(user, all)
                  hangUp(user, all, why, keep)
                }
              )
            )

      const endAll = (user: UserId, writes: ReadonlyArray<Write> = []): Effect.Effect<void, Refused> =>
        Effect.suspend(() => {
          // What is in use here ends in any case, also where storage has lost it.
          const here = [
            ...Array.from(live.of(user), ({ hash }) => hash),
            ...hub.sessionsOf(user).flatMap(({ live: held }) => held?.hash ?? [])
          ]
          return commitEnding(user, [...writes, { _tag: "EndSessions", user }], (ended) => {
            const all = new Set([...ended, ...here])
            live.end(user, all)
            hangUp(user, all, "the user's sessions have ended")
          })
        }).pipe(available, Effect.andThen(audit("sessions.end", { user })))

      /** Looks again and again as long as anybody is connected: whose session is good is in use. */
      let sweeping = false
      const sweep = Effect.gen(function* () {
        while (sweeping) {
          yield* Effect.sleep(SWEEP)
          const now = yield* Clock.currentTimeMillis
          const over: Array<LiveSession> = []
          for (const held of hub.allSessions()) {
            if (held.live === undefined || held.live.use(now)) {
              if (held.live?.takeUnsaved() === true) unsaved.add(held.live)
            } else if (held.live.ended) {
              // It was replaced by a session that nobody has connected with yet.
              hangUp(held.live.user, new Set([held.live.hash]), "the session has ended")
            } else over.push(held.live)
          }
          for (const one of over) {
            yield* Effect.ignore(endHashes(one.user, [one.hash], "the session's lifetime is over; log in again"))
          }
          yield* save
          if (desk.users.external !== undefined) yield* Effect.ignoreCause(endDeparted)
          sweeping = hub.size > 0
        }
      })
      /** Somebody else's users may be gone or disabled without our being told. */
      const endDeparted = Effect.gen(function* () {
        const here = [...new Set(hub.allSessions().flatMap(({ user }) => user?.id ?? []))]
        const there = new Map((yield* available(desk.users.findMany(here))).map((user) => [user.id, user]))
        for (const id of here) if (there.get(id)?.disabled !== false) yield* endAll(id)
      })
      const startSweeping = (): void => {
        if (sweeping) return
        sweeping = true
        fork(Effect.forkIn(sweep, scope))
      }

      /** Sessions whose last use is to be written. */
      const unsaved = new Set<LiveSession>()
      const save: Effect.Effect<void> = Effect.gen(function* () {
        const due = [...unsaved].filter(({ ended }) => !ended)
        unsaved.clear()
        for (let start = 0; start < due.length; start += BATCH) {
          const writes = due
            .slice(start, start + BATCH)
            .map(({ hash, usedAt }): Write => ({ _tag: "TouchSession", hash, usedAt }))
          yield* commit({ expectedVersions: [], writes })
        }
      }).pipe(Effect.catch((failed) => logStorageFailure("the last use of sessions could not be written", failed)))

      const isGood = (session: LiveSession, now: number): boolean => {
        if (!session.use(now)) return false
        startSweeping()
        if (session.takeUnsaved()) {
          unsaved.add(session)
          // Those of the same turn are written together.
          if (unsaved.size === 1) fork(Effect.andThen(Effect.yieldNow, save))
        }
        return true
      }

      const lookUp = Effect.fnUntraced(function* (token: string): Effect.fn.Return<LiveSession | undefined, Refused> {
        if (token.length > MAX_TOKEN) return undefined
        const hash = yield* hashOf(token)
        return yield* watching(hash, (watch) =>
          Effect.map(available(store.session(hash)), (stored) =>
            stored === undefined ? undefined : live.hold(token, stored, watch)
          )
        )
      })

      const resume = Effect.fnUntraced(function* (token: string) {
        if (token === "" || token.length > 256) return undefined
        const session = live.get(token) ?? (yield* lookUp(token))
        if (session === undefined || !isGood(session, yield* Clock.currentTimeMillis)) return undefined
        const user = yield* available(desk.users.find(session.user))
        return user === undefined || user.disabled || session.ended ? undefined : { session, user }
      })

      const list = Effect.fnUntraced(function* (user: UserId) {
        const here = new Map(Array.from(live.of(user), (one) => [one.hash, one]))
        const clock = yield* Clock.Clock
        const now = yield* Clock.currentTimeMillis
        return (yield* available(store.sessionsOf(user)))
          .map((stored) => here.get(stored.hash) ?? new LiveSession("", stored, times, clock))
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
        const stored = yield* available(store.sessionsOf(user))
        const found = stored.find(({ hash }) => hash.slice(0, ID_LENGTH) === id)
        if (found === undefined) return false
        yield* endHashes(user, [found.hash], "the session was ended by an administrator")
        yield* audit("session.end", { user, session: id, kind: found.kind })
        return true
      })

      const notForeign = (request: RequestInfo): Effect.Effect<void, Refused> =>
        isCrossOrigin(request, authenticator) ? Effect.fail(crossOriginRefusal) : Effect.void

      const authenticated = Effect.fnUntraced(function* (request: RequestInfo) {
        const { authenticate, timeout = DEFAULT_TIMEOUT } = authenticator
        if (authenticate === undefined) return undefined
        const identity = yield* Effect.suspend(() => authenticate(request)).pipe(
          Effect.timeout(timeout),
          Effect.catchCause((cause) => Effect.as(Effect.logError("the authenticator failed", cause), undefined))
        )
        if (identity === undefined) return undefined
        yield* notForeign(request)
        const user = yield* available(resolveIdentity(desk.users, identity))
        return user?.disabled === false ? user : undefined
      })

      /** Who logs in without a password: the user of the request that the connection began with. */
      const present = Effect.fnUntraced(function* ({ account, secret, request }: LoginRequest) {
        if (request === undefined || (secret !== "" && secret !== MD5_OF_NOTHING)) return undefined
        const user = yield* authenticated(request)
        return user !== undefined && (account === "" || account === user.account) ? user : undefined
      })

      /** The epoch of a user's sessions, once it is known; then whether they may have one. */
      const epochOf = Effect.fnUntraced(function* (id: UserId): Effect.fn.Return<number, Refused> {
        const epoch = yield* available(store.sessionEpoch(id))
        const user = yield* available(desk.users.find(id))
        if (user === undefined || user.disabled) return yield* refuse({ _tag: "NoSuchUsers", users: [String(id)] })
        return epoch
      })

      /** By the password; a refusal is logged, gathered by account and address. */
      const verified = (request: LoginRequest): Effect.Effect<User, Refused> =>
        Effect.tapError(credentials.verify(request), ({ reason }) => {
          const message = reason._tag === "WrongPassword" ? "login failed" : "login refused"
          const account = printable(request.account)
          const details = { account, address: request.address, kind: request.kind, reason: reason._tag }
          return logThrottled({ key: `${message} ${account} ${request.address}`, level: "Info", message, details })
        })

      return Sessions.of({
        authenticated,
        rejectCrossOrigin: notForeign,
        login: Effect.fnUntraced(function* (request) {
          for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
            const [named] = yield* available(desk.users.resolve([request.account]))
            // Before the password is read: if that changes afterwards, the epoch is over.
            const before = yield* available(store.sessionEpoch(named?.id ?? SYSTEM_ACTOR))
            const user = (yield* present(request)) ?? (yield* verified(request))
            const epoch = user.id === named?.id ? before : yield* epochOf(user.id)
            const session = yield* open(user.id, request.kind, request.device, epoch, request.isAwaited)
            if (session !== undefined) return { session, user }
          }
          return yield* refuse({ _tag: "Busy" })
        }),
        issue: Effect.fnUntraced(function* (user, kind, device = "") {
          for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
            const session = yield* open(user, kind, device, yield* epochOf(user))
            if (session !== undefined) return session
          }
          return yield* refuse({ _tag: "Busy" })
        }),
        resume,
        isValid: isGood,
        end: (session, keep) => endHashes(session.user, [session.hash], "the session has ended", keep),
        endAll,
        list,
        endOne
      })
    })
  )
}
