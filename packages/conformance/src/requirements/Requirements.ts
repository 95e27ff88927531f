/**
 * Requirements of the five documents. `requirements/<protocol>.txt` has a requirement for every normative statement of
 * that document, `requirements/readings.txt` the places where a document can be read in more than one way.
 */
import { readFileSync } from "node:fs"
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { inPackage } from "../packageFolder.ts"
import { readReadings, readRequirements, type RequirementSource } from "../sources/RequirementTable.ts"

export const Level = Schema.Literals(["MUST", "SHOULD", "MAY"])
/**
 * MUST: the document has 必须 or 是, or has no other definition of the response. SHOULD: 应该, or shown in an example
 * only. MAY: 可选 or 否.
 */
export type Level = typeof Level.Type

/** The same in English and in Chinese. */
export const Words = Schema.Struct({ en: Schema.NonEmptyString, zh: Schema.NonEmptyString })
export type Words = typeof Words.Type

/** `<protocol>.<area>.<slug>…`, never reused: `ids.lock` has them all. */
export const Id = Schema.String.check(Schema.isPattern(/^[a-z]+(\.[a-z0-9]+(-[a-z0-9]+)*)+$/))

/** A statement's key: SHA-256 in hex, and `.2`, `.3`, … for the same text again in the same section. */
export const StatementKey = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}(\.[1-9][0-9]*)?$/))

export const Direction = Schema.Literals(["request", "reply", "push", "stored"])
/** Place of a field: `stored` for a field of a table that a document describes and shows in several places. */
export type Direction = typeof Direction.Type

export const Requirement = Schema.Struct({
  id: Id,
  /** The protocol whose document it is from. */
  doc: Schema.String,
  /** The heading as printed. */
  section: Schema.String,
  level: Level,
  /** The requirement in this project's own words. */
  description: Words,
  /** The statement that it rests on. */
  hash: StatementKey,
  /** The operation that it is about: `POST /session/start`, `chat/create`. */
  operation: Schema.optionalKey(Schema.String),
  /** The field that it is about, and where that field is: `Members` in `reply`. */
  field: Schema.optionalKey(Schema.Struct({ name: Schema.String, in: Direction })),
  /** The failure that it is about, as a short name. */
  error: Schema.optionalKey(Schema.String),
  /** The checks that cover it, as `<scenario>#<check>`. Empty only if `excluded` is present. */
  checks: Schema.Array(Schema.String),
  /** Why nothing checks it. */
  excluded: Schema.optionalKey(Schema.Struct({ reason: Schema.NonEmptyString }))
})
export type Requirement = typeof Requirement.Type

export const asideReasons = [
  "heading",
  "introduction",
  "table-header",
  "layout",
  "same-as",
  "about-the-document",
  "about-an-implementation"
] as const

/** A statement that requires nothing of a server, or nothing new. */
export const Aside = Schema.Struct({
  hash: StatementKey,
  section: Schema.String,
  reason: Schema.Literals(asideReasons),
  /** For `same-as`: the requirements that contain it already. */
  of: Schema.optionalKey(Schema.Array(Id))
})
export type Aside = typeof Aside.Type

/** The requirements of one document. */
export const Document = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  doc: Schema.String,
  requirements: Schema.Array(Requirement),
  asides: Schema.Array(Aside)
})
export type Document = typeof Document.Type

/**
 * A place where a document contradicts itself, is silent, or can be read in more than one way.
 *
 * - `of: "key"`: `forms` and `tolerated` are names of one field. In a pattern `{"$reading": {"<id>": p}, …}` stands for
 *   the field under any of them, beside the other fields: at least one is present, and each present one matches `p`.
 * - `of: "value"`: they are patterns, and `{"$reading": "<id>"}` matches each of them; they may name shapes.
 * - `of: "request"`: names that a client may send; the kit sends the form that the section prints.
 * - `of: "settled"`: the kit uses the first form, for the reason in `why`; no pattern refers to it.
 *
 * A value of `forms` passes. A value of `tolerated` passes as lenient, and warns under `--strict`.
 */
