/** Opens a store on one database file: lock, migration, writer, reading connection. */
import { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { StorageFailed, Store, type WriteBatch } from "@parley/core/Store"
import type { EntryId } from "@parley/core/Ids"
import type { User } from "@parley/core/User"
import * as DatabaseLock from "./DatabaseLock.ts"
import { DatabaseError } from "./DatabaseError.ts"
import * as ChatReads from "./queries/chats.ts"
import type { Committed } from "./writer/GroupCommit.ts"
import { isNoDatabase, errorText } from "./sqliteError.ts"
import * as JournalReads from "./queries/journal.ts"
import * as MessageReads from "./queries/messages.ts"
import * as RecordReads from "./queries/records.ts"
import { migrate } from "./schema.ts"
import { DatabaseDisplaced, displacedText, OpenFiles } from "./OpenFiles.ts"
import { Statements } from "./Statements.ts"
import { UnindexedTail } from "./log-index/UnindexedTail.ts"
import * as UserReads from "./queries/users.ts"

/** Operations of the writer that the store uses. */
export interface StoreWriter {
  readonly commit: (batch: WriteBatch) => Committed
  /** Returns the messages with these gids. Only the writer has the whole index (see `GidIndex`). */
  readonly find: (gids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<EntryId>, StorageFailed>
  readonly appendMessage?: NonNullable<Store["Service"]["appendMessage"]>
}

/** Milliseconds a read waits for a lock; in WAL mode only a recovery of the database holds one. */
const BUSY_TIMEOUT = 2_000

/** Users per page when all are read. */
const USERS_PER_PAGE = 500

/** Migrates the database to this version. */
const prepare = (file: string, path: string): void => {
  let refused: string | undefined
  try {
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT })
    try {
      refused = migrate(database)
      if (refused === undefined) database.exec("PRAGMA journal_mode = WAL")
    } finally {
      database.close()
    }
  } catch (cause) {
    const message = isNoDatabase(cause)
      ? `The file ${file} is not a database.`
      : `The database ${file} cannot be opened: ${errorText(cause)}.`
    throw new DatabaseError({ file, message })
  }
  if (refused !== undefined) {
    throw new DatabaseError({ file, message: `The database ${file} cannot be used: ${refused}.` })
  }
}

