/** A fixed number of connections, opened when they are first used and again when they were lost. */
import type { Parameter } from "@effect/sql-pg/PgTypes"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { isConnectionLost } from "./errors.ts"
import { type Rows, type Session } from "./Session.ts"

/** Milliseconds without a connection after which requests fail at once, instead of waiting for the database. */
export const PATIENCE = 5_000
/** Milliseconds between attempts to connect. */
const RETRY_PAUSE = 50
/** Milliseconds between attempts to connect once requests fail at once. */
const PROBE_INTERVAL = 500

/** Waits by the clock of the machine, which the database has too, whatever the clock of the engine. */
export const pause = (milliseconds: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), milliseconds)
    return Effect.sync(() => clearTimeout(timer))
  })

interface Slot {
  session: Session | undefined
  readonly lock: Semaphore.Semaphore
}

export class SessionPool {
  readonly #connect: Effect.Effect<Session, SqlError>
  readonly #slots: ReadonlyArray<Slot>
  #next = 0
  #isClosed = false
  #isProbing = false
  /** The last failure to connect; undefined while connected. */
  #failure: { readonly error: SqlError; readonly since: number; at: number } | undefined

  constructor(connect: Effect.Effect<Session, SqlError>, size: number) {
    this.#connect = connect
    this.#slots = Array.from({ length: size }, () => ({ session: undefined, lock: Semaphore.makeUnsafe(1) }))
  }

  /** The last failure to connect, if none was established for `PATIENCE`. */
  get unreachable(): SqlError | undefined {
    const failure = this.#failure
    return failure !== undefined && performance.now() - failure.since >= PATIENCE ? failure.error : undefined
  }

  /** Returns the failure by which requests are refused at once. Meanwhile it connects in the background, now and then. */
  refusal(): SqlError | undefined {
    const error = this.unreachable
    if (error === undefined) return undefined
    if (!this.#isProbing && performance.now() - (this.#failure?.at ?? 0) >= PROBE_INTERVAL) {
      this.#isProbing = true
      Effect.runFork(
        Effect.ensuring(
          Effect.ignore(this.get),
          Effect.sync(() => {
            this.#isProbing = false
          })
        )
      )
    }
    return error
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Returns the next connection in turn. */
  readonly get: Effect.Effect<Session, SqlError> = Effect.suspend(() => {
    const slot = this.#slots[this.#next++ % this.#slots.length] as Slot
    const { session } = slot
    return session !== undefined && !session.isClosed ? Effect.succeed(session) : this.#open(slot)
  })

  #open(slot: Slot): Effect.Effect<Session, SqlError> {
    return slot.lock.withPermit(
      Effect.suspend(() => {
        if (slot.session !== undefined && !slot.session.isClosed) return Effect.succeed(slot.session)
        const failure = this.#failure
        const now = performance.now()
        if (failure !== undefined && this.unreachable !== undefined && now - failure.at < PROBE_INTERVAL) {
          return Effect.fail(failure.error)
        }
        return Effect.matchEffect(this.#connect, {
          onFailure: (error) => {
            this.#failure = { error, since: failure?.since ?? now, at: performance.now() }
            return Effect.fail(error)
          },
          onSuccess: (session) => {
            this.#failure = undefined
            if (this.#isClosed) session.close()
            slot.session = session
            return Effect.succeed(session)
          }
        })
      })
    )
  }

  /** Runs an idempotent statement, again on another connection if that one was lost, for at most `PATIENCE`. */
  query(sql: string, parameters: ReadonlyArray<Parameter>): Effect.Effect<Rows, SqlError> {
    const attempt = Effect.flatMap(this.get, (session) =>
      Effect.tapError(session.query(sql, parameters), (error) =>
        Effect.sync(() => {
          if (isConnectionLost(error)) session.close()
        })
      )
    )
    const again = (until: number): Effect.Effect<Rows, SqlError> =>
      Effect.flatMap(Effect.result(attempt), (outcome) => {
        if (Result.isSuccess(outcome)) return Effect.succeed(outcome.success)
        const isLost = isConnectionLost(outcome.failure)
        if (!isLost || this.#isClosed || this.unreachable !== undefined || performance.now() > until) {
          return Effect.fail(outcome.failure)
        }
        return Effect.andThen(pause(RETRY_PAUSE), again(until))
      })
    return Effect.suspend(() => again(performance.now() + PATIENCE))
  }

  /** Fails unless a connection replies within `milliseconds`. */
  ping(milliseconds: number): Effect.Effect<void, SqlError> {
    const silence = Effect.andThen(
      pause(milliseconds),
      Effect.suspend(() => {
        const message = `no reply within ${milliseconds} ms`
        return Effect.fail(
          new SqlError({ reason: new ConnectionError({ cause: new Error(message), message, operation: "ping" }) })
        )
      })
    )
    const reply = Effect.flatMap(this.get, (session) => session.query("SELECT 1"))
    return Effect.asVoid(Effect.raceFirst(reply, silence))
  }

  /** Closes all connections; requests fail from then on. */
  close(): void {
    this.#isClosed = true
    for (const { session } of this.#slots) session?.close()
  }
}
