/**
 * Applies batches to the database within the open transaction, without thread or Effect.
 *
 * A message's gid is looked up before the message is written, since the index of gids lags behind. Other unique keys are
 * constraints of the tables: after a violation the batch is rolled back and the existing rows are looked up.
 */
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { WriteBatch, Write } from "@parley/core/Store"
import type { NewUser } from "@parley/core/User"
import { addChange } from "./changes.ts"
import { changeChat, createChat, INSERT_ENTRY, moveCursor, setPreference } from "./chats.ts"
import { findDuplicates, uniqueKeys, type UniqueKeys } from "./findDuplicates.ts"
import { isUniqueViolation } from "../sqliteError.ts"
import { fingerprint, GidIndex } from "../log-index/GidIndex.ts"
import { HeadCache, type WriterHead } from "./HeadCache.ts"
import { systemChats } from "../queries/chats.ts"
import { revision } from "../queries/messages.ts"
import { isRecordStale, putRecord } from "./records.ts"
import type { Statements } from "../Statements.ts"
import { endSession, endSessions, isSessionStale, saveSession, touchSession } from "./sessions.ts"
import { UnindexedTail } from "../log-index/UnindexedTail.ts"
import { changeUser, createUser, saveSettings } from "./users.ts"
import { isMessageAppend, type MessageRow, type Refusal } from "./protocol.ts"

type Append = Extract<Write, { readonly _tag: "Append" }>
type Amend = Extract<Write, { readonly _tag: "Amend" }>

const INSERT_MESSAGE = `INSERT INTO log (chat, seq, posted, at, author, origin, kind, gid, type, content_type, content, date)
  VALUES (?, ?, ?, ?, ?, ?, 'Posted', ?, ?, ?, ?, ?)`

/** Thrown within a batch: the gid of a message already exists. */
class GidTaken extends Error {
  override readonly message = "a message with this gid exists"
}

const ONE_STATEMENT: ReadonlySet<Write["_tag"]> = new Set([
  "Append",
  "Amend",
  "SetPreference",
  "MoveCursor",
  "HideMessage",
  "SaveSettings",
  "TouchSession",
  "AddFile",
  "PutRecord"
])

/** Whether the write is one statement, which SQLite rolls back by itself. */
const isOneStatement = (write: Write): boolean =>
  ONE_STATEMENT.has(write._tag) && !(write._tag === "Append" && write.body._tag === "Changed")

/** Whether the facts behind the write, other than chat versions, have changed. */
const isStale = (db: Statements, write: Write): boolean =>
  write._tag === "SaveSession"
    ? isSessionStale(db, write)
    : write._tag === "PutRecord" && write.expected !== undefined && isRecordStale(db, write)

export class BatchApplier {
  readonly #db: Statements
  readonly #tail: UnindexedTail
  readonly #gids: GidIndex
  readonly #headCache: HeadCache
  /** Output: the numbers returned by the batch's writes, such as ids and sequences. */
  #numbers: Array<number> = []
  /** Output: the hashes of sessions ended by the batch. */
  #ended: Array<ReadonlyArray<string>> = []

  /** Takes exclusive ownership of `tail` and `gids`. */
  constructor(db: Statements, tail: UnindexedTail = new UnindexedTail(), gids: GidIndex = new GidIndex(db)) {
    this.#db = db
    this.#tail = tail
    this.#gids = gids
    this.#headCache = new HeadCache(db, tail)
  }

  /** Drops all caches: another connection may have written. */
  invalidate(): void {
    this.#headCache.clear()
    this.#tail.invalidate()
    this.#gids.invalidate()
  }

  /** Loads the caches from one snapshot. */
  load(): void {
    if (!this.#tail.isLoaded) {
      this.#gids.invalidate()
      this.#tail.follow(this.#db)
    }
    this.#gids.load()
  }

  /** Reverts the caches after a rollback; `newest` is the log's last entry before the transaction, if known. */
  truncate(newest: number | undefined): void {
    if (newest === undefined || !this.#tail.isLoaded) return this.invalidate()
    this.#headCache.clear()
    this.#tail.truncate(newest)
    this.#gids.truncate(newest)
  }

  /**
   * Applies one batch atomically. Appends the numbers of its writes to `numbers` (see `protocol.written`) and the hashes of
   * ended sessions to `ended`. Returns the refusal if it was not applied. Throws if the transaction itself is lost.
   */
  apply(
    batch: MessageRow | WriteBatch,
    numbers: Array<number>,
    ended: Array<ReadonlyArray<string>> = []
  ): Refusal | undefined {
    this.#numbers = numbers
    this.#ended = ended
    this.load()
    return isMessageAppend(batch) ? this.#applyMessage(batch) : this.#applyAll(batch)
  }

  #applyMessage(post: MessageRow): Refusal | undefined {
    try {
      const head = this.#headCache.get(post[0])
      if (post[1] !== 0 && head?.version !== post[1]) return { _tag: "VersionConflict", chats: [post[0]], messages: [] }
      if (head === undefined) return this.#noSuchChat(post[0])
      return this.#appendMessage(post, head) ? undefined : this.#duplicate({ messages: [post[5]] }, new GidTaken())
    } catch (cause) {
      return this.#failed(cause)
    }
  }