export const Reading = Schema.Struct({
  id: Id,
  doc: Schema.String,
  /** Headings as in `Requirement`; empty where it is about the whole document. */
  sections: Schema.Array(Schema.String),
  of: Schema.Literals(["key", "value", "request", "settled"]),
  forms: Schema.NonEmptyArray(Schema.Json),
  tolerated: Schema.Array(Schema.Json),
  why: Words,
  /** The requirements that it affects. */
  requirements: Schema.Array(Id)
})
export type Reading = typeof Reading.Type

/** The published file of readings. */
export const ReadingFile = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  readings: Schema.Array(Reading)
})

/** A malformed file of requirements: a fault of the kit. */
export class BadRequirements extends Data.TaggedError("BadRequirements")<{
  readonly file: string
  readonly message: string
}> {}

const folder = inPackage("requirements/")

const strict = { onExcessProperty: "error", errors: "all" } as const

const read = <A>(name: string, parse: (text: string) => A): A => {
  const file = `${folder}${name}`
  try {
    return parse(readFileSync(file, "utf8"))
  } catch (cause) {
    throw new BadRequirements({ file, message: cause instanceof Error ? cause.message : String(cause) })
  }
}

const decodeDocument = Schema.decodeUnknownSync(Document, strict)
const decodeReadings = Schema.decodeUnknownSync(ReadingFile, strict)

/** The documents that have requirements, which are the five protocols. */
export const documents = ["ha", "hisihi", "spark", "xuanxuan", "youdu"] as const

/** The table of a protocol's requirements with what only maintainers need. Throws `BadRequirements`. */
export const requirementSource = (protocol: string): RequirementSource => read(`${protocol}.txt`, readRequirements)

const loaded = new Map<string, Document>()

/** The requirements of a protocol's document; empty for a protocol from another folder. Throws `BadRequirements`. */
export const document = (protocol: string): Document => {
  const known = loaded.get(protocol)
  if (known !== undefined) return known
  const made = documents.some((one) => one === protocol)
    ? read(`${protocol}.txt`, (text) => decodeDocument(readRequirements(text).document))
    : { doc: protocol, requirements: [], asides: [] }
  loaded.set(protocol, made)
  return made
}

/** A protocol's requirements, in the order of its document. Throws `BadRequirements`. */
export const requirements = (protocol: string): ReadonlyArray<Requirement> => document(protocol).requirements

/** The requirement of an id. Throws `BadRequirements`. */
export const requirement = (id: string): Requirement | undefined =>
  requirements(id.slice(0, id.indexOf("."))).find((one) => one.id === id)

const byCheck = new Map<string, ReadonlyMap<string, ReadonlyArray<Requirement>>>()

/** The requirements that a check covers, by its id `<protocol>/<area>/<slug>#<check>`; empty for hardening checks. */
export const requirementsOf = (check: string): ReadonlyArray<Requirement> => {
  const protocol = check.slice(0, check.indexOf("/"))
  const known =
    byCheck.get(protocol) ??
    requirements(protocol).reduce((map, one) => {
      for (const id of one.checks) map.set(id, [...(map.get(id) ?? []), one])
      return map
    }, new Map<string, ReadonlyArray<Requirement>>())
  byCheck.set(protocol, known)
  return known.get(check) ?? []
}

const rank: Record<Level, number> = { MUST: 2, SHOULD: 1, MAY: 0 }

/** The strictest level among the requirements that a check covers; `undefined` if it covers none. */
export const levelOf = (check: string): Level | undefined =>
  requirementsOf(check)
    .map(({ level }) => level)
    .toSorted((a, b) => rank[b] - rank[a])[0]

let allReadings: ReadonlyArray<Reading> | undefined

/** The readings, of one protocol or of all. Throws `BadRequirements`. */
export const readings = (protocol?: string): ReadonlyArray<Reading> => {
  allReadings ??= read("readings.txt", (text) => decodeReadings(readReadings(text))).readings
  return protocol === undefined ? allReadings : allReadings.filter(({ doc }) => doc === protocol)
}

/** The reading of an id. Throws `BadRequirements`. */
export const reading = (id: string): Reading | undefined => readings().find((one) => one.id === id)
