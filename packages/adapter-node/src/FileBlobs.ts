/**
 * Stores uploaded files in a directory: `<directory>/ab/cd/abcd…`. Names are generated; no client input becomes part of a
 * path. A file gets its name only after its whole content is on disk.
 */
import { BlobFailed, Blobs, BlobTooLarge, NoSuchBlob } from "@parley/core/Blobs"
import { checkOptions, nonEmpty } from "@parley/core/Check"
import * as NodeStream from "@effect/platform-node-shared/NodeStream"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import { createReadStream } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"

/** Options of the file storage. */
export interface Options {
  /** Created if missing. Processes on one machine or one network disk may share it. */
  readonly directory: string
}

const KEY = /^[0-9a-f]{32}$/

/** Uploads are readable by the process's user only, regardless of its umask. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/** Unfinished files without a write for this many milliseconds belong to a process that has ended. */
const ABANDONED = 60 * 60 * 1000

/** Creates the folder, but not its parents; returns whether it was missing. */
const makeFolder = async (folder: string): Promise<boolean> => {
  try {
    await fs.mkdir(folder, { mode: FOLDER_MODE })
    return true
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false
    throw cause
  }
}

const isMissing = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const attempt = <A>(operation: string, run: () => Promise<A>): Effect.Effect<A, BlobFailed> =>
  Effect.tryPromise({ try: run, catch: (cause) => new BlobFailed({ operation, cause }) })

/** Syncs a directory, without which a new name is not durable; Windows does not support it. */
const syncDirectory = async (directory: string): Promise<void> => {
  if (process.platform === "win32") return
  const handle = await fs.open(directory, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Blob storage in `directory`; fails if it cannot be created. */
export const layer = (options: Options): Layer.Layer<Blobs, BlobFailed> => {
  checkOptions("FileBlobs.layer", options, { directory: nonEmpty })
  return layerIn(options.directory)
}

const layerIn = (directory: string): Layer.Layer<Blobs, BlobFailed> =>
  Layer.effect(
    Blobs,
    Effect.gen(function* () {
      const incoming = path.join(directory, "incoming")
      yield* attempt("open", () => fs.mkdir(incoming, { recursive: true, mode: FOLDER_MODE }))

      const sweep = Effect.flatMap(Clock.currentTimeMillis, (now) =>
        attempt("sweep", async () => {
          for (const name of await fs.readdir(incoming)) {
            const file = path.join(incoming, name)
            const found = await fs.stat(file).catch(() => undefined)
            if (found !== undefined && now - found.mtimeMs > ABANDONED) await fs.rm(file, { force: true })
          }
        })
      )
      yield* sweep
      yield* sweep.pipe(
        Effect.catch((failed) => Effect.logWarning("Unfinished uploads could not be removed.", failed)),
        Effect.repeat(Schedule.spaced("1 hour")),
        Effect.delay("1 hour"),
        Effect.forkScoped
      )

      const folderOf = (key: string): string => path.join(directory, key.slice(0, 2), key.slice(2, 4))
      const fileOf = (key: string): string => path.join(folderOf(key), key)

      /** Moves a complete file to its durable name. */
      const settle = async (unfinished: string, key: string): Promise<void> => {
        const folder = folderOf(key)
        const isNewAbove = await makeFolder(path.dirname(folder))
        const isNew = await makeFolder(folder)
        await fs.rename(unfinished, fileOf(key))
        await syncDirectory(folder)
        if (isNew) await syncDirectory(path.dirname(folder))
        if (isNewAbove) await syncDirectory(directory)
      }

      return Blobs.of({
        put: (content, limit) =>
          Effect.suspend(() => {
            const key = randomBytes(16).toString("hex")
            const unfinished = path.join(incoming, key)
            const write = Effect.acquireUseRelease(
              attempt("create", () => fs.open(unfinished, "wx", FILE_MODE)),
              Effect.fnUntraced(function* (file) {
                let size = 0
                yield* Stream.runForEach(content, (bytes): Effect.Effect<void, BlobTooLarge | BlobFailed> => {
                  size += bytes.length
                  return size > limit
                    ? Effect.fail(new BlobTooLarge({ limit }))
                    : attempt("write", () => file.appendFile(bytes))
                })
                yield* attempt("write", () => file.sync())
                return { key, size }
              }),
              (file) => Effect.promise(() => file.close().catch(() => {}))
            )
            const discard = Effect.promise(async () => {
              for (const file of [unfinished, fileOf(key)]) await fs.rm(file, { force: true }).catch(() => {})
            })
            return Effect.uninterruptibleMask((restore) =>
              restore(write).pipe(
                Effect.tap(attempt("keep", () => settle(unfinished, key))),
                Effect.onError(() => discard)
              )
            )
          }),

        get: (key, range) => {
          if (!KEY.test(key)) return Stream.fail(new NoSuchBlob({ key }))
          const failed = (cause: unknown): NoSuchBlob | BlobFailed =>
            isMissing(cause) ? new NoSuchBlob({ key }) : new BlobFailed({ operation: "read", cause })
          if (range !== undefined && range.end < range.start) {
            return Stream.unwrap(
              Effect.as(Effect.tryPromise({ try: () => fs.access(fileOf(key)), catch: failed }), Stream.empty)
            )
          }
          return NodeStream.fromReadable<Uint8Array, NoSuchBlob | BlobFailed>({
            evaluate: () => createReadStream(fileOf(key), range),
            onError: failed,
            // Few reads at a time: a slow download must not buffer the file in memory.
            chunkSize: 1
          })
        },

        remove: (key) => (KEY.test(key) ? attempt("remove", () => fs.rm(fileOf(key), { force: true })) : Effect.void)
      })
    })
  )
