/** Completes a command's inputs before it is sent to the process that holds the database. */
import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { Request } from "../control/protocol.ts"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import { promptSecret } from "../terminal/promptSecret.ts"

type Inputs = Request["inputs"]

/** Maximum size of an import: it fits into one line of the control socket even if much is escaped. */
const MAX_FILE_BYTES = 16 * 1024 * 1024

/** Prompts for a missing password, and reads the file to import. */
export const prepareInputs = Effect.fnUntraced(function* ({ words, inputs }: Request) {
  const command = words.join(" ")
  if ((command === "user add" || command === "user passwd") && inputs["password"] === undefined) {
    const completed: Inputs = { ...inputs, password: yield* promptSecret(String(inputs["account"])) }
    return { words, inputs: completed }
  }
  if (command === "user import") {
    const completed: Inputs = { ...inputs, file: yield* readText(String(inputs["file"])) }
    return { words, inputs: completed }
  }
  // The server may run in another folder.
  if (command === "backup") return { words, inputs: { ...inputs, target: resolve(String(inputs["target"])) } }
  return { words, inputs }
})

const readText = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const bytes = yield* files.stat(path).pipe(
    Effect.filterOrFail(
      (info) => info.type === "File" && Number(info.size) <= MAX_FILE_BYTES,
      () => new CommandFailed({ message: `${path} is not a file of at most ${MAX_FILE_BYTES / 1024 / 1024} MiB` })
    ),
    Effect.andThen(files.readFile(path)),
    Effect.catchTag("PlatformError", (error) =>
      Effect.fail(
        new CommandFailed({
          message: `${path} ${error.reason._tag === "NotFound" ? "does not exist" : "cannot be read"}`
        })
      )
    )
  )
  return yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => new CommandFailed({ message: `${path} is not in UTF-8; save it as "CSV UTF-8"` })
  })
})
