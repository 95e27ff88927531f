/** The command `badge`: writes the JSON of a badge from a results file. */
import { writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { badge as badgeOf } from "../report/Badge.ts"
import { readResults } from "../report/Reports.ts"
import type { Command } from "./Host.ts"

export const badge: Command = {
  name: "badge",
  operands: "<results.json>",
  summary: "write the JSON of a shields.io endpoint badge",
  flags: ["out"],
  count: [1, 1],
  run: (flags, host) => {
    const text = JSON.stringify(badgeOf(readResults(resolve(host.folder, flags.operands[0] ?? ""))), undefined, 2)
    const file = flags.text("out")
    if (file === undefined) host.out(text)
    else writeFileSync(resolve(host.folder, file), `${text}\n`)
    return 0
  }
}
