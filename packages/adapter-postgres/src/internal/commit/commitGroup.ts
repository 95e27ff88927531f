/**
 * Commits a group of batches, again after a lost connection or a race with another node. The outcome of an attempt is unknown if its connection
 * was lost: before the next one, messages are looked up by their gids, and a transaction by its id. So nothing is written twice.
 */
import type { Entry, Posted } from "@parley/core/Log"
import {
  Duplicate,
  type MessageAppend,
  StorageFailed,
  VersionConflict,
  type WriteBatch,
  type WriteResult
} from "@parley/core/Store"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { SqlError } from "effect/sql/SqlError"
import { causeOf, isAboutValues, isConnectionLost, isRace } from "../errors.ts"
import { STORED_CHATS } from "../queries/chats.ts"
import { record, recordColumns, storedChat, user, userColumns } from "../rows.ts"
import type { Session } from "../Session.ts"
import { pause, type SessionPool } from "../SessionPool.ts"
import { text, texts } from "../values.ts"
import { appendMessages, findAppended, findMessages } from "./appendMessages.ts"
import type { TakenKeys } from "./checkBatch.ts"
import type { Appended, Committed } from "./PendingBatch.ts"
import { commitBatches, isCommitted, type BatchOutcome, type FailedTransaction } from "./transaction.ts"

export interface Connections {
  /** One connection, on which everything is written in order. */
  readonly writes: SessionPool
  readonly reads: SessionPool
}

/** Attempts when other nodes keep being faster. */
const MAX_RACES = 20
/** Milliseconds between attempts after a lost connection. */
const PAUSE = 50

export const storageFailed = (cause: unknown): StorageFailed =>
  new StorageFailed({ operation: "commit", cause: cause instanceof SqlError ? causeOf(cause) : cause })

/** Whether a failed attempt is repeated: a lost connection until `deadline`, a lost race a few times. */
const isRepeated = ({ writes }: Connections, error: SqlError, attempt: number, deadline: number): boolean =>
  isConnectionLost(error)
    ? !writes.isClosed && writes.unreachable === undefined && performance.now() < deadline
    : isRace(error) && attempt < MAX_RACES

const onLoss = (session: Session, error: SqlError): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (!isConnectionLost(error)) return Effect.void
    session.close()
    return pause(PAUSE)
  })

