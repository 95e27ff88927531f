/** Redacts a result before it leaves the run. */
import type { CheckResult, Evidence, ScenarioResult } from "./Results.ts"
import type { Redactor } from "./Redactor.ts"
import { MAX_EXCHANGE_LENGTH } from "./ScenarioContext.ts"

const evidenceOf = (secrets: Redactor, found: Evidence): Evidence => {
  const all = (texts: ReadonlyArray<string>) => texts.map((text) => secrets.hide(text))
  return {
    ...found,
    reason: secrets.hide(found.reason),
    sent: all(found.sent),
    came: all(found.came),
    wanted: secrets.hide(found.wanted),
    reproduce: all(found.reproduce)
  }
}

const check = (secrets: Redactor, found: CheckResult): CheckResult =>
  found.evidence === undefined ? found : { ...found, evidence: evidenceOf(secrets, found.evidence) }

const cut = (text: string): string =>
  text.length > MAX_EXCHANGE_LENGTH ? `${text.slice(0, MAX_EXCHANGE_LENGTH)}…` : text

export const redact = (secrets: Redactor, result: ScenarioResult): ScenarioResult => ({
  ...result,
  ...(result.reason === undefined ? {} : { reason: secrets.hide(result.reason) }),
  checks: result.checks.map((one) => check(secrets, one)),
  exchanges: result.exchanges.map((one) => ({ ...one, text: cut(secrets.hide(one.text)) }))
})
