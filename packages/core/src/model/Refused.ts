/** Refusals of commands and their reasons, in the engine's terms. */
import * as Data from "effect/Data"

/** Reason of a refusal, discriminated by `_tag`. Each protocol maps it to its own error. */
export type Reason =
  /** The caller is not logged in, or the session has ended. */
  | { readonly _tag: "NotLoggedIn" }
  /** The account does not exist, or the password does not match; the reply never distinguishes the two. */
  | { readonly _tag: "WrongPassword" }
  /** Logins of the account or the address have failed too often; the next one is accepted after this time. */
  | { readonly _tag: "TooManyAttempts"; readonly retryAfterSeconds: number }
  /**
   * A rate or concurrency limit was exceeded, by default of requests; nothing was done. `messages`: of the user's
   * messages in all chats; `slow mode`: of their messages in this chat.
   */
  | { readonly _tag: "RateLimited"; readonly retryAfterSeconds: number; readonly of?: "messages" | "slow mode" }
  /** The chat does not exist, or is private and the caller is not a member; the reply never distinguishes the two. */
  | { readonly _tag: "NoSuchChat" }
  /** By id or account, as the caller named them. */
  | { readonly _tag: "NoSuchUsers"; readonly users: ReadonlyArray<string> }
  | { readonly _tag: "NoSuchMessage" }
  | { readonly _tag: "NoSuchFile" }
  | { readonly _tag: "NotMember" }
  /** Restricted to the callers in `requires`. */
  | {
      readonly _tag: "Forbidden"
      readonly requires: "admins" | "the owner" | "system administrators" | "the sender" | "oneself"
    }
  /** The chat's senders do not include the caller. */
  | { readonly _tag: "SendForbidden" }
  | { readonly _tag: "NotPublic" }
  /** The operation is not for chats of this type. */
  | { readonly _tag: "WrongChatType"; readonly needs: string }
  /** Admins have blocked these users, by account, or without `users` the caller, from the chat. */
  | { readonly _tag: "Blocked"; readonly users?: ReadonlyArray<string> }
  | { readonly _tag: "CannotRemoveOwner" }
  /** Users whom the command names and who are not members, by id. */
  | { readonly _tag: "TargetsNotMembers"; readonly users: ReadonlyArray<string> }
  /** The gid belongs to another chat or message. */
  | { readonly _tag: "GidTaken"; readonly gid: string }
  /** Another user has the account. */
  | { readonly _tag: "AccountTaken"; readonly account: string }
  /** A protocol's record that must be new exists already, or one has changed since it was read. */
  | { readonly _tag: "RecordTaken"; readonly key: string }
  | { readonly _tag: "Recalled" }
  /** `field` in the engine's terms; `problem` completes a sentence after it: "must be …". */
  | { readonly _tag: "Invalid"; readonly field: string; readonly problem: string }
  /** Conflicting changes exhausted the retries. The command had no effect and may be retried. */
  | { readonly _tag: "Busy" }
  /** The refused messages of a request; none of its messages was stored. */
  | { readonly _tag: "MessagesRefused"; readonly refusals: ReadonlyArray<MessageRefusal> }
  /** The storage does not respond. The command may or may not have taken effect; it is safe to retry. */
  | { readonly _tag: "Unavailable" }
  /** Refused by an embedder's own rule: `code` for programs, if any; `message` for people. */
  | { readonly _tag: "Rejected"; readonly code?: string; readonly message: string }

/** Refusal of one message of a request. */
export interface MessageRefusal {
  /** Index of the message in the request, from 0. */
  readonly index: number
  /** Reason of its refusal. */
  readonly reason: Reason
}

/** A command was refused; nothing was changed. */
export class Refused extends Data.TaggedError("Refused")<{
  /** Reason of the refusal. */
  readonly reason: Reason
}> {
  override get message(): string {
    return this.reason._tag
  }
}

/** Returns the error, to be yielded in an effect. */
export const refuse = (reason: Reason): Refused => new Refused({ reason })
