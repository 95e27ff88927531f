/** The scope of an application, as a table. Source: PROTOCOLS, "youdu". */
import { describe, expect, it } from "vitest"
import { reachable, type AppScope } from "@parley/core/rules/AppScope"

const organisations = (...ids: ReadonlyArray<number | null>) => ids.map((organisation) => ({ organisation }))
const one: AppScope = { organisation: 1 }

describe("an application reaches groups that have a member of its organisation", () => {
  it.each<[string, AppScope, string, boolean, ReturnType<typeof organisations>, boolean]>([
    ["a group with one of its members", one, "group", false, organisations(2, null, 1), true],
    ["a group of others", one, "group", false, organisations(2, null), false],
    ["a group of nobody", one, "group", false, [], false],
    ["a dissolved group", one, "group", true, organisations(1), false],
    ["a pair", one, "one2one", false, organisations(1, 1), false],
    ["a system chat", one, "system", false, organisations(1), false],
    ["a project", one, "project", false, organisations(1), false],
    ["any group, for the whole system", "everywhere", "group", false, organisations(2, null), true],
    ["a pair, for the whole system", "everywhere", "one2one", false, organisations(1), false],
    ["a dissolved group, for the whole system", "everywhere", "group", true, organisations(1), false]
  ])("%s", (_, reach, type, dissolved, members, reached) => {
    expect(reachable.check({ scope: reach, chat: { type, dissolved }, members })).toEqual(
      reached ? undefined : { _tag: "NoSuchChat" }
    )
  })
})
