/**
 * Every answer: `{code, msg, data}`, with 0 and 成功, or 1, 不成功, `data` null and the reason in `error`.
 * Source: seeds/003, "返回"; PROTOCOLS, "ha".
 */
import type { Reason } from "@parley/core/Refused"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { retryAfter } from "../RetryAfter.ts"

type Response = HttpServerResponse.HttpServerResponse

/** `data` has its fields in the documented order. */
export const success = (data: unknown): Response => HttpServerResponse.jsonUnsafe({ code: 0, msg: "成功", data })

/** `error` is a sentence. */
export const failure = (status: number, error: string, headers: Readonly<Record<string, string>> = {}): Response =>
  HttpServerResponse.jsonUnsafe({ code: 1, msg: "不成功", data: null, error }, { status, headers })

/** Of several messages this protocol sends one. */
const single = (reason: Reason): Reason =>
  reason._tag === "MessagesRefused" ? (reason.refusals[0]?.reason ?? reason) : reason

/** A conversation of others, a group and an unknown id answer alike. */
const STATUS: Partial<Record<Reason["_tag"], number>> = {
  NotLoggedIn: 401,
  WrongPassword: 401,
  NoSuchChat: 404,
  NoSuchUsers: 404,
  NoSuchMessage: 404,
  NotMember: 404,
  WrongChatType: 404,
  Only: 403,
  MayNotSpeak: 403,
  Vetoed: 403,
  TooManyAttempts: 429,
  RateLimited: 429,
  Busy: 503,
  Unavailable: 503
}

export const refused = (given: Reason): Response => {
  const reason = single(given)
  return failure(STATUS[reason._tag] ?? 400, sentence(reason), retryAfter(reason))
}

const sentence = (reason: Reason): string => {
  switch (reason._tag) {
    case "NotLoggedIn":
      return "X-HA-Session is missing or has ended."
    case "NoSuchChat":
    case "NotMember":
    case "WrongChatType":
      return "conversationid: there is no such conversation."
    case "NoSuchUsers":
      return "passiveuser: there is no such user."
    case "NoSuchMessage":
      return "messagekey: there is no such message."
    case "Only":
      return `Only ${reason.who} may do this.`
    case "MayNotSpeak":
      return "You may not send to this conversation."
    case "Recalled":
      return "The message was deleted."
    case "Invalid":
      return `${reason.field} ${reason.problem}.`
    case "Busy":
      return "Others are changing the same; please try again."
    case "Unavailable":
      return "The storage does not answer."
    case "TooManyAttempts":
    case "RateLimited":
      return `Too many requests; retry in ${reason.retryAfterSeconds} seconds.`
    case "Vetoed":
      return reason.message
    default:
      return "The request was refused."
  }
}
