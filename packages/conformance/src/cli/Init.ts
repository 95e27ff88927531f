/** The command `init`: writes an initial configuration file. */
import { existsSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { demoOrganization } from "../accounts/Organization.ts"
import { protocols } from "../scenarios/loadScenarios.ts"
import { configName, configSchema } from "../Config.ts"
import { BadOptions } from "../run/plan.ts"
import type { Command } from "./Host.ts"

const next = (file: string, names: ReadonlyArray<string>): ReadonlyArray<string> => [
  `wrote ${file}`,
  "",
  "Next:",
  `  1. Correct "url" in it, and "protocol" if it is not ${names.join(", ")}.`,
  '  2. Give your server the users admin, demo, alice, bob, carol, dave and erin with the password 123456, or set in "accounts"',
  "     another source: a file, an HTTP hook, a child process.",
  ...(names.includes("hisihi")
    ? ['     In "organization" name one of your server with its users, or remove it: its scenarios are then not run.']
    : []),
  "  3. parley-conformance doctor     reports what is missing",
  "  4. parley-conformance run        tests the server; the report is conformance/report.html",
  "  5. parley-conformance baseline --write     records failures as expected; add the reasons"
]

export const init: Command = {
  name: "init",
  operands: "",
  summary: `write ${configName}, and print the next steps`,
  flags: ["protocol", "url", "force"],
  count: [0, 0],
  run: (flags, host) => {
    const file = resolve(host.folder, configName)
    if (existsSync(file) && !flags.on("force")) {
      throw new BadOptions({ message: `${file} exists; --force overwrites it` })
    }
    const names = (flags.text("protocol") ?? "xuanxuan").split(",")
    const wrong = names.find((name) => !protocols().includes(name))
    if (wrong !== undefined)
      throw new BadOptions({ message: `--protocol must be one of ${protocols().join(", ")}, not ${wrong}` })
    const protocol = names.length === 1 ? names[0] : names
    const config = {
      $schema: configSchema,
      protocol,
      url: flags.text("url") ?? "http://127.0.0.1:8080",
      profile: "documented",
      accounts: { mode: "demo" },
      ...(names.includes("hisihi") ? { organization: demoOrganization } : {}),
      reports: { json: "conformance/results.json", html: "conformance/report.html" }
    }
    writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`)
    for (const line of next(file, names)) host.out(line)
    return 0
  }
}
