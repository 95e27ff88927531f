import { describe, expect, it } from "vitest"
import { load } from "../src/scenarios/loadScenarios.ts"
import { isCheck } from "../src/scenarios/Scenario.ts"
import { coverage, coverageOf } from "../src/requirements/RequirementCoverage.ts"
import {
  document,
  documents,
  levelOf,
  readings,
  requirement,
  requirements,
  requirementSource,
  requirementsOf
} from "../src/requirements/Requirements.ts"
import { type Statement, statements } from "../src/requirements/RequirementText.ts"
import { documentOf } from "../scripts/Documents.ts"
import { copied, copiedWords, gaps, keysHash, wordsHash } from "../scripts/statements.ts"

/** Check ids with the documents of their steps. */
const sourcesOf = (protocol: string): ReadonlyMap<string, string> =>
  new Map(
    load(protocol).scenarios.flatMap(({ id, steps }) =>
      steps.flatMap((step) => (isCheck(step) ? [[`${id}#${step.check}`, step.source.doc] as const] : []))
    )
  )

describe.each(documents)("the requirements of %s", (protocol) => {
  const { requirements: all, asides } = document(protocol)
  const text = documentOf(protocol)
  const digest = requirementSource(protocol).statements

  // The hash in the table stands for the documents where they are not present.
  it("rest on the document's statements, and every statement has a requirement or is set aside", () => {
    const found = text === undefined ? digest : keysHash(statements(protocol, text).map(({ key }) => key))
    expect(found).toBe(digest)
    expect(text === undefined ? { open: [], adrift: [] } : gaps(protocol, text)).toEqual({ open: [], adrift: [] })
    expect(keysHash([...all, ...asides].map(({ hash }) => hash))).toBe(digest)
  })

  it("leave no statement both demanded and set aside", () => {
    const demanded = new Set(all.map(({ hash }) => hash))
    expect(asides.filter(({ hash }) => demanded.has(hash))).toEqual([])
    expect(asides.map(({ hash }) => hash).filter((hash, index, list) => list.indexOf(hash) !== index)).toEqual([])
  })

  it("name the section that their statement stands in", () => {
    const found = text === undefined ? [] : statements(protocol, text)
    const sections = new Map(found.map(({ key, section }) => [key, section]))
    const wrong = [...all, ...asides].filter(({ hash, section }) => (sections.get(hash) ?? section) !== section)
    expect(wrong).toEqual([])
  })

  it("have ids of their own, that begin with the protocol", () => {
    const ids = all.map(({ id }) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index || !id.startsWith(`${protocol}.`))).toEqual([])
    expect(all.filter(({ doc }) => doc !== protocol)).toEqual([])
  })

  it("have a check that exists, or a reason why not", () => {
    const known = sourcesOf(protocol)
    const unknown = all.flatMap(({ id, checks }) => checks.filter((one) => !known.has(one)).map((one) => [id, one]))
    expect(unknown).toEqual([])
    expect(all.filter(({ checks, excluded }) => checks.length === 0 && excluded === undefined)).toEqual([])
    expect(all.filter(({ checks, excluded }) => checks.length > 0 && excluded !== undefined)).toEqual([])
  })

  it("are checked where they are a MUST by a step that rests on the document", () => {
    const known = sourcesOf(protocol)
    const wrong = all.filter(
      ({ level, checks }) => level === "MUST" && checks.length > 0 && !checks.some((one) => known.get(one) === protocol)
    )
    expect(wrong.map(({ id }) => id)).toEqual([])
  })

  it("are what same-as names", () => {
    const ids = new Set(all.map(({ id }) => id))
    const wrong = asides.filter(({ reason, of }) =>
      reason === "same-as" ? of === undefined || !of.every((id) => ids.has(id)) : of !== undefined
    )
    expect(wrong).toEqual([])
  })

  it("have the level that the document's words give", () => {
    const found = new Map((text === undefined ? [] : statements(protocol, text)).map((one) => [one.key, one]))
    const wrong = all.filter(({ hash, field, level, error }) => {
      const given = levelGiven(found.get(hash))
      return field !== undefined && error === undefined && given !== undefined && given !== level
    })
    expect(wrong.map(({ id, level }) => `${id} ${level}`)).toEqual([])
  })
})

/** The level from the words in a table's column or in the remark beside an example. */
const levelGiven = (statement: Statement | undefined): string | undefined => {
  const words = statement?.cells ?? statement?.text.split(/[,，\s]+/) ?? []
  if (words.some((word) => word === "是" || word === "必须")) return "MUST"
  if (words.some((word) => word === "否" || word === "可选" || word === "//可选")) return "MAY"
  return undefined
}

