/** The files of a chat: their facts. The contents are kept by `Blobs`. */
import * as Effect from "effect/Effect"
import { isMember } from "../model/Chat.ts"
import type { AddFiles, ListFiles, ReadFile } from "../model/Command.ts"
import { refuse } from "../model/Refused.ts"
import { isWithdrawn, remaining } from "./WithdrawnFiles.ts"
import { answer, permitted, type Script } from "./CommandHandler.ts"

export const listFiles: Script<ListFiles> = Effect.fnUntraced(function* (desk, attempt, command) {
  const { chat } = yield* permitted(desk, attempt, command.chat, "read")
  return answer(yield* remaining(desk.store, chat.id))
})

/** A file of a chat that the caller is not in, or whose message was recalled, is as one that does not exist. */
export const readFile: Script<ReadFile> = Effect.fnUntraced(function* (desk, attempt, command) {
  const file = yield* desk.store.file(command.file)
  const warm = file === undefined ? undefined : yield* desk.chats.find({ id: file.chat })
  if (file === undefined || warm === undefined || warm.chat.dissolved || !isMember(warm.chat, attempt.user.id)) {
    return yield* refuse({ _tag: "NoSuchFile" })
  }
  if (yield* isWithdrawn(desk.store, file)) return yield* refuse({ _tag: "NoSuchFile" })
  return answer(file)
})

export const addFiles: Script<AddFiles> = Effect.fnUntraced(function* (desk, attempt, command) {
  const { chat } = yield* permitted(desk, attempt, command.chat, "read")
  return {
    unit: {
      relies: [{ chat: chat.id, version: chat.version }],
      writes: command.files.map((file) => ({
        _tag: "AddFile",
        file: { ...file, chat: chat.id, addedBy: attempt.user.id, at: attempt.now }
      }))
    },
    conclude: (written) => ({
      reply: written.flatMap((one) => (one._tag === "File" ? [one.file] : [])),
      announce: []
    })
  }
})
