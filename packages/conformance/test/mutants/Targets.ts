/** The one message that a check is about: by its user, its method and its turn among those alike in the scenario. */
import { isArray, isObject, type Json } from "../../src/Json.ts"
import { rolesOf } from "../../src/run/scenario.ts"
import type { Step } from "../../src/scenarios/Scenario.ts"
import { wayOf } from "./MutantRunner.ts"
import { aboutOf } from "./Mutant.ts"
import { type Check, checkOf } from "./takenIds.ts"

export type Target =
  /** `turn` counts the requests over HTTP. */
  | { readonly way: "http"; readonly turn: number }
  /** `turn` counts this user's requests of the method, whose reply the check is about; without it, all of them. */
  | { readonly way: "reply"; readonly account: string; readonly about: string; readonly turn?: number }
  | { readonly way: "push"; readonly account: string; readonly about: ReadonlyArray<string> }

/** Requests of one user that have no reply yet, and how many of each method there were. */
class Requests {
  private readonly counts = new Map<string, number>()
  private open: ReadonlyArray<{ readonly about: string; readonly turn: number }> = []

  add(about: string): void {
    const turn = this.counts.get(about) ?? 0
    this.counts.set(about, turn + 1)
    this.open = [...this.open, { about, turn }]
  }

  take(about?: string): { readonly about: string; readonly turn: number } | undefined {
    const found = about === undefined ? this.open[0] : this.open.find((one) => one.about === about)
    this.open = this.open.filter((one) => one !== found)
    return found
  }

  clear(): void {
    this.open = []
  }
}

const requestsIn = (frame: Json): ReadonlyArray<string> =>
  (isArray(frame) ? frame : [frame]).filter(isObject).map(aboutOf)

const countOf = (step: Step): number => ("http" in step ? (step.times ?? 1) : 0)

class Walk {
  private readonly users = new Map<string, Requests>()
  private answers = 0

  of(actor: string): Requests {
    const known = this.users.get(actor) ?? new Requests()
    this.users.set(actor, known)
    return known
  }

  /** A login or logout by a routine, whose reply is taken. */
  routine(actor: string, about: string): void {
    this.of(actor).clear()
    this.of(actor).add(about)
    this.of(actor).clear()
  }

  /** The turn of a step's message; `undefined` if the step takes none of its own. */
  step(step: Step): { readonly about: string; readonly turn: number } | undefined {
    const mine = this.of(step.by)
    if ("connect" in step) mine.clear()
    else if ("use" in step) this.routine(step.by, step.use === "leave" ? "chat/logout" : "chat/login")
    else if ("send" in step && !("until" in step)) for (const about of requestsIn(step.send)) mine.add(about)
    else if ("reply" in step)
      return mine.take(step.to === undefined || step.to.module === "" ? undefined : aboutOf({ ...step.to }))
    else if ("http" in step) {
      const turn = this.answers
      this.answers += countOf(step)
      return { about: "", turn }
    }
    return undefined
  }
}

/** The message that a check is about. Throws for a check that is about none or about several. */
export const targetOf = (id: string): Target => {
  const { scenario, step, taken }: Check = checkOf(id)
  const account = rolesOf(scenario)[step?.by ?? ""] ?? ""
  if (taken.way === "push") return { way: "push", account, about: taken.about }
  if (step !== undefined && "until" in step) {
    const [about = ""] = requestsIn(step.send)
    return { way: "reply", account, about }
  }
  const wire = wayOf(scenario).wire ?? "documented"
  const walk = new Walk()
  for (const name of scenario.away ?? []) {
    walk.routine(name, "chat/login")
    walk.routine(name, "chat/logout")
  }
  for (const name of scenario.actors) {
    walk.routine(name, "chat/login")
    // The barrier after the logins.
    walk.routine(name, "chat/getpubliclist")
  }
  for (const one of scenario.steps) {
    if (one.profiles !== undefined && !one.profiles.includes(wire)) continue
    const found = walk.step(one)
    if (one !== step || found === undefined) continue
    return found.about === "" ? { way: "http", turn: found.turn } : { way: "reply", account, ...found }
  }
  throw new Error(`${id} is about no single message`)
}
