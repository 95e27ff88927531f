/** All mutants of the engine. */
import { commandMutants } from "./CommandMutants.ts"
import { deliveryMutants } from "./DeliveryMutants.ts"
import type { EngineMutant } from "./EngineMutant.ts"
import { operationMutants } from "./OperationMutants.ts"
import { ruleMutants } from "./RuleMutants.ts"

export const engineMutants: ReadonlyArray<EngineMutant> = [
  ...ruleMutants,
  ...operationMutants,
  ...commandMutants,
  ...deliveryMutants
]
