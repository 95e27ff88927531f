/** Runs of a property that gives no number of its own: in `npx pnpm test` those of fast-check, five times as many in `npx pnpm test:full`. */
import * as fc from "fast-check"
import { repetitions } from "./repetitions.ts"

fc.configureGlobal({ numRuns: repetitions(500, 100) })
