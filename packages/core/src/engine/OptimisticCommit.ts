/**
 * Decides, commits, and decides again if the facts have changed meanwhile. The first decision takes no lock unless it
 * changes a chat; after a conflict the command queues for its chats (see `ChatLocks`), and decides on facts that no
 * other command on this node changes. Further conflicts come from other nodes: they are retried with increasing delays.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { ChatLocks, LockHolder, LockMode, LockRequest } from "./ChatLocks.ts"
import type { ChatId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { Outcome, Plan } from "../commands/CommandHandler.ts"
import {
  Duplicate,
  type VersionConflict,
  type StorageFailed,
  type WriteBatch,
  type WriteResult
} from "../ports/Store.ts"

/** Maximum number of decisions of a command. */
const MAX_ATTEMPTS = 20
/**
 * Maximum back-off in milliseconds while other nodes keep changing the chat; doubled after each conflict up to this.
 */
const MAX_BACK_OFF = 64

type Commit = (
  batch: WriteBatch
) => Effect.Effect<ReadonlyArray<WriteResult>, VersionConflict | Duplicate | StorageFailed>

/** Returns the writes. Called again after a conflict: `duplicate` contains the existing values that the store found. */
export type Decide<Reply, E> = (duplicate: Duplicate | undefined) => Effect.Effect<Plan<Reply>, E>

/** Makes the wait of an uninterruptible command interruptible, if the caller was. */
export type Restore = <A, E>(wait: Effect.Effect<A, E>) => Effect.Effect<A, E>

export type OptimisticCommit = <Reply, E>(
  decide: Decide<Reply, E>,
  restore?: Restore
) => Effect.Effect<Outcome<Reply>, E | Refused | StorageFailed>

/**
 * Returns the locks that a batch needs. An amendment leaves the version unchanged, and is exclusive only after a
 * conflict.
 */
const locksFor = ({ expectedVersions, writes }: WriteBatch, isContended: boolean): LockRequest => {
  const wanted = new Map<ChatId, LockMode>()
  for (const { chat } of expectedVersions) wanted.set(chat, "shared")
  for (const write of writes) {
    if (write._tag === "Append" && write.body._tag === "Changed") wanted.set(write.chat, "exclusive")
    else if (write._tag === "Amend" && isContended) wanted.set(write.chat, "exclusive")
  }
  return wanted
}

/** Returns the key of the batch's first record that depends on an expected value. */
const expectedKey = ({ writes }: WriteBatch): string | undefined => {
  for (const write of writes) if (write._tag === "PutRecord" && write.expected !== undefined) return write.record.key
  return undefined
}

const merge = (before: Duplicate | undefined, after: Duplicate): Duplicate =>
  before === undefined
    ? after
    : new Duplicate({
        messages: [...before.messages, ...after.messages],
        ...(after.chat !== undefined && { chat: after.chat })
      })

const backOff = (conflicts: number): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (jitter) => Effect.sleep(Math.min(2 ** conflicts, MAX_BACK_OFF) * (0.5 + jitter / 2)))

export const optimisticCommit = (commit: Commit, locks: ChatLocks): OptimisticCommit => {
  const run = Effect.fnUntraced(function* <Reply, E>(
    decide: Decide<Reply, E>,
    restore: Restore,
    holder: LockHolder
  ): Effect.fn.Return<Outcome<Reply>, E | Refused | StorageFailed> {
    let duplicate: Duplicate | undefined
    let isContended = false
    /** Conflicts of commits under lock. */
    let conflicts = 0
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const plan = yield* decide(duplicate)
      const { batch } = plan
      if (batch === undefined) return plan.toOutcome([])
      const wanted = locksFor(batch, isContended)
      const isLocked = holder.holds(wanted)
      if (!isLocked && (isContended || !holder.tryTake(wanted))) {
        yield* restore(holder.acquire(wanted))
        continue
      }
      const giveBack = plan.claim?.()
      if (plan.claim !== undefined && giveBack === undefined) continue
      const written = yield* commit(batch).pipe(
        Effect.onError(() => Effect.sync(() => giveBack?.())),
        Effect.catchTags({
          VersionConflict: ({ chats, messages, users = [] }) => {
            // The records come with the command, not from `decide`: deciding again would not change them.
            const key = chats.length + messages.length + users.length === 0 ? expectedKey(batch) : undefined
            if (key !== undefined) return refuse({ _tag: "RecordTaken", key })
            // The duplicates found before are outdated.
            if (messages.length > 0) duplicate = undefined
            isContended = true
            // A first conflict under lock may be with a commit that began before the lock.
            return isLocked && ++conflicts > 1 ? restore(backOff(conflicts)) : Effect.void
          },
          Duplicate: (found) => {
            if (found.record !== undefined) return refuse({ _tag: "RecordTaken", key: found.record.key })
            duplicate = merge(duplicate, found)
            return Effect.void
          }
        })
      )
      if (written !== undefined) return plan.toOutcome(written)
    }
    return yield* refuse({ _tag: "Busy" })
  })

  return (decide, restore = (wait) => wait) =>
    Effect.suspend(() => {
      const holder = locks.holder()
      return Effect.ensuring(
        run(decide, restore, holder),
        Effect.sync(() => holder.release())
      )
    })
}
