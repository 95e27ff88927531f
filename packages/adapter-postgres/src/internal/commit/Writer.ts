/**
 * Group commit. Batches wait here while a group is being committed, and those that are there then become the next one: a lone batch is
 * committed without delay, and under load one statement and one flush of the database's log serve many.
 *
 * One connection writes, so that batches take effect in the order of the calls.
 */
import type { Entry, Posted } from "@parley/core/Log"
import { followsFailed, toBatch, type MessageAppend, type WriteBatch } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { PATIENCE } from "../SessionPool.ts"
import {
  appendGroup,
  committed,
  committedMessage,
  type Connections,
  storageFailed,
  transactGroup
} from "./commitGroup.ts"
import type { BatchOutcome } from "./transaction.ts"
import { groupLength, messageAppendOf, type Appended, type Committed, type PendingBatch } from "./PendingBatch.ts"

/** Maximum milliseconds that a group is delayed to collect more batches, from the end of the tick. */
const MAX_DELAY = 2
/** If the last commit is older than this (ms), no full group is expected. */
const RECENT = 10
/** Number of batches that justify a commit without further delay. */
const MIN_GROUP = 256

/** Returns the outcome of a message that was committed among other batches. */
const appendedOf = (outcome: BatchOutcome): Appended => {
  if ("results" in outcome) {
    const [written] = outcome.results
    return written?._tag === "Entry" ? (written.entry as Entry<Posted>) : { refused: { cause: new Error("no entry") } }
  }
  const { refusal } = outcome
  if (refusal._tag === "Failed") return { refused: { cause: refusal.cause } }
  if (refusal._tag === "Taken") return { refused: "Duplicate" }
  return { refused: refusal.conflict.chats.length > 0 ? "Conflict" : "Disabled" }
}

const batchOf = (message: MessageAppend): WriteBatch =>
  message.version === 0 ? { ...toBatch(message), expectedVersions: [] } : toBatch(message)

/** Whether the storage failed, in place of a refusal. */
const isFailure = (outcome: Appended | undefined): boolean =>
  outcome !== undefined && "refused" in outcome && typeof outcome.refused === "object"

const refuseLater = (later: ReadonlyArray<PendingBatch>): void => {
  const cause = new Error("an earlier message of the sender failed")
  for (const one of later) if (one.message !== undefined) one.onComplete({ refused: { cause } })
}

export class Writer {
  readonly #connections: Connections
  #waiting: Array<PendingBatch> = []
  #isCommitting = false
  /** Whether a group is scheduled for the end of the current tick. */
  #isScheduled = false
  /** Number of batches expected soon: as many as the last group had, and came while it was committed. */
  #expected = 0
  /** Time of the last outcome, by `performance.now()`. */
  #lastOutcome = 0
  #isClosed = false
  /** Ends the delay of the group, when enough batches have arrived; undefined while it is not delayed. */
  #endDelay: (() => void) | undefined
  #onIdle: (() => void) | undefined

  constructor(connections: Connections) {
    this.#connections = connections
  }

