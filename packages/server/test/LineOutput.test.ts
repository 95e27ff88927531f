/** Log lines on pipes and disks that do not accept them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { LineOutput } from "../src/logging/LineOutput.ts"

const notice = (dropped: number): string => `dropped ${dropped}`

/** A named pipe, whose ends may be opened and closed. */
const pipe = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "parley-pipe-"))
    const path = join(folder, "pipe")
    execFileSync("mkfifo", [path])
    return { folder, path }
  }),
  ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const open = (path: string, flags: number) =>
  Effect.acquireRelease(
    Effect.sync(() => openSync(path, flags | constants.O_NONBLOCK)),
    (fd) => Effect.sync(() => closeSync(fd))
  )

/** Returns all available data. */
const read = (fd: number): string => {
  const chunks: Array<Buffer> = []
  for (;;) {
    const chunk = Buffer.alloc(64 * 1024)
    try {
      const size = readSync(fd, chunk)
      if (size === 0) break
      chunks.push(chunk.subarray(0, size))
    } catch {
      break
    }
  }
  return Buffer.concat(chunks).toString()
}

describe("the output of the log", () => {
  it.live("buffers little for a stalled reader, drops the rest, and reports the number once it reads", () =>
    Effect.gen(function* () {
      const { path } = yield* pipe
      const reader = yield* open(path, constants.O_RDONLY)
      const output = new LineOutput(yield* open(path, constants.O_WRONLY), notice)
      const lines = 100_000
      for (let i = 0; i < lines; i++) output.write(`line ${i} ${"x".repeat(80)}`)
      assert.isAbove(output.dropped, 90_000)
      const { dropped } = output
      let text = read(reader)
      while (output.dropped > 0 || !text.endsWith("\nlast\n")) {
        if (output.dropped > 0) output.write("last")
        yield* Effect.sleep(20)
        text += read(reader)
      }
      const came = text.split("\n").filter((line) => line !== "")
      assert.isTrue(came.every((line) => /^(line \d+ x{80}|last|dropped \d+)$/.test(line)))
      assert.include(text, `\ndropped ${dropped}\n`)
      assert.strictEqual(came.filter((line) => line.startsWith("line")).length, lines - dropped)
    }).pipe(Effect.scoped)
  )

  it.live("continues without a reader, and starts with the count for the next one", () =>
    Effect.gen(function* () {
      const { path } = yield* pipe
      const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const output = new LineOutput(yield* open(path, constants.O_WRONLY), notice)
      output.write("one")
      assert.strictEqual(read(first), "one\n")
      closeSync(first)
      for (let i = 0; i < 1000; i++) output.write("lost")
      assert.strictEqual(output.dropped, 1000)
      const second = yield* open(path, constants.O_RDONLY)
      output.write("two")
      assert.strictEqual(read(second), "dropped 1000\ntwo\n")
      assert.strictEqual(output.dropped, 0)
    }).pipe(Effect.scoped)
  )

  it.live("counts lines that a full disk does not accept", () =>
    Effect.gen(function* () {
      const output = new LineOutput(yield* open("/dev/full", constants.O_WRONLY), notice)
      for (let i = 0; i < 1000; i++) output.write("lost")
      while (output.dropped < 1000) yield* Effect.sleep(5)
      output.write("lost, too")
      while (output.dropped < 1001) yield* Effect.sleep(5)
      output.end()
      assert.strictEqual(output.dropped, 1001)
    }).pipe(Effect.scoped)
  )

  it.live("tolerates a closed descriptor", () =>
    Effect.gen(function* () {
      const fd = openSync("/dev/null", constants.O_RDONLY)
      const output = new LineOutput(fd, notice)
      output.write("lost")
      while (output.dropped < 1) yield* Effect.sleep(5)
      closeSync(fd)
      assert.strictEqual(output.dropped, 1)
    })
  )
})
