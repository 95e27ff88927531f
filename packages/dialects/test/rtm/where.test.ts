/** Conditions of conversation queries. */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { compileWhere, type Document } from "../../src/rtm/where.ts"

const document: Document = {
  objectId: "a1",
  name: "Lobby (new)",
  m: ["alice", "bob"],
  unread: 3,
  open: true,
  topic: { kind: "play", level: 2, tags: ["x", "y"] },
  createdAt: "2026-01-02T03:04:05.000Z",
  lm: { __type: "Date", iso: "2026-03-01T00:00:00.000Z" },
  lines: "first\nsecond"
}
const date = (iso: string) => ({ __type: "Date", iso })

const matches = (where: unknown): boolean => {
  const compiled = compileWhere(where)
  if (typeof compiled !== "function") throw new Error(compiled.problem)
  return compiled(document)
}

describe("a condition", () => {
  const cases: ReadonlyArray<readonly [where: unknown, isMatched: boolean]> = [
    [{}, true],
    [{ name: "Lobby (new)" }, true],
    [{ name: "lobby (new)" }, false],
    [{ m: "bob" }, true],
    [{ m: ["alice", "bob"] }, true],
    [{ m: ["bob", "alice"] }, false],
    [{ "topic.kind": "play", "topic.level": { $gte: 2, $lt: 3 } }, true],
    [{ "topic.kind.deeper": "play" }, false],
    [{ topic: { kind: "play", level: 2, tags: ["x", "y"] } }, true],
    [{ topic: { kind: "play" } }, false],
    [{ "topic.tags": { $all: ["y", "x"] } }, true],
    [{ unread: { $ne: 3 } }, false],
    [{ m: { $ne: "carol" } }, true],
    [{ missing: { $ne: 1 } }, true],
    [{ unread: { $lt: 4 } }, true],
    [{ unread: { $lte: 3 } }, true],
    [{ unread: { $gt: 3 } }, false],
    [{ unread: { $gt: "2" } }, false],
    [{ name: { $gt: "Lob" } }, true],
    [{ missing: { $lt: 4 } }, false],
    [{ createdAt: { $lt: date("2026-01-03T00:00:00.000Z") } }, true],
    [{ lm: { $gt: date("2026-03-01T00:00:00.000Z") } }, false],
    [{ lm: date("2026-03-01T00:00:00.000Z") }, true],
    [{ objectId: { $in: ["a0", "a1"] } }, true],
    [{ objectId: { $nin: ["a0", "a1"] } }, false],
    [{ m: { $in: ["carol", "bob"] } }, true],
    [{ m: { $nin: ["carol", "bob"] } }, false],
    [{ m: { $all: ["alice", "bob"] } }, true],
    [{ m: { $all: ["alice", "carol"] } }, false],
    [{ m: { $size: 2 } }, true],
    [{ name: { $size: 2 } }, false],
    [{ open: { $exists: true } }, true],
    [{ missing: { $exists: true } }, false],
    [{ missing: { $exists: false } }, true],
    [{ name: { $regex: String.raw`\Q(new)\E` } }, true],
    [{ name: { $regex: String.raw`^\QLobby (\E` } }, true],
    [{ name: { $regex: String.raw`\Q(ne\E$` } }, false],
    [{ name: { $regex: "^lobby", $options: "i" } }, true],
    [{ lines: { $regex: "^second$" } }, false],
    [{ lines: { $regex: "^second$", $options: "m" } }, true],
    [{ unread: { $regex: "3" } }, false],
    [{ $or: [{ unread: 4 }, { open: true }] }, true],
    [{ $or: [{ unread: 4 }, { open: false }] }, false],
    [{ $and: [{ unread: 3 }, { $or: [{ open: false }, { m: "bob" }] }] }, true],
    [{ unread: 3, open: false }, false],
    [{ toString: { $exists: true } }, false],
    [{ __proto__: null, "topic.constructor": { $exists: true } }, false]
  ]
  it.each(cases)("%j: %s", (where, isMatched) => {
    assert.strictEqual(matches(where), isMatched)
  })

  it.each([
    [[], "must be an object"],
    ["x", "must be an object"],
    [{ a: { $near: 1 } }, "has the unknown operator $near"],
    [{ $nor: [] }, "has the unknown operator $nor"],
    [{ $or: {} }, "must have a list after $or"],
    [{ a: { $in: 1 } }, "must have a list after $in, $nin and $all"],
    [{ a: { $lt: {} } }, "must compare with a number, a text or a date"],
    [{ a: { $size: "1" } }, "must have a number after $size"],
    [{ a: { $exists: 1 } }, "must have true or false after $exists"],
    [{ a: { $regex: 1 } }, "must have a text of at most 500 characters after $regex"],
    [
      { a: { $regex: "(" } },
      "has a regular expression that cannot be read, or that needs look-around or back-references"
    ],
    [{ a: { $regex: "x", $options: "g" } }, "must have the options i, m and s"],
    [{ a: { $options: "i" } }, "must have $regex beside $options"],
    [
      Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`k${index}`, 1])),
      "must have at most 200 conditions"
    ],
    [Array.from({ length: 12 }).reduce<unknown>((inner) => ({ $and: [inner] }), {}), "must have at most 10 levels"]
  ] as ReadonlyArray<readonly [unknown, string]>)("%j is refused", (where, problem) => {
    assert.deepStrictEqual(compileWhere(where), { problem })
  })

  it("with an expression that takes exponential time elsewhere takes linear time", () => {
    const where = { text: { $regex: "^(a+)+$" } }
    const compiled = compileWhere(where)
    assert(typeof compiled === "function")
    // A backtracking engine would take 2^40 steps.
    assert.isFalse(compiled({ text: `${"a".repeat(40)}!` }))
  })

  it("is compiled or refused, whatever JSON it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (where, value) => {
        const compiled = compileWhere(where)
        if (typeof compiled === "function") assert.isBoolean(compiled({ a: value }))
        else assert.isNotEmpty(compiled.problem)
      })
    )
  })
})
