/** The kill matrix as a page: the checks that detect each mutant, as the tests of the mutants verify. */
import { engineMutants } from "../../../server/test/mutants/EngineMutants.ts"
import { benign } from "./Benign.ts"
import { fieldKills, undetectable } from "./FieldMutants.ts"
import { impostors } from "./Impostors.ts"
import { checks } from "./takenIds.ts"
import { sweeping } from "./Sweeping.ts"
import { targetChecks } from "./WireMutant.ts"
import { particular, wireMutants } from "./WireMutants.ts"

/** Every check that must detect a mutant. */
export const killers = (): ReadonlySet<string> =>
  new Set([
    ...wireMutants.flatMap(targetChecks),
    ...Object.values(fieldKills()).flatMap((places) => Object.values(places)),
    ...engineMutants.flatMap(({ kills }) => kills)
  ])

/** Checks that no mutant makes fail. */
export const idle = (): ReadonlyArray<string> => {
  const busy = killers()
  return checks.filter((check) => !busy.has(check.id)).map(({ id }) => id)
}

const code = (ids: ReadonlyArray<string>): string => ids.map((id) => `\`${id}\``).join(", ")

/** A list with bold heads, because a table would be too wide. */
const list = (lines: ReadonlyArray<readonly [head: string, text: string]>): string =>
  lines.map(([head, text]) => `- **${head}** ${text}`).join("\n")

const byProtocol = (ids: ReadonlyArray<string>): string =>
  Object.entries(Object.groupBy(ids, (id) => id.slice(0, id.indexOf("/"))))
    .map(([protocol, some = []]) => `${protocol} ${some.length}`)
    .join(", ")

const fields = (): string => {
  const byCheck = new Map<string, Set<string>>()
  for (const places of Object.values(fieldKills())) {
    for (const [place, check] of Object.entries(places)) {
      byCheck.set(check, (byCheck.get(check) ?? new Set()).add(place))
    }
  }
  return [...byCheck]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([check, places]) => `- ${code([check])}: ${code([...places].toSorted((a, b) => (a < b ? -1 : 1)))}`)
    .join("\n")
}

export const page = (): string =>
  [
    "# What the kit finds",
    "Each line is a server that is wrong in one way, made of the reference server, and the checks that have to find it. Tests play all of this against a\n" +
      "started server: `packages/conformance/test/mutants` and `packages/server/test/mutants`. This page is generated: `UPDATE_DOCS=1` and the test\n" +
      "`packages/conformance/test/mutants/Kills.test.ts`.",
    `Of ${checks.length} checks ${killers().size} have to find something, which is all of them.`,
    "## On the wire, all of a kind",
    list(
      sweeping.map((mutant) => [
        mutant.name,
        `${mutant.description}. Found by ${byProtocol(targetChecks(mutant))} checks.`
      ])
    ),
    "## On the wire, in particular",
    list(particular.map((mutant) => [mutant.name, `${mutant.description}. Found by ${code(targetChecks(mutant))}.`])),
    "## In the engine",
    list(engineMutants.map(({ name, description, kills }) => [name, `${description}. Found by ${code(kills)}.`])),
    "## Documented fields, each left out by itself",
    "The check that finds it, and the places in an answer or a push where the field is left out.",
    fields(),
    "These cannot be found missing:",
    list(Object.entries(undetectable)),
    "## Impostors",
    "A run against each ends in time and without a fault of the kit. These still pass, beside `wire` and `setup`:",
    list(
      impostors.map(({ name, description, passes = [] }) => [
        name,
        `${description}. ${passes.map(({ why, checks: ids }) => `Passes, since it ${why}: ${code(ids)}.`).join(" ") || "Nothing passes."}`
      ])
    ),
    "## Servers that are right",
    "Nothing may be found in these.",
    list(benign.map(({ name, description }) => [name, `${description}.`]))
  ].join("\n\n") + "\n"
