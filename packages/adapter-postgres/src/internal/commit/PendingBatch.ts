/** Batches that wait for their commit. */
import type { Entry, Posted } from "@parley/core/Log"
import type {
  Duplicate,
  MessageAppend,
  StorageFailed,
  VersionConflict,
  WriteBatch,
  WriteResult
} from "@parley/core/Store"
import type * as Effect from "effect/Effect"

export type Committed = Effect.Effect<ReadonlyArray<WriteResult>, VersionConflict | Duplicate | StorageFailed>

/** A batch with its callback: of a message, which gets the entry, or of another batch, which gets the outcome. */
export type PendingBatch = {
  /** Time of the call, by `performance.now()`. */
  readonly since: number
} & (
  | {
      readonly message: MessageAppend
      /** False if it is refused together with an earlier one of its sender that failed; see `appendMessage`. */
      readonly mayFollowFailed: boolean
      readonly onComplete: (outcome: Appended) => void
    }
  | { readonly message: undefined; readonly batch: WriteBatch; readonly onComplete: (outcome: Committed) => void }
)

/** Outcome of one message. */
export type Appended = Entry<Posted> | Refused

/** Why a message was not appended. */
export interface Refused {
  readonly refused: "Conflict" | "Disabled" | "Duplicate" | { readonly cause: unknown }
}

/** Returns a batch of one message as `MessageAppend`, with version 0 if it expects none; undefined for other batches. */
export const messageAppendOf = ({ expectedVersions, writes }: WriteBatch): MessageAppend | undefined => {
  const [write] = writes
  const [expected] = expectedVersions
  if (writes.length !== 1 || write?._tag !== "Append" || write.body._tag !== "Posted") return undefined
  if (expectedVersions.length > 1 || (expected !== undefined && expected.chat !== write.chat)) return undefined
  const { at, body, by, chat, device } = write
  return { chat, version: expected?.version ?? 0, by, device, at, body }
}

/** Keys that only one batch of a transaction may create: the second one must find the first one's. */
const uniqueKeysOf = (pending: PendingBatch): ReadonlyArray<string> => {
  if (pending.message !== undefined) return [`m${pending.message.body.gid}`]
  return pending.batch.writes.flatMap((write) => {
    if (write._tag === "Append" && write.body._tag === "Posted") return [`m${write.body.gid}`]
    if (write._tag === "CreateChat") return [`c${write.chat.gid}`]
    if (write._tag === "CreateUser") return [`u${write.user.account}`]
    if (write._tag === "ChangeUser" && write.change.account !== undefined) return [`u${write.change.account}`]
    if (write._tag !== "PutRecord" || write.once !== true) return []
    return [`r${JSON.stringify([write.record.dialect, write.record.kind, write.record.key])}`]
  })
}

/** Maximum number of writes, and of characters of messages, of one transaction: some 100 ms of work, for which later ones wait. */
const MAX_WRITES = 2_000
const MAX_CHARACTERS = 4_000_000

const sizeOf = (pending: PendingBatch): number => {
  if (pending.message !== undefined) return pending.message.body.content.length
  let size = 0
  for (const write of pending.batch.writes) {
    if (write._tag === "Append" && write.body._tag === "Posted") size += write.body.content.length
  }
  return size
}

/**
 * Returns the number of batches, from the first, that are committed together: messages alone, in one statement, or any batches, in one
 * transaction. A batch that creates something with the key of an earlier one waits for the next transaction.
 */
export const groupLength = (waiting: ReadonlyArray<PendingBatch>): number => {
  const isMessages = waiting[0]?.message !== undefined
  const keys = new Set<string>()
  let writes = 0
  let characters = 0
  for (const [index, pending] of waiting.entries()) {
    if (isMessages && pending.message === undefined) return index
    const wanted = uniqueKeysOf(pending)
    if (index > 0 && wanted.some((key) => keys.has(key))) return index
    for (const key of wanted) keys.add(key)
    writes += pending.message === undefined ? pending.batch.writes.length : 1
    characters += sizeOf(pending)
    if (writes >= MAX_WRITES || characters >= MAX_CHARACTERS) return index + 1
  }
  return waiting.length
}
