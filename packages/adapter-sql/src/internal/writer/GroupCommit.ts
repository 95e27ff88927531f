/**
 * The store's end of the writer. Units wait here while a transaction is being committed, and all that have come by then
 * are the next one: a lone unit is committed at once, and under load one flush of the disk serves many.
 */
import { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { EntryId } from "@parley/core/Ids"
import type { Entry, Posted } from "@parley/core/Log"
import {
  Duplicate,
  type MessageAppend,
  VersionConflict,
  StorageFailed,
  type WriteBatch,
  type WriteResult
} from "@parley/core/Store"
import { DatabaseDisplaced } from "../OpenFiles.ts"
import { PackedBatch, posted, written, type FromWriter, type Refusal, type ToWriter } from "./protocol.ts"

export type Committed = Effect.Effect<ReadonlyArray<WriteResult>, VersionConflict | Duplicate | StorageFailed>

const failed = (cause: unknown): StorageFailed => new StorageFailed({ operation: "commit", cause })

/** Somebody waits for the outcome of a unit. A message is told its entry, everything else how it went. */
type Waiting =
  | { readonly post: MessageAppend; readonly settled: (entry: Entry<Posted> | undefined) => void }
  | { readonly post: undefined; readonly batch: WriteBatch; readonly answer: (outcome: Committed) => void }

/** Somebody waits for messages by their gids. */
type PendingQuery = (outcome: Effect.Effect<ReadonlyArray<EntryId>, StorageFailed>) => void

const notFound = (cause: unknown): StorageFailed => new StorageFailed({ operation: "messagesByGid", cause })

const fail = (waiting: Iterable<Waiting>, cause: unknown): void => {
  const outcome = Effect.fail(failed(cause))
  for (const one of waiting) {
    if (one.post === undefined) one.answer(outcome)
    else one.settled(undefined)
  }
}

/** Units in one transaction, at most: about a tenth of a second's work, which the next ones have to wait for. */
const MAX_BATCH = 4096

/** Milliseconds that units may wait for others to come, at most, from the end of their turn on; as exact as a timer is. */
const MAX_DELAY = 2
/** Milliseconds after which those who were answered are not likely to send again together. */
const RECENT = 10
/** Units that are worth a transaction of their own. */
const MIN_BATCH = 256

const refusedAs = (refusal: Refusal): VersionConflict | Duplicate | StorageFailed => {
  switch (refusal._tag) {
    case "VersionConflict":
      return new VersionConflict({ chats: refusal.chats, messages: refusal.messages })
    case "Duplicate": {
      const { _tag: _, ...there } = refusal
      return new Duplicate(there)
    }
    case "Failed":
      return failed(refusal.cause)
  }
}

export class GroupCommit {
  readonly #worker: Worker
  #waiting: Array<Waiting> = []
  /** What is being committed; empty between transactions. */
  #inFlight: ReadonlyArray<Waiting> = []
  /** In the order in which they asked, and are answered. */
  #finding: Array<PendingQuery> = []
  /** A turn of the event loop is awaited, so that what its other events commit travels along. */
  #armed = false
  /** How many units are likely to come: as many as were under way when the last transaction was over. */
  #expected = 0
  /** When that was, by `performance.now()`. */
  #lastAnswer = 0
  /** Set while more units are waited for: so many have come. */
  #minBatch: (() => void) | undefined
  /** Why nothing more is taken. */
  #over: unknown
  /** Why every unit is refused since the database's files were displaced. The writer stays, for reads. */
  #displaced: DatabaseDisplaced | undefined
  #onDisplaced: (cause: DatabaseDisplaced) => void = () => {}
  /** The writer was told to end. */
  #ending = false
  #ended = false

  constructor(worker: Worker) {
    this.#worker = worker
    worker.on("message", (message: FromWriter) => this.#answered(message))
    worker.on("error", (cause) => this.#died(cause))
    worker.on("exit", (code) => this.#died(new Error(`the writer ended with code ${code}`)))
  }

  readonly commit = (batch: WriteBatch): Committed =>
    Effect.callback((resume) => {
      const refused = this.#displaced ?? this.#over
      if (refused !== undefined) return resume(Effect.fail(failed(refused)))
      this.#add({ post: undefined, batch, answer: resume })
    })

  readonly post = (post: MessageAppend, settled: (entry: Entry<Posted> | undefined) => void): void => {
    if (this.#displaced !== undefined || this.#over !== undefined) return queueMicrotask(() => settled(undefined))
    this.#add({ post, settled })
  }

  readonly find = (gids: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<EntryId>, StorageFailed> =>
    Effect.callback((resume) => {
      if (gids.length === 0) return resume(Effect.succeed([]))
      if (this.#ending || this.#ended) return resume(Effect.fail(notFound(this.#over)))
      try {
        this.#worker.postMessage({ _tag: "Find", gids } satisfies ToWriter)
        this.#finding.push(resume)
      } catch (cause) {
        resume(Effect.fail(notFound(cause)))
      }
    })

  #add(waiting: Waiting): void {
    const count = this.#waiting.push(waiting)
    if (this.#inFlight.length > 0) return
    if (count >= Math.min(this.#expected, MIN_BATCH)) this.#minBatch?.()
    this.#schedule()
  }

  /**
   * The next transaction takes along what comes in this turn of the event loop, and in the next as long as each brings
   * more: a busy loop has more work for the disk than for itself. Under load it waits a moment longer, for as many as were
   * under way together lately: whoever waited for them has more to send. A lone unit waits for nothing.
   */
  #schedule(): void {
    if (this.#armed) return
    this.#armed = true
    if (performance.now() - this.#lastAnswer > RECENT) this.#expected = 0
    let seen = this.#waiting.length
    let until: number | undefined
    const look = (): void => {
      const waiting = this.#waiting.length
      // From the end of the turn on: what it had to do took its time anyway.
      until ??= performance.now() + MAX_DELAY
      const left = until - performance.now()
      const mayWait = waiting < MIN_BATCH && left > 0
      if (mayWait && waiting > seen) {
        seen = waiting
        setImmediate(look)
      } else if (mayWait && waiting < this.#expected) {
        seen = waiting
        // Node leaves fractions out: of 1.9 ms it makes one.
        const timer = setTimeout(() => this.#sendBatch(), Math.ceil(left))
        this.#minBatch = () => {
          clearTimeout(timer)
          this.#minBatch = undefined
          setImmediate(look)
        }
      } else this.#sendBatch()
    }
    setImmediate(look)
  }

  #sendBatch(): void {
    this.#minBatch = undefined
    this.#armed = false
    this.#next()
  }

  /** Calls back once the database's files are found to be deleted or replaced; at once where they were already. */
  onDisplaced(listener: (cause: DatabaseDisplaced) => void): void {
    this.#onDisplaced = listener
    if (this.#displaced !== undefined) listener(this.#displaced)
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
      if (this.#over === undefined || this.#ending) return
      this.#ending = true
      return this.#send({ _tag: "End" })
    }
    const batches = this.#waiting.length > MAX_BATCH ? this.#waiting.splice(0, MAX_BATCH) : this.#waiting
    if (batches === this.#waiting) this.#waiting = []
    this.#inFlight = batches
    const parcel = new PackedBatch()
    for (const one of batches) {
      if (one.post === undefined) parcel.batch(one.batch)
      else parcel.post(one.post)
    }
    this.#send({ _tag: "Commit", parcel: { cells: parcel.cells, batches: parcel.batches } })
  }

  #send(message: ToWriter): void {
    try {
      this.#worker.postMessage(message)
    } catch (cause) {
      // A unit held something that cannot travel, a function say: nobody can tell which, and nothing was written.
      const batches = this.#inFlight
      this.#inFlight = []
      fail(batches, cause)
      this.#next()
    }
  }

  #answered(message: FromWriter): void {
    if (message._tag === "Found") return this.#finding.shift()?.(Effect.succeed(message.ids))
    if (message._tag === "NotFound") return this.#finding.shift()?.(Effect.fail(notFound(message.cause)))
    if (message._tag === "Displaced") {
      this.#refuseAll(new DatabaseDisplaced(message.message))
      if (!message.isReply) return
    }
    const batches = this.#inFlight
    this.#inFlight = []
    this.#expected = batches.length + this.#waiting.length
    this.#lastAnswer = performance.now()
    if (this.#waiting.length > 0 || this.#over !== undefined) this.#schedule()
    if (message._tag === "Displaced") return fail(batches, this.#displaced)
    if (message._tag === "Failed") return fail(batches, message.cause)
    if (message._tag !== "Done") return
    const { numbers, ended, refused } = message
    let at = 0
    const number = (): number => numbers[at++] ?? 0
    let endedAt = 0
    const endedNext = (): ReadonlyArray<string> => ended[endedAt++] ?? []
    let refusals = 0
    for (const [index, one] of batches.entries()) {
      const refusal = refused[refusals]
      const isRefused = refusal !== undefined && refusal[0] === index
      if (isRefused) refusals++
      if (one.post !== undefined) one.settled(isRefused ? undefined : posted(one.post, number))
      else if (isRefused) one.answer(Effect.fail(refusedAs(refusal[1])))
      else one.answer(Effect.succeed(one.batch.writes.map((write) => written(write, number, endedNext))))
    }
  }

  /** Fails what waits; what the writer has is failed by its reply. */
  #refuseAll(cause: DatabaseDisplaced): void {
    if (this.#displaced !== undefined) return
    this.#displaced = cause
    fail(this.#waiting.splice(0), cause)
    this.#onDisplaced(cause)
  }

  #died(cause: unknown): void {
    this.#ended = true
    this.#over ??= cause
    const batches = [...this.#inFlight, ...this.#waiting]
    this.#inFlight = []
    this.#waiting = []
    fail(batches, this.#over)
    const outcome = Effect.fail(notFound(this.#over))
    for (const finding of this.#finding.splice(0)) finding(outcome)
  }
}

/** The writer lies beside this file, as TypeScript in a checkout and as JavaScript in the published package. */
const script = new URL(import.meta.url.endsWith(".ts") ? "./WriterThread.ts" : "./WriterThread.js", import.meta.url)

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

/** For the operator, who alone can mend it. */
const advice = (path: string, cause: DatabaseDisplaced): string =>
  `Database ${path}: ${cause.message}. Nothing more is written. Save what this process still has open before it ends (docs/operating.md, "When the database's files are deleted or replaced"), put the right file in place, and restart the server.`

/** Starts the writer, until the scope closes. Logs an error once the database's files are displaced. */
export const open = Effect.fnUntraced(function* (path: string): Effect.fn.Return<GroupCommit, unknown, Scope.Scope> {
  const commits = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => new GroupCommit(await start(path)),
      catch: (cause) => cause
    }),
    (commits) => Effect.promise(() => commits.close())
  )
  const log = Effect.runForkWith(yield* Effect.context<never>())
  commits.onDisplaced((cause) => void log(Effect.logError(advice(path, cause))))
  return commits
})
