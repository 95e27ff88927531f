/**
 * Preloaded by a server (`node --import`): adds every mutant's changes to modules when they are loaded, beside the original
 * code. The parent's last message selects the active mutant; at first none is active.
 */
import { registerHooks } from "node:module"
import type { Change } from "./EngineMutant.ts"
import { engineMutants } from "./EngineMutants.ts"

interface MutantChange extends Change {
  readonly mutant: string
}

const mutantChanges: ReadonlyArray<MutantChange> = engineMutants.flatMap(({ name, changes }) =>
  changes.map((change) => ({ ...change, mutant: name }))
)

const packages = new URL("../../../", import.meta.url).href

/** Whether a semicolon is needed: without one, a line that begins with a bracket continues the line before. */
const isStatementAfter = (before: string): boolean => /[\w)\]}"'`]\s*\n\s*$/.test(before)

const changed = (source: string, here: ReadonlyArray<MutantChange>): string =>
  Object.entries(Object.groupBy(here, ({ from }) => from)).reduce((text, [from, several = []]) => {
    const parts = text.split(from)
    const times = several[0]?.times ?? 1
    if (parts.length !== times + 1) {
      const names = several.map(({ mutant }) => mutant).join(", ")
      throw new Error(`${names}: ${several[0]?.module} has this ${parts.length - 1} times, not ${times}: ${from}`)
    }
    const ways = several.map(({ mutant, to }) => `globalThis.parleyMutant === ${JSON.stringify(mutant)} ? (${to}) : `)
    const either = `(${ways.join("")}(${from}))`
    return parts.reduce((before, after) => `${before}${isStatementAfter(before) ? ";" : ""}${either}${after}`)
  }, source)

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    const here = mutantChanges.filter(({ module }) => url === `${packages}${module}`)
    if (here.length === 0 || loaded.source === undefined || loaded.source === null) return loaded
    const source = typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source)
    return { ...loaded, source: changed(source, here) }
  }
})

process.on("message", (mutant) => {
  if (typeof mutant !== "string") return
  Object.assign(globalThis, { parleyMutant: mutant })
  process.send?.(mutant)
})
