/**
 * The store on SQLite, in one file: no server beside it, and durable when answered. Writes go through one thread (see
 * `sqlite/Writer`), reads through a connection of their own on the calling thread, which sees all that was committed.
 */
import { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { StorageFailed, Store } from "@parley/core/Store"
import * as DatabaseLock from "./DatabaseLock.ts"
import { DatabaseRefused } from "./DatabaseRefused.ts"
import * as ChatReads from "./sqlite/ChatReads.ts"
import * as Commits from "./sqlite/Commits.ts"
import { isNoDatabase, sentence } from "./sqlite/Failure.ts"
import * as MessageReads from "./sqlite/MessageReads.ts"
import * as RecordReads from "./sqlite/RecordReads.ts"
import { migrate } from "./sqlite/Schema.ts"
import { Statements } from "./sqlite/Statements.ts"
import * as UserReads from "./sqlite/UserReads.ts"

export { DatabaseRefused } from "./DatabaseRefused.ts"

/** Milliseconds a read may wait for a lock; in WAL mode there is none but while somebody repairs the database. */
const PATIENCE = 2_000

/** Makes the database what this version expects. */
const prepare = (file: string, path: string): void => {
  let refused: string | undefined
  try {
    const database = new DatabaseSync(path, { timeout: PATIENCE })
    try {
      refused = migrate(database)
      if (refused === undefined) database.exec("PRAGMA journal_mode = WAL")
    } finally {
      database.close()
    }
  } catch (cause) {
    const message = isNoDatabase(cause)
      ? `The file ${file} is not a database.`
      : `The database ${file} cannot be opened: ${sentence(cause)}.`
    throw new DatabaseRefused({ file, message })
  }
  if (refused !== undefined) {
    throw new DatabaseRefused({ file, message: `The database ${file} cannot be used: ${refused}.` })
  }
}

const refusing =
  (file: string) =>
  (cause: unknown): DatabaseRefused =>
    cause instanceof DatabaseRefused
      ? cause
      : new DatabaseRefused({ file, message: `The database ${file} cannot be opened: ${sentence(cause)}.` })

/**
 * A store on the database `file`, until the scope closes: then what waits is committed, and the file is free.
 * The file and the folders above it are made when missing.
 */
export const make = Effect.fnUntraced(function* (options: {
  readonly file: string
}): Effect.fn.Return<Store["Service"], DatabaseRefused, Scope.Scope> {
  const { file } = options
  const path = yield* DatabaseLock.acquire(file)
  yield* Effect.try({ try: () => prepare(file, path), catch: refusing(file) })
  const commits = yield* Commits.open(path).pipe(Effect.mapError(refusing(file)))
  // Closed before the writer: the last connection to close cleans up, and this one may not write.
  const database = yield* Effect.acquireRelease(
    Effect.try({
      try: () => new DatabaseSync(path, { readOnly: true, timeout: PATIENCE }),
      catch: refusing(file)
    }),
    (open) => Effect.sync(() => open.close())
  )
  const db = new Statements(database)

  const read = <A>(operation: string, query: (db: Statements) => A): Effect.Effect<A, StorageFailed> =>
    Effect.try({
      try: () => db.snapshot(() => query(db)),
      catch: (cause) => new StorageFailed({ operation, cause })
    })

  return Store.of({
    commit: commits.commit,

    users: (ids) => read("users", (db) => UserReads.users(db, ids)),
    usersByAccount: (accounts) => read("usersByAccount", (db) => UserReads.usersByAccount(db, accounts)),
    allUsers: read("allUsers", UserReads.allUsers),
    password: (user) => read("password", (db) => UserReads.password(db, user)),
    settings: (user) => read("settings", (db) => UserReads.settings(db, user)),

    chats: (ids) => read("chats", (db) => ChatReads.chats(db, ids)),
    chatByGid: (gid) => read("chatByGid", (db) => ChatReads.chatByGid(db, gid)),
    chatsOf: (user) => read("chatsOf", (db) => ChatReads.chatsOf(db, user)),
    publicChats: read("publicChats", ChatReads.publicChats),
    systemChats: read("systemChats", ChatReads.systemChats),
    preferences: (user) => read("preferences", (db) => ChatReads.preferences(db, user)),

    entries: (ranges) => read("entries", (db) => MessageReads.entries(db, ranges)),
    locate: (ids) => read("locate", (db) => MessageReads.locate(db, ids)),
    history: (chat, page) => read("history", (db) => MessageReads.history(db, chat, page)),
    messagesByGid: (gids) => read("messagesByGid", (db) => MessageReads.messagesByGid(db, gids)),
    messages: (ids) => read("messages", (db) => MessageReads.messages(db, ids)),

    placesOf: (user, device) => read("placesOf", (db) => ChatReads.placesOf(db, user, device)),
    placesIn: (chat, users) => read("placesIn", (db) => ChatReads.placesIn(db, chat, users)),

    session: (hash) => read("session", (db) => UserReads.sessionByHash(db, hash)),
    sessionsOf: (user) => read("sessionsOf", (db) => UserReads.sessionsOf(db, user)),
    file: (id) => read("file", (db) => RecordReads.fileById(db, id)),
    files: (chat) => read("files", (db) => RecordReads.files(db, chat)),
    record: (dialect, kind, key) => read("record", (db) => RecordReads.recordByKey(db, dialect, kind, key)),
    records: (dialect, kind) => read("records", (db) => RecordReads.records(db, dialect, kind))
  })
})

/** The store on SQLite; `file` is the database's path. */
export const layer = (options: { readonly file: string }): Layer.Layer<Store, DatabaseRefused> =>
  Layer.effect(Store, make(options))
