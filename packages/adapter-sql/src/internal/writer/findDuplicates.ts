/** Finds which unique keys of a rolled-back batch already exist. */
import type { WriteBatch } from "@parley/core/Store"
import { chatByGid } from "../queries/chats.ts"
import type { GidIndex } from "../log-index/GidIndex.ts"
import { messages } from "../queries/messages.ts"
import { recordByKey } from "../queries/records.ts"
import type { Statements } from "../Statements.ts"
import type { UnindexedTail } from "../log-index/UnindexedTail.ts"
import { usersByAccount } from "../queries/users.ts"
import type { Refusal } from "./protocol.ts"

/** Unique keys of a batch; absent if it has none. */
export interface UniqueKeys {
  readonly messages: ReadonlyArray<string>
  readonly chats?: ReadonlyArray<string>
  readonly accounts?: ReadonlyArray<string>
  readonly records?: ReadonlyArray<{ readonly dialect: string; readonly kind: string; readonly key: string }>
}

export const uniqueKeys = (batch: WriteBatch): UniqueKeys => {
  const messages: Array<string> = []
  const chats: Array<string> = []
  const accounts: Array<string> = []
  const records: Array<{ readonly dialect: string; readonly kind: string; readonly key: string }> = []
  for (const write of batch.writes) {
    if (write._tag === "Append" && write.body._tag === "Posted") messages.push(write.body.gid)
    else if (write._tag === "CreateChat") chats.push(write.chat.gid)
    else if (write._tag === "CreateUser") accounts.push(write.user.account)
    else if (write._tag === "PutRecord" && write.once === true && write.record.value !== null) {
      records.push(write.record)
    }
  }
  return { messages, chats, accounts, records }
}

/**
 * Returns the refusal of a batch that failed on a unique key with `cause`. Reports the first chat, account and record. If
 * no key exists, the batch contradicts itself, and `cause` is the failure.
 */
export const findDuplicates = (
  db: Statements,
  { gids, tail }: { readonly gids: GidIndex; readonly tail: UnindexedTail },
  wanted: UniqueKeys,
  cause: unknown
): Refusal => {
  const stored = messages(
    db,
    wanted.messages.flatMap((gid) => gids.find(gid) ?? [])
  )
  const [chat] = (wanted.chats ?? []).flatMap((gid) => chatByGid(db, tail, gid) ?? [])
  const [user] = usersByAccount(db, wanted.accounts ?? [])
  const [record] = (wanted.records ?? []).flatMap((one) => recordByKey(db, one.dialect, one.kind, one.key) ?? [])
  if (stored.length === 0 && chat === undefined && user === undefined && record === undefined) {
    return { _tag: "Failed", cause }
  }
  return {
    _tag: "Duplicate",
    messages: stored,
    ...(chat && { chat }),
    ...(user && { account: user.account }),
    ...(record && { record })
  }
}
