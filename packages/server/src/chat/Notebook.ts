/** What the terminal client knows: who there is, which chats, and what it has shown already. */
import {
  chats,
  memberIds,
  messages,
  type Packet,
  users,
  type WireChat,
  type WireMessage,
  type WireUser
} from "./Wire.ts"

/** Messages remembered as shown, at most; a server delivers again only what was never acknowledged. */
const MAX_SHOWN = 10_000

const CHAT_NEWS = new Set([
  "create",
  "joinchat",
  "addmember",
  "changename",
  "changepublic",
  "setadmin",
  "setcommitters"
])

/**
 * Everything that comes from others is shown through this: control characters could move the cursor or worse, and the
 * marks that turn the direction of writing could make a line lie about who wrote it.
 */
export const plain = (text: string): string =>
  text.replace(/\r\n?/g, "\n").replace(/[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, " ")

export class Notebook {
  readonly account: string
  /** The gid of the chat that lines are sent to. */
  open: string | undefined
  readonly #users = new Map<number, WireUser>()
  readonly #chats = new Map<string, WireChat>()
  readonly #shown = new Map<string, string>()

  constructor(account: string) {
    this.account = account
  }

  get chats(): ReadonlyArray<WireChat> {
    return Array.from(this.#chats.values())
  }

  get users(): ReadonlyArray<WireUser> {
    return Array.from(this.#users.values())
  }

  chat(gid: string): WireChat | undefined {
    return this.#chats.get(gid)
  }

  userByAccount(account: string): WireUser | undefined {
    return this.users.find((user) => user.account === account)
  }

  get me(): WireUser | undefined {
    return this.userByAccount(this.account)
  }

  members(chat: WireChat): ReadonlyArray<WireUser> {
    return chat.type === "system" ? this.users : memberIds(chat).flatMap((id) => this.#users.get(id) ?? [])
  }

  /** What a chat is called: a pair has no name but the other's. */
  title(chat: WireChat): string {
    const { me } = this
    if (chat.type !== "one2one" || me === undefined) return plain(chat.name === "" ? chat.gid : chat.name)
    const other = memberIds(chat).find((id) => id !== me.id)
    return this.#name(other ?? me.id)
  }

  /** The chat by its number in the list, from 1, or by its title. */
  find(what: string): WireChat | undefined {
    const { chats } = this
    const numbered = /^[0-9]{1,6}$/.test(what) ? chats[Number(what) - 1] : undefined
    const wanted = what.toLowerCase()
    return (
      numbered ??
      chats.find((chat) => this.title(chat).toLowerCase() === wanted) ??
      chats.find((chat) => chat.type === "one2one" && this.members(chat).some((user) => user.account === what))
    )
  }

  /** Takes in a push and answers what to show for it. */
  hear(packet: Packet, now: Date): ReadonlyArray<string> {
    const method = packet.method.toLowerCase()
    if (method === "message") return this.news(messages(packet.data), now)
    if (method === "usergetlist") {
      this.#users.clear()
      for (const user of users(packet.data)) this.#users.set(user.id, user)
      return []
    }
    if (method === "getlist") {
      this.#chats.clear()
      for (const chat of chats(packet.data)) this.#chats.set(chat.gid, chat)
      return []
    }
    if (CHAT_NEWS.has(method)) return chats(packet.data).flatMap((chat) => this.learn(chat))
    if (method === "login" || method === "logout" || method.startsWith("userchange")) {
      return users(packet.data).flatMap((user) => {
        this.#users.set(user.id, user)
        if (method === "login") return [`* ${this.#name(user.id)} is here`]
        return method === "logout" ? [`* ${this.#name(user.id)} has left`] : []
      })
    }
    return []
  }

  /** Takes in what a chat is like now. */
  learn(chat: WireChat): ReadonlyArray<string> {
    const { me } = this
    const known = this.#chats.get(chat.gid)
    const mine = chat.type === "system" || me === undefined || memberIds(chat).includes(me.id)
    if (!mine) {
      this.#chats.delete(chat.gid)
      if (this.open === chat.gid) this.open = undefined
      return known === undefined ? [] : [`* you are no longer in ${this.title(known)}`]
    }
    this.#chats.set(chat.gid, chat)
    return known === undefined ? [`* you are in ${this.title(chat)}`] : []
  }

  /** The lines for those messages that have not been shown as they are now. */
  news(incoming: ReadonlyArray<WireMessage>, now: Date): ReadonlyArray<string> {
    return incoming.flatMap((message) => {
      const state = message.recalled === true ? "recalled" : `${message.contentType}\n${message.content}`
      const seen = this.#shown.get(message.gid)
      if (seen === state) return []
      // One never seen and recalled by now has nothing to show.
      this.#remember(message.gid, state)
      return seen === undefined && message.recalled === true ? [] : [this.line(message, now)]
    })
  }

  /** One message as it is shown, with chat, time and sender. */
  line(message: WireMessage, now: Date): string {
    const chat = this.#chats.get(message.cgid)
    const title = chat === undefined ? plain(message.cgid) : this.title(chat)
    const who = message.user === 0 ? "" : `${this.#name(message.user)}: `
    return `[${title}] ${time(new Date(message.date * 1000), now)} ${who}${contentOf(message).replaceAll("\n", "\n    ")}`
  }

  #name(id: number): string {
    const user = this.#users.get(id)
    if (user === undefined) return `user ${id}`
    return plain(user.realname === "" ? user.account : user.realname)
  }

  #remember(gid: string, state: string): void {
    this.#shown.delete(gid)
    this.#shown.set(gid, state)
    if (this.#shown.size > MAX_SHOWN) {
      for (const oldest of this.#shown.keys()) {
        this.#shown.delete(oldest)
        break
      }
    }
  }
}

const contentOf = ({ content, contentType, recalled }: WireMessage): string => {
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
