/** What the load needs of a client, whatever protocol it speaks. */
import type { MadeChat, User } from "./Plan.ts"

export type Chat = MadeChat

/** What one frame holds for the load. */
export interface Heard {
  /** Sends that the server says it has taken. */
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
const REMEMBERED = 16

/**
 * Reads frames, each text once: most recipients get the very bytes that others got just before, and comparing them is
 * much cheaper than reading them.
 */
export const readingOnce = (read: (text: string) => Heard): ((bytes: Buffer) => Heard) => {
  const remembered: Array<{ readonly bytes: Buffer; readonly heard: Heard }> = []
  let oldest = 0
  return (bytes) => {
    for (const one of remembered) {
      if (one.bytes.length === bytes.length && one.bytes.equals(bytes)) return one.heard
    }
    const heard = read(bytes.toString("utf8"))
    if (heard.ids.length > 0) {
      remembered[oldest] = { bytes: Buffer.from(bytes), heard }
      oldest = (oldest + 1) % REMEMBERED
    }
    return heard
  }
}
