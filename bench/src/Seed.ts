/**
 * Fills a database before a server opens it, through the store's own code, without a server and without rules, so that a
 * million messages take a minute and no password is hashed.
 */
import { createHash, randomUUID } from "node:crypto"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import type { NewChat } from "@parley/core/Chat"
import { ChatId, UserId } from "@parley/core/Ids"
import type { Store, Write, WriteResult } from "@parley/core/Store"
import { Effect } from "effect"
import type { MadeChat, User } from "./generator/Plan.ts"
import { stamped } from "./generator/Stamp.ts"

/** Writes of one unit: enough that what each unit costs does not count. */
const BATCH = 2000
/** Characters of content. */
const SIZE = 200

export type Open = Store["Service"]

/** Opens the database as the server does, for as long as `work` takes. */
export const onDatabase = <A>(file: string, work: (store: Open) => Promise<A>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(SqliteStore.make({ file }), (store) => Effect.promise(() => work(store))))
  )

const write = async (store: Open, writes: Iterable<Write>): Promise<ReadonlyArray<WriteResult>> => {
  const written: Array<WriteResult> = []
  let batch: Array<Write> = []
  const commit = async (): Promise<void> => {
    for (const one of await Effect.runPromise(store.commit({ expectedVersions: [], writes: batch }))) written.push(one)
    batch = []
  }
  for (const one of writes) if (batch.push(one) >= BATCH) await commit()
  if (batch.length > 0) await commit()
  return written
}

const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex")

/** Everybody, by account; the first `online` of them with a session that a client can show. */
export const sessionsFor = async (
  store: Open,
  accounts: ReadonlyArray<string>,
  online: number
): Promise<ReadonlyArray<User>> => {
  const ids = new Map((await Effect.runPromise(store.allUsers)).map(({ account, id }) => [account, id]))
  const users = accounts.map((account, index) => {
    const id = ids.get(account)
    if (id === undefined) throw new Error(`${account} was not imported`)
    return { account, id, sid: index < online ? `bench-session-of-${account}` : "" }
  })
  const now = Date.now()
  const saved = users
    .filter(({ sid }) => sid !== "")
    .map(({ id, sid }): Write => {
      const session = { hash: hashOf(sid), user: id, kind: "chat", device: "", createdAt: now, usedAt: now } as const
      return { _tag: "SaveSession", session }
    })
  await write(store, saved)
  return users
}

/** Groups, each made by its first member; answers their numbers, in order. */
export const makeGroups = async (store: Open, groups: ReadonlyArray<MadeChat>): Promise<ReadonlyArray<ChatId>> => {
  const chats = groups.map(({ gid, members }): Write => {
    const [by = UserId(0)] = members.map(({ id }) => UserId(id))
    const chat: NewChat = {
      gid,
      name: gid,
      type: "group",
      public: false,
      subject: 0,
      members: members.map(({ id }) => UserId(id)),
      owner: by,
      admins: [],
      senders: "all",
      attributes: {},
      createdBy: by,
      createdAt: Date.now()
    }
    return { _tag: "CreateChat", chat, by }
  })
  const written = await write(store, chats)
  return written.flatMap((one) => (one._tag === "Chat" ? [one.stored.chat.id] : []))
}

/** So many messages in each chat, in turns over all chats, as they would have come. */
export const say = async (
  store: Open,
  chats: ReadonlyArray<{ readonly chat: ChatId; readonly by: number }>,
  each: number
): Promise<void> => {
  const at = Date.now()
  function* messages(): Generator<Write> {
    for (let nth = 0; nth < each; nth++) {
      for (const { chat, by } of chats) {
        const content = stamped(0, SIZE)
        const body = {
          _tag: "Posted",
          gid: randomUUID(),
          type: "normal",
          contentType: "text",
          content,
          date: at
        } as const
        yield { _tag: "Append", chat, by: UserId(by), device: "", at, body }
      }
    }
  }
  await write(store, messages())
}
