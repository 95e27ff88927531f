/**
 * Who waits for an admin to let them in: one record for each, in a partition of its own for each session. Who became a
 * member in another way waits no more, also after having left again. Source: PROTOCOLS, "spark"; seeds/000, "增加会话成员".
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

/** The value of a record: who asked, and how far the chat's facts and its log were. */
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

  /** Those who wait, in the order of their accounts. */
  readonly of = Effect.fnUntraced(function* (
    this: PendingMembers,
    { chat, seq }: SparkSession
  ): Effect.fn.Return<ReadonlyArray<User>, StorageFailed> {
    const records = yield* this.#store.records(DIALECT, kindOf(chat.id))
    if (records.length === 0) return []
    const asked = new Map<string, JoinRequest>()
    for (const { key, value } of records) if (isJoinRequest(value)) asked.set(key, value)
    const waiting: Array<User> = []
    for (const user of yield* this.#users.byAccount([...asked.keys()])) {
      const request = asked.get(user.account)
      if (request === undefined || isMember(chat, user.id)) continue
      // Nobody can have come in while the facts stayed as they were.
      if (request.version !== chat.version) {
        const newest = yield* this.#joins.since(chat.id, request.seq, seq)
        if ((newest.get(user.id) ?? 0) > request.seq) continue
      }
      waiting.push(user)
    }
    return waiting.sort((a, b) => (a.account < b.account ? -1 : 1))
  })

  /** Records that ask for these users. */
  asking({ chat, seq }: SparkSession, by: UserId, users: ReadonlyArray<User>): ExtraWrites {
    const value: JoinRequest = { by, version: chat.version, seq }
    return users.map(({ account }) => put({ dialect: DIALECT, kind: kindOf(chat.id), key: account, value }))
  }

  /** Takes back what was asked for these users, where it was. */
  settling = Effect.fnUntraced(function* (
    this: PendingMembers,
    { chat }: SparkSession,
    users: ReadonlyArray<User>
  ): Effect.fn.Return<ExtraWrites, StorageFailed> {
    const records = yield* this.#store.records(DIALECT, kindOf(chat.id))
    const asked = new Set(records.map(({ key }) => key))
    return users.flatMap(({ account }) =>
      asked.has(account) ? [put({ dialect: DIALECT, kind: kindOf(chat.id), key: account, value: null })] : []
    )
  })

  /** The same for those who are let in, while what was asked for them stands; `gone` are those for whom nothing does. */
  approving = Effect.fnUntraced(function* (
    this: PendingMembers,
    { chat }: SparkSession,
    users: ReadonlyArray<User>
  ): Effect.fn.Return<{ readonly gone: ReadonlyArray<User>; readonly writes: ExtraWrites }, StorageFailed> {
    const kind = kindOf(chat.id)
    const asked = new Map((yield* this.#store.records(DIALECT, kind)).map(({ key, value }) => [key, value]))
    return {
      gone: users.filter(({ account }) => !asked.has(account)),
      writes: users.map(({ account }) => ({
        ...put({ dialect: DIALECT, kind, key: account, value: null }),
        expected: asked.get(account)
      }))
    }
  })
}

const put = (record: DialectRecord): ExtraWrites[number] => ({ _tag: "PutRecord", record })
