/** Files that are named on the command line. */
import { open } from "node:fs/promises"
import type { OpenCommandFile } from "@parley/core/CommandFiles"
import * as Effect from "effect/Effect"

const reasonOf = (cause: unknown): string =>
  (cause as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : "cannot be read"

/** Reads can be anywhere in the file, so that it must be on a disk. */
export const openCommandFile: OpenCommandFile = Effect.fnUntraced(function* (path) {
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => open(path), catch: (cause) => `${path} ${reasonOf(cause)}` }),
    (opened) => Effect.promise(() => opened.close())
  )
  const info = yield* Effect.tryPromise({ try: () => handle.stat(), catch: () => `${path} cannot be read` })
  if (!info.isFile()) return yield* Effect.fail(`${path} is not a file`)
  return {
    size: info.size,
    read: (offset, length) =>
      Effect.tryPromise({
        try: async () => {
          const bytes = new Uint8Array(length)
          let filled = 0
          while (filled < length) {
            const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled)
            if (bytesRead === 0) break
            filled += bytesRead
          }
          return bytes.subarray(0, filled)
        },
        catch: () => `${path} cannot be read`
      })
  }
})
