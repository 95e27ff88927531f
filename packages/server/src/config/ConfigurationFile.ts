/** The configuration file: one JSON object, at most 1 MiB. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"

/** The command line, the environment or the configuration file is invalid; `message` is one line. */
export class Misconfigured extends Data.TaggedError("Misconfigured")<{ readonly message: string }> {}

const MAX_BYTES = 1024 * 1024

/** Returns the parsed JSON of the file at `path`. */
export const readConfigurationFile = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* files.stat(path).pipe(
    Effect.filterOrFail(
      (info) => info.type === "File" && Number(info.size) <= MAX_BYTES,
      () => new Misconfigured({ message: `${path}: is not a file of at most ${MAX_BYTES} bytes` })
    ),
    Effect.andThen(files.readFileString(path)),
    Effect.catchTag("PlatformError", (error) =>
      Effect.fail(
        new Misconfigured({
          message: `${path}: ${error.reason._tag === "NotFound" ? "there is no such file" : "cannot be read"}`
        })
      )
    )
  )
  return yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) =>
      new Misconfigured({
        message: `${path}: is not JSON: ${cause instanceof Error ? firstLine(cause.message) : String(cause)}`
      })
  })
})

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? ""
