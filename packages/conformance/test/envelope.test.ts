/** The envelope of youdu, and the completeness of the scenarios of ha and youdu. */
import { describe, expect, it } from "vitest"
import { load } from "../src/scenarios/loadScenarios.ts"
import { opened, seal } from "../src/match/envelope.ts"
import type { Json } from "../src/Json.ts"
import { match } from "../src/match/match.ts"
import { build } from "../src/match/Variables.ts"

const KEY = Buffer.alloc(32, 3).toString("base64")
const OTHER = Buffer.alloc(32, 4).toString("base64")

describe("the envelope", () => {
  it("opens what it sealed, whatever its length", () => {
    for (let length = 0; length < 70; length++) {
      const text = "字".repeat(length)
      expect(opened(seal(text, KEY, "app"), KEY, "app")).toBe(text)
    }
  })

  it("opens nothing else", () => {
    const sealed = seal("hello", KEY, "app")
    for (const [text, key, app] of [
      [sealed, OTHER, "app"],
      [sealed, KEY, "other"],
      [sealed.slice(4), KEY, "app"],
      ["", KEY, "app"],
      ["nonsense", KEY, "app"]
    ] as const) {
      expect(opened(text, key, app)).toBeUndefined()
    }
  })

  it("is made by $seal, and looked into by $opened", () => {
    const scope = new Map<string, Json>([["name", "alice"]])
    const sealed = build({ $seal: { who: { $ref: "name" }, at: { $now: "seconds" } }, key: KEY, app: "app" }, scope)
    const pattern = (who: Json): Json => ({ $opened: { who, at: "$filled" }, key: KEY, app: "app" })
    expect(match(pattern("alice"), sealed, scope).mismatches).toEqual([])
    expect(match(pattern({ $capture: ["w", "$str"] }), sealed, scope).captures.get("w")).toBe("alice")
    expect(match(pattern("bob"), sealed, scope).mismatches).toMatchObject([{ path: "(opened).who" }])
    for (const other of ["nonsense", 5, null, seal("no json", KEY, "app"), seal("{}", KEY, "app")]) {
      expect(match(pattern("alice"), other, scope).mismatches).not.toEqual([])
    }
  })

  it("knows the time", () => {
    const [seconds, milliseconds] = ["seconds", "milliseconds"].map((unit) => Number(build({ $now: unit }, new Map())))
    expect(Math.abs((seconds ?? 0) - Date.now() / 1000)).toBeLessThan(5)
    expect(Math.abs((milliseconds ?? 0) - Date.now())).toBeLessThan(5000)
  })
})

describe.each([
  { protocol: "ha", operations: ["conversation", "delete", "list", "send"], ofAll: ["session"] },
  { protocol: "youdu", operations: ["create", "envelope", "get", "update"], ofAll: ["failure", "token"] }
])("the scenarios of $protocol", ({ protocol, operations, ofAll }) => {
  it("have a documented and a refused form for every operation", () => {
    const ids = new Set(load(protocol).scenarios.map(({ id }) => id))
    const areas = new Set(Array.from(ids, (id) => id.split("/")[1] ?? ""))
    expect([...areas].toSorted()).toEqual([...operations, ...ofAll].toSorted())
    for (const area of operations) {
      expect(ids).toContain(`${protocol}/${area}/documented`)
      expect(ids).toContain(`${protocol}/${area}/refused`)
    }
  })
})