describe("the words of requirements and readings", () => {
  const all = documents.flatMap((protocol) => [
    ...requirements(protocol).map(({ id, description }) => ({ id, protocol, ...description })),
    ...readings(protocol).map(({ id, why }) => ({ id, protocol, ...why }))
  ])
  /** Names and literals are not part of a sentence. */
  const bare = (words: string) => words.replaceAll(/`[^`]*`/g, "\u0000").replaceAll(/\s/g, "")

  it("are English and Chinese", () => {
    const han = /\p{Script=Han}/u
    expect(all.filter(({ en, zh }) => han.test(bare(en)) || !han.test(bare(zh))).map(({ id }) => id)).toEqual([])
  })

  it("are not the documents' own", () => {
    // `scripts/statements.ts --write` records that new sentences were compared with the documents.
    expect(documents.map((protocol) => [protocol, requirementSource(protocol).words])).toEqual(
      documents.map((protocol) => [protocol, wordsHash(protocol)])
    )
    expect(documents.flatMap((protocol) => copiedWords(protocol, documentOf(protocol) ?? ""))).toEqual([])
  })

  it("are found out where they are copied, names and literals apart", () => {
    const text = "甲。一个会话里的成员们都可以 `x` 发言并且改名。"
    expect(copied(text, [["own", "凡在会话里的人都能说话"]])).toEqual([])
    expect(copied(text, [["own", "请求写作 `一个会话里的成员们都可以x发言`"]])).toEqual([])
    expect(copied(text, [["copy", "须知一个会话里的 成员们都可以"]])).toEqual(["copy: 一个会话里的成员们都可以"])
  })
})

describe("readings", () => {
  it("have ids of their own, which no requirement has", () => {
    const ids = readings().map(({ id }) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index || requirement(id) !== undefined)).toEqual([])
  })

  it("bear on requirements that exist, in sections of theirs", () => {
    const wrong = readings().filter(
      ({ doc, requirements: bears, sections }) =>
        bears.length === 0 ||
        bears.some((id) => requirement(id)?.doc !== doc) ||
        sections.some((section) => !requirements(doc).some((one) => one.section === section))
    )
    expect(wrong.map(({ id }) => id)).toEqual([])
  })

  it("name fields by texts, and no form both accepted and tolerated", () => {
    const wrong = readings().filter(
      ({ of, forms, tolerated }) =>
        (of === "key" && [...forms, ...tolerated].some((form) => typeof form !== "string")) ||
        tolerated.some((form) => forms.some((other) => JSON.stringify(other) === JSON.stringify(form)))
    )
    expect(wrong.map(({ id }) => id)).toEqual([])
  })

  it("are used by a pattern where they are of keys or values, and by none where not", () => {
    const used = new Set<string>()
    const visit = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(visit)
      if (typeof value !== "object" || value === null) return
      for (const [key, item] of Object.entries(value)) {
        if (key === "$reading" && typeof item === "string") used.add(item)
        if (key === "$reading" && typeof item === "object" && item !== null)
          Object.keys(item).forEach((id) => used.add(id))
        visit(item)
      }
    }
    for (const protocol of documents) visit(load(protocol))
    const wanted = readings().filter(({ of }) => of === "key" || of === "value")
    expect([...used].toSorted()).toEqual(wanted.map(({ id }) => id).toSorted())
  })
})

describe("what a check shows", () => {
  it("is found by the check's id", () => {
    expect(requirementsOf("spark/start/same-members#by-another").map(({ id }) => id)).toEqual(["spark.start.existing"])
    expect(requirementsOf("spark/token/bearer#response")).toEqual([])
    expect(requirementsOf("somebody/else/entirely#response")).toEqual([])
  })

  it("has the strictest of their levels", () => {
    expect(levelOf("youdu/create/documented#created")).toBe("MUST")
    expect(levelOf("youdu/create/united#type-absent")).toBe("MAY")
    expect(levelOf("ha/delete/refused#type-unknown")).toBe("SHOULD")
    expect(levelOf("spark/token/bearer#response")).toBeUndefined()
  })
})

describe("coverage", () => {
  it("leaves nothing open in any document", () => {
    for (const { operations, fields, errors, requirements: all, levels } of coverage()) {
      for (const one of [operations, fields, errors, all, ...Object.values(levels)]) {
        expect(one.open).toEqual([])
        expect(one.covered + one.withoutMutant.length + one.excluded.length).toBe(one.total)
        expect([...one.excluded, ...one.withoutMutant].every(({ reason }) => reason.length > 10)).toBe(true)
      }
    }
    for (const one of coverage()) expect(one.requirements.percent).toBeGreaterThan(99)
    expect(coverage().flatMap((one) => one.requirements.withoutMutant)).toHaveLength(1)
    expect(coverage().map(({ protocol, operations }) => [protocol, operations.total])).toEqual([
      ["ha", 4],
      ["hisihi", 12],
      ["spark", 7],
      ["xuanxuan", 24],
      ["youdu", 3]
    ])
  })

  it("counts only the checks that it is asked to count", () => {
    const some = coverageOf("youdu", (check) => check.startsWith("youdu/create/"))
    expect(some.operations).toMatchObject({ total: 3, covered: 1, excluded: [] })
    expect(some.operations.open).toEqual(["GET /cgi/session/get", "POST /cgi/session/update"])
    expect(some.requirements.excluded.map(({ id }) => id)).toEqual(["youdu.create.one-to-one"])
    expect(some.operations.percent).toBe(33.3)
  })
})
