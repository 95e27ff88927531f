/**
 * Opens and ends sessions. Logins, logouts, password changes and disabling of one user take effect in the order of their
 * commits. Each commits first, then ends the sessions held by this process; a concurrent lookup or login is notified by
 * its watch.
 */
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import { Hub } from "../delivery/Hub.ts"
import type { LiveSession } from "../delivery/LiveSession.ts"
import { Engine } from "../engine/Engine.ts"
import { audit } from "../logging/Audit.ts"
import type { UserId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { textBytes } from "../model/Utf8.ts"
import { Settings } from "../ports/Settings.ts"
import { logStorageFailure, refuseOnStorageFailure } from "../ports/StorageErrors.ts"
import type { Duplicate, StorageFailed, StoredSession, VersionConflict, Write } from "../ports/Store.ts"
import type { LiveSessions } from "./LiveSessions.ts"

const TOKEN_BYTES = 32
/** Maximum number of sessions whose last use is written in one commit. */
const BATCH_SIZE = 500
/** Application-defined WebSocket close code: log in again. */
const CLOSE_SESSION_ENDED = 4003

export interface SessionWriter {
  /** Returns the hash under which a token is stored. */
  readonly hashOf: (token: string) => Effect.Effect<string>
  /**
   * Opens a session. Returns undefined if all sessions of the user were ended since `epoch` was read, or the user is
   * disabled. `isAwaited`: see `LoginRequest`.
   */
  readonly open: (
    user: UserId,
    kind: StoredSession["kind"],
    device: string,
    epoch: number,
    isAwaited?: () => boolean
  ) => Effect.Effect<LiveSession | undefined, Refused>
  /** Ends sessions of a user, and closes their connections except the one with the id `keep`. */
  readonly end: (
    user: UserId,
    hashes: ReadonlyArray<string>,
    why: string,
    keep?: number
  ) => Effect.Effect<void, Refused>
  /**
   * Ends sessions of a user whose place another one has taken. On other nodes their clients are notified; the caller has
   * notified those of this node.
   */
  readonly replace: (user: UserId, hashes: ReadonlyArray<string>) => Effect.Effect<void, Refused>
  /** Ends all sessions of a user, atomically with these writes. Audited. */
  readonly endAll: (user: UserId, writes?: ReadonlyArray<Write>) => Effect.Effect<void, Refused>
  /** Closes the connections of sessions of a user, except the one with the id `keep`. */
  readonly closeConnections: (user: UserId, hashes: ReadonlySet<string>, why: string, keep?: number) => void
  /** Ends a session in this process that another node has ended; see `Sessions.endedElsewhere`. */
  readonly endedElsewhere: (user: UserId, hash: string, replaced: boolean) => void
  /** Stores the last use of sessions; a failure is logged. */
  readonly touch: (sessions: ReadonlyArray<LiveSession>) => Effect.Effect<void>
}

/** Makes the writer of the sessions that `live` holds. */
export const makeSessionWriter = Effect.fnUntraced(function* (live: LiveSessions) {
  const { commit } = yield* Engine
  const hub = yield* Hub
  const digest = yield* Digest.Digest
  const random = yield* SecureRandom.SecureRandom
  const settings = yield* Settings
  const orUnavailable = refuseOnStorageFailure("sessions")

  const hashOf: SessionWriter["hashOf"] = (token) => digest.digestHex(Digest.sha256, textBytes(token))

  const closeConnections: SessionWriter["closeConnections"] = (user, hashes, why, keep) => {
    for (const held of hub.sessionsOf(user)) {
      if (held.live === undefined || !hashes.has(held.live.hash)) continue
      held.live.ended = true
      if (held.connection.id === keep) continue
      held.detachUser()
      held.connection.close(CLOSE_SESSION_ENDED, why)
    }
  }

  /** Commits, then ends the affected sessions in this process, without interruption between the two. */
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

  const open: SessionWriter["open"] = Effect.fnUntraced(function* (
    user,
    kind,
    device,
    epoch,
    isAwaited = () => true
  ): Effect.fn.Return<LiveSession | undefined, Refused> {
    const now = yield* Clock.currentTimeMillis
    const token = Base64Url.encode(yield* random.randomBytes(TOKEN_BYTES))
    const hash = yield* hashOf(token)
    const session: StoredSession = { hash, user, kind, device, createdAt: now, usedAt: now }
    const isSingle = kind === "chat" && settings.sessions === "single"
    const keep = isSingle ? 1 : settings.sessionsPerUser
    // Connected sessions are in use, even if their last use was stored long ago.
    const touches = isSingle ? [] : [...live.of(user)].filter((one) => one.isConnected && one.kind === kind)
    const writes: ReadonlyArray<Write> = [
      ...touches.map((one): Write => ({ _tag: "TouchSession", hash: one.hash, usedAt: now })),
      { _tag: "SaveSession", session, keep, epoch }
    ]
    return yield* live.watching(hash, (watch) => {
      if (!isAwaited()) return refuse({ _tag: "NotLoggedIn" })
      let opened: LiveSession | undefined
      return commitEnding(user, writes, (ended) => {
        opened = live.add(token, session, watch)
        // A session replaced by a login is notified when its successor connects.
        if (!isSingle && ended.length > 0) closeConnections(user, new Set(ended), "the user has too many sessions")
      }).pipe(
        Effect.map(() => opened),
        Effect.catchTag("VersionConflict", () => Effect.undefined),
        orUnavailable
      )
    })
  })

  /** Hashes of sessions that this node is ending: its own journal entries must not close their connections. */
  const ending = new Set<string>()

  const commitEnd = (
    user: UserId,
    hashes: ReadonlyArray<string>,
    write: { readonly replaced?: true },
    why: string,
    keep?: number
  ): Effect.Effect<void, Refused> =>
    Effect.suspend(() => {
      if (hashes.length === 0) return Effect.void
      const all = new Set(hashes)
      for (const hash of hashes) ending.add(hash)
      const commits = commitEnding(
        user,
        hashes.map((hash) => ({ _tag: "EndSession", hash, ...write })),
        () => {
          live.end(user, all)
          closeConnections(user, all, why, keep)
        }
      )
      return Effect.ensuring(
        orUnavailable(commits),
        Effect.sync(() => {
          for (const hash of hashes) ending.delete(hash)
        })
      )
    })

  const end: SessionWriter["end"] = (user, hashes, why, keep) => commitEnd(user, hashes, {}, why, keep)
  const replace: SessionWriter["replace"] = (user, hashes) =>
    commitEnd(user, hashes, { replaced: true }, "logged in elsewhere")

  const endAll: SessionWriter["endAll"] = (user, writes = []) =>
    Effect.suspend(() => {
      // Sessions in use here end in any case, even if storage has lost them.
      const local = [
        ...Array.from(live.of(user), ({ hash }) => hash),
        ...hub.sessionsOf(user).flatMap(({ live: held }) => held?.hash ?? [])
      ]
      return commitEnding(user, [...writes, { _tag: "EndSessions", user }], (ended) => {
        const all = new Set([...ended, ...local])
        live.end(user, all)
        closeConnections(user, all, "the user's sessions have ended")
      })
    }).pipe(orUnavailable, Effect.andThen(audit("sessions.end", { user })))

  const endedElsewhere: SessionWriter["endedElsewhere"] = (user, hash, replaced) => {
    if (ending.has(hash)) return
    const held = hub.sessionsOf(user).filter((one) => one.live?.hash === hash && !one.live.ended)
    live.end(user, new Set([hash]))
    const isChat = held.some((one) => one.live?.kind === "chat")
    if (!replaced || (isChat && settings.sessions !== "single")) {
      closeConnections(user, new Set(held.map(() => hash)), "the session has ended")
      return
    }
    for (const one of held) {
      if (one.live === undefined) continue
      one.live.ended = true
      if (one.live.kind === "chat" || one.live.kind === "device") one.takeOver()
      else one.connection.close(CLOSE_SESSION_ENDED, "the session has ended")
    }
  }

  const touch: SessionWriter["touch"] = Effect.fnUntraced(
    function* (sessions) {
      for (let start = 0; start < sessions.length; start += BATCH_SIZE) {
        const writes = sessions
          .slice(start, start + BATCH_SIZE)
          .map(({ hash, usedAt }): Write => ({ _tag: "TouchSession", hash, usedAt }))
        yield* commit({ expectedVersions: [], writes })
      }
    },
    Effect.catch((failed) => logStorageFailure("the last use of sessions could not be written", failed))
  )

  return { hashOf, open, end, replace, endAll, closeConnections, endedElsewhere, touch } satisfies SessionWriter
})
