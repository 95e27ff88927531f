/** The command `explain`: describes a check. */
import { findConfig } from "../Config.ts"
import type { Json } from "../Json.ts"
import { wordsOf } from "../match/describePattern.ts"
import { documents, type Reading, readings, requirement } from "../requirements/Requirements.ts"
import { ruleOf, rules } from "../requirements/Rules.ts"
import { BadOptions } from "../run/plan.ts"
import { load, protocols } from "../scenarios/loadScenarios.ts"
import { explain as explained } from "../Explain.ts"
import { isCheck } from "../scenarios/Scenario.ts"
import type { Command, Host } from "./Host.ts"
import { locate } from "./Lookup.ts"

const placeholder = "http://127.0.0.1:8080"

const accepted = (forms: ReadonlyArray<Json>): string => forms.map((form) => wordsOf(form)).join(", ")

const tellReading = ({ id, forms, tolerated, why }: Reading, host: Host): void => {
  host.out(`  Reading ${id}: ${why.en}`)
  host.out(`       ${why.zh}`)
  host.out(`       accepted: ${accepted(forms)}${tolerated.length === 0 ? "" : `; tolerated: ${accepted(tolerated)}`}`)
}

/** Prints a reading, requirement or rule by its id, with its checks. Throws `BadOptions`. */
const tellById = (id: string, host: Host): void => {
  const found = readings().find((one) => one.id === id)
  if (found !== undefined) return tellReading(found, host)
  const rule = rules().find((one) => one.id === id)
  const demand = rule ?? (documents.some((one) => id.startsWith(`${one}.`)) ? requirement(id) : undefined)
  if (demand === undefined) throw new BadOptions({ message: `${id}: no check, requirement, rule or reading` })
  host.out(`  ${id}: ${demand.description.en}`)
  host.out(`       ${demand.description.zh}`)
  const checks = "checks" in demand ? demand.checks : checksBy(id)
  for (const check of checks) host.out(`       ${check}`)
}

/** The checks that cite a rule. */
const checksBy = (rule: string): ReadonlyArray<string> =>
  protocols().flatMap((name) =>
    load(name).scenarios.flatMap(({ id, steps }) =>
      steps.filter(isCheck).flatMap((step) => (ruleOf(step.source)?.id === rule ? [`${id}#${step.check}`] : []))
    )
  )

const tell = (found: NonNullable<ReturnType<typeof explained>>, host: Host): void => {
  const { check, title, level, profile, needs, demands, readings, steps, passes, byHand } = found
  host.out(host.paint("bold", check))
  host.out(`  ${title}`)
  host.out(`  ${level}, profile ${profile}`)
  if (needs.length > 0) host.out(`  not run without ${needs.join(", ")}`)
  for (const { id, level: each, doc, section, description, zh } of demands) {
    host.out("")
    host.out(`  ${each} ${description}`)
    if (zh !== "") host.out(`       ${zh}`)
    host.out(`       ${id}; ${doc}: ${section}`)
  }
  for (const one of readings) {
    host.out("")
    tellReading(one, host)
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
  operands: "<check, requirement, rule or reading>",
  summary: "describe a check: its requirements, its steps, what passes, and commands to try it by hand",
  flags: ["url", "ws", "sequences", "config", "json"],
  count: [1, 1],
  run: (flags, host) => {
    const [id = ""] = flags.operands
    if (!id.includes("/")) {
      tellById(id, host)
      return 0
    }
    const { protocol, scenario, check } = locate(id, flags.texts("sequences"))
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
