/**
 * An embedder's own rules and records, as a port: asked before each command, told after it, whichever protocol or API it
 * came by; a user who is added, locked out or given a password is one too.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Command } from "../model/Command.ts"
import type { Caller } from "../model/Event.ts"
import type { Reason } from "../model/Refused.ts"
import type { User, UserChange } from "../model/User.ts"

/** What an operator or an embedder does with users. Passwords are never shown to hooks. */
export type UserCommand =
  | { readonly _tag: "AddUsers"; readonly accounts: ReadonlyArray<string> }
  | { readonly _tag: "ChangeUser"; readonly account: string; readonly change: Omit<UserChange, "password" | "account"> }
  | { readonly _tag: "SetPassword"; readonly account: string }
  | { readonly _tag: "RemoveUser"; readonly account: string }

export type HookedCommand = Command | UserCommand

export interface HookContext {
  /** Who asks; undefined for a command about users, which an operator or the embedder gave. */
  readonly caller: Caller | undefined
  /** The user who asks; undefined for nobody in particular, and where there is no caller. */
  readonly user: User | undefined
}

/** What is to become of a command; undefined lets it be. */
export type Verdict =
  | undefined
  /** It is refused with `Vetoed`: `code` for programs, `message` for people, both shown to the client. */
  | { readonly _tag: "Veto"; readonly code?: string; readonly message: string }
  /**
   * Messages get other contents, by their place in `SendMessages`; undefined leaves one as it is. They are checked as any
   * content is. A message that is sent again is amended again, and must come out the same: else it is refused with
   * `GidTaken`. On any other command it does nothing.
   */
  | { readonly _tag: "Amend"; readonly contents: ReadonlyArray<string | undefined> }

/** What came of a command. */
export type Result =
  /** It is stored. `reply` is what the command answers. */
  { readonly _tag: "Done"; readonly reply: unknown } | { readonly _tag: "Refused"; readonly reason: Reason }

export interface Hooks {
  /**
   * Asked before the command is decided on; the engine's own rules still follow. What it fails with is logged, and the
   * command is refused with `Unavailable`, as it is after `timeout`.
   */
  readonly before?: (command: HookedCommand, context: HookContext) => Effect.Effect<Verdict, unknown>
  /**
   * Told after the command was committed or refused, one command after the other in the order in which they ended. It
   * delays nobody: up to 10,000 wait for their turn, and what comes then is dropped and logged. What it fails with is
   * logged.
   */
  readonly after?: (command: HookedCommand, result: Result, context: HookContext) => Effect.Effect<void, unknown>
  /** Milliseconds that one call may take; 5,000 by default. */
  readonly timeout?: number
}

/** The hooks in use; by default there are none. */
export const Hooks: Context.Reference<Hooks> = Context.Reference<Hooks>("@parley/core/Hooks", {
  defaultValue: () => ({})
})
