/** Interface of a client for the load generator, the same for every protocol. */
import type { MadeChat, User } from "./Plan.ts"

export type Chat = MadeChat

/** Content of a frame that matters to the load generator. */
export interface Received {
  /** Sends that the server has confirmed. */
  readonly answers: number
  /** Ids of the messages in it, as the server numbers them. */
  readonly ids: ReadonlyArray<number>
  /** Their contents. */
  readonly contents: ReadonlyArray<string>
}

export interface Hooks {
  readonly received: (received: Received) => void
  readonly lost: () => void
}

export interface Client {
  /** Sends one message to the client's chat; does not wait. */
  readonly send: (content: string) => void
  readonly close: () => void
}

export interface Speaker {
  /** Creates the chats, if joining is not enough; returns the server's names of them. */
  readonly prepare: (chats: ReadonlyArray<Chat>) => Promise<ReadonlyArray<Chat>>
  /** Connects a member, logs in, and is in the chat. */
  readonly connect: (chat: Chat, user: User, hooks: Hooks) => Promise<Client>
}

/** Number of cached frames. */
const REMEMBERED = 64

const ID = Buffer.from('"id":')
const [ZERO = 0, NINE = 0] = Buffer.from("09")

/** Reads the number after the first `"id":`, otherwise 0. In most frames its position is that of the previous one. */
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
 * Parses frames, each text once: most recipients of a group get the same bytes as others just before, and comparing bytes is
 * much cheaper than parsing. Each frame is compared with one other only, so that the generator does not dominate.
 */
export const readingOnce = (read: (text: string) => Received): ((bytes: Buffer) => Received) =>
  onceByPlace((bytes) => read(bytes.toString("latin1")), idReader())

/** The same with any way to read; `idOf` returns a number of the message in a frame, which differs from the last ones'. */
export const onceByPlace = <A extends Received>(
  read: (bytes: Buffer) => A,
  idOf: (bytes: Buffer) => number
): ((bytes: Buffer) => A) => {
  const remembered: Array<{ readonly bytes: Buffer; readonly received: A } | undefined> = []
  return (bytes) => {
    const place = (idOf(bytes) + bytes.length) % REMEMBERED
    const last = remembered[place]
    if (last !== undefined && last.bytes.length === bytes.length && last.bytes.equals(bytes)) return last.received
    const received = read(bytes)
    if (received.ids.length > 0) remembered[place] = { bytes: Buffer.from(bytes), received }
    return received
  }
}

/** Returns the text between `name` and `end`, in ASCII. Much cheaper than parsing all of it. */
export const textBehind = (text: string, name: string, end: string): string => {
  const at = text.indexOf(name)
  return at < 0 ? "" : text.slice(at + name.length, text.indexOf(end, at + name.length))
}
