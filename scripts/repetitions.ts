/** Repetitions of tests: few in `npx pnpm test`, all in `npx pnpm test:full`. In no package, because all of them use it. */

/** Whether this is `npx pnpm test:full`. */
export const isFull = process.env["TEST_REPETITIONS"] === "full"

/** A number of rounds, runs, users or messages: `full` in `npx pnpm test:full`, `quick` in `npx pnpm test`. */
export const repetitions = (full: number, quick: number): number => (isFull ? full : quick)

/** The cases of one kind: all in `npx pnpm test:full`, one of `every` in `npx pnpm test`, others with each `turn`. */
export const share = <A>(cases: ReadonlyArray<A>, every: number, turn = 0): ReadonlyArray<A> =>
  isFull ? cases : cases.filter((_, index) => (index + turn) % every === 0)
