/** Examines the folders of the data: whether they can be written durably, and their free space. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs"
import { randomBytes } from "node:crypto"
import { dirname, join, resolve } from "node:path"
import { type Examined, fail, ok, warn } from "./Examined.ts"

const MEBIBYTE = 1024 * 1024
/** Free space below which the server soon stops, and below which it should be watched. */
const LEAST = 64 * MEBIBYTE
const LITTLE = 1024 * MEBIBYTE

/** Returns the folder, or the nearest one above it that exists: the server creates the others. */
const existing = (folder: string): string => {
  const above = dirname(folder)
  return existsSync(folder) || above === folder ? folder : existing(above)
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Writes and flushes a file of its own in the folder, and removes it. */
const tryWriting = (folder: string): string | undefined => {
  const path = join(folder, `.parley-doctor-${randomBytes(6).toString("hex")}`)
  try {
    const descriptor = openSync(path, "wx", 0o600)
    try {
      writeSync(descriptor, Buffer.alloc(4096))
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
      rmSync(path, { force: true })
    }
    return undefined
  } catch (cause) {
    return messageOf(cause)
  }
}

/** `free`: bytes that this user may still write. */
export const examineSpace = (name: string, folder: string, free: number): Examined => {
  const text = `${folder} can be written, ${Math.floor(free / MEBIBYTE)} MiB are free`
  const advice = "free space on the disk, or move the data to a larger one"
  if (free < LEAST) return fail(name, text, advice)
  return free < LITTLE ? warn(name, text, advice) : ok(name, text)
}

/** Examines a folder that the server writes. */
export const examineFolder = (name: string, path: string): Examined => {
  const folder = existing(resolve(path))
  const problem = tryWriting(folder)
  if (problem !== undefined) {
    return fail(
      name,
      `${folder} cannot be written: ${problem}`,
      "give it to the user who runs the server, or name another"
    )
  }
  const { bavail, bsize } = statfsSync(folder)
  return examineSpace(name, folder, bavail * bsize)
}
