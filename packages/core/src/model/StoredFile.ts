/** A file of a chat: its record in the store, without the content. */
import type { ChatId, FileId, UserId } from "./Ids.ts"

/** A file of a chat. Its content is in `Blobs`. */
export interface StoredFile {
  readonly id: FileId
  readonly chat: ChatId
  readonly title: string
  /** Bytes. */
  readonly size: number
  readonly addedBy: UserId
  /** Milliseconds since 1970. */
  readonly at: number
  /** Key of the content in `Blobs`. */
  readonly blob: string
}
