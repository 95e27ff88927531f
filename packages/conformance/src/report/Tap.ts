/** TAP version 14: a test point for each check, with what a failure needs as a YAML block. */
import type { CheckResult, Results } from "../Results.ts"

/** `#` begins a directive and `\` an escape. */
const description = (text: string): string => text.replaceAll(/[\\#]/g, String.raw`\$&`).replaceAll(/\s+/g, " ")

/** JSON is YAML: one line for each value, whatever is in it. */
const block = (check: CheckResult): ReadonlyArray<string> => {
  const { evidence, verdict, level, requirements, readings } = check
  if (verdict === "pass" || verdict === "not-applicable") return []
  const fields: ReadonlyArray<readonly [string, unknown]> = [
    ["verdict", verdict],
    ["level", level],
    ["requirements", requirements.map(({ id, level: asked, section, says }) => ({ id, level: asked, section, says }))],
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
  return ["  ---", ...fields.map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`), "  ..."]
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
    ...report.scenarios.flatMap(({ id, checks, verdict, reason }) => {
      if (checks.length > 0) return checks.map((check) => (number: number) => point(check, number))
      const ok = verdict === "error" ? "not ok" : "ok"
      const skip = verdict === "error" ? ` ${description(reason ?? "")}` : ` # SKIP ${description(reason ?? "")}`
      return [(number: number) => [`${ok} ${number} - ${description(id)}${skip}`]]
    }),
    ...report.staleEntries.map(({ check, why }) => (number: number) => [
      `not ok ${number} - ${description(`stale expected failure ${check}: ${why}`)}`
    ])
  ])
  return ["TAP version 14", `1..${points.length}`, ...points.flatMap((one, index) => one(index + 1)), ""].join("\n")
}
