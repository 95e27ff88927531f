/** All wire mutants. */
import { frameMutants } from "./FrameMutants.ts"
import { pushMutants } from "./PushMutants.ts"
import { refusalMutants } from "./RefusalMutants.ts"
import { sweeping } from "./Sweeping.ts"
import type { WireMutant } from "./WireMutant.ts"

/** Mutants whose checks are named one by one. */
export const particular: ReadonlyArray<WireMutant> = [...pushMutants, ...frameMutants, ...refusalMutants]

export const wireMutants: ReadonlyArray<WireMutant> = [...sweeping, ...particular]
