/** TAP version 14: a test point for each check, with the evidence of a failure as a YAML block. */
import { type CheckResult, isUnplayed, type Results, type ScenarioResult } from "../run/Results.ts"
import { harmless, harmlessJson } from "./Paint.ts"

/** `#` begins a directive and `\` an escape. */
const description = (text: string): string =>
  harmless(text.replaceAll(/\s+/g, " ")).replaceAll(/[\\#]/g, String.raw`\$&`)

/** A YAML line: JSON is valid YAML. */
const block = (check: CheckResult): ReadonlyArray<string> => {
  const { evidence, verdict, level, requirements, readings } = check
  if (verdict === "pass" || verdict === "not-applicable") return []
  const fields: ReadonlyArray<readonly [string, unknown]> = [
    ["verdict", verdict],
    ["level", level],
    [
      "requirements",
      requirements.map(({ id, level: asked, section, description }) => ({ id, level: asked, section, description }))
    ],
    ...(readings === undefined ? [] : [["readings", readings] as const]),
    ...(evidence === undefined
      ? []
      : ([
          ["message", evidence.reason],
          ["at", { step: evidence.step, actor: evidence.actor, ...evidence.source }],
          ["sent", evidence.sent],
          ["came", evidence.came],
          ["wanted", evidence.wanted],
          ["reproduce", evidence.reproduce]
        ] as const))
  ]
  return ["  ---", ...fields.map(([key, value]) => `  ${key}: ${harmlessJson(value)}`), "  ..."]
}

/** A skipped test point. */
const skipped = (id: string, number: number, reason: string): ReadonlyArray<string> => [
  `ok ${number} - ${description(id)} # SKIP ${description(reason)}`
]

/** Reports an incomplete run. Last, because a harness stops reading there. */
const bailOut = (scenarios: ReadonlyArray<ScenarioResult>): ReadonlyArray<string> => {
  const [first, ...more] = scenarios.filter(isUnplayed)
  if (first === undefined) return []
  return [`Bail out! ${more.length + 1} scenarios were not run: ${description(first.reason ?? "")}`]
}

const point = (check: CheckResult, number: number): ReadonlyArray<string> => {
  const { id, verdict, expected, evidence } = check
  const bad = verdict === "fail" || verdict === "not-testable" || verdict === "error"
  const directive =
    expected !== undefined
      ? ` # TODO ${description(expected)}`
      : verdict === "not-applicable"
        ? ` # SKIP ${description(evidence?.reason ?? "")}`
        : ""
  return [`${bad ? "not ok" : "ok"} ${number} - ${description(id)}${directive}`, ...block(check)]
}

export const tap = ({ reports }: Results): string => {
  const points = reports.flatMap((report) => [
    ...report.scenarios.flatMap((scenario) => {
      const { id, checks, verdict, reason = "" } = scenario
      if (isUnplayed(scenario)) return checks.map((check) => (number: number) => skipped(check.id, number, reason))
      if (checks.length > 0) return checks.map((check) => (number: number) => point(check, number))
      if (verdict !== "error") return [(number: number) => skipped(id, number, reason)]
      return [(number: number) => [`not ok ${number} - ${description(id)} ${description(reason)}`]]
    }),
    ...report.staleEntries.map(({ check, why }) => (number: number) => [
      `not ok ${number} - ${description(`stale expected failure ${check}: ${why}`)}`
    ])
  ])
  const last = bailOut(reports.flatMap(({ scenarios }) => scenarios))
  const all = points.flatMap((one, index) => one(index + 1))
  return ["TAP version 14", `1..${points.length}`, ...all, ...last, ""].join("\n")
}
