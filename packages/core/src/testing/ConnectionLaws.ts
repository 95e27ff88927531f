/**
 * Laws of `Connection`: one for each sentence of the port. Run each with a harness that opens real connections; a law
 * fails with `LawBroken`, or does not end.
 */
import { deliveryLaws } from "./ConnectionLaws/DeliveryLaws.ts"
import { flowControlLaws } from "./ConnectionLaws/FlowControlLaws.ts"
import { inputLaws } from "./ConnectionLaws/InputLaws.ts"
import type { ConnectionLaw } from "./ConnectionLaws/Law.ts"

export type { ConnectionLaw }

/** The laws of `Connection`, for any test runner. */
export const connectionLaws: ReadonlyArray<ConnectionLaw> = [...deliveryLaws, ...flowControlLaws, ...inputLaws]
