/** Histories of fixed seeds, of which each runs twice alike, and some of fresh seeds. More: `pnpm simulate`. */
import { expect, it } from "vitest"
import { repetitions } from "../../scripts/repetitions.ts"
import { run } from "../src/run.ts"

const SEEDS = repetitions(600, 60)
const TWICE = repetitions(60, 6)
const FRESH = repetitions(200, 20)

it(`${SEEDS} histories break no promise`, { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= SEEDS; seed++)
    expect({ seed, broken: (await run(seed)).broken }).toEqual({ seed, broken: [] })
})

it(`${TWICE} seeds give the same history twice`, { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= TWICE; seed++) expect((await run(seed)).trace).toEqual((await run(seed)).trace)
})

const first = 1_000_000 + Math.floor(Math.random() * 1_000_000_000)
it(`${FRESH} fresh seeds break no promise`, { timeout: 300_000 }, async () => {
  process.stdout.write(`the first fresh seed is ${first}\n`)
  for (let seed = first; seed < first + FRESH; seed++) {
    expect({ seed, broken: (await run(seed)).broken }).toEqual({ seed, broken: [] })
  }
})
