/** Prints `requirements/mutants.txt`. */
import type { MutantFile } from "../../src/requirements/Mutants.ts"

/** The longest line, in characters. */
const lineLength = 150

const linesOf = (check: string, items: ReadonlyArray<string>): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const item of items) {
    const last = lines.at(-1)
    if (last === undefined) lines.push(`  ${item}`)
    else if (last.length + item.length + 2 > lineLength) lines.splice(-1, 1, `${last},`, `    ${item}`)
    else lines[lines.length - 1] = `${last}, ${item}`
  }
  return [check, ...lines]
}

/** The table with the mutants of each check together. */
export const printMutants = ({ mutants, notDetectable }: MutantFile): string => {
  const byCheck = new Map<string, Array<string>>()
  for (const { check, requirement, mutation } of mutants) {
    const item = `${requirement.slice(requirement.indexOf(".") + 1)} ${mutation}`
    byCheck.set(check, [...(byCheck.get(check) ?? []), item])
  }
  return [
    ...Array.from(byCheck, ([check, items]) => linesOf(check, items).join("\n")),
    "",
    ...notDetectable.map(({ requirement, reason }) => `not-detectable ${requirement} | ${reason}`),
    ""
  ].join("\n")
}
