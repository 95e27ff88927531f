/** All mutants on the wire. */
import { frameMutants } from "./FrameMutants.ts"
import { pushMutants } from "./PushMutants.ts"
import { refusalMutants } from "./RefusalMutants.ts"
import { sweeping } from "./Sweeping.ts"
import type { WireMutant } from "./WireMutant.ts"

/** Those that are found by some checks, which are named one by one. */
export const particular: ReadonlyArray<WireMutant> = [...pushMutants, ...frameMutants, ...refusalMutants]

export const wireMutants: ReadonlyArray<WireMutant> = [...sweeping, ...particular]