  #applyAll(batch: WriteBatch): Refusal | undefined {
    const db = this.#db
    const numbersBefore = this.#numbers.length
    const endedBefore = this.#ended.length
    const newest = this.#tail.newest
    const first = batch.writes[0]
    const needsSavepoint = batch.writes.length > 1 || (first !== undefined && !isOneStatement(first))
    try {
      const conflict = this.#conflict(batch)
      if (conflict !== undefined) return conflict
      if (needsSavepoint) db.prepare("SAVEPOINT batch").run()
      for (const write of batch.writes) this.#write(write)
      if (needsSavepoint) db.prepare("RELEASE batch").run()
      return undefined
    } catch (cause) {
      this.#numbers.length = numbersBefore
      this.#ended.length = endedBefore
      this.#tail.truncate(newest)
      this.#gids.truncate(newest)
      this.#headCache.invalidate(batch.writes.flatMap((write) => ("body" in write ? [write.chat] : [])))
      const failed = this.#failed(cause)
      if (needsSavepoint) {
        db.prepare("ROLLBACK TO batch").run()
        db.prepare("RELEASE batch").run()
      }
      return cause instanceof GidTaken || isUniqueViolation(cause) ? this.#duplicate(uniqueKeys(batch), cause) : failed
    }
  }

  /** Returns the conflict with the expected versions and revisions, or undefined. */
  #conflict({ expectedVersions, writes }: WriteBatch): Refusal | undefined {
    const chats = new Set<ChatId>()
    const messages = new Set<EntryId>()
    const amended = new Set<EntryId>()
    for (const { chat, version } of expectedVersions)
      if (this.#headCache.get(chat)?.version !== version) chats.add(chat)
    for (const write of writes) {
      if (write._tag !== "Amend") continue
      const { message } = write.body
      const current = revision(this.#db, message)
      if (current === undefined) continue
      // A second amendment in the batch expects a revision that the first one replaces.
      if (current.revision !== write.revision || amended.has(message)) messages.add(message)
      amended.add(message)
    }
    const isStaleBatch = chats.size + messages.size > 0 || writes.some((write) => isStale(this.#db, write))
    return isStaleBatch ? { _tag: "VersionConflict", chats: [...chats], messages: [...messages] } : undefined
  }

  #duplicate(wanted: UniqueKeys, cause: unknown): Refusal {
    return findDuplicates(this.#db, { gids: this.#gids, tail: this.#tail }, wanted, cause)
  }

  /** Returns the failure of one statement; rethrows if the transaction has ended. */
  #failed(cause: unknown): Refusal {
    if (!this.#db.database.isTransaction) throw cause
    return { _tag: "Failed", cause }
  }

  #noSuchChat(chat: ChatId): Refusal {
    return { _tag: "Failed", cause: new Error(`there is no chat ${chat}`) }
  }

  #write(write: Write): void {
    const db = this.#db
    switch (write._tag) {
      case "CreateChat":
        return this.#create(write)
      case "Append":
        return this.#append(write)
      case "Amend":
        return this.#amend(write)
      case "SetPreference":
        this.#numbers.push(...setPreference(db, write))
        return
      case "MoveCursor":
        return moveCursor(db, write.cursor)
      case "HideMessage":
        db.run(
          "INSERT INTO hidden_messages (user, message) VALUES (?, ?) ON CONFLICT DO NOTHING",
          write.user,
          write.message
        )
        return
      case "CreateUser":
        return this.#createUser(write.user)
      case "ChangeUser":
        changeUser(db, write.user, write.change)
        return addChange(db, {
          _tag: "UserChanged",
          user: write.user,
          renamed: write.change.realname !== undefined
        })
      case "SaveSettings":
        return saveSettings(db, write.user, write.settings)
      case "SaveSession":
        return this.#sessionsEnded(write.session.user, saveSession(db, write), true)
      case "TouchSession":
        return touchSession(db, write.hash, write.usedAt)
      case "EndSession": {
        const user = endSession(db, write.hash)
        if (user !== undefined) this.#sessionsEnded(user, [write.hash], write.replaced === true)
        return
      }
      case "EndSessions":
        return this.#sessionsEnded(write.user, endSessions(db, write.user), false)
      case "AddFile": {
        const { addedBy, at, blob, chat, size, title } = write.file
        this.#numbers.push(
          db.insert(
            "INSERT INTO files (chat, title, size, added_by, at, blob) VALUES (?, ?, ?, ?, ?, ?)",
            chat,
            title,
            size,
            addedBy,
            at,
            blob
          )
        )
        return
      }
      case "PutRecord":
        return putRecord(db, write)
      case "NoteChange":
        return addChange(db, write.change)
    }
  }

  #createUser(user: NewUser): void {
    const since: Record<number, number> = {}
    const pairs: Array<number> = []
    for (const chat of systemChats(this.#db)) {
      const seq = this.#headCache.get(chat)?.seq ?? 0
      since[chat] = seq
      pairs.push(chat, seq)
    }
    const id = UserId(createUser(this.#db, user, since))
    this.#numbers.push(id, pairs.length / 2, ...pairs)
    addChange(this.#db, { _tag: "UserChanged", user: id, renamed: false })
  }

  #sessionsEnded(user: UserId, hashes: ReadonlyArray<string>, replaced: boolean): void {
    for (const hash of hashes) addChange(this.#db, { _tag: "SessionEnded", user, hash, replaced })
    this.#ended.push(hashes)
  }

  /** Returns false if the gid already exists. */
  #appendMessage(post: MessageRow, head: WriterHead): boolean {
    const [chat, , by, device, at, gid, type, contentType, content, date] = post
    const db = this.#db
    const print = fingerprint(gid)
    if (this.#gids.find(gid, print) !== undefined) return false
    const seq = head.seq + 1
    const { lastInsertRowid } = db
      .prepare(INSERT_MESSAGE)
      .run(chat, seq, head.posted + 1, at, by, device, gid, type, contentType, content, date)
    const id = EntryId(Number(lastInsertRowid))
    head.seq = seq
    head.posted += 1
    this.#tail.append({ id, chat, seq })
    this.#gids.add(gid, print, id)
    this.#numbers.push(id, seq, head.posted)
    return true
  }

  #create(write: Extract<Write, { readonly _tag: "CreateChat" }>): void {
    const [id, entry] = createChat(this.#db, write.chat, write.by)
    this.#tail.append({ id: EntryId(entry), chat: ChatId(id), seq: 1 })
    this.#numbers.push(id, entry)
    addChange(this.#db, { _tag: "ChatChanged", chat: ChatId(id), entry: EntryId(entry), seq: 1 })
  }

  #append(write: Append): void {
    const { at, body, by, chat, device } = write
    const head = this.#headCache.get(chat)
    if (head === undefined) throw new Error(`there is no chat ${chat}`)
    if (body._tag === "Posted") {
      const { content, contentType, date, gid, type } = body
      if (!this.#appendMessage([chat, 0, by, device, at, gid, type, contentType, content, date], head))
        throw new GidTaken()
      return
    }
    const { _tag, ...step } = body
    const id = this.#appendEntry(write, head, [null, null, JSON.stringify(step)])
    changeChat(this.#db, { id, chat, seq: head.seq, posted: head.posted, at, by, device, body })
    head.version += 1
    addChange(this.#db, { _tag: "ChatChanged", chat, entry: id, seq: head.seq })
  }

  /** The message's revision was checked before the batch. */
  #amend(write: Amend): void {
    const { body, chat } = write
    const head = this.#headCache.get(chat)
    if (head === undefined || revision(this.#db, body.message)?.chat !== chat) {
      throw new Error(`there is no message ${body.message} in chat ${chat}`)
    }
    const contents = body._tag === "Replaced" ? ([body.contentType, body.content] as const) : ([null, null] as const)
    this.#appendEntry(write, head, [body.message, ...contents])
  }

  /** Writes an entry other than a message. */
  #appendEntry(
    { at, body, by, chat, device }: Append | Amend,
    head: WriterHead,
    [target, contentType, content]: readonly [EntryId | null, string | null, string | null]
  ): EntryId {
    const seq = head.seq + 1
    const id = EntryId(
      this.#db.insert(INSERT_ENTRY, chat, seq, head.posted, at, by, device, body._tag, target, contentType, content)
    )
    head.seq = seq
    this.#tail.append({ id, chat, seq })
    this.#numbers.push(id, seq, head.posted)
    return id
  }
}
