/** Files of a chat: contents in and out as bytes. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { BlobFailed } from "../ports/Blobs.ts"
import type { UserCaller } from "../model/Event.ts"
import { fileTitle } from "../model/FileTitle.ts"
import type { FileId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StoredFile } from "../model/StoredFile.ts"
import { textBytes } from "../model/Utf8.ts"
import { type ChatRef, chatRef } from "./References.ts"
import { closed, fromFailure, ParleyError } from "./ParleyError.ts"
import type { EngineServices } from "./EngineServices.ts"

/** A file to upload. A stream of the platform is an iterable of bytes too. */
export interface Upload {
  /**
   * As others see it: 1 to 4,096 characters, no control characters. What is a path before it, or turns text around, goes,
   * and what is beyond 255 bytes of UTF-8 is cut before the extension.
   */
  readonly title: string
  readonly content: string | Uint8Array | AsyncIterable<Uint8Array>
}

/** A file and its bytes, which are read as they are asked for. */
export interface Download {
  readonly file: StoredFile
  readonly content: AsyncIterable<Uint8Array>
}

/** Both included, from 0. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

const TITLE = /^[^\p{Cc}]{1,4096}$/u

const streamOf = (content: Upload["content"]): Stream.Stream<Uint8Array, ParleyError> =>
  typeof content === "string"
    ? Stream.make(textBytes(content))
    : content instanceof Uint8Array
      ? Stream.make(content)
      : Stream.fromAsyncIterable(content, (cause) => new ParleyError("Failed", "The content failed.", { cause }))

/** All are kept, or none. */
export const upload = (
  { engine, blobs, settings }: EngineServices,
  caller: UserCaller,
  chat: ChatRef,
  files: ReadonlyArray<Upload>
): Effect.Effect<ReadonlyArray<StoredFile>, Refused | BlobFailed | ParleyError> => {
  const kept: Array<{ readonly title: string; readonly size: number; readonly blob: string }> = []
  /** Whether the files are stored, or may be: then their contents stay, whatever becomes of who waits. */
  let stored = false
  const drop = Effect.suspend(() =>
    stored ? Effect.void : Effect.ignore(Effect.forEach(kept, ({ blob }) => blobs.remove(blob)))
  )
  return Effect.gen(function* () {
    if (files.length === 0 || files.length > settings.filesPerUpload) {
      return yield* refuse({ _tag: "Invalid", field: "files", problem: `must be 1 to ${settings.filesPerUpload}` })
    }
    if (files.some(({ title }) => !TITLE.test(title) || !title.isWellFormed())) {
      const problem = "must have 1 to 4096 characters and no control characters"
      return yield* refuse({ _tag: "Invalid", field: "title", problem })
    }
    // Nobody's content is taken who may not add it.
    yield* engine.perform(caller, { _tag: "ListFiles", chat: chatRef(chat) })
    for (const { title, content } of files) {
      const { key, size } = yield* blobs
        .put(streamOf(content), settings.file)
        .pipe(
          Effect.catchTag("BlobTooLarge", ({ limit }) =>
            refuse({ _tag: "Invalid", field: "content", problem: `must have at most ${limit} bytes` })
          )
        )
      kept.push({ title: fileTitle(title), size, blob: key })
    }
    return yield* Effect.suspend(() => {
      stored = true
      return engine.perform(caller, { _tag: "AddFiles", chat: chatRef(chat), files: kept })
    }).pipe(
      Effect.tapError(({ reason }) =>
        Effect.sync(() => {
          stored = reason._tag === "Unavailable"
        })
      ),
      Effect.uninterruptible
    )
  }).pipe(
    Effect.tapError(() => drop),
    Effect.onInterrupt(() => drop)
  )
}

export const download = Effect.fnUntraced(function* (
  services: EngineServices,
  caller: UserCaller,
  id: FileId,
  range: ByteRange | undefined
): Effect.fn.Return<Download, Refused> {
  const file = yield* services.engine.perform(caller, { _tag: "ReadFile", file: id })
  const content = range === undefined ? services.blobs.get(file.blob) : services.blobs.get(file.blob, range)
  return { file, content: bytesOf(services, content) }
})

async function* bytesOf<E>(
  services: EngineServices,
  content: Stream.Stream<Uint8Array, E>
): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of Stream.toAsyncIterable(content)) {
      if (services.isClosed()) throw closed()
      yield bytes
    }
  } catch (cause) {
    throw fromFailure(cause)
  }
}
