/** Why a command is refused: states, in the engine's words. Each protocol says them in its own shape. */
import * as Data from "effect/Data"

export type Reason =
  /** Nobody is logged in, or the session is dead. */
  | { readonly _tag: "NotLoggedIn" }
  /** Account and password do not match, or there is no such account: never said which. */
  | { readonly _tag: "WrongPassword" }
  | { readonly _tag: "TooManyAttempts"; readonly retryAfterSeconds: number }
  /** A rate or concurrency limit was exceeded; nothing was done. */
  | { readonly _tag: "RateLimited"; readonly retryAfterSeconds: number }
  /** No such chat, or a private one that the caller is no member of: never said which. */
  | { readonly _tag: "NoSuchChat" }
  /** Named by id or account, as the caller named them. */
  | { readonly _tag: "NoSuchUsers"; readonly users: ReadonlyArray<string> }
  | { readonly _tag: "NoSuchMessage" }
  | { readonly _tag: "NoSuchFile" }
  | { readonly _tag: "NotMember" }
  /** Only these may. */
  | { readonly _tag: "Forbidden"; readonly requires: "admins" | "system administrators" | "the sender" | "oneself" }
  /** The chat's committers do not include the caller. */
  | { readonly _tag: "SendForbidden" }
  | { readonly _tag: "NotPublic" }
  /** The operation is not for chats of this type. */
  | { readonly _tag: "WrongChatType"; readonly needs: string }
  | { readonly _tag: "CannotRemoveOwner" }
  | { readonly _tag: "TargetsNotMembers"; readonly users: ReadonlyArray<string> }
  /** The gid belongs to something else. */
  | { readonly _tag: "GidTaken"; readonly gid: string }
  | { readonly _tag: "AccountTaken"; readonly account: string }
  /** A protocol's record that must be new is there already, or one has changed since it was read. */
  | { readonly _tag: "RecordTaken"; readonly key: string }
  | { readonly _tag: "Recalled" }
  /** `field` in the engine's words; `problem` in words that follow it: "must be …". */
  | { readonly _tag: "Invalid"; readonly field: string; readonly problem: string }
  /** Changed by others again and again while we decided; nothing was done, and trying again may help. */
  | { readonly _tag: "Busy" }
  /** Of several messages, these; nothing was stored. */
  | { readonly _tag: "MessagesRefused"; readonly refusals: ReadonlyArray<MessageRefusal> }
  /** The storage does not answer; whether it took effect is not known, and sending the same again is safe. */
  | { readonly _tag: "Unavailable" }
  /** An embedder's own rule: `code` for programs, where there is one; `message` for people. */
  | { readonly _tag: "Vetoed"; readonly code?: string; readonly message: string }

export interface MessageRefusal {
  /** Where the message stood in the request, from 0. */
  readonly index: number
  readonly reason: Reason
}

export class Refused extends Data.TaggedError("Refused")<{ readonly reason: Reason }> {
  override get message(): string {
    return this.reason._tag
  }
}

export const refuse = (reason: Reason): Refused => new Refused({ reason })
