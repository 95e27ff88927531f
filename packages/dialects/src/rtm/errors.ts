/** Error codes, which the SDKs have names for, and the codes of refusals. */
import { describeReason, soleReason } from "@parley/core/describeReason"
import type { Reason } from "@parley/core/Refused"
import * as Data from "effect/Data"

/** Codes by name. */
export const Code = {
  /** WebSocket code for data that is not of the protocol. */
  invalidFrame: 1007,
  appNotAvailable: 4100,
  signatureFailed: 4102,
  invalidLogin: 4103,
  sessionRequired: 4105,
  loginTimeout: 4108,
  frameTooLong: 4109,
  sessionConflict: 4111,
  sessionTokenExpired: 4112,
  quotaExceeded: 4113,
  kickedByApp: 4115,
  sentTooFast: 4116,
  internalError: 4200,
  conversationFailed: 4301,
  conversationSignatureFailed: 4302,
  conversationNotFound: 4303,
  conversationFull: 4304,
  rejectedByHook: 4305,
  updateFailed: 4306,
  notAllowed: 4308,
  updateRejected: 4309,
  queryFailed: 4310,
  logFailed: 4311,
  logRejected: 4312,
  conversationBlacklisted: 4315,
  membershipRequired: 4317,
  temporaryExpired: 4323,
  invalidTarget: 4401,
  messageRejectedByHook: 4402,
  ownershipRequired: 4403,
  messageNotFound: 4404,
  messageUpdateRejected: 4405,
  ownerPromotionNotAllowed: 5130
} as const

/** The reply to a command that is not carried out. */
export class Failure extends Data.TaggedError("Failure")<{
  readonly code: number
  /** One sentence. */
  readonly reason: string
  /** The connection is closed with the code after the reply, unless it has other clients. */
  readonly closes?: true
}> {}

export const fail = (code: number, reason: string): Failure => new Failure({ code, reason })

/** Failure of a part of the protocol that this server does not have. */
export const unsupported = (what: string): Failure => fail(Code.notAllowed, `This server does not support ${what}.`)

/** Codes by reason; a command may use others. */
export type Codes = Partial<Readonly<Record<Reason["_tag"], number>>>

const CODES: Codes = {
  NotLoggedIn: Code.sessionRequired,
  RateLimited: Code.sentTooFast,
  TooManyAttempts: Code.sentTooFast,
  NoSuchChat: Code.conversationNotFound,
  NoSuchMessage: Code.messageNotFound,
  NotMember: Code.membershipRequired,
  Forbidden: Code.notAllowed,
  SendForbidden: Code.notAllowed,
  TargetsNotMembers: Code.membershipRequired,
  NotPublic: Code.notAllowed,
  WrongChatType: Code.notAllowed,
  Blocked: Code.conversationBlacklisted,
  CannotRemoveOwner: Code.notAllowed,
  Recalled: Code.messageNotFound,
  Rejected: Code.rejectedByHook,
  Busy: Code.internalError,
  Unavailable: Code.internalError
}

const sentence = (reason: Reason): string => describeReason(reason, { noun: "conversation" })

/** Returns the failure of a refused command. */
export const failureOf = (refused: Reason, codes: Codes = {}): Failure => {
  const reason = soleReason(refused)
  const { _tag } = reason
  return fail(codes[_tag] ?? CODES[_tag] ?? Code.conversationFailed, sentence(reason))
}
