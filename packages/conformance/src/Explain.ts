/** Explains a check without a server: its requirements, its steps, what passes, and commands to try it by hand. */
import { type BilingualDemand, demandsOf, levelAs } from "./run/verdict.ts"
import { requestOf } from "./run/http.ts"
import { isArray, isObject, type Json } from "./Json.ts"
import { type Reading, readings } from "./requirements/Requirements.ts"
import { describePattern } from "./match/describePattern.ts"
import { curl, frames } from "./Reproduce.ts"
import { isCheck, profileOfCheck, type Protocol, type Scenario, type Step, type Wire } from "./scenarios/Scenario.ts"
import { build, reads, type Variables } from "./match/Variables.ts"
import { Redactor } from "./run/Redactor.ts"
import { expand, routine } from "./scenarios/Template.ts"

export interface Explained {
  readonly check: string
  readonly title: string
  readonly level: string
  readonly profile: string
  /** Features and facts without which its scenario is not run. */
  readonly needs: ReadonlyArray<string>
  readonly demands: ReadonlyArray<BilingualDemand>
  /** The readings of the requirements, and those that the pattern names. */
  readonly readings: ReadonlyArray<Reading>
  /** One line for each step; the check's own step begins with `>`. */
  readonly steps: ReadonlyArray<string>
  /** The expanded pattern that passes. */
  readonly passes: string
  /** Shell commands that send the same request. */
  readonly byHand: ReadonlyArray<string>
}

/** The template with placeholders for fresh values, so that an explanation is deterministic. */
const named = (template: Json, scope: Variables): Json => {
  const again = (value: Json) => named(value, scope)
  if (isArray(template)) return template.map(again)
  if (!isObject(template)) return template
  const fresh = template["$new"] ?? template["$newInt"]
  if (typeof fresh === "string") return `<${fresh}>`
  if (typeof template["$now"] === "string") return `<now in ${template["$now"]}>`
  if ("$repeat" in template) return "<a long text>"
  if ("$seal" in template) return `<sealed: ${JSON.stringify(build(again(template["$seal"] ?? null), scope))}>`
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, again(value)]))
}

