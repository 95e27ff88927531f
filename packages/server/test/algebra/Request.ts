/**
 * A protocol's request for one operation, and the rules' decision. The expectation comes from the rules only.
 */
import { UserId } from "@parley/core/Ids"
import { type Operation, refusal } from "@parley/core/rules/Operations"
import { reachable } from "@parley/core/rules/AppScope"
import type { Facts } from "@parley/core/rules/Rule"
import { Effect } from "effect"
import type { Actors } from "./actors.ts"
import type { TestChat } from "./ChatCase.ts"

export type Protocol = "xuanxuan" | "spark" | "hisihi" | "ha" | "youdu" | "rtm"

/** `hidden`: refused as if the chat did not exist. */
export type Outcome = "allowed" | "refused" | "hidden"

export interface Trial {
  readonly actors: Actors
  readonly target: TestChat
  /** Anonymous, through a protocol that allows it. */
  readonly isAnonymous?: boolean
}

export type Changes = (trial: Trial, allows: (operation: Operation) => boolean) => boolean

export interface Request {
  readonly protocol: Protocol
  readonly operation: Operation
  /** Description in the page. */
  readonly description: string
  /** Operation whose rules apply in addition: a restriction of the protocol, which is a declared difference. */
  readonly beside?: Operation
  /** Whether the request is possible for a chat; absent if it always is. */
  readonly about?: (target: TestChat) => boolean
  /** Whether the chat changes for others if the request is allowed. */
  readonly changes: Changes
  /** Outcome if the rules allow the operation, but not with its target here. */
  readonly otherwise?: Outcome
  /** All its refusals have the same error. */
  readonly alike?: true
  readonly prepare?: (trial: Trial) => Effect.Effect<void>
  readonly ask: (trial: Trial) => Effect.Effect<Outcome>
}

export const factsOf = ({ target, isAnonymous }: Trial, protocol: Protocol): Facts => {
  const { actor, facts: chat } = target
  return isAnonymous === true
    ? { user: { id: UserId(0), admin: false }, via: protocol, chat }
    : { user: { id: UserId(actor.id), admin: actor.admin }, chat }
}

/** Returns the rules' decision, which every protocol must follow. */
export const expected = (request: Request, trial: Trial): Outcome => {
  const { protocol, operation, beside, alike, otherwise } = request
  const facts = factsOf(trial, protocol)
  const { chat } = facts
  // An application's request: first whether it reaches the group, then the rights of the user for whom it acts.
  if (protocol === "youdu" && reachable.check({ scope: "everywhere", chat, members: [] }) !== undefined) return "hidden"
  const refused = (beside === undefined ? undefined : refusal(beside, facts)) ?? refusal(operation, facts)
  if (refused === undefined) return otherwise ?? "allowed"
  const isHidden = refused.reason._tag === "NoSuchChat" && protocol !== "youdu" && alike !== true
  return isHidden ? "hidden" : "refused"
}

/** Returns the outcome; fails for any other answer, since a malformed request proves nothing. */
export const read = (answer: unknown, allowed: boolean, refused: boolean, hidden: boolean): Effect.Effect<Outcome> =>
  allowed
    ? Effect.succeed("allowed")
    : refused
      ? Effect.succeed("refused")
      : hidden
        ? Effect.succeed("hidden")
        : Effect.die(new Error(`neither allowed nor refused: ${JSON.stringify(answer)}`))

/** Formats the method or path as code, followed by its description. */
export const named = (words: string): string => words.replace(/^((?:[A-Z]+ )?\S+?)(?=,? |,?$)/, "`$1`")

export const always: Changes = () => true
export const never: Changes = () => false
