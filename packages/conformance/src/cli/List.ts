/** The command `list`: prints the scenarios. */
import { load, protocols } from "../scenarios/loadScenarios.ts"
import { anyGlob } from "../Glob.ts"
import { isJudged, type Judged } from "../run/plan.ts"
import { BadOptions } from "../run/plan.ts"
import { demandsOf, levelAs } from "../run/verdict.ts"
import { checks, isCheck, profileOfCheck, type Protocol, type Scenario } from "../scenarios/Scenario.ts"
import type { Command } from "./Host.ts"

const profiles: ReadonlyArray<Judged> = ["documented", "hardening", "parley", "all"]

const checksOf = (scenario: Scenario, protocol: Protocol) =>
  checks(scenario, scenario.profiles?.[0] ?? "documented", protocol).map((id) => {
    const step = scenario.steps.filter(isCheck).find(({ check }) => `${scenario.id}#${check}` === id)
    const profile = profileOfCheck(scenario, id.slice(scenario.id.length + 1), step)
    return {
      id,
      level: levelAs(id, profile),
      profile,
      requirements: demandsOf(id, step).map((one) => one.id),
      ...(step === undefined || step.unlike === undefined ? {} : { unlike: `${scenario.id}#${step.unlike}` })
    }
  })

export const list: Command = {
  name: "list",
  operands: "",
  summary: "list the scenarios with their titles",
  flags: ["protocol", "profile", "only", "sequences", "checks", "json"],
  count: [0, 0],
  run: (flags, host) => {
    const sequences = flags.texts("sequences")
    const known = protocols(sequences)
    const named = flags.texts("protocol").flatMap((text) => text.split(","))
    const wrong = named.find((name) => !known.includes(name))
    if (wrong !== undefined)
      throw new BadOptions({ message: `--protocol must be one of ${known.join(", ")}, not ${wrong}` })
    const profile = profiles.find((one) => one === (flags.text("profile") ?? "all"))
    if (profile === undefined) throw new BadOptions({ message: `--profile must be one of ${profiles.join(", ")}` })
    const fits = anyGlob(flags.texts("only").length === 0 ? undefined : flags.texts("only"))
    const found = (named.length === 0 ? known : named)
      .flatMap((name) => {
        const { protocol, scenarios } = load(name, sequences)
        return scenarios.map((scenario) => ({ protocol, scenario }))
      })
      .filter(({ scenario }) => fits(scenario.id) && isJudged(scenario, profile))
    if (flags.on("json")) {
      host.out(
        JSON.stringify(
          found.map(({ protocol, scenario }) => ({ ...scenario, checks: checksOf(scenario, protocol) })),
          undefined,
          2
        )
      )
      return 0
    }
    for (const { protocol, scenario } of found) {
      host.out(`${scenario.id}  ${scenario.title}`)
      if (!flags.on("checks")) continue
      for (const { id, level, profile: whose, unlike } of checksOf(scenario, protocol)) {
        host.out(`  ${id}  ${level} ${whose}${unlike === undefined ? "" : `, unlike ${unlike}`}`)
      }
    }
    return 0
  }
}
