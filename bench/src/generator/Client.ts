/** Interface of a client for the load generator, the same for every protocol. */
import type { MadeChat, User } from "./Plan.ts"

export type Chat = MadeChat

/** Content of a frame that matters to the load generator. */
export interface Heard {
  /** Sends that the server has confirmed. */
  readonly answers: number
  /** Ids of the messages in it, as the server numbers them. */
  readonly ids: ReadonlyArray<number>
  /** Their contents. */
  readonly contents: ReadonlyArray<string>
}

export interface Hooks {
  readonly heard: (heard: Heard) => void
  readonly lost: () => void
}

export interface Client {
  /** Sends one message to the client's chat; does not wait. */
  readonly send: (content: string) => void
  readonly close: () => void
}

export interface Speaker {
  /** Makes the chats, where joining them is not enough; answers them as the server names them. */
  readonly prepare: (chats: ReadonlyArray<Chat>) => Promise<ReadonlyArray<Chat>>
  /** Connects a member, logs in, and is in the chat. */
  readonly connect: (chat: Chat, user: User, hooks: Hooks) => Promise<Client>
}

/** How many frames are remembered. */
const REMEMBERED = 64

const ID = Buffer.from('"id":')
const [ZERO = 0, NINE = 0] = Buffer.from("09")

/** Reads the number behind the first `"id":`, 0 where there is none. In most frames it stands where it stood in the last one. */
const idReader = (): ((bytes: Buffer) => number) => {
  let place = 0
  return (bytes) => {
    for (let at = 0; at < ID.length; at++) {
      if (bytes[place + at] === ID[at]) continue
      place = bytes.indexOf(ID)
      break
    }
    if (place < 0) return (place = 0)
    let id = 0
    for (let at = place + ID.length; at < bytes.length; at++) {
      const digit = bytes[at] ?? 0
      if (digit < ZERO || digit > NINE) break
      id = id * 10 + digit - ZERO
    }
    return id
  }
}

/**
 * Reads frames, each text once: most recipients of a group get the very bytes that others got just before, and comparing
 * them is much cheaper than reading them. Each frame is compared with one, or the generator would be what is measured.
 */
export const readingOnce = (read: (text: string) => Heard): ((bytes: Buffer) => Heard) => {
  const idOf = idReader()
  const remembered: Array<{ readonly bytes: Buffer; readonly heard: Heard } | undefined> = []
  return (bytes) => {
    const place = (idOf(bytes) + bytes.length) % REMEMBERED
    const last = remembered[place]
    if (last !== undefined && last.bytes.length === bytes.length && last.bytes.equals(bytes)) return last.heard
    const heard = read(bytes.toString("latin1"))
    if (heard.ids.length > 0) remembered[place] = { bytes: Buffer.from(bytes), heard }
    return heard
  }
}

/** Returns the text between `name` and `end`, in ASCII. Much cheaper than parsing all of it. */
export const textBehind = (text: string, name: string, end: string): string => {
  const at = text.indexOf(name)
  return at < 0 ? "" : text.slice(at + name.length, text.indexOf(end, at + name.length))
}
