/** A self-contained HTML report: every scenario with its checks and exchanges. */
import type { CheckResult, Report, Results, ScenarioResult, Verdict } from "../run/Results.ts"
import { verdictOf } from "./Badge.ts"
import { escapeXml as text } from "./Junit.ts"
import { script, style } from "./HtmlStyle.ts"

const list = (title: string, texts: ReadonlyArray<string>): string =>
  texts.length === 0 ? "" : `<dt>${title}</dt><dd>${texts.map((one) => `<pre>${text(one)}</pre>`).join("")}</dd>`

const badge = (verdict: Verdict | "expected"): string => `<b class="v ${verdict}">${verdict}</b>`

const demands = (check: CheckResult): string =>
  check.requirements
    .map(
      ({ id, level, doc, section, description }) =>
        `<p class="demand"><b>${level}</b> ${text(description)} <small>${text(id)}, ${text(doc)}: ${text(section)}</small></p>`
    )
    .join("")

const checkOf = (check: CheckResult): string => {
  const { evidence: found, expected, readings } = check
  const name = text(check.id.slice(check.id.indexOf("#") + 1))
  const shown = expected === undefined ? check.verdict : "expected"
  const read = readings === undefined ? "" : `<p>tolerated: ${text(readings.join(", "))}</p>`
  const why = expected === undefined ? "" : `<p>expected: ${text(expected)}</p>`
  const head = `${badge(shown)} <code>${name}</code> <small>${check.level}, ${check.profile}</small>`
  if (found === undefined) return `<li>${head}${demands(check)}${read}${why}</li>`
  const source =
    found.source === undefined ? "" : ` <small>${text(found.source.doc)}: ${text(found.source.section)}</small>`
  const step = found.step > 0 ? `step ${found.step}, ` : ""
  return `<li>${head}${source}<p class="why">${step}${text(found.actor)}${found.actor === "" ? "" : ": "}${text(found.reason)}</p>${demands(check)}${read}${why}<dl>${list("sent", found.sent)}${list("came", found.came)}${list("would have passed", found.wanted === "" ? [] : [found.wanted])}${list("show it again", found.reproduce)}</dl></li>`
}

const exchanges = (result: ScenarioResult): string =>
  result.exchanges.length === 0
    ? ""
    : `<details class="wire"><summary>${result.exchanges.length} exchanges</summary>${result.exchanges
        .map(
          ({ actor, direction, text: message }) =>
            `<div class="${direction}"><b>${text(actor)} ${direction === "sent" ? "→" : "←"}</b><pre>${text(message)}</pre></div>`
        )
        .join("")}</details>`

const scenarioOf = (result: ScenarioResult): string => {
  const open = ["fail", "error"].includes(result.verdict) ? " open" : ""
  const good = result.checks.filter(({ verdict }) => verdict === "pass" || verdict === "pass-lenient").length
  const reason = result.reason === undefined ? "" : `<pre>${text(result.reason)}</pre>`
  return `<details class="scenario" data-verdict="${result.verdict}"${open}><summary>${badge(result.verdict)} <code>${text(result.id)}</code> ${text(result.title)} <small>${good}/${result.checks.length}, ${Math.round(result.milliseconds)} ms</small></summary>${reason}<ul>${result.checks.map(checkOf).join("")}</ul>${exchanges(result)}</details>`
}

const number = (count: number, what: string): string => `<td><b>${count}</b> ${what}</td>`

const reportOf = (report: Report): string => {
  const { target } = report
  const where = [target.http, target.ws, target.tcp].filter((one) => one !== undefined).join(", ")
  const stale = report.staleEntries.map(
    ({ check, why }) => `<li>${badge("fail")} stale expectation <code>${text(check)}</code>: ${text(why)}</li>`
  )
  return `<section><h2>${text(report.protocol)} <small>${report.transport}, ${report.wire}, profile ${report.profile}${report.strict ? ", strict" : ""}</small></h2>
<p>${text(where)}, ${report.started}, ${(report.milliseconds / 1000).toFixed(1)} s: <b>${verdictOf(report)}</b></p>
<table><tr>${number(report.passed, "passed")}${number(report.lenient, "tolerated")}${number(report.warned, "warned")}${number(report.failed, "failed")}${number(report.notTestable, "not testable")}${number(report.expected, "expected")}${number(report.stale, "stale")}${number(report.notApplicable, "scenarios not applicable")}${number(report.errors, "faults of the kit")}</tr></table>
<ul>${stale.join("")}</ul>${report.scenarios.map(scenarioOf).join("\n")}</section>`
}

const filters: ReadonlyArray<Verdict> = [
  "fail",
  "error",
  "not-testable",
  "warn",
  "pass-lenient",
  "pass",
  "not-applicable"
]

export const html = (results: Results): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><title>Conformance: ${text(results.reports.map(({ protocol }) => protocol).join(", "))}</title>
<style>${style}</style></head><body>
<h1>Conformance</h1>
<p><small>${text(results.suite.name)} ${text(results.suite.version)}. Passwords, tokens and keys are left out.</small></p>
<form>${filters.map((verdict) => `<label><input type="checkbox" name="${verdict}" checked> ${verdict}</label>`).join(" ")} <input type="search" placeholder="scenario" aria-label="scenario"></form>
${results.reports.map(reportOf).join("\n")}
<script>${script}</script></body></html>
`
