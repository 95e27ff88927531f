/** Reads the scenario files of a protocol, and says precisely what is wrong with one that is not well formed. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { isArray, isObject, type Json, type JsonObject } from "./Json.ts"
import { File, type Profile, Protocol, type Scenario, Step, type Transport } from "./Scenario.ts"

export interface Catalogue {
  readonly protocol: Protocol
  readonly scenarios: ReadonlyArray<Scenario>
}

/** The kit's own files are at fault: nothing can be said of the server. */
export class BadData extends Data.TaggedError("BadData")<{ readonly file: string; readonly message: string }> {}

const folder = fileURLToPath(new URL("../protocols/", import.meta.url))

const strict = { onExcessProperty: "error", errors: "all" } as const
const decodeFile = Schema.decodeUnknownSync(File, strict)
const decodeProtocol = Schema.decodeUnknownSync(Protocol, strict)
const decodeStep = Schema.decodeUnknownSync(Step, strict)

const read = <A>(file: string, decode: (input: unknown) => A): A => {
  try {
    return decode(JSON.parse(readFileSync(file, "utf8")))
  } catch (cause) {
    throw new BadData({ file, message: cause instanceof Error ? cause.message : String(cause) })
  }
}

/** The protocols that there are scenarios for. */
export const protocols = (): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, "protocol.json")))
    .map((entry) => entry.name)
    .toSorted()

const own = new Set(["protocol.json", "headings.json"])

/** The scenarios of a protocol, in the order of its files and within them. Throws `BadData`. */
export const load = (name: string): Catalogue => {
  const directory = join(folder, name)
  if (!protocols().includes(name)) throw new BadData({ file: directory, message: "no such protocol" })
  const protocol = read(join(directory, "protocol.json"), decodeProtocol)
  const scenarios = readdirSync(directory)
    .filter((file) => file.endsWith(".json") && !own.has(file))
    .toSorted()
    .flatMap((file) => read(join(directory, file), decodeFile).scenarios)
  return { protocol, scenarios }
}

const depth = 32

/** The template with shapes put in and the profile chosen; `self.` names become the actor's. */
export const expand = (
  template: Json,
  protocol: Protocol,
  profile: Profile,
  self: string | undefined,
  level = 0
): Json => {
  const again = (value: Json) => expand(value, protocol, profile, self, level + 1)
  if (level > depth) throw new BadData({ file: protocol.protocol, message: "shapes are nested too deep" })
  if (typeof template === "string") return self === undefined ? template : template.replaceAll("self.", `${self}.`)
  if (isArray(template)) return template.map(again)
  if (!isObject(template)) return template
  const chosen = template["$profile"]
  if (isObject(chosen)) return again(chosen[profile] ?? null)
  const shape = template["$shape"]
  if (typeof shape !== "string") {
    return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, again(value)]))
  }
  const base = protocol.shapes[shape]
  if (base === undefined) throw new BadData({ file: protocol.protocol, message: `no shape ${shape}` })
  const over = template["with"]
  const merged: Json = isObject(base) && isObject(over) ? merge(base, over) : base
  return again(merged)
}

/** A shape inside a shape is laid open here, so that `with` reaches the fields of either. */
const merge = (base: JsonObject, over: JsonObject): JsonObject =>
  typeof base["$shape"] === "string"
    ? { ...base, with: merge(isObject(base["with"]) ? base["with"] : {}, over) }
    : { ...base, ...over }

/** The steps of a routine, acted by `self`. */
export const routine = (protocol: Protocol, name: string, profile: Profile, self: string): ReadonlyArray<Step> => {
  const steps = protocol.routines[name]
  if (steps === undefined) throw new BadData({ file: protocol.protocol, message: `no routine ${name}` })
  return steps.map((step) => decodeStep(Object.assign({}, expand(step, protocol, profile, self), { by: self })))
}

/** How the protocol is reached unless it is said otherwise. */
export const usualTransport = ({ barrier }: Protocol): Transport => (barrier === undefined ? "http" : "ws")

/** Whether a scenario can be played over this transport in this profile. */
export const applies = (scenario: Scenario, transport: Transport, profile: Profile): boolean =>
  (scenario.transports ?? [transport]).includes(transport) && (scenario.profiles ?? [profile]).includes(profile)

/** A glob over ids: `*` within one part, `**` across parts, `?` one character; without a wildcard the whole id. */
export const glob = (pattern: string): ((id: string) => boolean) => {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("**", "\u0000")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]")
    .replaceAll("\u0000", ".*")
  const expression = new RegExp(`^${source}$`)
  return (id) => expression.test(id)
}
