/**
 * Files of recalled messages: they cannot be downloaded any more, by any path. Each has a record, written with the
 * recall; the content stays until the operator removes it.
 */
import * as Effect from "effect/Effect"
import type { ChatId } from "../model/Ids.ts"
import { FileId } from "../model/Ids.ts"
import type { Message } from "../model/Message.ts"
import type { StorageFailed, Store, StoredFile, Write } from "../ports/Store.ts"

const OWNER = "parley"
const kindOf = (chat: ChatId): string => `withdrawn:${chat}`

/** Returns the id of the file of a link, or undefined for other links. Each protocol that serves files has one. */
export type FileLink = (link: string) => number | undefined

/**
 * Returns the ids of the files that a message names: the `id` of a content that is a JSON object, its `url`, or the
 * content itself.
 */
export const filesNamed = (
  { contentType, content }: Pick<Message, "contentType" | "content">,
  links: ReadonlyArray<FileLink>
): ReadonlyArray<FileId> => {
  if (contentType === "text") return []
  const { id, url = content } = objectIn(content)
  const found = [id, ...links.map((link) => (typeof url === "string" ? link(url) : undefined))]
  return [...new Set(found.filter((one): one is number => Number.isSafeInteger(one) && Number(one) > 0))].map(FileId)
}

const objectIn = (content: string): { readonly id?: unknown; readonly url?: unknown } => {
  if (!content.startsWith("{")) return {}
  try {
    return JSON.parse(content) as { readonly id?: unknown; readonly url?: unknown }
  } catch {
    return {}
  }
}

/**
 * Returns the writes that withdraw a message's files that its sender has added to its chat, for the batch of the
 * recall.
 */
export const withdrawnFiles = Effect.fnUntraced(function* (
  store: Store["Service"],
  message: Message,
  links: ReadonlyArray<FileLink>
): Effect.fn.Return<ReadonlyArray<Write>, StorageFailed> {
  const writes: Array<Write> = []
  for (const id of filesNamed(message, links)) {
    const file = yield* store.file(id)
    if (file?.chat !== message.chat || file.addedBy !== message.sender) continue
    const record = { dialect: OWNER, kind: kindOf(file.chat), key: String(id), value: {} }
    writes.push({ _tag: "PutRecord", record })
  }
  return writes
})

export const isWithdrawn = (
  store: Store["Service"],
  { chat, id }: Pick<StoredFile, "chat" | "id">
): Effect.Effect<boolean, StorageFailed> =>
  Effect.map(store.record(OWNER, kindOf(chat), String(id)), (record) => record !== undefined)

/** Returns a chat's files without the withdrawn ones. */
export const remaining = Effect.fnUntraced(function* (
  store: Store["Service"],
  chat: ChatId
): Effect.fn.Return<ReadonlyArray<StoredFile>, StorageFailed> {
  const files = yield* store.files(chat)
  if (files.length === 0) return files
  const withdrawn = new Set((yield* store.records(OWNER, kindOf(chat))).map(({ key }) => key))
  return withdrawn.size === 0 ? files : files.filter(({ id }) => !withdrawn.has(String(id)))
})
