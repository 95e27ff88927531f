import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { type Entry, idFaults, parseIds, printIds } from "../src/requirements/RequirementIds.ts"
import { lockFile, usedIds } from "../scripts/ids.ts"

describe("ids.lock", () => {
  const text = readFileSync(lockFile, "utf8")

  it("has every id in use, and no other that is not given up", () => {
    expect(idFaults(parseIds(text), usedIds())).toEqual([])
  })

  it("is written as the script writes it", () => {
    expect(printIds(parseIds(text))).toBe(text)
  })
})

describe("an id", () => {
  const one: Entry = { kind: "check", id: "a/b/c#one" }
  const two: Entry = { kind: "requirement", id: "a.two" }

  it("that is new has to be registered", () => {
    expect(idFaults([one], [one, two])).toEqual(["requirement a.two is not registered"])
  })

  it("that is not used any more keeps its line, with a reason", () => {
    expect(idFaults([one, two], [one])).toEqual([
      'requirement a.two is no longer used: append the reason, as "gone: …"'
    ])
    expect(idFaults([one, { ...two, gone: "said twice" }], [one])).toEqual([])
  })

  it("that was given up is never given again", () => {
    expect(idFaults([one, { ...two, gone: "said twice" }], [one, two])).toEqual([
      "requirement a.two is retired, but used"
    ])
  })

  it("is registered once, also as of different kinds", () => {
    expect(idFaults([one, one], [one])).toEqual(["check a/b/c#one is registered twice"])
    const reading: Entry = { kind: "reading", id: "a.two" }
    expect(idFaults([one, two, reading], [one, two, reading])).toEqual([])
  })

  it("stands on a line that can be read back", () => {
    const entries: ReadonlyArray<Entry> = [two, { ...one, gone: "the section is gone" }]
    expect(parseIds(printIds(entries))).toEqual([{ ...one, gone: "the section is gone" }, two])
    expect(() => parseIds("check a b c")).toThrow("ids.lock, line 1: check a b c")
    expect(() => parseIds("check a gone:")).toThrow("line 1")
  })
})
