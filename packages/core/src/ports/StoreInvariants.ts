/**
 * The invariants of a store's data, for adapters that verify a database. An adapter feeds the rows of its tables, and adds what it
 * finds in indexes of its own.
 */
import type { Changed, EntryBody } from "../model/Log.ts"
import type { Cursor } from "../model/Cursor.ts"

/** Maximum number of findings that are listed; further ones are counted. */
export const MAX_FINDINGS = 100

/** Parts of a database that an invariant is about. */
export type Part = "file" | "log" | "members" | "cursors" | "indexes" | "references"

/** One violation of an invariant. */
export interface Finding {
  /** The part of the database. */
  readonly part: Part
  /** Id of the chat; null if it is not about one. */
  readonly chat: number | null
  /** Id of the user; null if it is not about one. */
  readonly user: number | null
  /** The violation, in one clause for the operator. */
  readonly text: string
}

/** Result of verifying a database. */
export interface Verification {
  /** The first `MAX_FINDINGS` findings. */
  readonly findings: ReadonlyArray<Finding>
  /** Number of all findings. */
  readonly count: number
  /** Number of rows that were read. */
  readonly checked: {
    readonly users: number
    readonly chats: number
    readonly entries: number
    readonly members: number
    readonly cursors: number
    readonly sessions: number
  }
}

/** State of a database, read without a scan. */
export interface DatabaseState {
  /** Version of its tables; 0 if there are none. */
  readonly version: number
  /** Version of the tables of this Parley. */
  readonly supported: number
  /** Highest id of an entry, at least the number of entries; 0 for an empty log. */
  readonly newestId: number
  /** Time of that entry; milliseconds since 1970. */
  readonly newestAt: number
  /** The database server's own clock, milliseconds since 1970; null for a file. */
  readonly time: number | null
}

/** A chat as it is stored beside its log. */
export interface ChatFacts {
  /** Id of the chat. */
  readonly id: number
  /** Its name. */
  readonly name: string
  /** Whether all users may find and join it. */
  readonly public: boolean
  /** Id of the owner. */
  readonly owner: number | null
  /** Whether it is dissolved. */
  readonly dissolved: boolean
  /** Id of the user who created it. */
  readonly createdBy: number | null
  /** Id of the user who changed it last. */
  readonly editedBy: number | null
}

/** A log entry without a message's content. */
export interface EntryFacts {
  /** Id of the entry. */
  readonly id: number
  /** Id of the chat. */
  readonly chat: number
  /** Sequence in the chat's log, from 1. */
  readonly seq: number
  /** Number of messages in the log up to this entry. */
  readonly posted: number
  /** Id of the acting user; null for the system. */
  readonly author: number | null
  /** Tag of the entry's body. */
  readonly kind: EntryBody["_tag"]
  /** Id of the message that the entry amends, or null. */
  readonly target: number | null
  /** Sequence of the entry `target` of the same chat; null if there is none. */
  readonly targetSeq: number | null
  /** Kind of that entry. */
  readonly targetKind: string | null
  /** The change of facts, for `Changed`. */
  readonly change: Omit<Changed, "_tag"> | undefined
}

/** End of a chat's log. */
export interface LogEnd {
  /** Sequence of the last entry; 0 for an empty log. */
  readonly seq: number
  /** Number of messages. */
  readonly posted: number
}

interface Log {
  seq: number
  posted: number
  id: number
  /** Facts as of the last entry that changed them. */
  readonly facts: { -readonly [Name in Compared]?: ChatFacts[Name] }
  /** By user: the sequence of the entry by which they joined, or undefined after they left. */
  readonly joins: Map<number, number | undefined>
  /** Users who have left at some time. */
  readonly left: Set<number>
}

type Compared = "name" | "public" | "owner" | "dissolved"
const COMPARED: ReadonlyArray<Compared> = ["name", "public", "owner", "dissolved"]

/**
 * Verifies rows against each other: first all users, then all chats, then the entries of each log in their order, then everything else
 * in any order, then `finish`. Memory grows with users, chats and changes of members, not with messages.
 */