  readonly commit = (batch: WriteBatch): Committed =>
    Effect.flatten(
      Effect.callback<Committed>((resume) => {
        const refusal = this.#refusal()
        if (refusal !== undefined) return resume(Effect.succeed(Effect.fail(storageFailed(refusal))))
        const message = messageAppendOf(batch)
        const since = performance.now()
        if (message === undefined) {
          this.#add({ since, message, batch, onComplete: (outcome) => resume(Effect.succeed(outcome)) })
          return
        }
        const onComplete = (outcome: Appended): void =>
          resume(Effect.succeed(committedMessage(this.#connections, message, outcome)))
        this.#add({ since, message, mayFollowFailed: true, onComplete })
      })
    )

  readonly appendMessage = (message: MessageAppend, onComplete: (entry: Entry<Posted> | undefined) => void): void => {
    if (this.#refusal() !== undefined) return queueMicrotask(() => onComplete(undefined))
    const done = (outcome: Appended): void => onComplete("id" in outcome ? outcome : undefined)
    this.#add({ since: performance.now(), message, mayFollowFailed: false, onComplete: done })
  }

  /** Why batches are refused at once. */
  #refusal(): unknown {
    return this.#isClosed ? new Error("the store is closed") : this.#connections.writes.refusal()
  }

  #add(pending: PendingBatch): void {
    const count = this.#waiting.push(pending)
    if (this.#isCommitting) return
    if (count >= Math.min(this.#expected, MIN_GROUP)) this.#endDelay?.()
    this.#schedule()
  }

  /**
   * The next group collects the batches of this tick of the event loop, and of further ticks as long as each brings more. Under load
   * it waits up to `MAX_DELAY` for as many as were recently committed together, since their senders are about to send again.
   */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    if (performance.now() - this.#lastOutcome > RECENT) this.#expected = 0
    let seen = this.#waiting.length
    let until: number | undefined
    const collect = (): void => {
      const waiting = this.#waiting.length
      // Measured from the end of the tick.
      until ??= performance.now() + MAX_DELAY
      const left = until - performance.now()
      const mayWait = waiting < MIN_GROUP && left > 0
      if (mayWait && waiting > seen) {
        seen = waiting
        setImmediate(collect)
      } else if (mayWait && waiting < this.#expected) {
        seen = waiting
        // Node truncates timeouts: 1.9 ms would become 1 ms.
        const timer = setTimeout(() => this.#send(), Math.ceil(left))
        this.#endDelay = () => {
          clearTimeout(timer)
          this.#endDelay = undefined
          setImmediate(collect)
        }
      } else this.#send()
    }
    setImmediate(collect)
  }

  #send(): void {
    this.#endDelay = undefined
    this.#isScheduled = false
    this.#next()
  }

  #next(): void {
    if (this.#isCommitting) return
    if (this.#waiting.length === 0) return this.#onIdle?.()
    this.#isCommitting = true
    const length = groupLength(this.#waiting)
    const group = length === this.#waiting.length ? this.#waiting : this.#waiting.splice(0, length)
    if (group === this.#waiting) this.#waiting = []
    Effect.runFork(
      Effect.andThen(
        this.#commitGroup(group),
        Effect.sync(() => {
          this.#isCommitting = false
          this.#lastOutcome = performance.now()
          if (this.#waiting.length > 0) this.#schedule()
          else this.#onIdle?.()
        })
      )
    )
  }

  #commitGroup(group: ReadonlyArray<PendingBatch>): Effect.Effect<void> {
    const deadline = (group[0]?.since ?? 0) + PATIENCE
    const isMessages = group[0]?.message !== undefined
    if (isMessages) {
      const appends = group.flatMap(({ message }) => message ?? [])
      return Effect.map(appendGroup(this.#connections, appends, deadline), (outcomes) => {
        this.#expected = group.length + this.#waiting.length
        const later = this.#takeLater(appends.filter((_, index) => isFailure(outcomes[index])))
        for (const [index, one] of group.entries()) {
          const outcome = outcomes[index]
          if (one.message !== undefined && outcome !== undefined) one.onComplete(outcome)
        }
        refuseLater(later)
      })
    }
    return Effect.map(
      transactGroup(
        this.#connections,
        group.map((one) => (one.message === undefined ? one.batch : batchOf(one.message))),
        deadline
      ),
      (outcomes) => {
        this.#expected = group.length + this.#waiting.length
        const later = this.#takeLater(
          group.flatMap(({ message }, index) => {
            const outcome = outcomes[index]
            return message !== undefined && outcome !== undefined && isFailure(appendedOf(outcome)) ? [message] : []
          })
        )
        for (const [index, one] of group.entries()) {
          const outcome = outcomes[index]
          if (outcome === undefined) continue
          if (one.message === undefined) one.onComplete(committed(this.#connections, outcome))
          else one.onComplete(appendedOf(outcome))
        }
        refuseLater(later)
      }
    )
  }

  /** Removes and returns the waiting messages that `appendMessage` must not store after these failed ones. */
  #takeLater(failed: ReadonlyArray<MessageAppend>): ReadonlyArray<PendingBatch> {
    if (failed.length === 0) return []
    const isLater = followsFailed(failed)
    const later: Array<PendingBatch> = []
    const waiting: Array<PendingBatch> = []
    for (const one of this.#waiting) {
      const isRefused = one.message !== undefined && !one.mayFollowFailed && isLater(one.message)
      ;(isRefused ? later : waiting).push(one)
    }
    this.#waiting = waiting
    return later
  }

  /** Accepts no more batches, and waits until the pending ones are committed. */
  readonly close: Effect.Effect<void> = Effect.callback((resume) => {
    this.#isClosed = true
    this.#onIdle = () => resume(Effect.void)
    if (!this.#isCommitting) this.#next()
  })
}