/** Runs a group, and each of it alone after a defect: a batch with invalid data must not fail the others, nor end the writing. */
const oneByOneAfterDefects = <A, B>(
  group: ReadonlyArray<A>,
  run: (some: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>>,
  failed: (cause: unknown) => B
): Effect.Effect<ReadonlyArray<B>> =>
  Effect.catchDefect(run(group), (defect) => {
    if (group.length === 1) return Effect.succeed([failed(defect)])
    return Effect.map(
      Effect.forEach(group, (one) => oneByOneAfterDefects([one], run, failed)),
      (outcomes) => outcomes.flat()
    )
  })

/** Appends messages of different gids until `deadline` (by `performance.now()`). Returns their outcomes, in order. */
export const appendGroup = (
  connections: Connections,
  appends: ReadonlyArray<MessageAppend>,
  deadline: number
): Effect.Effect<ReadonlyArray<Appended>> =>
  oneByOneAfterDefects(
    appends,
    (some) => appendRepeatedly(connections, some, deadline),
    (cause) => ({ refused: { cause } })
  )

const appendRepeatedly = (
  connections: Connections,
  appends: ReadonlyArray<MessageAppend>,
  deadline: number
): Effect.Effect<ReadonlyArray<Appended>> =>
  Effect.gen(function* () {
    /** Entries that a lost attempt has stored, by gid. */
    let stored: ReadonlyMap<string, Entry<Posted>> = new Map()
    let isUnknown = false
    const once = Effect.gen(function* () {
      const session = yield* connections.writes.get
      if (isUnknown) stored = yield* findAppended(connections.reads, appends)
      const open = appends.filter(({ body }) => !stored.has(body.gid))
      if (open.length === 0) return []
      return yield* Effect.tapError(appendMessages(session, open), (error) => {
        isUnknown ||= isConnectionLost(error)
        return onLoss(session, error)
      })
    })
    for (let attempt = 1; ; attempt++) {
      const outcome = yield* Effect.result(once)
      if (Result.isSuccess(outcome)) {
        const fresh = outcome.success[Symbol.iterator]()
        return appends.map(({ body }) => stored.get(body.gid) ?? (fresh.next().value as Appended))
      }
      const error = outcome.failure
      if (isRepeated(connections, error, attempt, deadline)) continue
      if (appends.length > 1 && isAboutValues(error)) {
        return (yield* Effect.forEach(appends, (one) => appendGroup(connections, [one], deadline))).flat()
      }
      return appends.map(({ body }) => stored.get(body.gid) ?? { refused: { cause: error } })
    }
  })

/** Commits batches of any kind until `deadline`. Returns their outcomes, in order. */
export const transactGroup = (
  connections: Connections,
  batches: ReadonlyArray<WriteBatch>,
  deadline: number
): Effect.Effect<ReadonlyArray<BatchOutcome>> =>
  oneByOneAfterDefects(
    batches,
    (some) => transactRepeatedly(connections, some, deadline),
    (cause) => ({ refusal: { _tag: "Failed", cause } })
  )

const transactRepeatedly = (
  connections: Connections,
  batches: ReadonlyArray<WriteBatch>,
  deadline: number
): Effect.Effect<ReadonlyArray<BatchOutcome>> =>
  Effect.gen(function* () {
    let unknown: FailedTransaction["unknown"]
    const once = Effect.gen(function* () {
      const session = yield* Effect.mapError(connections.writes.get, (error) => ({ error, unknown }))
      if (unknown !== undefined) {
        const known = unknown
        const committed = yield* Effect.mapError(isCommitted(session, known.transaction), (error) => ({
          error,
          unknown
        }))
        if (committed === true) return known.outcomes
        if (committed === undefined) return undefined
      }
      return yield* Effect.tapError(commitBatches(session, batches), ({ error }) => onLoss(session, error))
    })
    for (let attempt = 1; ; attempt++) {
      const outcome = yield* Effect.result(once)
      if (Result.isSuccess(outcome)) {
        if (outcome.success !== undefined) return outcome.success
        if (performance.now() > deadline) {
          const cause = new Error("whether it was committed is not known yet")
          return batches.map(() => ({ refusal: { _tag: "Failed", cause } }))
        }
        yield* pause(PAUSE)
        continue
      }
      const { error } = outcome.failure
      unknown = outcome.failure.unknown
      if (isRepeated(connections, error, attempt, deadline)) continue
      if (batches.length > 1 && isAboutValues(error)) {
        return (yield* Effect.forEach(batches, (one) => transactGroup(connections, [one], deadline))).flat()
      }
      return batches.map(() => ({ refusal: { _tag: "Failed", cause: error } }))
    }
  })

const CHAT = `${STORED_CHATS} WHERE chats.gid = ANY ($1)`
const ACCOUNT = `SELECT ${userColumns} FROM users WHERE account = ANY ($1)`
const RECORD = `SELECT ${recordColumns} FROM records WHERE dialect = $1 AND kind = $2 AND key = $3`

/** Fails with what is stored under the taken keys: of the first chat, account and record. */
const duplicateOf = (
  reads: SessionPool,
  taken: TakenKeys
): Effect.Effect<never, Duplicate | VersionConflict | StorageFailed> => {
  const [gid] = taken.chats
  const [account] = taken.accounts
  const [key] = taken.records
  return Effect.gen(function* () {
    const messages = taken.gids.length === 0 ? [] : yield* findMessages(reads, taken.gids)
    const chats = gid === undefined ? [] : yield* reads.query(CHAT, [texts([gid])])
    const users = account === undefined ? [] : yield* reads.query(ACCOUNT, [texts([account])])
    const records = key === undefined ? [] : yield* reads.query(RECORD, key.map(text))
    return { messages, chat: chats.map(storedChat)[0], owner: users.map(user)[0], stored: records.map(record)[0] }
  }).pipe(
    Effect.mapError(storageFailed),
    Effect.flatMap(({ chat, messages, owner, stored }): Effect.Effect<never, Duplicate | VersionConflict> =>
      messages.length === 0 && chat === undefined && owner === undefined && stored === undefined
        ? // The record was removed since, or the account given up.
          Effect.fail(new VersionConflict({ chats: [], messages: [] }))
        : Effect.fail(
            new Duplicate({
              messages,
              ...(chat && { chat }),
              ...(owner && { account: owner.account }),
              ...(stored && { record: stored })
            })
          )
    )
  )
}

/** Returns the outcome of a batch for its caller. */
export const committed = ({ reads }: Connections, outcome: BatchOutcome): Committed => {
  if ("results" in outcome) return Effect.succeed(outcome.results)
  const { refusal } = outcome
  switch (refusal._tag) {
    case "Conflict":
      return Effect.fail(refusal.conflict)
    case "Taken":
      return duplicateOf(reads, refusal.taken)
    case "Failed":
      return Effect.fail(storageFailed(refusal.cause))
  }
}

/** Returns the outcome of a message that was committed as a batch. */
export const committedMessage = (
  { reads }: Connections,
  { body, by, chat }: MessageAppend,
  outcome: Appended
): Committed => {
  if ("id" in outcome) return Effect.succeed<ReadonlyArray<WriteResult>>([{ _tag: "Entry", entry: outcome }])
  if (outcome.refused === "Conflict") return Effect.fail(new VersionConflict({ chats: [chat], messages: [] }))
  if (outcome.refused === "Disabled") {
    return Effect.fail(new VersionConflict({ chats: [], messages: [], users: by === null ? [] : [by] }))
  }
  if (outcome.refused === "Duplicate") {
    return duplicateOf(reads, { gids: [body.gid], chats: [], accounts: [], records: [] })
  }
  return Effect.fail(storageFailed(outcome.refused.cause))
}
