/**
 * Sessions: one store of opaque tokens for every protocol. A token has 256 random bits and is stored as its hash only;
 * it expires when it was not used for a while, and can be ended at any time.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import { Authenticator, type Carried, DEFAULT_TIMEOUT, foreignOrigin, identified, isForeign } from "./Authenticator.ts"
import { available as availableOr } from "./Availability.ts"
import { Credentials } from "./Credentials.ts"
import { Engine } from "./Engine.ts"
import { Hub } from "./Hub.ts"
import type { UserId } from "./Ids.ts"
import type { Refused } from "./Refused.ts"
import { Settings } from "./Settings.ts"
import { Store, type StoredSession, type Write } from "./Store.ts"
import type { User } from "./User.ts"
import { textBytes } from "./Utf8.ts"

/** A session in use. There is one object for each token in a process, so that its end is seen wherever it is held. */
export interface LiveSession {
  readonly token: string
  readonly hash: string
  readonly user: UserId
  readonly kind: StoredSession["kind"]
  readonly device: string
  readonly createdAt: number
  /** Milliseconds since 1970. */
  usedAt: number
  /** What storage has for `usedAt`. */
  savedAt: number
  ended: boolean
}

export interface LoginRequest {
  readonly account: string
  /** `md5(password)` as 32 lower-case hex digits; a token of `Credentials.mint` also as it is. */
  readonly secret: string
  /** The password itself, where the protocol has it. */
  readonly password?: string
  /** What the connection began with: a client without a password is who the embedder's authenticator says it is. */
  readonly request?: Carried
  readonly kind: StoredSession["kind"]
  readonly device: string
  /** The client's address, for throttling. */
  readonly address: string
}

/** Those used longest ago, all but so many of them. */
const beyond = (sessions: ReadonlyArray<StoredSession>, limit: number): ReadonlyArray<StoredSession> =>
  sessions.length <= limit
    ? []
    : sessions
        .toSorted((one, other) => other.usedAt - one.usedAt || other.createdAt - one.createdAt)
        .slice(Math.max(limit, 0))

/** Tokens remembered in memory, at most. */
const LIMIT = 200_000
const TOKEN_BYTES = 32
/** Milliseconds between two looks for connections whose session has expired. */
const SWEEP = 60_000
/** WebSocket close code of our own: log in again. */
const CLOSE_SESSION_ENDED = 4003
/** A session's last use is written once it is off by this part of the idle time. */
const SAVE_AFTER = 1 / 24
/** What clients send for an empty password. */
const MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"

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
     * authenticator. What a page of a foreign origin sends is refused with `Vetoed`, code `foreign_origin`, if it carries
     * what the authenticator knows.
     */
    readonly authenticated: (request: Carried) => Effect.Effect<User | undefined, Refused>
    /** Refuses what a page of a foreign origin sends: for what browsers add by themselves to whatever a page sends. */
    readonly notForeign: (request: Carried) => Effect.Effect<void, Refused>
    /** Whether a session that is held is still good; it counts as used now. */
    readonly isGood: (session: LiveSession, now: number) => boolean
    /** Ends it, and closes the connections that have it, but the one of this id. */
    readonly end: (session: LiveSession, keep?: number) => Effect.Effect<void, Refused>
    /** Ends all sessions of a user. */
    readonly endAll: (user: UserId) => Effect.Effect<void, Refused>
  }
