/** `badge`: a badge for a readme, from a results file. */
import { writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { badge as badgeOf } from "../report/Badge.ts"
import { readResults } from "../report/Reports.ts"
import type { Command } from "./Host.ts"

export const badge: Command = {
  name: "badge",
  operands: "<results.json>",
  summary: "JSON for the endpoint badge of shields.io",
  flags: ["out"],
  count: [1, 1],
  run: (given, host) => {
    const text = JSON.stringify(badgeOf(readResults(resolve(host.folder, given.operands[0] ?? ""))), undefined, 2)
    const file = given.text("out")
    if (file === undefined) host.out(text)
    else writeFileSync(resolve(host.folder, file), `${text}\n`)
    return 0
  }
}