/** Opens the reading connection and its files immediately, so that the writer watches the same files. */
const openReader = (path: string): DatabaseSync => {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT })
  try {
    database.prepare("PRAGMA schema_version").get()
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

const toDatabaseError =
  (file: string) =>
  (cause: unknown): DatabaseError =>
    cause instanceof DatabaseError
      ? cause
      : new DatabaseError({ file, message: `The database ${file} cannot be opened: ${errorText(cause)}.` })

/** Opens the database `file` with the writer that `start` returns, both until the scope closes. */
export const openStore = Effect.fnUntraced(function* (
  file: string,
  start: (path: string) => Effect.Effect<StoreWriter, unknown, Scope.Scope>
): Effect.fn.Return<Store["Service"], DatabaseError, Scope.Scope> {
  const path = yield* DatabaseLock.acquire(file)
  yield* Effect.try({ try: () => prepare(file, path), catch: toDatabaseError(file) })
  const writer = yield* start(path).pipe(Effect.mapError(toDatabaseError(file)))
  // Closed before the writer: the last connection to close cleans up, which a read-only one cannot.
  const database = yield* Effect.acquireRelease(
    Effect.try({
      try: () => openReader(path),
      catch: toDatabaseError(file)
    }),
    (open) => Effect.sync(() => open.close())
  )
  const db = new Statements(database)
  const files = new OpenFiles(path)

  const read = <A>(operation: string, query: (db: Statements) => A): Effect.Effect<A, StorageFailed> =>
    Effect.try({
      try: () => db.snapshot(() => query(db)),
      catch: (cause) => new StorageFailed({ operation, cause })
    })

  /** Reads pages and yields between them. Users are never removed, so none is missed. */
  const allUsers = Effect.gen(function* () {
    const users: Array<User> = []
    for (;;) {
      const after = users.at(-1)?.id ?? 0
      const page = yield* read("allUsers", (db) => UserReads.usersAfter(db, after, USERS_PER_PAGE))
      for (const user of page) users.push(user)
      if (page.length < USERS_PER_PAGE) return users
      yield* Effect.yieldNow
    }
  })

  const tail = new UnindexedTail()
  /** Reads the log by chat. */
  const readLog = <A>(
    operation: string,
    query: (db: Statements, tail: UnindexedTail) => A
  ): Effect.Effect<A, StorageFailed> =>
    read(operation, (db) => {
      tail.follow(db)
      return query(db, tail)
    })

  return Store.of({
    commit: writer.commit,
    check: Effect.suspend(() => {
      const displaced = files.check()
      if (displaced === undefined) return Effect.void
      const cause = new DatabaseDisplaced(displacedText(displaced))
      return Effect.fail(new StorageFailed({ operation: "check", cause }))
    }),
    ...(writer.appendMessage !== undefined && { appendMessage: writer.appendMessage }),

    users: (ids) => read("users", (db) => UserReads.users(db, ids)),
    usersByAccount: (accounts) => read("usersByAccount", (db) => UserReads.usersByAccount(db, accounts)),
    allUsers,
    password: (user) => read("password", (db) => UserReads.password(db, user)),
    settings: (user) => read("settings", (db) => UserReads.settings(db, user)),

    chats: (ids) => readLog("chats", (db, tail) => ChatReads.chats(db, tail, ids)),
    chatByGid: (gid) => readLog("chatByGid", (db, tail) => ChatReads.chatByGid(db, tail, gid)),
    chatsOf: (user) => read("chatsOf", (db) => ChatReads.chatsOf(db, user)),
    publicChats: read("publicChats", ChatReads.publicChats),
    systemChats: read("systemChats", ChatReads.systemChats),
    preferences: (user) => read("preferences", (db) => ChatReads.preferences(db, user)),

    entries: (ranges) => readLog("entries", (db, tail) => MessageReads.entries(db, tail, ranges)),
    locate: (ids) => read("locate", (db) => MessageReads.locate(db, ids)),
    history: (chat, page) => readLog("history", (db, tail) => MessageReads.history(db, tail, chat, page)),
    messagesByGid: (gids) =>
      Effect.flatMap(writer.find([...new Set(gids)]), (ids) =>
        read("messagesByGid", (db) => MessageReads.messages(db, ids))
      ),
    messages: (ids) => read("messages", (db) => MessageReads.messages(db, ids)),

    cursorsOf: (user, device) => read("cursorsOf", (db) => ChatReads.cursorsOf(db, user, device)),
    cursorsIn: (chat, users) => read("cursorsIn", (db) => ChatReads.cursorsIn(db, chat, users)),

    session: (hash) => read("session", (db) => UserReads.sessionByHash(db, hash)),
    sessionsOf: (user) => read("sessionsOf", (db) => UserReads.sessionsOf(db, user)),
    sessionEpoch: (user) => read("sessionEpoch", (db) => UserReads.sessionEpoch(db, user)),
    file: (id) => read("file", (db) => RecordReads.fileById(db, id)),
    files: (chat) => read("files", (db) => RecordReads.files(db, chat)),
    record: (dialect, kind, key) => read("record", (db) => RecordReads.recordByKey(db, dialect, kind, key)),
    records: (dialect, kind) => read("records", (db) => RecordReads.records(db, dialect, kind)),
    journal: {
      overlap: 0,
      newest: read("newest", JournalReads.newest),
      changes: (after, limit) => read("changes", (db) => JournalReads.changes(db, after, limit)),
      appended: (after, limit) => read("appended", (db) => JournalReads.appended(db, after, limit))
    }
  })
})
