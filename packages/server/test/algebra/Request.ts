/**
 * A request that a protocol offers for one operation, and what the rules say to it. Nothing else decides what is expected.
 */
import { UserId } from "@parley/core/Ids"
import { type Operation, refusal } from "@parley/core/rules/Operations"
import { reachable } from "@parley/core/rules/AppScope"
import type { Facts } from "@parley/core/rules/Rule"
import { Effect } from "effect"
import type { Cast } from "./actors.ts"
import type { Place } from "./Scene.ts"

export type Protocol = "xuanxuan" | "spark" | "hisihi" | "ha" | "youdu"

/** `hidden` is refused as if the chat did not exist. */
export type Outcome = "allowed" | "refused" | "hidden"

export interface Trial {
  readonly cast: Cast
  readonly place: Place
  /** Asks without saying who it is, through a protocol that lets it. */
  readonly isNobody?: boolean
}

export type Changes = (trial: Trial, allows: (operation: Operation) => boolean) => boolean

export interface Request {
  readonly protocol: Protocol
  readonly operation: Operation
  /** As the page names it. */
  readonly description: string
  /** An operation whose rules are asked beside: what the protocol can do at all, which is a declared difference. */
  readonly beside?: Operation
  /** The chats that the request can be about, where these are not all. */
  readonly about?: (place: Place) => boolean
  /** Whether others see something else afterwards, where it is allowed. */
  readonly changes: Changes
  /** What is answered where the rules allow the operation, but not with whom it is about here. */
  readonly otherwise?: Outcome
  /** It refuses in the same words whatever for. */
  readonly alike?: true
  readonly prepare?: (trial: Trial) => Effect.Effect<void>
  readonly ask: (trial: Trial) => Effect.Effect<Outcome>
}

export const factsOf = ({ place, isNobody }: Trial, protocol: Protocol): Facts => {
  const { actor, facts: chat } = place
  return isNobody === true
    ? { user: { id: UserId(0), admin: false }, via: protocol, chat }
    : { user: { id: UserId(actor.id), admin: actor.admin }, chat }
}

/** What the rules say, which is all that any protocol may answer. */
export const expected = (request: Request, trial: Trial): Outcome => {
  const { protocol, operation, beside, alike, otherwise } = request
  const facts = factsOf(trial, protocol)
  const { chat } = facts
  // An application's request: first whether it reaches the group, then what the user may do for whom it acts.
  if (protocol === "youdu" && reachable.check({ scope: "everywhere", chat, members: [] }) !== undefined) return "hidden"
  const refused = (beside === undefined ? undefined : refusal(beside, facts)) ?? refusal(operation, facts)
  if (refused === undefined) return otherwise ?? "allowed"
  const isHidden = refused.reason._tag === "NoSuchChat" && protocol !== "youdu" && alike !== true
  return isHidden ? "hidden" : "refused"
}

/** Fails on what is neither: a request that was badly made proves nothing. */
export const read = (answer: unknown, allowed: boolean, refused: boolean, hidden: boolean): Effect.Effect<Outcome> =>
  allowed
    ? Effect.succeed("allowed")
    : refused
      ? Effect.succeed("refused")
      : hidden
        ? Effect.succeed("hidden")
        : Effect.die(new Error(`neither allowed nor refused: ${JSON.stringify(answer)}`))

/** A method or path as code, and what is said of it as it is. */
export const named = (words: string): string => words.replace(/^((?:[A-Z]+ )?\S+?)(?=,? |,?$)/, "`$1`")

export const always: Changes = () => true
export const never: Changes = () => false
