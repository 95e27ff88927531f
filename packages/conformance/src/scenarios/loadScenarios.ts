/** Loads the scenarios of a protocol: those of the kit, and those of further folders. */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { inPackage } from "../packageFolder.ts"
import { lintScenarios } from "./lint.ts"
import { badData, type Protocol, type Scenario, type Transport, type Wire } from "./Scenario.ts"
import { readProtocol, readScenarios } from "./ScenarioFile.ts"

export interface ScenarioSet {
  readonly protocol: Protocol
  readonly scenarios: ReadonlyArray<Scenario>
}

const own = inPackage("protocols/")

/** Whether a file belongs to the kit, so that its faults are the kit's. */
export const isOwn = (file: string): boolean => file.startsWith(own)

/** The file of what a protocol's scenarios share, in either form. */
const protocolFile = (folder: string, name: string): string | undefined =>
  ["protocol.scenario", "protocol.json"].map((file) => join(folder, name, file)).find((file) => existsSync(file))

/** The protocols with scenarios, including those of further folders. */
export const protocols = (sequences: ReadonlyArray<string> = []): ReadonlyArray<string> => [
  ...new Set(
    [own, ...sequences]
      .flatMap((folder) => listed(folder).map((name) => [folder, name] as const))
      .filter(([folder, name]) => protocolFile(folder, name) !== undefined)
      .map(([, name]) => name)
      .toSorted()
  )
]

const listed = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder).toSorted()
  } catch {
    throw badData(folder, "no such folder")
  }
}

/** `*.scenario` and `*.json`, except the protocol's own file. */
const filesIn = (folder: string): ReadonlyArray<string> =>
  listed(folder)
    .filter((file) => /\.(scenario|json)$/.test(file) && !file.startsWith("protocol."))
    .map((file) => join(folder, file))

/** The files of a further folder, and those in its folder for this protocol. */
const others = (folder: string, name: string): ReadonlyArray<{ file: string; scenarios: ReadonlyArray<Scenario> }> => {
  const inner = join(folder, name)
  return [...filesIn(folder), ...(existsSync(inner) ? filesIn(inner) : [])].map((file) => ({
    file,
    scenarios: readScenarios(file).filter(({ id }) => id.startsWith(`${name}/`))
  }))
}

/**
 * The scenarios of a protocol in the order of its files, then those of `sequences`: folders with further files, whose
 * scenarios belong to the protocol at the start of their id. Throws `BadData`.
 */
export const load = (name: string, sequences: ReadonlyArray<string> = []): ScenarioSet => {
  const known = sequences.length === 0 ? loaded.get(name) : undefined
  const found = known ?? read(name, sequences)
  if (sequences.length === 0) loaded.set(name, found)
  return found
}

/** The kit's own files do not change while it runs. */
const loaded = new Map<string, ScenarioSet>()

const read = (name: string, sequences: ReadonlyArray<string>): ScenarioSet => {
  const file = [own, ...sequences].flatMap((folder) => protocolFile(folder, name) ?? [])[0]
  if (file === undefined || !protocols(sequences).includes(name)) {
    throw badData(join(own, name), "no such protocol")
  }
  const protocol = readProtocol(file)
  const scenarios = isOwn(file) ? filesIn(join(own, name)).flatMap(readScenarios) : []
  const known = new Set(scenarios.map(({ id }) => id))
  for (const folder of sequences) {
    for (const { file, scenarios: more } of others(folder, name)) {
      const twice = more.find(({ id }, index) => known.has(id) || more.findIndex((one) => one.id === id) !== index)
      if (twice !== undefined) throw badData(file, `${twice.id}: this id is used already`)
      const faults = more.flatMap((scenario) => lintScenarios(protocol, scenario))
      if (faults.length > 0) throw badData(file, faults.slice(0, 10).join("\n"))
      for (const scenario of more) {
        known.add(scenario.id)
        scenarios.push(scenario)
      }
    }
  }
  return { protocol, scenarios }
}

/** The default transport of a protocol. */
export const usualTransport = ({ barrier }: Protocol): Transport => (barrier === undefined ? "http" : "ws")

/** Whether a scenario applies to this transport and wire form. */
export const applies = (scenario: Scenario, transport: Transport, wire: Wire): boolean =>
  (scenario.transports ?? [transport]).includes(transport) && (scenario.profiles ?? [wire]).includes(wire)
