/** Records of a chat's files. Their contents are in `Blobs`. */
import * as Effect from "effect/Effect"
import { isMember } from "../model/Chat.ts"
import type { AddFiles, ListFiles, ReadFile } from "../model/Command.ts"
import { refuse } from "../model/Refused.ts"
import { isWithdrawn, remaining } from "./WithdrawnFiles.ts"
import { replyWith, permitted, type CommandHandler } from "./CommandHandler.ts"

export const listFiles: CommandHandler<ListFiles> = Effect.fnUntraced(function* (context, invocation, command) {
  const { chat } = yield* permitted(context, invocation, command.chat, "read")
  return replyWith(yield* remaining(context.store, chat.id))
})

/** A file of another chat, or of a recalled message, is reported as not found. */
export const readFile: CommandHandler<ReadFile> = Effect.fnUntraced(function* (context, invocation, command) {
  const file = yield* context.store.file(command.file)
  const cached = file === undefined ? undefined : yield* context.chats.find({ id: file.chat })
  if (
    file === undefined ||
    cached === undefined ||
    cached.chat.dissolved ||
    !isMember(cached.chat, invocation.user.id)
  ) {
    return yield* refuse({ _tag: "NoSuchFile" })
  }
  if (yield* isWithdrawn(context.store, file)) return yield* refuse({ _tag: "NoSuchFile" })
  return replyWith(file)
})

export const addFiles: CommandHandler<AddFiles> = Effect.fnUntraced(function* (context, invocation, command) {
  const { chat } = yield* permitted(context, invocation, command.chat, "read")
  return {
    batch: {
      expectedVersions: [{ chat: chat.id, version: chat.version }],
      writes: command.files.map((file) => ({
        _tag: "AddFile",
        file: { ...file, chat: chat.id, addedBy: invocation.user.id, at: invocation.now }
      }))
    },
    toOutcome: (written) => ({
      reply: written.flatMap((one) => (one._tag === "File" ? [one.file] : [])),
      broadcasts: []
    })
  }
})