>()("@parley/core/Sessions") {
  static readonly layer: Layer.Layer<
    Sessions,
    never,
    Engine | Hub | Store | Credentials | Digest.Digest | SecureRandom.SecureRandom
  > = Layer.effect(
    Sessions,
    Effect.gen(function* () {
      const { commit, desk } = yield* Engine
      const store = yield* Store
      const credentials = yield* Credentials
      const hub = yield* Hub
      const digest = yield* Digest.Digest
      const random = yield* SecureRandom.SecureRandom
      const settings = yield* Settings
      const authenticator = yield* Authenticator
      const idle = settings.sessionIdle * 1000
      const scope = yield* Effect.scope
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      /** By token, the least recently used first. */
      const live = new Map<string, LiveSession>()

      const available = availableOr("sessions")

      const hashOf = (token: string): Effect.Effect<string> => digest.digestHex(Digest.sha256, textBytes(token))

      const hold = (token: string, stored: StoredSession): LiveSession => {
        const session: LiveSession = { ...stored, token, savedAt: stored.usedAt, ended: false }
        if (live.size >= LIMIT) {
          for (const oldest of live.keys()) {
            live.delete(oldest)
            break
          }
        }
        live.set(token, session)
        startSweeping()
        return session
      }

      const forget = (gone: (session: LiveSession) => boolean): void => {
        for (const [token, session] of live) {
          if (!gone(session)) continue
          session.ended = true
          live.delete(token)
        }
      }

      const open = Effect.fnUntraced(function* (
        user: UserId,
        kind: StoredSession["kind"],
        device: string
      ): Effect.fn.Return<LiveSession, Refused> {
        const now = yield* Clock.currentTimeMillis
        const token = Base64Url.encode(yield* random.randomBytes(TOKEN_BYTES))
        const stored: StoredSession = { hash: yield* hashOf(token), user, kind, device, createdAt: now, usedAt: now }
        const writes: Array<Write> = [{ _tag: "SaveSession", session: stored }]
        const replaces = kind === "chat" && settings.sessions === "single"
        const others = yield* available(store.sessionsOf(user))
        const kept = others.filter((one) => !replaces || one.kind !== "chat")
        const surplus = new Set(beyond(kept, settings.sessionsPerUser - 1).map(({ hash }) => hash))
        for (const one of others) {
          if (surplus.has(one.hash) || !kept.includes(one)) writes.push({ _tag: "EndSession", hash: one.hash })
        }
        yield* available(commit({ relies: [], writes }))
        if (replaces) forget((session) => session.user === user && session.kind === "chat")
        if (surplus.size > 0) {
          forget((session) => surplus.has(session.hash))
          hangUp((session) => surplus.has(session.hash), "the user has too many sessions")
        }
        return hold(token, stored)
      })

      const hangUp = (gone: (session: LiveSession) => boolean, why: string, keep?: number): void => {
        for (const held of hub.everybody()) {
          if (held.live === undefined || !gone(held.live) || held.connection.id === keep) continue
          held.exit()
          held.connection.close(CLOSE_SESSION_ENDED, why)
        }
      }

      const endAll = Effect.fnUntraced(function* (user: UserId): Effect.fn.Return<void, Refused> {
        const stored = yield* available(store.sessionsOf(user))
        yield* available(commit({ relies: [], writes: stored.map(({ hash }) => ({ _tag: "EndSession", hash })) }))
        forget((session) => session.user === user)
        hangUp((session) => session.user === user, "the user's sessions have ended")
      })

      /** Looks again and again as long as anybody is connected. */
      let sweeping = false
      const sweep = Effect.gen(function* () {
        while (sweeping) {
          yield* Effect.sleep(SWEEP)
          const now = yield* Clock.currentTimeMillis
          // One that was replaced by a session that nobody has connected with yet goes here as well.
          hangUp((session) => session.ended || now - session.usedAt >= idle, "the session has expired")
          if (desk.users.external !== undefined) yield* Effect.ignoreCause(endDeparted)
          sweeping = hub.size > 0
        }
      })
      /** Somebody else's users may be gone or disabled without our being told. */
      const endDeparted = Effect.gen(function* () {
        const here = [...new Set(hub.everybody().flatMap(({ user }) => user?.id ?? []))]
        const there = new Map((yield* available(desk.users.some(here))).map((user) => [user.id, user]))
        for (const id of here) if (there.get(id)?.disabled !== false) yield* endAll(id)
      })
      const startSweeping = (): void => {
        if (sweeping) return
        sweeping = true
        fork(Effect.forkIn(sweep, scope))
      }

      const isGood = (session: LiveSession, now: number): boolean => {
        if (session.ended || now - session.usedAt >= idle) return false
        session.usedAt = now
        startSweeping()
        if (now - session.savedAt >= idle * SAVE_AFTER) {
          session.savedAt = now
          const { hash, user, kind, device, createdAt, usedAt } = session
          const saved = { hash, user, kind, device, createdAt, usedAt }
          fork(
            commit({ relies: [], writes: [{ _tag: "SaveSession", session: saved }] }).pipe(
              Effect.catch((failed) => Effect.logWarning("a session's last use could not be written", failed))
            )
          )
        }
        return true
      }

      const resume = Effect.fnUntraced(function* (token: string) {
        if (token === "" || token.length > 256) return undefined
        const now = yield* Clock.currentTimeMillis
        let session = live.get(token)
        if (session === undefined) {
          const stored = yield* available(store.session(yield* hashOf(token)))
          if (stored === undefined) return undefined
          session = live.get(token) ?? hold(token, stored)
        }
        if (!isGood(session, now)) return undefined
        const user = yield* available(desk.users.find(session.user))
        return user === undefined || user.disabled ? undefined : { session, user }
      })

      const notForeign = (request: Carried): Effect.Effect<void, Refused> =>
        isForeign(request, authenticator) ? Effect.fail(foreignOrigin) : Effect.void

      const authenticated = Effect.fnUntraced(function* (request: Carried) {
        const { authenticate, timeout = DEFAULT_TIMEOUT } = authenticator
        if (authenticate === undefined) return undefined
        const identity = yield* Effect.suspend(() => authenticate(request)).pipe(
          Effect.timeout(timeout),
          Effect.catchCause((cause) => Effect.as(Effect.logError("the authenticator failed", cause), undefined))
        )
        if (identity === undefined) return undefined
        yield* notForeign(request)
        const user = yield* available(identified(desk.users, identity))
        return user?.disabled === false ? user : undefined
      })

      /** Who logs in without a password: the user of the request that the connection began with. */
      const present = Effect.fnUntraced(function* ({ account, secret, request }: LoginRequest) {
        if (request === undefined || (secret !== "" && secret !== MD5_OF_NOTHING)) return undefined
        const user = yield* authenticated(request)
        return user !== undefined && (account === "" || account === user.account) ? user : undefined
      })

      return Sessions.of({
        authenticated,
        notForeign,
        login: Effect.fnUntraced(function* (request) {
          const user = (yield* present(request)) ?? (yield* credentials.verify(request))
          return { session: yield* open(user.id, request.kind, request.device), user }
        }),
        issue: (user, kind, device = "") => open(user, kind, device),
        resume,
        isGood,
        end: Effect.fnUntraced(function* (session, keep) {
          session.ended = true
          live.delete(session.token)
          hangUp((held) => held === session, "the session has ended", keep)
          yield* available(commit({ relies: [], writes: [{ _tag: "EndSession", hash: session.hash }] }))
        }),
        endAll
      })
    })
  )
}
