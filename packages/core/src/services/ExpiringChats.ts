/**
 * Groups with a limited lifetime: each is dissolved at its time. A record of it, written with the group, survives restarts;
 * of several nodes, the first one dissolves it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { Engine } from "../engine/Engine.ts"
import { EXPIRING_RECORDS } from "../commands/CreateChat.ts"
import { Store } from "../ports/Store.ts"

/** Milliseconds until the next attempt after a failure. */
const RETRY_MS = 5000

export const layer: Layer.Layer<never, never, Engine | Store> = Layer.effectDiscard(
  Effect.gen(function* () {
    const engine = yield* Engine
    const store = yield* Store
    const { dialect, kind } = EXPIRING_RECORDS
    const changed = yield* Latch.make(false)
    const wake = (): void => {
      changed.openUnsafe()
    }

    /** Returns false if the group must be tried again. */
    const dissolve = Effect.fnUntraced(function* (gid: string) {
      const forget = [{ _tag: "PutRecord", record: { ...EXPIRING_RECORDS, key: gid, value: null } }] as const
      return yield* engine
        .perform({ app: "everywhere", device: null }, { _tag: "DissolveChat", chat: { gid } }, forget)
        .pipe(
          Effect.as(true),
          Effect.catchTag("Refused", ({ reason }) =>
            reason._tag === "NoSuchChat"
              ? Effect.as(engine.commit({ expectedVersions: [], writes: forget }), true)
              : Effect.as(Effect.logWarning("an expired group could not be dissolved", { gid, reason }), false)
          )
        )
    })

    /** Dissolves what has expired; returns the time of the next one, in milliseconds since 1970. */
    const dissolveExpired = Effect.gen(function* () {
      let next = Number.POSITIVE_INFINITY
      for (const { key, value } of yield* store.records(dialect, kind)) {
        const now = yield* Clock.currentTimeMillis
        if (typeof value !== "number") continue
        if (value > now) next = Math.min(next, value)
        else if (!(yield* dissolve(key))) next = Math.min(next, now + RETRY_MS)
      }
      return next
    }).pipe(
      Effect.catch(() => Effect.map(Clock.currentTimeMillis, (now) => now + RETRY_MS)),
      Effect.catchCause((cause) =>
        Effect.andThen(
          Effect.logError("expired groups could not be dissolved", cause),
          Effect.map(Clock.currentTimeMillis, (now) => now + RETRY_MS)
        )
      )
    )

    const loop = Effect.gen(function* () {
      changed.closeUnsafe()
      const next = yield* dissolveExpired
      if (next === Number.POSITIVE_INFINITY) return yield* changed.await
      const now = yield* Clock.currentTimeMillis
      yield* Effect.raceFirst(Effect.sleep(Math.max(0, next - now)), changed.await)
    })

    yield* Effect.acquireRelease(
      Effect.sync(() => engine.onRecordsChanged(dialect, kind, wake)),
      (unwatch) => Effect.sync(unwatch)
    )
    engine.context.expiryListeners.push(wake)
    yield* Effect.forkScoped(Effect.forever(loop))
  })
)
