/** A self-contained HTML report in English and Chinese: failures first, each scenario with its checks and exchanges. */
import { createHash } from "node:crypto"
import type { CheckResult, Demand, Evidence, Report, Results, ScenarioResult, Verdict } from "../run/Results.ts"
import { verdictOf } from "./Badge.ts"
import { escapeXml as text } from "./Junit.ts"
import { messageHtml, pathsIn } from "./HtmlJson.ts"
import { demandsAbout } from "./Text.ts"
import { script, style } from "./HtmlStyle.ts"

/** A label in both languages; the page shows one of them. */
const label = (en: string, zh: string): string =>
  `<span class="en">${inCode(en)}</span><span class="zh" lang="zh">${inCode(zh)}</span>`

/** Names between backticks as code. */
const inCode = (words: string): string => text(words).replaceAll(/`([^`]+)`/g, "<code>$1</code>")

const list = (title: string, texts: ReadonlyArray<string>, marked?: ReadonlySet<string>): string =>
  texts.length === 0
    ? ""
    : `<dt>${title}</dt><dd>${texts.map((one) => `<pre>${messageHtml(one, marked)}</pre>`).join("")}</dd>`

const badge = (verdict: Verdict | "expected"): string => `<b class="v ${verdict}">${verdict}</b>`

const demand = ({ id, level, doc, section, description, zh }: Demand): string =>
  `<p class="demand"><b>${level}</b> ${label(description, zh ?? description)} <small>${text(id)}, ${text(doc)}: ${text(section)}</small></p>`

/** The requirements that a failure is about, and the others folded. */
const demands = (check: CheckResult): string => {
  const shown = demandsAbout(check, check.evidence?.reason ?? "")
  const rest = check.requirements.filter((one) => !shown.includes(one))
  const folded =
    rest.length === 0
      ? ""
      : `<details><summary>${label(`${rest.length} more`, `另有 ${rest.length} 条`)}</summary>${rest.map(demand).join("")}</details>`
  return `${shown.map(demand).join("")}${folded}`
}

const details = (found: Evidence): string => {
  const marked = pathsIn(found.reason)
  return `<dl>${list(label("sent", "发送"), found.sent)}${list(label("came", "收到"), found.came, marked)}${list(
    label("would pass", "应为"),
    found.wanted === "" ? [] : [found.wanted],
    marked
  )}${list(label("again", "重现"), found.reproduce)}</dl>`
}

const checkOf = (check: CheckResult): string => {
  const { evidence: found, expected, readings } = check
  const name = text(check.id.slice(check.id.indexOf("#") + 1))
  const shown = expected === undefined ? check.verdict : "expected"
  const read = readings === undefined ? "" : `<p>${label("tolerated", "容忍")}: ${text(readings.join(", "))}</p>`
  const why = expected === undefined ? "" : `<p>${label("expected", "预期")}: ${text(expected)}</p>`
  const head = `${badge(shown)} <code>${name}</code> <small>${check.level}, ${check.profile}</small>`
  if (found === undefined) return `<li>${head}${demands(check)}${read}${why}</li>`
  const step = found.step > 0 ? `${label(`step ${found.step}`, `第 ${found.step} 步`)}, ` : ""
  const who = found.actor === "" ? "" : `${text(found.actor)}: `
  const source =
    found.source === undefined ? "" : ` <small>${text(`${found.source.doc}: ${found.source.section}`)}</small>`
  return `<li>${head}${source}<p class="why">${step}${who}${text(found.reason)}</p>${demands(check)}${read}${why}${details(found)}</li>`
}

const exchanges = (result: ScenarioResult): string =>
  result.exchanges.length === 0
    ? ""
    : `<details class="wire"><summary>${label(`${result.exchanges.length} messages`, `${result.exchanges.length} 条消息`)}</summary>${result.exchanges
        .map(
          ({ actor, direction, text: message, at }) =>
            `<div class="${direction}"><b>${text(actor)} ${direction === "sent" ? "→" : "←"}${at === undefined ? "" : ` <small>${at} ms</small>`}</b><pre>${messageHtml(message)}</pre></div>`
        )
        .join("")}</details>`

const rank = (verdict: Verdict): number => {
  const at = filters.indexOf(verdict)
  return at < 0 ? filters.length : at
}

/** The checks that did not pass; the others follow folded. */
const checksOf = ({ checks }: ScenarioResult): string => {
  const sorted = checks.toSorted((a, b) => rank(a.verdict) - rank(b.verdict))
  const good = sorted.filter(({ verdict, expected }) => verdict === "pass" && expected === undefined)
  const rest = sorted.filter((check) => !good.includes(check))
  const folded =
    good.length === 0
      ? ""
      : `<details class="passed"><summary>${label(`${good.length} passed`, `${good.length} 项通过`)}</summary><ul>${good.map(checkOf).join("")}</ul></details>`
  return `<ul>${rest.map(checkOf).join("")}</ul>${folded}`
}

const scenarioOf = (result: ScenarioResult): string => {
  const open = ["fail", "error"].includes(result.verdict) ? " open" : ""
  const reason = result.reason === undefined ? "" : `<p class="why">${text(result.reason)}</p>`
  return `<details class="scenario" data-verdict="${result.verdict}"${open}><summary>${badge(result.verdict)} <code>${text(result.id)}</code> ${text(result.title)} <small>${Math.round(result.milliseconds)} ms</small></summary>${reason}${checksOf(result)}${exchanges(result)}</details>`
}

const number = (count: number, what: string): string => `<li><b>${count}</b> ${what}</li>`

const reportOf = (report: Report): string => {
  const { target } = report
  const where = [target.http, target.ws, target.tcp].filter((one) => one !== undefined).join(", ")
  const stale = report.staleEntries.map(
    ({ check, why }) =>
      `<li>${badge("fail")} ${label("stale expectation", "过时的预期")} <code>${text(check)}</code>: ${text(why)}</li>`
  )
  const sorted = report.scenarios.toSorted((a, b) => rank(a.verdict) - rank(b.verdict))
  return `<section><h2>${text(report.protocol)} <small>${report.transport}, ${report.wire}, ${report.profile}${report.strict ? ", strict" : ""}</small></h2>
