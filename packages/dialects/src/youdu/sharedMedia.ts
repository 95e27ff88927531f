/**
 * Media of a message: a file that was uploaded, or that its sender can download, shared with the chat of the message. The content names the file
 * of that chat, so that its members can download it through every protocol.
 */
import type { Chat } from "@parley/core/Chat"
import type { Engine } from "@parley/core/Engine"
import type { UserCaller } from "@parley/core/Event"
import { FileId } from "@parley/core/Ids"
import { type Refused, refuse } from "@parley/core/Refused"
import type { AppScope } from "@parley/core/rules/AppScope"
import type { StorageFailed, Store, StoredFile } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { RunCommand } from "../_http/runCommands.ts"
import { mediaNamed } from "./mediaRecords.ts"

/** Content of a file, which several chats can share. */
export type Media = Pick<StoredFile, "title" | "size" | "blob">

const FILE_ID = /^[1-9][0-9]{0,14}$/

/** Returns whether a media id is the id of a chat's file; those of uploaded files have another form. */
export const isFileId = (mediaId: string): boolean => FILE_ID.test(mediaId)

/**
 * Returns a file of a chat by its id, for a user who may download it. Callbacks name files so, and messages may too.
 * Refused with `NoSuchFile`.
 */
export const chatFile = (runCommand: RunCommand, caller: UserCaller, id: string): Effect.Effect<StoredFile, Refused> =>
  isFileId(id)
    ? runCommand(caller, { _tag: "ReadFile", file: FileId(Number(id)) })
    : Effect.fail(refuse({ _tag: "NoSuchFile" }))

/** Returns a file that was uploaded for messages, or one of a chat that the sender may download. */
export const sharedNamed: (
  context: {
    readonly store: Store["Service"]
    readonly scope: AppScope
    readonly runCommand: RunCommand
    readonly sender: UserCaller
  },
  mediaId: string
) => Effect.Effect<Media, Refused | StorageFailed> = ({ store, scope, runCommand, sender }, mediaId) =>
  isFileId(mediaId)
    ? chatFile(runCommand, sender, mediaId)
    : Effect.map(mediaNamed(store, scope, mediaId), ({ name, size, blob }) => ({ title: name, size, blob }))

/** Adds the media to the chat; returns the content of the message that shows it. */
export const shareMedia: (
  engine: Engine["Service"],
  runCommand: RunCommand,
  sender: UserCaller,
  chat: Chat,
  media: Media
) => Effect.Effect<string, Refused> = Effect.fnUntraced(function* (
  { context },
  runCommand,
  sender,
  { id: chat },
  { title, size, blob }
) {
  const [file] = yield* runCommand(sender, { _tag: "AddFiles", chat: { id: chat }, files: [{ title, size, blob }] })
  if (file === undefined) return yield* refuse({ _tag: "NoSuchFile" })
  const url = context.fileUrls[0]?.(file.id)
  return JSON.stringify({ id: file.id, name: title, size, ...(url !== undefined && { url }) })
})
