/** State of the terminal client beside what its connection has: the open chat, and what was shown already. */
import type { Chat, Message, Parley, ParleyEvent, User } from "@parley/client"
import { BoundedMap } from "@parley/core/BoundedMap"

/** Maximum number of messages whose shown state is remembered. */
const MAX_SHOWN = 10_000

/** Users and chats as the server sent them last. */
export type Directory = Pick<Parley, "me" | "users" | "chats">

/**
 * Everything that comes from others is shown through this: control characters could move the cursor or worse, and the
 * marks that turn the direction of writing could make a line lie about who wrote it.
 */
export const plain = (text: string): string =>
  text.replace(/\r\n?/g, "\n").replace(/[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, " ")

export class ChatState {
  /** The gid of the chat that lines are sent to. */
  open: string | undefined
  readonly #directory: Directory
  /** Titles of the user's chats by gid, as of the latest event. */
  readonly #titles = new Map<string, string>()
  /** By gid of a message. */
  readonly #shown = new BoundedMap<string, string>(MAX_SHOWN)

  constructor(directory: Directory) {
    this.#directory = directory
    this.#list()
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

  /** What a chat is called: a pair has no name but the other's. */
  title(chat: Chat): string {
    if (chat.type !== "one2one") return plain(chat.name === "" ? chat.gid : chat.name)
    const { id } = this.me
    return this.#name(chat.members?.find((member) => member.id !== id)?.id ?? id)
  }

  /** The chat by its number in the list, from 1, or by its title. */
  find(what: string): Chat | undefined {
    const { chats } = this
    const numbered = /^[0-9]{1,6}$/.test(what) ? chats[Number(what) - 1] : undefined
    const wanted = what.toLowerCase()
    return (
      numbered ??
      chats.find((chat) => this.title(chat).toLowerCase() === wanted) ??
      chats.find((chat) => chat.type === "one2one" && this.members(chat).some((user) => user.account === what))
    )
  }

  /** Takes in an event that the directory has already; returns the lines to show for it. */
  hear(event: ParleyEvent, now: Date): ReadonlyArray<string> {
    switch (event.type) {
      case "message":
        return this.news([event.data], now)
      case "login":
        return [`* ${this.#name(event.data.id)} is here`]
      case "logout":
        return [`* ${this.#name(event.data.id)} has left`]
      case "chats":
        this.#list()
        return []
      case "created":
      case "joined":
      case "members":
      case "renamed":
      case "published":
      case "admins":
      case "committers":
        return this.learn(event.data)
      default:
        return []
    }
  }

  /** Takes in a change of a chat that the directory has already. */
  learn({ gid }: Pick<Chat, "gid">): ReadonlyArray<string> {
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

  #list(): void {
    this.#titles.clear()
    for (const chat of this.chats) this.#titles.set(chat.gid, this.title(chat))
  }

  /** The lines for those messages that have not been shown as they are now. */
  news(incoming: ReadonlyArray<Message>, now: Date): ReadonlyArray<string> {
    return incoming.flatMap((message) => {
      const state = message.recalled === true ? "recalled" : `${message.contentType}\n${message.content}`
      const seen = this.#shown.get(message.gid)
      if (seen === state) return []
      // A message that was recalled before it was shown has nothing to show.
      this.#shown.set(message.gid, state)
      return seen === undefined && message.recalled === true ? [] : [this.line(message, now)]
    })
  }

  /** One message as it is shown, with chat, time and sender. */
  line(message: Message, now: Date): string {
    const chat = this.chat(message.cgid)
    const title = chat === undefined ? plain(message.cgid) : this.title(chat)
    const who = message.user === 0 ? "" : `${this.#name(message.user)}: `
    return `[${title}] ${time(new Date(message.date * 1000), now)} ${who}${contentOf(message).replaceAll("\n", "\n    ")}`
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
      const told = [title ?? name ?? inner, url].filter((part) => typeof part === "string")
      return plain(`(${contentType}) ${told.join(" ")}`)
    }
  } catch {
    // Not JSON: shown as it came.
  }
  return plain(`(${contentType}) ${content}`)
}

const two = (number: number): string => String(number).padStart(2, "0")

const day = (date: Date): string => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`

/** In local time: the hour and minute, with the day before it unless that is today. */
const time = (date: Date, now: Date): string => {
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`
  return day(date) === day(now) ? clock : `${day(date)} ${clock}`
}
