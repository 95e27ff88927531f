/** Finds a check by its id. */
import { load, protocols } from "../scenarios/loadScenarios.ts"
import { BadOptions } from "../run/plan.ts"
import { isCheck, type Protocol, type Scenario } from "../scenarios/Scenario.ts"

export interface Located {
  readonly protocol: Protocol
  readonly scenario: Scenario
  /** `undefined` for the whole scenario. */
  readonly check: string | undefined
}

/** The ids with the longest common prefix with the wanted one. */
const nearest = (ids: ReadonlyArray<string>, wanted: string): ReadonlyArray<string> => {
  const shared = (id: string) => {
    let length = 0
    while (length < id.length && id[length] === wanted[length]) length++
    return length
  }
  return ids.toSorted((a, b) => shared(b) - shared(a)).slice(0, 3)
}

/** `<scenario>#<check>` or `<scenario>`. Throws `BadOptions`. */
export const locate = (id: string, sequences: ReadonlyArray<string>): Located => {
  const [path = "", check] = id.split("#")
  const name = path.split("/")[0] ?? ""
  const known = protocols(sequences)
  if (!known.includes(name)) {
    throw new BadOptions({
      message: `${id}: a check is <protocol>/<area>/<slug>#<check>, the protocol one of ${known.join(", ")}`
    })
  }
  const { protocol, scenarios } = load(name, sequences)
  const scenario = scenarios.find((one) => one.id === path)
  if (scenario === undefined) {
    const near = nearest(
      scenarios.map((one) => one.id),
      path
    )
    throw new BadOptions({ message: `unknown scenario ${path}; similar: ${near.join(", ")}` })
  }
  const names = ["setup", ...scenario.steps.flatMap((step) => (isCheck(step) ? [step.check] : [])), "wire", "secrets"]
  if (check !== undefined && !names.includes(check)) {
    throw new BadOptions({ message: `${path} has no check ${check}; it has ${[...new Set(names)].join(", ")}` })
  }
  return { protocol, scenario, check }
}
