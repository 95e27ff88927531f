/** Histories of fixed seeds, some of which run twice alike. More, of other seeds: `pnpm simulate`. */
import { expect, it } from "vitest"
import { repetitions } from "../../scripts/repetitions.ts"
import { run } from "../src/run.ts"

const SEEDS = repetitions(600, 60)
const TWICE = repetitions(60, 6)

it(`${SEEDS} histories break no promise`, { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= SEEDS; seed++)
    expect({ seed, broken: (await run(seed)).broken }).toEqual({ seed, broken: [] })
})

it(`${TWICE} seeds give the same history twice`, { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= TWICE; seed++) expect((await run(seed)).trace).toEqual((await run(seed)).trace)
})
