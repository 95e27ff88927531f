/**
 * Uses of sessions: records them in storage, and ends the sessions of connections that have expired, or whose user the
 * directory has removed or disabled.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Hub } from "../delivery/Hub.ts"
import type { LiveSession } from "../delivery/LiveSession.ts"
import { Engine } from "../engine/Engine.ts"
import { refuseOnStorageFailure } from "../ports/StorageErrors.ts"
import type { SessionWriter } from "./SessionWriter.ts"

/** Milliseconds between two checks of the sessions of all connections. */
const SWEEP_INTERVAL_MS = 60_000

export interface SessionSweep {
  /** Starts the sweep, unless it runs: it runs as long as there are connections. */
  readonly start: () => void
  /** Returns whether a held session is still valid, and records a use. `now` in milliseconds since 1970. */
  readonly use: (session: LiveSession, now: number) => boolean
}

/** Makes the sweep, which runs in the current scope. */
export const makeSessionSweep = Effect.fnUntraced(function* (writer: SessionWriter) {
  const hub = yield* Hub
  const { users } = (yield* Engine).context
  const scope = yield* Effect.scope
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const orUnavailable = refuseOnStorageFailure("sessions")

  /** Sessions whose last use must be stored. */
  const unsaved = new Set<LiveSession>()
  const save: Effect.Effect<void> = Effect.suspend(() => {
    const due = [...unsaved].filter(({ ended }) => !ended)
    unsaved.clear()
    return writer.touch(due)
  })

  /** Ends sessions of users whom the directory has removed or disabled without an invalidation. */
  const endDeparted = Effect.gen(function* () {
    const local = [...new Set(hub.allSessions().flatMap(({ user }) => user?.id ?? []))]
    const byId = new Map((yield* orUnavailable(users.findMany(local))).map((user) => [user.id, user]))
    for (const id of local) if (byId.get(id)?.disabled !== false) yield* writer.endAll(id)
  })

  let isSweeping = false
  const sweep = Effect.gen(function* () {
    while (isSweeping) {
      yield* Effect.sleep(SWEEP_INTERVAL_MS)
      const now = yield* Clock.currentTimeMillis
      const over: Array<LiveSession> = []
      for (const held of hub.allSessions()) {
        if (held.live === undefined || held.live.use(now)) {
          if (held.live?.takeUnsaved() === true) unsaved.add(held.live)
        } else if (held.live.ended) {
          // Replaced by a session that has no connection yet.
          writer.closeConnections(held.live.user, new Set([held.live.hash]), "the session has ended")
        } else over.push(held.live)
      }
      for (const one of over) {
        yield* Effect.ignore(writer.end(one.user, [one.hash], "the session has expired; log in again"))
      }
      yield* save
      if (users.external !== undefined) yield* Effect.ignoreCause(endDeparted)
      isSweeping = hub.size > 0
    }
  })
  const start: SessionSweep["start"] = () => {
    if (isSweeping) return
    isSweeping = true
    fork(Effect.forkIn(sweep, scope))
  }

  const use: SessionSweep["use"] = (session, now) => {
    if (!session.use(now)) return false
    start()
    if (session.takeUnsaved()) {
      unsaved.add(session)
      // Uses of the same turn are written together.
      if (unsaved.size === 1) fork(Effect.andThen(Effect.yieldNow, save))
    }
    return true
  }

  return { start, use } satisfies SessionSweep
})
