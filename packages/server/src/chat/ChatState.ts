/** State of the terminal client beyond its connection's: the open chat, and the messages already shown. */
import type { Chat, Message, Parley, ParleyEvent, User } from "@parley/client"
import { BoundedMap } from "@parley/core/BoundedMap"

/** Maximum number of messages whose shown state is remembered. */
const MAX_SHOWN = 10_000

/** Users and chats as last reported by the server. */
export type Directory = Pick<Parley, "me" | "users" | "chats">

/**
 * Makes text of others safe for the terminal: control characters could move the cursor, and marks of the writing direction
 * could forge a line's sender.
 */
export const plain = (text: string): string =>
  text.replace(/\r\n?/g, "\n").replace(/[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, " ")

export class ChatState {
  /** Gid of the chat to which lines are sent. */
  open: string | undefined
  readonly #directory: Directory
  /** Titles of the user's chats by gid, as of the latest event. */
  readonly #titles = new Map<string, string>()
  /** Shown content by a message's gid. */
  readonly #shown = new BoundedMap<string, string>(MAX_SHOWN)

  constructor(directory: Directory) {
    this.#directory = directory
    this.#loadTitles()
  }

  get chats(): ReadonlyArray<Chat> {
    return Array.from(this.#directory.chats.values())
  }

  get users(): ReadonlyArray<User> {
    return Array.from(this.#directory.users.values())
  }

  chat(gid: string): Chat | undefined {
    return this.#directory.chats.get(gid)
  }

  userByAccount(account: string): User | undefined {
    return this.users.find((user) => user.account === account)
  }

  get me(): User {
    return this.#directory.me
  }

  members(chat: Chat): ReadonlyArray<User> {
    if (chat.type === "system") return this.users
    return (chat.members ?? []).flatMap(({ id }) => this.#directory.users.get(id) ?? [])
  }

  /** Returns the name of a chat; of a direct chat, the other user's name. */
  title(chat: Chat): string {
    if (chat.type !== "one2one") return plain(chat.name === "" ? chat.gid : chat.name)
    const { id } = this.me
    return this.#name(chat.members?.find((member) => member.id !== id)?.id ?? id)
  }

  /** Finds a chat by its number in the list, from 1, by its title, or by the other user's account. */
  find(key: string): Chat | undefined {
    const { chats } = this
    const numbered = /^[0-9]{1,6}$/.test(key) ? chats[Number(key) - 1] : undefined
    const title = key.toLowerCase()
    return (
      numbered ??
      chats.find((chat) => this.title(chat).toLowerCase() === title) ??
      chats.find((chat) => chat.type === "one2one" && this.members(chat).some((user) => user.account === key))
    )
  }

  /** Handles an event that the directory already contains; returns the lines to show. */
  applyEvent(event: ParleyEvent, now: Date): ReadonlyArray<string> {
    switch (event.type) {
      case "message":
        return this.unseenLines([event.data], now)
      case "login":
        return [`* ${this.#name(event.data.id)} is online`]
      case "logout":
        return [`* ${this.#name(event.data.id)} is offline`]
      case "chats":
        this.#loadTitles()
        return []
      case "created":
      case "joined":
      case "members":
      case "renamed":
      case "published":
      case "admins":
      case "senders":
        return this.applyChat(event.data)
      default:
        return []
    }
  }

  /** Handles a change of a chat that the directory already contains; returns the lines to show. */
  applyChat({ gid }: Pick<Chat, "gid">): ReadonlyArray<string> {
    const before = this.#titles.get(gid)
    const chat = this.chat(gid)
    if (chat === undefined) {
      this.#titles.delete(gid)
      if (this.open === gid) this.open = undefined
      return before === undefined ? [] : [`* you are no longer in ${before}`]
    }
    const title = this.title(chat)
    this.#titles.set(gid, title)
    return before === undefined ? [`* you are in ${title}`] : []
  }

  #loadTitles(): void {
    this.#titles.clear()
    for (const chat of this.chats) this.#titles.set(chat.gid, this.title(chat))
  }

  /** Returns the lines for messages whose current content was not shown, and marks it as shown. */
  unseenLines(incoming: ReadonlyArray<Message>, now: Date): ReadonlyArray<string> {
    return incoming.flatMap((message) => {
      const state = message.recalled === true ? "recalled" : `${message.contentType}\n${message.content}`
      const seen = this.#shown.get(message.gid)
      if (seen === state) return []
      // Nothing to show for a message that was recalled before it was shown.
      this.#shown.set(message.gid, state)
      return seen === undefined && message.recalled === true ? [] : [this.line(message, now)]
    })
  }

  /** Formats a message with chat, time and sender. */
  line(message: Message, now: Date): string {
    const chat = this.chat(message.cgid)
    const title = chat === undefined ? plain(message.cgid) : this.title(chat)
    const sender = message.user === 0 ? "" : `${this.#name(message.user)}: `
    return `[${title}] ${time(new Date(message.date * 1000), now)} ${sender}${contentOf(message).replaceAll("\n", "\n    ")}`
  }

  #name(id: number): string {
    const user = this.#directory.users.get(id)
    if (user === undefined) return `user ${id}`
    return plain(user.realname === "" ? user.account : user.realname)
  }
}

const contentOf = ({ content, contentType, recalled }: Message): string => {
  if (recalled === true) return "(recalled)"
  if (contentType === "text") return plain(content)
  try {
    const parsed: unknown = JSON.parse(content)
    if (typeof parsed === "object" && parsed !== null) {
      const { title, name, url, content: inner } = parsed as Readonly<Record<string, unknown>>
      const parts = [title ?? name ?? inner, url].filter((part) => typeof part === "string")
      return plain(`(${contentType}) ${parts.join(" ")}`)
    }
  } catch {
    // Not JSON: shown unchanged.
  }
  return plain(`(${contentType}) ${content}`)
}

const twoDigits = (number: number): string => String(number).padStart(2, "0")

const day = (date: Date): string =>
  `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`

/** Formats the local time, preceded by the day unless that is today. */
const time = (date: Date, now: Date): string => {
  const clock = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`
  return day(date) === day(now) ? clock : `${day(date)} ${clock}`
}
