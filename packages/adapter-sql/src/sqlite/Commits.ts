/**
 * The store's end of the writer. Units wait here while a transaction is being committed, and all that have come by then
 * are the next one: a lone unit is committed at once, and under load one flush of the disk serves many.
 */
import { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Duplicate, Stale, StorageFailed, type Unit, type Written } from "@parley/core/Store"
import { pack, written, type FromWriter, type Refusal, type ToWriter } from "./Wire.ts"

export type Committed = Effect.Effect<ReadonlyArray<Written>, Stale | Duplicate | StorageFailed>

interface Waiting {
  readonly unit: Unit
  readonly answer: (outcome: Committed) => void
}

/** Units in one transaction, at most: about a tenth of a second's work, which the next ones have to wait for. */
const MAX_UNITS = 4096

/** Milliseconds that units may wait for others to come, at most. */
const GATHERING = 2
/** Units that are worth a transaction of their own. */
const ENOUGH = 256

const failed = (cause: unknown): StorageFailed => new StorageFailed({ operation: "commit", cause })

const refusedAs = (refusal: Refusal): Stale | Duplicate | StorageFailed => {
  switch (refusal._tag) {
    case "Stale":
      return new Stale({ chats: refusal.chats })
    case "Duplicate": {
      const { _tag: _, ...there } = refusal
      return new Duplicate(there)
    }
    case "Failed":
      return failed(refusal.cause)
  }
}

export class Commits {
  readonly #worker: Worker
  #waiting: Array<Waiting> = []
  /** What is being committed; empty between transactions. */
  #inFlight: ReadonlyArray<Waiting> = []
  /** A turn of the event loop is awaited, so that what its other events commit travels along. */
  #armed = false
  /** Why nothing more is taken. */
  #over: unknown
  #ended = false

  constructor(worker: Worker) {
    this.#worker = worker
    worker.on("message", (message: FromWriter) => this.#answered(message))
    worker.on("error", (cause) => this.#died(cause))
    worker.on("exit", (code) => this.#died(new Error(`the writer ended with code ${code}`)))
  }

  readonly commit = (unit: Unit): Committed =>
    Effect.callback((resume) => {
      if (this.#over !== undefined) return resume(Effect.fail(failed(this.#over)))
      this.#waiting.push({ unit, answer: resume })
      if (this.#inFlight.length === 0) this.#arm()
    })

  /**
   * The next transaction takes along what comes in this turn of the event loop, and in the next as long as each brings
   * more: a busy loop has more work for the disk than for itself. An idle one waits for nothing.
   */
  #arm(): void {
    if (this.#armed) return
    this.#armed = true
    const deadline = performance.now() + GATHERING
    let seen = this.#waiting.length
    const look = (): void => {
      const waiting = this.#waiting.length
      if (waiting > seen && waiting < ENOUGH && performance.now() < deadline) {
        seen = waiting
        setImmediate(look)
        return
      }
      this.#armed = false
      this.#next()
    }
    setImmediate(look)
  }

  /** Takes nothing more, commits what waits, and ends the writer. */
  close(): Promise<void> {
    this.#over ??= new Error("the store is closed")
    return new Promise((resolve) => {
      if (this.#ended) return resolve()
      this.#worker.once("exit", () => resolve())
      this.#next()
    })
  }

  #next(): void {
    if (this.#ended || this.#inFlight.length > 0) return
    if (this.#waiting.length === 0) {
      if (this.#over !== undefined) this.#post({ _tag: "End" })
      return
    }
    const units = this.#waiting.length > MAX_UNITS ? this.#waiting.splice(0, MAX_UNITS) : this.#waiting
    if (units === this.#waiting) this.#waiting = []
    this.#inFlight = units
    this.#post({ _tag: "Commit", units: units.map((one) => pack(one.unit)) })
  }

  #post(message: ToWriter): void {
    try {
      this.#worker.postMessage(message)
    } catch (cause) {
      // A unit held something that cannot travel, a function say: nobody can tell which, and nothing was written.
      const units = this.#inFlight
      this.#inFlight = []
      for (const one of units) one.answer(Effect.fail(failed(cause)))
      this.#next()
    }
  }

  #answered(message: FromWriter): void {
    const units = this.#inFlight
    this.#inFlight = []
    if (this.#waiting.length > 0 || this.#over !== undefined) this.#arm()
    if (message._tag === "Failed") {
      const outcome = Effect.fail(failed(message.cause))
      for (const one of units) one.answer(outcome)
      return
    }
    if (message._tag !== "Done") return
    const { numbers, refused } = message
    let at = 0
    const number = (): number => numbers[at++] ?? 0
    let refusals = 0
    units.forEach((one, index) => {
      const refusal = refused[refusals]
      if (refusal !== undefined && refusal[0] === index) {
        refusals++
        one.answer(Effect.fail(refusedAs(refusal[1])))
      } else {
        one.answer(Effect.succeed(one.unit.writes.map((write) => written(write, number))))
      }
    })
  }

  #died(cause: unknown): void {
    this.#ended = true
    this.#over ??= cause
    const units = [...this.#inFlight, ...this.#waiting]
    this.#inFlight = []
    this.#waiting = []
    for (const one of units) one.answer(Effect.fail(failed(this.#over)))
  }
}

/** The writer lies beside this file, as TypeScript in a checkout and as JavaScript in the published package. */
const script = new URL(import.meta.url.endsWith(".ts") ? "./Writer.ts" : "./Writer.js", import.meta.url)

/** A writer that has opened the database, which must be up to date. */
export const start = async (path: string): Promise<Worker> => {
  // The process's own options are none of the writer's business: `--eval`, `--inspect-brk`, …
  const worker = new Worker(script, { workerData: path, execArgv: [], name: "parley-writer" })
  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject)
    worker.once("message", () => {
      worker.off("error", reject)
      resolve()
    })
  })
  return worker
}

/** Starts the writer, until the scope closes. */
export const open = (path: string): Effect.Effect<Commits, unknown, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => new Commits(await start(path)),
      catch: (cause) => cause
    }),
    (commits) => Effect.promise(() => commits.close())
  )
