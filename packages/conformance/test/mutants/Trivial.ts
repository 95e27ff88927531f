/** Checks that no server can fail, which is said of them wherever checks are counted. */
import { isObject } from "../../src/Json.ts"
import { reads } from "../../src/Scope.ts"
import type { Check } from "./Taken.ts"

export const reasons = {
  wire: "`wire` of a scenario over HTTP: it judges frames, and there are none",
  setup: "`setup` of a scenario without actors: nothing is prepared",
  made: "a value that the kit makes for itself: nothing of the server is in it"
} as const

/** Why a check cannot fail; nothing where it can. */
export const trivial = ({ id, scenario, step }: Check): keyof typeof reasons | undefined => {
  const connects = scenario.steps.some((one) => "connect" in one)
  const enters = scenario.actors.length + (scenario.away?.length ?? 0) > 0
  if (id.endsWith("#wire")) return id.startsWith("xuanxuan/") && (connects || enters) ? undefined : "wire"
  if (id.endsWith("#setup")) return connects || enters ? undefined : "setup"
  return step !== undefined && "that" in step && isObject(step.that) && reads(step.that).size === 0 ? "made" : undefined
}
