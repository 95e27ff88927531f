/**
 * Group commit. Batches wait here while a transaction is being committed, and all of them become the next one: a lone
 * batch is committed without delay, and under load one disk flush serves many.
 */
import { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { EntryId } from "@parley/core/Ids"
import type { Entry, Posted } from "@parley/core/Log"
import {
  Duplicate,
  followsFailed,
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

/** A batch with its callback: of a message, which gets the entry, or of another batch, which gets the outcome. */
type PendingBatch =
  | { readonly message: MessageAppend; readonly onComplete: (entry: Entry<Posted> | undefined) => void }
  | { readonly message: undefined; readonly batch: WriteBatch; readonly onOutcome: (outcome: Committed) => void }

/** A caller waiting for messages by gid. */
type PendingQuery = (outcome: Effect.Effect<ReadonlyArray<EntryId>, StorageFailed>) => void

const notFound = (cause: unknown): StorageFailed => new StorageFailed({ operation: "messagesByGid", cause })

const fail = (waiting: Iterable<PendingBatch>, cause: unknown): void => {
  const outcome = Effect.fail(failed(cause))
  for (const one of waiting) {
    if (one.message === undefined) one.onOutcome(outcome)
    else one.onComplete(undefined)
  }
}

/** Maximum number of batches per transaction: about 100 ms of work, for which later ones wait. */
const MAX_BATCH = 4096

/** Maximum milliseconds that a transaction is delayed to collect more batches, from the end of the tick. */
const MAX_DELAY = 2
/** If the last commit is older than this (ms), no full batch is expected. */
const RECENT = 10
/** Number of batches that justify a transaction without further delay. */
const MIN_BATCH = 256

const toError = (refusal: Refusal): VersionConflict | Duplicate | StorageFailed => {
  switch (refusal._tag) {
    case "VersionConflict":
      return new VersionConflict({ chats: refusal.chats, messages: refusal.messages })
    case "Duplicate": {
      const { _tag: _, ...existing } = refusal
      return new Duplicate(existing)
    }
    case "Failed":
      return failed(refusal.cause)
  }
}

export class GroupCommit {
  readonly #worker: Worker
  #waiting: Array<PendingBatch> = []
  /** Callers of the current transaction; empty between transactions. */
  #inFlight: ReadonlyArray<PendingBatch> = []
  /** In the order of the requests and replies. */
  #queries: Array<PendingQuery> = []
  /** Whether a transaction is scheduled for the end of the current tick. */
  #isScheduled = false
  /** Number of batches expected soon: as many as were in flight at the end of the last transaction. */
  #expected = 0
  /** Time of the last reply, by `performance.now()`. */
  #lastReply = 0
  /** Ends the delay of the transaction, when enough batches have arrived; undefined while it is not delayed. */
  #endDelay: (() => void) | undefined
  /** Why no more batches are accepted. */
  #closedBy: unknown
  /** Why all batches are refused since the database's files were displaced. The writer stays for lookups. */
  #displaced: DatabaseDisplaced | undefined
  #onDisplaced: (cause: DatabaseDisplaced) => void = () => {}
  /** Whether the writer was asked to end. */
  #ending = false
  #ended = false

  constructor(worker: Worker) {
    this.#worker = worker
    worker.on("message", (message: FromWriter) => this.#onMessage(message))
    worker.on("error", (cause) => this.#onExit(cause))
    worker.on("exit", (code) => this.#onExit(new Error(`the writer ended with code ${code}`)))
  }

  readonly commit = (batch: WriteBatch): Committed =>
    Effect.callback((resume) => {
      const refused = this.#displaced ?? this.#closedBy
      if (refused !== undefined) return resume(Effect.fail(failed(refused)))
      this.#add({ message: undefined, batch, onOutcome: resume })
    })

  readonly appendMessage = (message: MessageAppend, onComplete: (entry: Entry<Posted> | undefined) => void): void => {
    if (this.#displaced !== undefined || this.#closedBy !== undefined)
      return queueMicrotask(() => onComplete(undefined))
    this.#add({ message, onComplete })
  }

  readonly find = (gids: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<EntryId>, StorageFailed> =>
    Effect.callback((resume) => {
      if (gids.length === 0) return resume(Effect.succeed([]))
      if (this.#ending || this.#ended) return resume(Effect.fail(notFound(this.#closedBy)))
      try {
        this.#worker.postMessage({ _tag: "Find", gids } satisfies ToWriter)
        this.#queries.push(resume)
      } catch (cause) {
        resume(Effect.fail(notFound(cause)))
      }
    })

  #add(waiting: PendingBatch): void {
    const count = this.#waiting.push(waiting)
    if (this.#inFlight.length > 0) return
    if (count >= Math.min(this.#expected, MIN_BATCH)) this.#endDelay?.()
    this.#schedule()
  }

  /**
   * The next transaction collects the batches of this tick of the event loop, and of further ticks as long as each brings
   * more. Under load it waits up to `MAX_DELAY` for as many as were recently in flight together, since their senders are
   * about to send again. A lone batch does not wait.
   */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    if (performance.now() - this.#lastReply > RECENT) this.#expected = 0
    let seen = this.#waiting.length
    let until: number | undefined
    const collect = (): void => {
      const waiting = this.#waiting.length
      // Measured from the end of the tick.
      until ??= performance.now() + MAX_DELAY
      const left = until - performance.now()
      const mayWait = waiting < MIN_BATCH && left > 0
      if (mayWait && waiting > seen) {
        seen = waiting
        setImmediate(collect)
      } else if (mayWait && waiting < this.#expected) {
        seen = waiting
        // Node truncates timeouts: 1.9 ms would become 1 ms.
        const timer = setTimeout(() => this.#sendBatch(), Math.ceil(left))
        this.#endDelay = () => {
          clearTimeout(timer)
          this.#endDelay = undefined
          setImmediate(collect)
        }
      } else this.#sendBatch()
    }
    setImmediate(collect)
  }

  #sendBatch(): void {
    this.#endDelay = undefined
    this.#isScheduled = false
    this.#sendNext()
  }

  /** Calls back when the database's files are found deleted or replaced; immediately if they already were. */
  onDisplaced(listener: (cause: DatabaseDisplaced) => void): void {
    this.#onDisplaced = listener
    if (this.#displaced !== undefined) listener(this.#displaced)
  }

  /** Accepts no more batches, commits the pending ones, and ends the writer. */
  close(): Promise<void> {
    this.#closedBy ??= new Error("the store is closed")
    return new Promise((resolve) => {
      if (this.#ended) return resolve()
      this.#worker.once("exit", () => resolve())
      this.#sendNext()
    })
  }

  #sendNext(): void {
    if (this.#ended || this.#inFlight.length > 0) return
    if (this.#waiting.length === 0) {
      if (this.#closedBy === undefined || this.#ending) return
      this.#ending = true
      return this.#send({ _tag: "End" })
    }
    const batches = this.#waiting.length > MAX_BATCH ? this.#waiting.splice(0, MAX_BATCH) : this.#waiting
    if (batches === this.#waiting) this.#waiting = []
    this.#inFlight = batches
    const contents = new PackedBatch()
    for (const one of batches) {
      if (one.message === undefined) contents.addBatch(one.batch)
      else contents.addMessage(one.message)
    }
    this.#send({ _tag: "Commit", contents: { fields: contents.fields, batches: contents.batches } })
  }

  #send(message: ToWriter): void {
    try {
      this.#worker.postMessage(message)
    } catch (cause) {
      // Some batch cannot be cloned (it contains a function, for example); nothing was written.
      const batches = this.#inFlight
      this.#inFlight = []
      fail(batches, cause)
      this.#sendNext()
    }
  }

  #onMessage(message: FromWriter): void {
    if (message._tag === "Found") return this.#queries.shift()?.(Effect.succeed(message.ids))
    if (message._tag === "NotFound") return this.#queries.shift()?.(Effect.fail(notFound(message.cause)))
    if (message._tag === "Displaced") {
      this.#refuseAll(new DatabaseDisplaced(message.message))
      if (!message.isReply) return
    }
    const batches = this.#inFlight
    this.#inFlight = []
    this.#expected = batches.length + this.#waiting.length
    this.#lastReply = performance.now()
    if (this.#waiting.length > 0 || this.#closedBy !== undefined) this.#schedule()
    if (message._tag === "Displaced") return fail(batches, this.#displaced)
    if (message._tag === "Failed") {
      const later = this.#takeLater(batches)
      fail(batches, message.cause)
      return fail(later, message.cause)
    }
    if (message._tag !== "Done") return
    const { numbers, ended, refused } = message
    let at = 0
    const number = (): number => numbers[at++] ?? 0
    let endedAt = 0
    const nextEnded = (): ReadonlyArray<string> => ended[endedAt++] ?? []
    const hasFailed = refused.some(([, { _tag }]) => _tag === "Failed")
    const later = hasFailed
      ? this.#takeLater(refused.flatMap(([index, { _tag }]) => (_tag === "Failed" ? (batches[index] ?? []) : [])))
      : []
    let refusals = 0
    for (const [index, one] of batches.entries()) {
      const refusal = refused[refusals]
      const isRefused = refusal !== undefined && refusal[0] === index
      if (isRefused) refusals++
      if (one.message !== undefined) one.onComplete(isRefused ? undefined : posted(one.message, number))
      else if (isRefused) one.onOutcome(Effect.fail(toError(refusal[1])))
      else one.onOutcome(Effect.succeed(one.batch.writes.map((write) => written(write, number, nextEnded))))
    }
    fail(later, undefined)
  }

  /** Removes and returns the waiting messages that `appendMessage` must not store after these failed ones. */
  #takeLater(failures: ReadonlyArray<PendingBatch>): ReadonlyArray<PendingBatch> {
    const isLater = followsFailed(failures.flatMap(({ message }) => message ?? []))
    const later: Array<PendingBatch> = []
    const waiting: Array<PendingBatch> = []
    for (const one of this.#waiting) (one.message !== undefined && isLater(one.message) ? later : waiting).push(one)
    this.#waiting = waiting
    return later
  }

  /** Fails the waiting batches; the writer's reply fails those in flight. */
  #refuseAll(cause: DatabaseDisplaced): void {
    if (this.#displaced !== undefined) return
    this.#displaced = cause
    fail(this.#waiting.splice(0), cause)
    this.#onDisplaced(cause)
  }

  #onExit(cause: unknown): void {
    this.#ended = true
    this.#closedBy ??= cause
    const batches = [...this.#inFlight, ...this.#waiting]
    this.#inFlight = []
    this.#waiting = []
    fail(batches, this.#closedBy)
    const outcome = Effect.fail(notFound(this.#closedBy))
    for (const query of this.#queries.splice(0)) query(outcome)
  }
}

/** The writer's script: TypeScript in a checkout, JavaScript in the published package. */
const script = new URL(import.meta.url.endsWith(".ts") ? "./WriterThread.ts" : "./WriterThread.js", import.meta.url)

/** Starts a writer on a migrated database. */
export const start = async (path: string): Promise<Worker> => {
  // Without the process's own options: `--eval`, `--inspect-brk`, …
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

/** Returns instructions for the operator. */
const advice = (path: string, cause: DatabaseDisplaced): string =>
  `Database ${path}: ${cause.message}. No more data is written. Save the files that this process still has open before it ends (docs/operating.md, "When the database's files are deleted or replaced"), restore the right file, and restart the server.`

/** Starts the writer until the scope closes. Logs an error when the database's files are displaced. */
export const open = Effect.fnUntraced(function* (path: string): Effect.fn.Return<GroupCommit, unknown, Scope.Scope> {
  const groupCommit = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => new GroupCommit(await start(path)),
      catch: (cause) => cause
    }),
    (groupCommit) => Effect.promise(() => groupCommit.close())
  )
  const log = Effect.runForkWith(yield* Effect.context<never>())
  groupCommit.onDisplaced((cause) => void log(Effect.logError(advice(path, cause))))
  return groupCommit
})
