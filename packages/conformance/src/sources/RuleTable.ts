/**
 * Reads `requirements/rules.txt`: `rule <profile> <name>` and below it its text, `en` and `zh`. The result has the form of
 * `RuleFile` in `requirements/Rules.ts`, and is decoded as that.
 */
import type { Json } from "../Json.ts"
import { directive, forEachStatement } from "./Statements.ts"

/** The rules in their order. Throws `SyntaxError` with the line. */
export const readRules = (text: string): Json => {
  const rules: Array<{ readonly id: string; readonly profile: string; description: { [language: string]: Json } }> = []
  forEachStatement(text, ({ text: body }) => {
    const [name, rest] = directive(body)
    const last = rules.at(-1)
    if (name === "rule") {
      const [profile, rule] = directive(rest)
      rules.push({ id: `${profile}.${rule}`, profile, description: {} })
    } else if (last !== undefined && (name === "en" || name === "zh")) last.description[name] = rest
    else throw new SyntaxError(`no directive ${name} here`)
  })
  return { rules }
}
