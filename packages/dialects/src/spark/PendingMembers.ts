/**
 * Users whose membership waits for an admin's approval: one record per user, in a separate kind per session. A user who
 * joined in another way is no longer pending, even after leaving again. Source: PROTOCOLS, "spark"; seeds/000, "增加会话成员".
 */
import { isMember } from "@parley/core/Chat"
import type { ExtraWrites } from "@parley/core/CommandRunner"
import type { ChatId, UserId } from "@parley/core/Ids"
import type { DialectRecord, StorageFailed, Store } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import type { UserCache } from "@parley/core/UserCache"
import * as Effect from "effect/Effect"
import type { SparkSession } from "./SparkSession.ts"
import { DIALECT } from "./sessionKey.ts"
import { JoinHistory } from "./JoinHistory.ts"

const kindOf = (chat: ChatId): string => `pending:${chat}`

/** Value of a record: the requesting user, and the chat's version and newest sequence at that time. */
interface JoinRequest {
  readonly by: UserId
  readonly version: number
  readonly seq: number
}

const isJoinRequest = (value: unknown): value is JoinRequest =>
  typeof value === "object" && value !== null && "version" in value && "seq" in value && typeof value.seq === "number"

export class PendingMembers {
  readonly #store: Store["Service"]
  readonly #users: UserCache
  readonly #joins: JoinHistory

  constructor(store: Store["Service"], users: UserCache) {
    this.#store = store
    this.#users = users
    this.#joins = new JoinHistory(store)
  }

  /** Returns the pending users, ordered by account. */
  readonly list = Effect.fnUntraced(function* (
    this: PendingMembers,
    { chat, seq }: SparkSession
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const records = yield* this.#store.records(DIALECT, kindOf(chat.id))
    if (records.length === 0) return []
    const requests = new Map<string, JoinRequest>()
    for (const { key, value } of records) if (isJoinRequest(value)) requests.set(key, value)
    const pending: Array<User> = []
    for (const user of yield* this.#users.byAccount([...requests.keys()])) {
      const request = requests.get(user.account)
      if (request === undefined || isMember(chat, user.id)) continue
      // No user can have joined while the version is unchanged.
      if (request.version !== chat.version) {
        const newest = yield* this.#joins.since(chat.id, request.seq, seq)
        if ((newest.get(user.id) ?? 0) > request.seq) continue
      }
      pending.push(user)
    }
    return pending.sort((a, b) => (a.account < b.account ? -1 : 1))
  })

  /** Returns writes that record a request for these users. */
  requestWrites({ chat, seq }: SparkSession, by: UserId, users: ReadonlyArray<User>): ExtraWrites {
    const value: JoinRequest = { by, version: chat.version, seq }
    return users.map(({ account }) => put({ dialect: DIALECT, kind: kindOf(chat.id), key: account, value }))
  }

  /** Returns writes that remove the requests for these users, if any. */
  removalWrites = Effect.fnUntraced(function* (
    this: PendingMembers,
    { chat }: SparkSession,
    users: ReadonlyArray<User>
  ): Effect.fn.Return<ExtraWrites, StorageFailed> {
    const records = yield* this.#store.records(DIALECT, kindOf(chat.id))
    const pending = new Set(records.map(({ key }) => key))
    return users.flatMap(({ account }) =>
      pending.has(account) ? [put({ dialect: DIALECT, kind: kindOf(chat.id), key: account, value: null })] : []
    )
  })

  /**
   * Returns writes that approve the requests; they conflict if a request changes before the commit. `notPending`: users
   * without a request.
   */
  approvalWrites = Effect.fnUntraced(function* (
    this: PendingMembers,
    { chat }: SparkSession,
    users: ReadonlyArray<User>
  ): Effect.fn.Return<{ readonly notPending: ReadonlyArray<User>; readonly writes: ExtraWrites }, StorageFailed> {
    const kind = kindOf(chat.id)
    const requests = new Map((yield* this.#store.records(DIALECT, kind)).map(({ key, value }) => [key, value]))
    return {
      notPending: users.filter(({ account }) => !requests.has(account)),
      writes: users.map(({ account }) => ({
        ...put({ dialect: DIALECT, kind, key: account, value: null }),
        expected: requests.get(account)
      }))
    }
  })
}

const put = (record: DialectRecord): ExtraWrites[number] => ({ _tag: "PutRecord", record })
