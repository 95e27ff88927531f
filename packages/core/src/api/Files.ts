/** Files of a chat: uploads and downloads as bytes. */
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

/** A file to upload. A platform stream is an iterable of bytes too. */
export interface Upload {
  /**
   * Title for other users: 1 to 4,096 characters, no control characters. A path before it and characters that change
   * the text direction are removed, and a title over 255 bytes of UTF-8 is cut before the extension.
   */
  readonly title: string
  /** A text, which is stored as UTF-8; bytes; or chunks of bytes, which are not held in memory. */
  readonly content: string | Uint8Array | AsyncIterable<Uint8Array>
}

/** A file and its bytes, which are read on demand. */
export interface Download {
  /** Title, size and type of the file. */
  readonly file: StoredFile
  /** The bytes, in chunks. */
  readonly content: AsyncIterable<Uint8Array>
}

/** Both bounds are included, from 0. */
export interface ByteRange {
  /** First byte, from 0. */
  readonly start: number
  /** Last byte, included. */
  readonly end: number
}

const TITLE = /^[^\p{Cc}]{1,4096}$/u

const streamOf = (content: Upload["content"]): Stream.Stream<Uint8Array, ParleyError> =>
  typeof content === "string"
    ? Stream.make(textBytes(content))
    : content instanceof Uint8Array
      ? Stream.make(content)
      : Stream.fromAsyncIterable(content, (cause) => new ParleyError("Failed", "The content failed.", { cause }))

/** Stores all files, or none. */
export const upload = (
  { engine, blobs, settings }: EngineServices,
  caller: UserCaller,
  chat: ChatRef,
  files: ReadonlyArray<Upload>
): Effect.Effect<ReadonlyArray<StoredFile>, Refused | BlobFailed | ParleyError> => {
  const blobsPut: Array<{ readonly title: string; readonly size: number; readonly blob: string }> = []
  /** Whether the files are stored, or may be: their contents then stay, even if the caller gets an error. */
  let isStored = false
  const removeBlobs = Effect.suspend(() =>
    isStored ? Effect.void : Effect.ignore(Effect.forEach(blobsPut, ({ blob }) => blobs.remove(blob)))
  )
  return Effect.gen(function* () {
    if (files.length === 0 || files.length > settings.filesPerUpload) {
      return yield* refuse({ _tag: "Invalid", field: "files", problem: `must be 1 to ${settings.filesPerUpload}` })
    }
    if (files.some(({ title }) => !TITLE.test(title) || !title.isWellFormed())) {
      const problem = "must have 1 to 4096 characters and no control characters"
      return yield* refuse({ _tag: "Invalid", field: "title", problem })
    }
    // Checks the permission before reading the content.
    yield* engine.perform(caller, { _tag: "ListFiles", chat: chatRef(chat) })
    for (const { title, content } of files) {
      const { key, size } = yield* blobs
        .put(streamOf(content), settings.file)
        .pipe(
          Effect.catchTag("BlobTooLarge", ({ limit }) =>
            refuse({ _tag: "Invalid", field: "content", problem: `must have at most ${limit} bytes` })
          )
        )
      blobsPut.push({ title: fileTitle(title), size, blob: key })
    }
    return yield* Effect.suspend(() => {
      isStored = true
      return engine.perform(caller, { _tag: "AddFiles", chat: chatRef(chat), files: blobsPut })
    }).pipe(
      Effect.tapError(({ reason }) =>
        Effect.sync(() => {
          isStored = reason._tag === "Unavailable"
        })
      ),
      Effect.uninterruptible
    )
  }).pipe(
    Effect.tapError(() => removeBlobs),
    Effect.onInterrupt(() => removeBlobs)
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
