/** `init`: a configuration file to begin with. */
import { existsSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { protocols } from "../scenarios/loadScenarios.ts"
import { configName, configSchema } from "../Config.ts"
import { BadOptions } from "../run/plan.ts"
import type { Command } from "./Host.ts"

const next = (file: string, protocol: string): ReadonlyArray<string> => [
  `wrote ${file}`,
  "",
  "Next:",
  `  1. Correct "url" in it, and "protocol" if it is not ${protocol}.`,
  '  2. Give your server the users admin, demo, alice, bob, carol, dave and erin with the password 123456, or say in "accounts"',
  "     where others come from: a file, an HTTP hook, a child process.",
  "  3. parley-conformance doctor     says what is still missing",
  "  4. parley-conformance run        judges; the report is conformance/report.html",
  "  5. parley-conformance baseline --write     notes what is known to fail, to be filled with reasons"
]

export const init: Command = {
  name: "init",
  operands: "",
  summary: `write ${configName}, and say what to do next`,
  flags: ["protocol", "url", "force"],
  count: [0, 0],
  run: (given, host) => {
    const file = resolve(host.folder, configName)
    if (existsSync(file) && !given.on("force")) {
      throw new BadOptions({ message: `${file} is there already; --force writes over it` })
    }
    const names = (given.text("protocol") ?? "xuanxuan").split(",")
    const wrong = names.find((name) => !protocols().includes(name))
    if (wrong !== undefined)
      throw new BadOptions({ message: `--protocol is one of ${protocols().join(", ")}, not ${wrong}` })
    const protocol = names.length === 1 ? names[0] : names
    const config = {
      $schema: configSchema,
      protocol,
      url: given.text("url") ?? "http://127.0.0.1:8080",
      profile: "documented",
      accounts: { mode: "demo" },
      reports: { json: "conformance/results.json", html: "conformance/report.html" }
    }
    writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`)
    for (const line of next(file, names.join(", "))) host.out(line)
    return 0
  }
}
