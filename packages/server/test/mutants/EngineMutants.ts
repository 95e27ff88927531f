/** All mutants of the engine. */
import { deliveryMutants } from "./DeliveryMutants.ts"
import type { EngineMutant } from "./EngineMutant.ts"
import { ruleMutants } from "./RuleMutants.ts"

export const engineMutants: ReadonlyArray<EngineMutant> = [...ruleMutants, ...deliveryMutants]
