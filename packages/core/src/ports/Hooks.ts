/**
 * Port: an embedder's own rules and records. `before` is called before each command and `after` after it, whichever
 * protocol or API it came by; adding, changing and removing users and setting their passwords count as commands.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Command } from "../model/Command.ts"
import type { Caller } from "../model/Event.ts"
import type { Reason } from "../model/Refused.ts"
import type { User, UserChange } from "../model/User.ts"

/** A command about users, given by an operator or an embedder. Passwords are not passed to hooks. */
export type UserCommand =
  /** Adds users with these accounts. */
  | { readonly _tag: "AddUsers"; readonly accounts: ReadonlyArray<string> }
  /** Changes the facts in `change` of the user with this account. */
  | { readonly _tag: "ChangeUser"; readonly account: string; readonly change: Omit<UserChange, "password" | "account"> }
  /** Sets the password of the user with this account. */
  | { readonly _tag: "SetPassword"; readonly account: string }
  /** Removes the user with this account. */
  | { readonly _tag: "RemoveUser"; readonly account: string }

/** A command that hooks are called for. */
export type HookedCommand = Command | UserCommand

/** The caller of a hooked command. */
export interface HookContext {
  /** The caller; undefined for a command about users, which an operator or the embedder gave. */
  readonly caller: Caller | undefined
  /** The calling user; undefined for an application and an anonymous protocol caller, and without a caller. */
  readonly user: User | undefined
}

/** Decision on a command; undefined allows it unchanged. */
export type Verdict =
  | undefined
  /** Refuses the command with `Rejected`: `code` for programs, `message` for people, both shown to the client. */
  | { readonly _tag: "Reject"; readonly code?: string; readonly message: string }
  /**
   * Replaces contents of messages, by index in `SendMessages`, at 0 for `EditMessage` and `SendTransient`; undefined
   * leaves one unchanged. They are validated as any content. A message that is sent again is rewritten again, and must come out the same: otherwise it is refused
   * with `GidTaken`. Without effect on any other command.
   */
  | { readonly _tag: "Rewrite"; readonly contents: ReadonlyArray<string | undefined> }

/** Result of a command. */
export type Result =
  /** The command was committed. `reply` is its reply. */
  | { readonly _tag: "Done"; readonly reply: unknown }
  /** The command was refused with this reason. */
  | { readonly _tag: "Refused"; readonly reason: Reason }

export interface Hooks {
  /**
   * Called before the command is decided on; the engine's own rules still apply. A failure is logged, and the command
   * is refused with `Unavailable`, as it is after `timeout`.
   */
  readonly before?: (command: HookedCommand, context: HookContext) => Effect.Effect<Verdict, unknown>
  /**
   * Called after each command was committed or refused, one at a time, in the order of completion. It delays no
   * request: up to 10,000 calls are queued, and further ones are dropped and logged. Failures are logged.
   */
  readonly after?: (command: HookedCommand, result: Result, context: HookContext) => Effect.Effect<void, unknown>
  /** Timeout of one call in milliseconds; 5,000 by default. */
  readonly timeout?: number
}

/** The hooks in use; by default it has no functions. */
export const Hooks: Context.Reference<Hooks> = Context.Reference<Hooks>("@parley/core/Hooks", {
  defaultValue: () => ({})
})