export class StoreInvariants {
  readonly #findings: Array<Finding> = []
  #count = 0
  readonly #users = new Set<number>()
  readonly #chats = new Map<number, ChatFacts>()
  readonly #logs = new Map<number, Log>()
  /** Members by chat. */
  readonly #members = new Map<number, Set<number>>()
  readonly #checked = { users: 0, chats: 0, entries: 0, members: 0, cursors: 0, sessions: 0 }

  /** Adds a finding. */
  report(part: Part, text: string, where: { readonly chat?: number; readonly user?: number } = {}): void {
    this.#count++
    if (this.#findings.length >= MAX_FINDINGS) return
    this.#findings.push({ part, chat: where.chat ?? null, user: where.user ?? null, text })
  }

  /** Reads a user. */
  user(id: number): void {
    this.#checked.users++
    this.#users.add(id)
  }

  /** Reads a chat. */
  chat(chat: ChatFacts): void {
    this.#checked.chats++
    this.#chats.set(chat.id, chat)
    this.#refersToUser("it was created by", chat.createdBy, chat.id)
    this.#refersToUser("it is owned by", chat.owner, chat.id)
    this.#refersToUser("it was last edited by", chat.editedBy, chat.id)
  }

  /** Reads the next entry of its chat. */
  entry(entry: EntryFacts): void {
    const { chat, seq } = entry
    this.#checked.entries++
    let log = this.#logs.get(chat)
    if (log === undefined) {
      this.#logs.set(chat, (log = { seq: 0, posted: 0, id: 0, facts: {}, joins: new Map(), left: new Set() }))
      if (!this.#chats.has(chat)) this.report("references", `the log is of a chat that does not exist`, { chat })
    }
    const wrong = (text: string): void => this.report("log", text, { chat })
    if (seq !== log.seq + 1) wrong(`entry ${entry.id} has sequence ${seq}, and the one before it ${log.seq}`)
    if (entry.id <= log.id) wrong(`entry ${entry.id} with sequence ${seq} follows entry ${log.id}: ids must rise`)
    const posted = log.posted + (entry.kind === "Posted" ? 1 : 0)
    if (entry.posted !== posted) wrong(`entry ${entry.id} counts ${entry.posted} messages, and the log has ${posted}`)
    if ((entry.kind === "Created") !== (seq === 1)) {
      wrong(`entry ${entry.id} with sequence ${seq} is ${entry.kind}: only the first is Created`)
    }
    if (
      (entry.kind === "Replaced" || entry.kind === "Recalled") &&
      (entry.targetKind !== "Posted" || entry.targetSeq === null || entry.targetSeq >= seq)
    ) {
      wrong(`entry ${entry.id} changes ${entry.target ?? "nothing"}, which is no earlier message of the chat`)
    }
    this.#refersToUser(`entry ${entry.id} is by`, entry.author, chat)
    Object.assign(log, { seq, posted: entry.posted, id: entry.id })
    if (entry.change !== undefined) this.#change(log, seq, entry.change)
  }

  #change(log: Log, seq: number, change: Omit<Changed, "_tag">): void {
    for (const name of COMPARED) if (change[name] !== undefined) Object.assign(log.facts, { [name]: change[name] })
    for (const user of change.removed ?? []) {
      log.joins.set(user, undefined)
      log.left.add(user)
    }
    for (const user of change.added ?? []) {
      if (log.joins.get(user) === undefined) log.joins.set(user, seq)
    }
  }

  /** Returns the end of a chat's log as far as it was read. */
  logEnd(chat: number): LogEnd {
    const log = this.#logs.get(chat)
    return { seq: log?.seq ?? 0, posted: log?.posted ?? 0 }
  }

  /** Reads a member, with the sequence of the entry by which they joined. */
  member(chat: number, user: number, joinSeq: number): void {
    this.#checked.members++
    if (!this.refersTo("a membership", { chat, user })) return
    const members = this.#members.get(chat) ?? new Set()
    this.#members.set(chat, members.add(user))
    const log = this.#logs.get(chat)
    // Members of the first entry are not listed in the log, and stay members of it when they are added again.
    const joined = log?.joins.has(user) === true ? log.joins.get(user) : 1
    const isFirst = joinSeq === 1 && log?.left.has(user) !== true
    const wrong = (text: string): void => this.report("members", text, { chat, user })
    if (joined === undefined) wrong("a member is stored who has left by the log")
    else if (joinSeq !== joined && !isFirst) wrong(`joined by entry ${joined} of the log, not ${joinSeq}`)
  }

  /** Reads a cursor. */
  cursor(cursor: Cursor): void {
    this.#checked.cursors++
    const { chat, user, delivered, acked } = cursor
    if (!this.refersTo("a cursor", { chat, user })) return
    const { seq } = this.logEnd(chat)
    const device = cursor.device === "" ? "" : ` of device ${cursor.device}`
    const wrong = (text: string): void => this.report("cursors", `the cursor${device} ${text}`, { chat, user })
    for (const name of ["pushed", "delivered", "read"] as const) {
      const at = cursor[name]
      if (at < 0 || at > seq) wrong(`is ${name} up to ${at}, and the log ends at ${seq}`)
    }
    if (acked.some((one, index) => one > seq || one <= (acked[index - 1] ?? delivered))) {
      wrong(`has acknowledged ${acked.join()} above ${delivered}: not ascending, or after the log's end at ${seq}`)
    }
  }

  /** Reads a session. */
  session(user: number): void {
    this.#checked.sessions++
    this.refersTo("a session", { user })
  }

  /** Reads where the history of system chats begins for a user, by the id of the chat. */
  since(user: number, since: Readonly<Record<string, number>>): void {
    for (const [id, seq] of Object.entries(since)) {
      const chat = Number(id)
      if (!this.refersTo("the beginning of a history", { chat, user })) continue
      const end = this.logEnd(chat).seq
      if (seq > end)
        this.report("cursors", `the history begins after ${seq}, and the log ends at ${end}`, { chat, user })
    }
  }

  /** Reads that a user has hidden a message; `kind` is that of its entry, null if there is none. */
  hidden(user: number, message: number, kind: string | null): void {
    if (this.refersTo("a hidden message", { user }) && kind !== "Posted") {
      this.report("references", `entry ${message} is hidden, and is not a message`, { user })
    }
  }

  /** Reports a chat or a user who does not exist, and returns whether they do. `what` refers to them. */
  refersTo(what: string, { chat, user }: { readonly chat?: number; readonly user?: number }): boolean {
    const missing = [
      ...(chat !== undefined && !this.#chats.has(chat) ? [`chat ${chat}`] : []),
      ...(user !== undefined && !this.#users.has(user) ? [`user ${user}`] : [])
    ]
    if (missing.length === 0) return true
    const where = { ...(chat !== undefined && { chat }), ...(user !== undefined && { user }) }
    this.report("references", `${what} refers to ${missing.join(" and ")}, who or which does not exist`, where)
    return false
  }

  #refersToUser(what: string, user: number | null, chat: number): void {
    if (user === null || this.#users.has(user)) return
    this.report("references", `${what} user ${user}, who does not exist`, { chat, user })
  }

  /** Compares chats with the whole of their logs. */
  finish(): Verification {
    for (const [chat, facts] of this.#chats) {
      const log = this.#logs.get(chat)
      if (log === undefined) {
        this.report("log", "the chat has no log", { chat })
        continue
      }
      for (const name of COMPARED) {
        const expected = log.facts[name]
        if (expected !== undefined && expected !== facts[name]) {
          this.report("log", `${name} is ${JSON.stringify(facts[name])}, and by the log ${JSON.stringify(expected)}`, {
            chat
          })
        }
      }
      for (const [user, joined] of log.joins) {
        if (joined !== undefined && this.#members.get(chat)?.has(user) !== true) {
          this.report("members", `joined by entry ${joined} of the log, and is not stored as a member`, { chat, user })
        }
      }
    }
    return { findings: this.#findings, count: this.#count, checked: { ...this.#checked } }
  }
}
