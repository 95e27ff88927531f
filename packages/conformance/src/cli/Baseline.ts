/** `baseline`: the file of expected failures that fits what the server does now. */
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
  summary: "run, and bring the file of expected failures up to date: shown, or written with --write",
  flags: [...choice, ...target, "expected", "reason", "write"],
  count: [0, 0],
  run: async (given, host) => {
    const wanted = resolve(host.folder, given.text("expected") ?? usualFile)
    const named = (entries: ReadonlyArray<Entry>) => entries.map(({ check }) => check)
    // A file that is about to be made need not be there yet.
    const missing = given.text("expected") !== undefined && !existsSync(wanted)
    const asked = missing ? { ...given, text: without(given.text), texts: withoutAll(given.texts) } : given
    const { runs, expectedFile } = settings(asked, host, { protocolNeeded: true, lenientEntries: true })
    const file = missing ? wanted : (expectedFile ?? wanted)
    const before = existsSync(file) ? readEntries(file) : []
    const reports = await play(
      runs.map((options) => ({ ...options, expected: before })),
      progress(host, true)
    )
    if (exitCode(...reports) === 4) {
      host.err("the kit failed; nothing is written")
      return 4
    }
    const scenarios = reports.flatMap((report) => report.scenarios)
    const stale = reports.flatMap(({ staleEntries }) => staleEntries)
    const { entries, added, removed } = rewritten(before, scenarios, stale, given.text("reason") ?? "")
    for (const check of added) host.out(`+ ${check}`)
    for (const check of removed) host.out(`- ${check}`)
    host.out(`${named(entries).length} expected, ${added.length} added, ${removed.length} removed`)
    if (!given.on("write")) return added.length + removed.length === 0 ? 0 : 1
    writeFileSync(file, `${JSON.stringify({ $schema: schema, expected: entries }, undefined, 2)}\n`)
    const open = entries.filter(({ reason }) => reason.trim() === "").length
    host.out(`wrote ${file}${open === 0 ? "" : `; say the reason of ${open}, or the next run refuses the file`}`)
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