const short = (value: Json): string => {
  const text = JSON.stringify(value)
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

class StepDescriber {
  readonly protocol: Protocol
  readonly wire: Wire
  readonly origin: string
  readonly address: string
  readonly scope: Variables = new Map()

  constructor(protocol: Protocol, scenario: Scenario, wire: Wire, origin: string, address: string) {
    this.protocol = protocol
    this.wire = wire
    this.origin = origin
    this.address = address
    for (const step of scenario.steps)
      for (const name of reads(this.open({ ...step }))) this.scope.set(name, `<${name}>`)
    for (const name of [...scenario.actors, ...(scenario.away ?? []), ...Object.keys(scenario.guests ?? {})]) {
      this.scope.set(`${name}.account`, name)
      this.scope.set(`${name}.password`, `<${name}.password>`)
      for (const made of ["sid", "token", "id"]) this.scope.set(`${name}.${made}`, `<${name}.${made}>`)
    }
  }

  open(template: Json): Json {
    return expand(template, this.protocol, this.wire, undefined)
  }

  withPlaceholders(template: Json): Json {
    return build(named(this.open(template), this.scope), this.scope)
  }

  frame(by: string, template: Json): string {
    const value = this.withPlaceholders(template)
    if (typeof value === "string") return value
    const withSid = (one: Json): Json => {
      if (!isObject(one) || one["sid"] !== undefined) return one
      return Object.assign({}, one, { sid: this.scope.get(`${by}.sid`) ?? `<${by}.sid>` })
    }
    return JSON.stringify(isArray(value) ? value.map(withSid) : withSid(value))
  }

  describe(step: Step): string {
    if ("until" in step)
      return `asks ${short(this.withPlaceholders(step.send))} until ${short(this.withPlaceholders(step.until))} comes`
    if ("send" in step) return `sends ${short(this.withPlaceholders(step.send))}`
    if ("raw" in step) return `sends the text ${short(this.withPlaceholders(step.raw))}`
    if ("frames" in step) return `sends the WebSocket frames ${short(this.withPlaceholders(step.frames))}`
    if ("ack" in step) return `acknowledges ${short(this.withPlaceholders(step.ack))}`
    if ("reply" in step) return `has the response ${short(this.withPlaceholders(step.reply))}`
    if ("push" in step) return `is pushed ${short(this.withPlaceholders(step.push))}`
    if ("quiet" in step) return `is not pushed ${short(this.withPlaceholders(step.quiet))}`
    if ("drain" in step) return "takes whatever was pushed so far"
    if ("http" in step) return `asks ${step.http.method} ${short(this.withPlaceholders(step.http.path))}`
    if ("that" in step) return `${short(this.withPlaceholders(step.that))} is ${short(this.withPlaceholders(step.is))}`
    if ("use" in step) return `runs the routine ${step.use}`
    if ("closed" in step) return "has its connection closed by the server"
    if ("connect" in step) return "opens a connection"
    if ("disconnect" in step) return "closes its connection"
    return "has its token or sid expire"
  }

  passes(step: Step): string {
    if ("reply" in step) return this.patternText(step.reply)
    if ("push" in step) return this.patternText(step.push)
    if ("quiet" in step) return `nothing like ${this.patternText(step.quiet)}`
    if ("until" in step) return this.patternText(step.until)
    if ("http" in step) return this.patternText({ ...step.answer })
    if ("that" in step) return this.patternText(step.is)
    if ("closed" in step && step.closed.code !== undefined) return `a close with ${step.closed.code}`
    return "the step succeeds"
  }

  private patternText(pattern: Json): string {
    return JSON.stringify(describePattern(this.withPlaceholders(pattern)))
  }

  /** The last requests of the step's actor up to the step, after a login if the protocol has connections. */
  byHand(steps: ReadonlyArray<Step>, at: number): ReadonlyArray<string> {
    const step = steps[at]
    if (step === undefined) return []
    if ("http" in step) {
      const path = named(this.open(step.http.path), this.scope)
      const body = step.http.body === undefined ? {} : { body: named(this.open(step.http.body), this.scope) }
      return [curl(requestOf({ ...step, http: { ...step.http, ...body, path } }, this.origin, this.scope))]
    }
    const mine = steps.slice(0, at + 1).filter(({ by }) => by === step.by)
    const texts = mine.flatMap((one) => {
      if ("send" in one) return [this.frame(one.by, one.send)]
      return "raw" in one ? [this.frame(one.by, one.raw)] : []
    })
    const entry =
      this.protocol.routines["login"] === undefined
        ? []
        : routine(this.protocol, "login", this.wire, step.by).flatMap((one) =>
            "send" in one ? [JSON.stringify(this.withoutSid(this.withPlaceholders(one.send)))] : []
          )
    return this.address === "" ? [] : [frames(this.address, [...entry, ...texts.slice(-4)])]
  }

  private withoutSid(frame: Json): Json {
    if (!isObject(frame)) return frame
    const { sid: _, ...rest } = frame
    return rest
  }
}

/** The position of a check's step; -1 for a check of the whole scenario. */
export const stepOf = (scenario: Scenario, check: string): number =>
  scenario.steps.findIndex((step) => isCheck(step) && step.check === check)

const always: { readonly [check: string]: string } = {
  setup: "every actor connects, logs in and gets a response, and every step without a check succeeds",
  wire: "every frame of the server is a JSON object or an array of objects",
  secrets: "no response and no push has a password, a hash or a token of a user"
}

const readingsOf = (check: string, step: Step | undefined): ReadonlyArray<Reading> => {
  const demanded = new Set(demandsOf(check, step).map(({ id }) => id))
  const named = JSON.stringify(step ?? null)
  return readings(check.slice(0, check.indexOf("/"))).filter(
    ({ id, requirements: bears }) => bears.some((one) => demanded.has(one)) || named.includes(`"${id}"`)
  )
}

/** Explains a check by its name within the scenario; `undefined` if the scenario has no such check. */
export const explain = (
  protocol: Protocol,
  scenario: Scenario,
  check: string,
  at: { readonly http: string; readonly ws?: string | undefined }
): Explained | undefined => {
  const index = stepOf(scenario, check)
  const step = scenario.steps[index]
  const general = always[check]
  if (step === undefined && general === undefined) return undefined
  const id = `${scenario.id}#${check}`
  const wire = scenario.profiles?.[0] ?? step?.profiles?.[0] ?? "documented"
  const describer = new StepDescriber(protocol, scenario, wire, at.http, at.ws ?? "")
  const profile = profileOfCheck(scenario, check, step)
  const secrets = new Redactor()
  secrets.addKeys({ ...scenario })
  return {
    check: id,
    title: scenario.title,
    level: levelAs(id, profile),
    profile,
    needs: [...(scenario.needs ?? []), ...(scenario.facts ?? []).map((fact) => `"${fact}" in the configuration`)],
    demands: demandsOf(id, step),
    readings: readingsOf(id, step),
    steps: scenario.steps.map((one, position) => {
      const mark = position === index ? ">" : " "
      const name = "check" in one ? ` [${one.check}]` : ""
      const role = "check" in one && one.role !== undefined ? ` (${one.role})` : ""
      const twin = "check" in one && one.unlike !== undefined ? `, unlike ${one.unlike}` : ""
      const head = `${mark} ${String(position + 1).padStart(2)} ${one.by} ${describer.describe(one)}${name}${role}${twin}`
      return secrets.hide(`${head}  (${one.source.doc}: ${one.source.section})`)
    }),
    passes: secrets.hide(step === undefined ? (general ?? "") : describer.passes(step)),
    byHand: describer.byHand(scenario.steps, index).map((command) => secrets.hide(command))
  }
}
