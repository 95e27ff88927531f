/**
 * The rules of the profiles `hardening` and `parley`, from `requirements/rules.txt`: what this kit demands beside the
 * documents, where they are silent.
 */
import { readFileSync } from "node:fs"
import * as Schema from "effect/Schema"
import { inPackage } from "../packageFolder.ts"
import { readRules } from "../sources/RuleTable.ts"
import { BadRequirements, Id, Words } from "./Requirements.ts"

export const Rule = Schema.Struct({
  /** `<profile>.<protocol or shared>.<slug>`, never reused. */
  id: Id,
  profile: Schema.Literals(["hardening", "parley"]),
  description: Words
})
export type Rule = typeof Rule.Type

/** The published file of rules. */
export const RuleFile = Schema.Struct({ $schema: Schema.optionalKey(Schema.String), rules: Schema.Array(Rule) })

const file = inPackage("requirements/rules.txt")

const decode = Schema.decodeUnknownSync(RuleFile, { onExcessProperty: "error", errors: "all" })

let loaded: ReadonlyMap<string, Rule> | undefined

const byId = (): ReadonlyMap<string, Rule> => {
  if (loaded !== undefined) return loaded
  try {
    const { rules: all } = decode(readRules(readFileSync(file, "utf8")))
    loaded = new Map(all.map((one) => [one.id, one]))
    return loaded
  } catch (cause) {
    throw new BadRequirements({ file, message: cause instanceof Error ? cause.message : String(cause) })
  }
}

/** All rules, in the order of their file. Throws `BadRequirements`. */
export const rules = (): ReadonlyArray<Rule> => [...byId().values()]

/** The rule that a source names; `undefined` for a section of a document. Throws `BadRequirements`. */
export const ruleOf = ({ doc, section }: { readonly doc: string; readonly section: string }): Rule | undefined =>
  byId().get(`${doc}.${section}`)