<p>${text(where)}, ${report.started}, ${(report.milliseconds / 1000).toFixed(1)} s: <b>${verdictOf(report)}</b></p>
<ul class="counts">${number(report.failed, label("failed", "失败"))}${number(report.notTestable, label("not testable", "无法判定"))}${number(report.warned, label("warned", "警告"))}${number(report.lenient, label("tolerated", "容忍"))}${number(report.passed, label("passed", "通过"))}${number(report.expected, label("expected", "预期失败"))}${number(report.stale, label("stale", "过时"))}${number(report.notApplicable, label("scenarios not applicable", "个场景不适用"))}${number(report.errors, label("faults of the kit", "套件故障"))}</ul>
<ul>${stale.join("")}</ul>${sorted.map(scenarioOf).join("\n")}</section>`
}

const filters: ReadonlyArray<Verdict> = [
  "error",
  "fail",
  "not-testable",
  "warn",
  "pass-lenient",
  "pass",
  "not-applicable"
]

const hash = createHash("sha256").update(script).digest("base64")

/** The report as one page that loads nothing. Messages of the server are text in it: only the page's own script runs. */
export const html = (results: Results): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Conformance: ${text(results.reports.map(({ protocol }) => protocol).join(", "))}</title>
<style>${style}</style></head><body>
<h1>${label("Conformance", "一致性")} <button type="button" id="language"><span class="en">中文</span><span class="zh">English</span></button></h1>
<p><small>${text(results.suite.name)} ${text(results.suite.version)}. ${label("Passwords, tokens and keys are left out.", "不含密码、令牌与密钥。")}</small></p>
<form>${filters.map((verdict) => `<label><input type="checkbox" name="${verdict}" checked> ${verdict}</label>`).join(" ")} <input type="search" placeholder="scenario" aria-label="scenario"></form>
${results.reports.map(reportOf).join("\n")}
<script>${script}</script></body></html>
`
