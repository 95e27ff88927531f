/** Responses to requests that are not carried out: the code of the failure, and a fitting status. */
import type { Reason } from "@parley/core/Refused"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { retryAfter } from "../_http/retryAfter.ts"
import { Code, type Failure, failureOf } from "./errors.ts"

/** Statuses by code; 400 for others. */
const STATUSES: ReadonlyMap<number, number> = new Map([
  [Code.appNotAvailable, 401],
  [Code.signatureFailed, 401],
  [Code.sessionRequired, 401],
  [Code.sessionTokenExpired, 401],
  [Code.sentTooFast, 429],
  [Code.internalError, 503],
  [Code.conversationNotFound, 404],
  [Code.rejectedByHook, 403],
  [Code.notAllowed, 403],
  [Code.updateRejected, 403],
  [Code.logRejected, 403],
  [Code.conversationBlacklisted, 403],
  [Code.membershipRequired, 403],
  [Code.invalidTarget, 404],
  [Code.messageRejectedByHook, 403],
  [Code.ownershipRequired, 403],
  [Code.messageNotFound, 404],
  [Code.messageUpdateRejected, 403]
])

export const failureResponse = (
  { code, reason }: Pick<Failure, "code" | "reason">,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe({ code, error: reason }, { status: STATUSES.get(code) ?? 400, headers })

export const refusedResponse = (reason: Reason): HttpServerResponse.HttpServerResponse =>
  failureResponse(failureOf(reason), retryAfter(reason))
