/** The store in memory: passes the same laws as the other stores; its data is lost when the process ends. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Preference, StoredChat } from "@parley/core/Chat"
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { EntryLocation } from "@parley/core/Journal"
import type { Entry } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import type { Cursor } from "@parley/core/Cursor"
import { Store, type WriteBatch, type WriteResult } from "@parley/core/Store"
import { checkBatch } from "./internal/checkBatch.ts"
import { recordKey, Tables, type ChatState } from "./internal/Tables.ts"
import { applyWrite } from "./internal/applyWrite.ts"

const stored = (state: ChatState): StoredChat => ({
  chat: state.chat,
  head: { seq: state.log.length, posted: state.messages.length, activeAt: state.activeAt }
})

/** Looks up each distinct key; missing values are left out. */
const lookUp = <K, V>(keys: ReadonlyArray<K>, find: (key: K) => V | undefined): ReadonlyArray<V> =>
  [...new Set(keys)].flatMap((key) => find(key) ?? [])

const history = (
  tables: Tables,
  chat: ChatId,
  page: { readonly from: number; readonly to: number; readonly hiddenFrom?: UserId }
): ReadonlyArray<Message> => {
  const state = tables.chats.get(chat)
  if (state === undefined) return []
  const hidden = page.hiddenFrom === undefined ? undefined : tables.hidden.get(page.hiddenFrom)
  const found: Array<Message> = []
  for (let number = Math.min(page.to, state.messages.length); number >= Math.max(page.from, 1); number--) {
    const id = state.messages[number - 1]
    const message = id === undefined ? undefined : tables.messages.get(id)
    if (message !== undefined && hidden?.has(message.id) !== true) found.push(message)
  }
  return found
}

/** Returns a new, empty store. */
export const make = (): Store["Service"] => {
  const tables = new Tables()
  const read = <A>(query: () => A): Effect.Effect<A> => Effect.sync(query)
  const chatIds = (matches: (state: ChatState) => boolean): ReadonlyArray<ChatId> =>
    [...tables.chats.values()].filter((state) => !state.chat.dissolved && matches(state)).map((state) => state.chat.id)
  const entry = (id: EntryId): Entry | undefined => tables.entries[id - 1]

  return Store.of({
    commit: (batch: WriteBatch) =>
      Effect.suspend(() => {
        const refused = checkBatch(tables, batch, stored)
        if (refused !== undefined) return Effect.fail(refused)
        return Effect.succeed(batch.writes.map((write): WriteResult => applyWrite(tables, write, stored)))
      }),

    users: (ids) => read(() => lookUp(ids, (id) => tables.users.get(id)?.user)),
    usersByAccount: (accounts) =>
      read(() =>
        lookUp(accounts, (account) => {
          const id = tables.usersByAccount.get(account)
          return id === undefined ? undefined : tables.users.get(id)?.user
        })
      ),
    allUsers: read(() => [...tables.users.values()].map((state) => state.user)),
    password: (user) => read(() => tables.users.get(user)?.password ?? null),
    settings: (user) => read(() => tables.users.get(user)?.settings ?? null),

    chats: (ids) =>
      read(() =>
        lookUp(ids, (id) => {
          const state = tables.chats.get(id)
          return state && stored(state)
        })
      ),
    chatByGid: (gid) =>
      read(() => {
        const id = tables.chatsByGid.get(gid)
        const state = id === undefined ? undefined : tables.chats.get(id)
        return state && stored(state)
      }),
    chatsOf: (user) => read(() => chatIds(({ chat }) => chat.type === "system" || chat.members.has(user))),
    publicChats: read(() => chatIds(({ chat }) => chat.public)),
    systemChats: read(() => chatIds(({ chat }) => chat.type === "system")),
    preferences: (user) =>
      read(() => [...(tables.preferences.get(user)?.values() ?? [])].sort((a: Preference, b) => a.chat - b.chat)),

    entries: (ranges) =>
      read(() => {
        const found = new Set<Entry>()
        for (const { after, chat, limit } of ranges) {
          const from = Math.max(0, after)
          const log = tables.chats.get(chat)?.log ?? []
          for (const one of log.slice(from, from + Math.max(0, limit))) found.add(one)
        }
        return [...found].sort((a, b) => a.id - b.id)
      }),
    locate: (ids) =>
      read(() =>
        lookUp(ids, (id) => {
          const found = entry(id)
          return found && { id, chat: found.chat, seq: found.seq }
        })
      ),
    history: (chat, page) => read(() => history(tables, chat, page)),
    messagesByGid: (gids) =>
      read(() =>
        lookUp(gids, (gid) => {
          const id = tables.messagesByGid.get(gid)
          return id === undefined ? undefined : tables.messages.get(id)
        })
      ),
    messages: (ids) => read(() => lookUp(ids, (id) => tables.messages.get(id))),

    cursorsOf: (user, device) =>
      read(() => [...(tables.cursors.get(user)?.get(device)?.values() ?? [])].sort((a: Cursor, b) => a.chat - b.chat)),
    cursorsIn: (chat, users) =>
      read(() =>
        [...new Set(users)].flatMap((user) =>
          [...(tables.cursors.get(user)?.values() ?? [])].flatMap((device) => device.get(chat) ?? [])
        )
      ),

    session: (hash) => read(() => tables.sessions.get(hash)),
    sessionsOf: (user) => read(() => [...tables.sessions.values()].filter((session) => session.user === user)),
    sessionEpoch: (user) => read(() => tables.users.get(user)?.sessionEpoch ?? 0),
    file: (id) => read(() => tables.files[id - 1]),
    files: (chat) => read(() => tables.files.filter((file) => file.chat === chat)),
    record: (dialect, kind, key) => read(() => tables.records.get(recordKey(dialect, kind))?.get(key)),
    records: (dialect, kind) =>
      read(() =>
        [...(tables.records.get(recordKey(dialect, kind))?.values() ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1))
      ),
    journal: {
      overlap: 0,
      newest: read(() => ({ change: tables.changes.newest, entry: tables.entries.length })),
      changes: (after, limit) => read(() => tables.changes.after(after, limit)),
      appended: (after, limit) =>
        read(() => {
          const from = Math.max(0, after)
          return tables.entries
            .slice(from, from + Math.max(0, limit))
            .map(({ id, chat, seq }): EntryLocation => ({ id, chat, seq }))
        })
    }
  })
}

/** A new, empty store for each build of the layer. */
export const layer: Layer.Layer<Store> = Layer.sync(Store, make)
