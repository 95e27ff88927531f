/** The command `matrix`: the results of several servers side by side, as Markdown. */
import { writeFileSync } from "node:fs"
import { basename, resolve } from "node:path"
import { readResults } from "../report/Reports.ts"
import { matrix as table, type Column } from "../report/Matrix.ts"
import type { Command } from "./Host.ts"

export const matrix: Command = {
  name: "matrix",
  operands: "<results.json> …",
  summary: "show the results of several servers side by side, as Markdown",
  flags: ["checks", "out"],
  count: [1, 100],
  run: (flags, host) => {
    const columns = flags.operands.map((file): Column => ({
      name: basename(file).replace(/\.json$/, ""),
      results: readResults(resolve(host.folder, file))
    }))
    const text = table(columns, flags.on("checks"))
    const out = flags.text("out")
    if (out === undefined) host.out(text.trimEnd())
    else writeFileSync(resolve(host.folder, out), text)
    return 0
  }
}
