/** Log entries on a terminal. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Logger } from "effect"
import { stripVTControlCharacters } from "node:util"
import { formatEntry } from "../src/logging/EntryFormat.ts"

/** Returns the entries that a program logs, without the times. */
const logged = Effect.fnUntraced(function* (program: Effect.Effect<void>, colors = false) {
  const entries: Array<string> = []
  const logger = Logger.map(formatEntry(colors), (entry) => void entries.push(entry))
  yield* Effect.provide(program, Logger.layer([logger]))
  return entries.map((entry) => entry.replace(/\d\d:\d\d:\d\d\.\d{3}/, "TIME"))
})

describe("a log entry on a terminal", () => {
  it.effect("has its annotations and its cause below, indented", () =>
    Effect.gen(function* () {
      const settings = { "login.attempts": 3, nested: { list: ["a"] } }
      const [started = "", failed = ""] = yield* logged(
        Effect.andThen(
          Effect.annotateLogs(Effect.logInfo("started"), { version: "1.0", settings }),
          Effect.logError("failed", Cause.fail("why"))
        )
      )
      const lines = [
        "[TIME] INFO: started",
        "  version: 1.0",
        "  settings: { 'login.attempts': 3, nested: { list: [ 'a' ] } }"
      ]
      assert.strictEqual(started, lines.join("\n"))
      assert.match(failed, /^\[TIME\] ERROR: failed\n {2}.*why/)
    })
  )

  it.effect("escapes control characters, and never begins a line with data", () =>
    Effect.gen(function* () {
      const evil = "a\u001b[2J\n[12:00:00.000] INFO: forged\u009b"
      const entry = Effect.annotateLogs(Effect.logInfo(evil), { account: evil, of: { account: evil } })
      const [plain = ""] = yield* logged(entry)
      for (const control of ["\u001b", "\u009b"]) assert.notInclude(plain, control)
      assert.strictEqual(plain.match(/^(?! {2})/gm)?.length, 1)
      const [coloured = ""] = yield* logged(entry, true)
      assert.notStrictEqual(coloured, plain)
      assert.notInclude(stripVTControlCharacters(coloured), "\u001b")
    })
  )
})
