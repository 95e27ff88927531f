/**
 * Encodes responses: `{code, msg, data}`, with 0 and 成功, or 1, 不成功, `data` null and the reason in `error`.
 * Source: seeds/003, "返回"; PROTOCOLS, "ha".
 */
import { describeReason, type ReasonWords, soleReason } from "@parley/core/describeReason"
import type { Reason } from "@parley/core/Refused"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { EncodedJson, listBetween } from "../_http/jsonList.ts"
import { retryAfter } from "../_http/retryAfter.ts"

type Response = HttpServerResponse.HttpServerResponse

/** `data` must have its fields in the documented order. */
export const success = (data: unknown): Response =>
  data instanceof EncodedJson
    ? HttpServerResponse.uint8Array(listBetween('{"code":0,"msg":"成功","data":', [data.bytes], "}").bytes, {
        contentType: "application/json"
      })
    : HttpServerResponse.jsonUnsafe({ code: 0, msg: "成功", data })

/** `error` must be a sentence. */
export const failure = (status: number, error: string, headers: Readonly<Record<string, string>> = {}): Response =>
  HttpServerResponse.jsonUnsafe({ code: 1, msg: "不成功", data: null, error }, { status, headers })

/** Other users' conversations, groups and unknown ids have the same status. */
const STATUS: Partial<Record<Reason["_tag"], number>> = {
  NotLoggedIn: 401,
  WrongPassword: 401,
  NoSuchChat: 404,
  NoSuchUsers: 404,
  NoSuchMessage: 404,
  NotMember: 404,
  WrongChatType: 404,
  Forbidden: 403,
  SendForbidden: 403,
  Rejected: 403,
  TooManyAttempts: 429,
  RateLimited: 429,
  Busy: 503,
  Unavailable: 503
}

/** One sentence for all conversations that are not the caller's. */
const NO_CONVERSATION = "conversationid: there is no such conversation."

const WORDS: ReasonWords = {
  noun: "conversation",
  sentences: {
    NotLoggedIn: "X-HA-Session is missing or has ended.",
    NoSuchChat: NO_CONVERSATION,
    NotMember: NO_CONVERSATION,
    WrongChatType: NO_CONVERSATION,
    NoSuchUsers: "passiveuser: there is no such user.",
    NoSuchMessage: "messagekey: there is no such message.",
    SendForbidden: "You may not send to this conversation.",
    Recalled: "The message was deleted."
  }
}

export const refused = (refusal: Reason): Response => {
  const reason = soleReason(refusal)
  return failure(STATUS[reason._tag] ?? 400, describeReason(reason, WORDS), retryAfter(reason))
}
