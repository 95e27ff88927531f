/** The command `explain`: describes a check. */
import { findConfig } from "../Config.ts"
import { explain as explained } from "../Explain.ts"
import { isCheck } from "../scenarios/Scenario.ts"
import type { Command, Host } from "./Host.ts"
import { locate } from "./Lookup.ts"

const placeholder = "http://127.0.0.1:8080"

const tell = (found: NonNullable<ReturnType<typeof explained>>, host: Host): void => {
  const { check, title, level, profile, demands, steps, passes, byHand } = found
  host.out(host.paint("bold", check))
  host.out(`  ${title}`)
  host.out(`  ${level}, profile ${profile}`)
  for (const { id, level: each, doc, section, description, zh } of demands) {
    host.out("")
    host.out(`  ${each} ${description}`)
    if (zh !== "") host.out(`       ${zh}`)
    host.out(`       ${id}; ${doc}: ${section}`)
  }
  host.out("")
  host.out("  Steps")
  for (const step of steps) host.out(`  ${step}`)
  host.out("")
  host.out(`  Passes: ${passes}`)
  if (byHand.length > 0) host.out("")
  for (const command of byHand) host.out(`  By hand: ${command}`)
}

export const explain: Command = {
  name: "explain",
  operands: "<check>",
  summary: "describe a check: its requirements, its steps, what passes, and commands to try it by hand",
  flags: ["url", "ws", "sequences", "config", "json"],
  count: [1, 1],
  run: (flags, host) => {
    const { protocol, scenario, check } = locate(flags.operands[0] ?? "", flags.texts("sequences"))
    const config = findConfig(flags.text("config"), host.folder)
    const http = (flags.text("url") ?? config.url ?? placeholder).replace(/\/+$/, "")
    const usual = protocol.barrier === undefined ? undefined : `${http.replace(/^http/, "ws")}/ws`
    const at = { http, ws: flags.text("ws") ?? config.ws ?? usual }
    const names = scenario.steps.flatMap((step) => (isCheck(step) ? [step.check] : []))
    const wanted = check === undefined ? [...new Set(names)] : [check]
    const found = wanted.flatMap((name) => explained(protocol, scenario, name, at) ?? [])
    if (flags.on("json")) host.out(JSON.stringify(found, undefined, 2))
    else {
      for (const [index, one] of found.entries()) {
        if (index > 0) host.out("")
        tell(one, host)
      }
    }
    return 0
  }
}
