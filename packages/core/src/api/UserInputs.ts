/** Inputs and results of `UserApi`. */
import type { SearchPosition } from "../model/Command.ts"
import type { Message } from "../model/Message.ts"
import type { ChatRef, UserRef } from "./References.ts"

/** A group to create. */
export interface NewGroup {
  /** Name of the group, at most `limits.name` bytes. */
  readonly name: string
  /** Members beside the creating user. */
  readonly members?: ReadonlyArray<UserRef>
  /** A random gid by default. If a chat with this gid exists and is visible to the user, it is returned. */
  readonly gid?: string
  /** Whether all users may find and join it; false by default. */
  readonly public?: boolean
  /** `group`, or a kind of closed group by the host's own name. */
  readonly type?: string
  /** Id of the product, project, … that it is about. */
  readonly subject?: number
  /** Facts of the host's own about the chat, by name; JSON values. None by default. */
  readonly attributes?: Readonly<Record<string, unknown>>
  /** Seconds after which the group is dissolved, from 1 to 86,400; unlimited by default. */
  readonly lifetime?: number
}

/** Options of a message. */
export interface SendOptions {
  /** A new gid by default. Sending the same gid with the same content again returns the stored message. */
  readonly gid?: string
  /** `text` by default; `image`, `emoticon`, `file`, … */
  readonly contentType?: string
  /** Milliseconds since 1970; now by default. */
  readonly date?: number
  /** Data for push notifications, for the event `push`. Not stored. */
  readonly pushData?: string
}

/**
 * Newest first: a page by its number from 1, at most `limit` messages after the `start` newest ones, or at most `limit`
 * messages before one of the chat, by its id. New messages shift the first two, and not the last one.
 */
export type HistoryPage =
  /** The page of this number, with `size` messages: 1 has the newest ones. */
  | { readonly size: number; readonly number: number }
  /** At most `limit` messages, without the `start` newest ones. */
  | { readonly start: number; readonly limit: number }
  /** At most `limit` messages before one of the chat: the message, or its id. */
  | { readonly before: number | Message; readonly limit: number }

/** Options of `search`. */
export interface SearchOptions {
  /** Searches this chat only; all chats of the user if absent. */
  readonly chat?: ChatRef
  /** Maximum number of messages in the result, from 1 to 100; 50 if absent. */
  readonly limit?: number
  /** Continues a search where an earlier result ended: its `next`. */
  readonly from?: SearchPosition
}

/** Result of `search`. */
export interface SearchResult {
  /** The found messages, the newest first. */
  readonly messages: ReadonlyArray<Message>
  /** The position at which the search continues; undefined at its end. A result without messages may have one. */
  readonly next: SearchPosition | undefined
}
