/** A file of a chat: its record in the store, without the content. */
import type { ChatId, FileId, UserId } from "./Ids.ts"

/** A file of a chat. Its content is in `Blobs`. */
export interface StoredFile {
  /** Unique among all files. */
  readonly id: FileId
  /** The chat in which it is listed. */
  readonly chat: ChatId
  /** Name of the file, as given by the uploader. */
  readonly title: string
  /** Bytes. */
  readonly size: number
  /** Id of the user who added it. */
  readonly addedBy: UserId
  /** Milliseconds since 1970. */
  readonly at: number
  /** Key of the content in `Blobs`. */
  readonly blob: string
}
