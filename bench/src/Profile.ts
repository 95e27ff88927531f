/** Where our server's time went: the functions at the top of its CPU profiles, within the measured time. */
import { readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import type { Run } from "./Rounds.ts"

interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly children?: ReadonlyArray<number>
  }>
  /** Microseconds of the machine's monotonic clock. */
  readonly startTime: number
  readonly samples: ReadonlyArray<number>
  readonly timeDeltas: ReadonlyArray<number>
}

export interface Share {
  readonly name: string
  /** The function itself, of all time that was not idle. */
  readonly self: number
  /** With all that it called. */
  readonly whole: number
}

const IDLE = new Set(["(idle)", "(root)"])

/** Time by function, largest self time first; idle time is left out. */
export const shares = (profile: CpuProfile, { from, to }: Pick<Run, "from" | "to">): ReadonlyArray<Share> => {
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const name = functionName === "" ? "(anonymous)" : functionName
      return [id, url === "" ? name : `${name} ${basename(url)}:${lineNumber + 1}`]
    })
  )
  const callers = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const))
  )
  const took = new Map<number, number>()
  let time = profile.startTime
  for (const [index, sample] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] ?? 0
    time += delta
    if (time >= from && time <= to && !IDLE.has(names.get(sample) ?? ""))
      took.set(sample, (took.get(sample) ?? 0) + delta)
  }
  const self = new Map<string, number>()
  const whole = new Map<string, number>()
  let total = 0
  const add = (to: Map<string, number>, name: string, delta: number): void =>
    void to.set(name, (to.get(name) ?? 0) + delta)
  for (const [sample, delta] of took) {
    total += delta
    add(self, names.get(sample) ?? "", delta)
    // A function that calls itself is counted once.
    const stack = new Set<string>()
    for (let id: number | undefined = sample; id !== undefined; id = callers.get(id)) stack.add(names.get(id) ?? "")
    for (const name of stack) if (!IDLE.has(name)) add(whole, name, delta)
  }
  return Array.from(whole, ([name, delta]) => ({
    name,
    self: (self.get(name) ?? 0) / total,
    whole: delta / total
  })).sort((a, b) => b.self - a.self || b.whole - a.whole)
}

/** The first lines of each profile in a folder, as text. Workers have a profile of their own. */
export const summary = (folder: string, run: Run, lines: number): string =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".cpuprofile"))
    .map((file) => {
      const profile = JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile
      const all = shares(profile, run)
      const line = ({ name, self, whole }: Share): string =>
        `  ${(self * 100).toFixed(1).padStart(5)} % ${(whole * 100).toFixed(1).padStart(5)} %  ${name}`
      return [
        `${join(folder, file)}: the function itself, with what it calls`,
        ...all.slice(0, lines).map(line),
        "the largest with what they call",
        ...all
          .toSorted((a, b) => b.whole - a.whole)
          .slice(0, lines)
          .map(line)
      ].join("\n")
    })
    .join("\n")
