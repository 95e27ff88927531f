/** The command `baseline`: updates the file of expected failures to the server's present behavior. */
import { existsSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { type Entry, readEntries, rewritten } from "../run/Expectations.ts"
import { exitCode } from "../run/Results.ts"
import type { Command } from "./Host.ts"
import { progress } from "./Progress.ts"
import { choice, play, target } from "./Run.ts"
import { settings } from "./Settings.ts"

const usualFile = "conformance.expected.json"
const schema = "https://unpkg.com/@parley/conformance/schema/expected.schema.json"

export const baseline: Command = {
  name: "baseline",
  operands: "",
  summary: "run, and show the changes to the file of expected failures; --write applies them",
  flags: [...choice, ...target, "expected", "reason", "write"],
  count: [0, 0],
  run: async (flags, host) => {
    const wanted = resolve(host.folder, flags.text("expected") ?? usualFile)
    const named = (entries: ReadonlyArray<Entry>) => entries.map(({ check }) => check)
    // The file is created, so it may be missing.
    const missing = flags.text("expected") !== undefined && !existsSync(wanted)
    const asked = missing ? { ...flags, text: without(flags.text), texts: withoutAll(flags.texts) } : flags
    const { runs, expectedFile } = settings(asked, host, { protocolNeeded: true, lenientEntries: true })
    const file = missing ? wanted : (expectedFile ?? wanted)
    const before = existsSync(file) ? readEntries(file) : []
    const reports = await play(
      runs.map((options) => ({ ...options, expected: before })),
      progress(host, true)
    )
    if (exitCode(...reports) === 4) {
      host.err("the kit failed; nothing was written")
      return 4
    }
    const scenarios = reports.flatMap((report) => report.scenarios)
    const stale = reports.flatMap(({ staleEntries }) => staleEntries)
    const { entries, added, removed } = rewritten(before, scenarios, stale, flags.text("reason") ?? "")
    for (const check of added) host.out(`+ ${check}`)
    for (const check of removed) host.out(`- ${check}`)
    host.out(`${named(entries).length} expected, ${added.length} added, ${removed.length} removed`)
    if (!flags.on("write")) return added.length + removed.length === 0 ? 0 : 1
    writeFileSync(file, `${JSON.stringify({ $schema: schema, expected: entries }, undefined, 2)}\n`)
    const open = entries.filter(({ reason }) => reason.trim() === "").length
    host.out(
      `wrote ${file}${open === 0 ? "" : `; add the reason to ${open}: the next run rejects the file without it`}`
    )
    return 0
  }
}

const without =
  (text: (flag: string) => string | undefined) =>
  (flag: string): string | undefined =>
    flag === "expected" ? undefined : text(flag)

const withoutAll =
  (texts: (flag: string) => ReadonlyArray<string>) =>
  (flag: string): ReadonlyArray<string> =>
    flag === "expected" ? [] : texts(flag)
