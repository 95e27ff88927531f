/** Parses client frames: JSON text with one request or an array of them. Source: PROTOCOLS, "Frames". */

import type { EngineSettings } from "@parley/core/Settings"
import { JSON_LIMITS, jsonProblem, type JsonLimits, KEY_COST, STRING_COST } from "../_http/jsonLimits.ts"

/** One parsed request: `module` and `method` are strings, other fields are not validated. May have more fields. */
export interface Request {
  readonly module: string
  readonly method: string
  readonly params?: unknown
  readonly sid?: unknown
  readonly id?: unknown
}

/** Problem with a value that is not a valid request. A class, since requests may have any field. */
class InvalidRequest {
  readonly problem: string

  constructor(problem: string) {
    this.problem = problem
  }
}

export type ParsedRequest = Request | InvalidRequest

export const isInvalid = (request: ParsedRequest): request is InvalidRequest => request instanceof InvalidRequest

/** Counted values of one request with one message: eleven strings with keys, and their containers. */
const VALUES_PER_REQUEST = 11 * (STRING_COST + KEY_COST) + 10
/** Counted values of one user in a list: an object with an id. */
const VALUES_PER_USER = 1 + KEY_COST + 1

/** Returns JSON limits of a frame; higher operator settings for requests, messages or users need more values. */
export const frameJsonLimits = ({
  requestsPerFrame,
  messagesPerRequest,
  membersPerRequest
}: Pick<EngineSettings, "requestsPerFrame" | "messagesPerRequest" | "membersPerRequest">): JsonLimits => ({
  ...JSON_LIMITS,
  values: Math.max(
    JSON_LIMITS.values,
    VALUES_PER_REQUEST * Math.max(requestsPerFrame, messagesPerRequest + 1),
    VALUES_PER_USER * membersPerRequest + VALUES_PER_REQUEST
  )
})

/** Parses a frame of at most `limit` requests. */
export const parse = (frame: string, limit: number, limits: JsonLimits = JSON_LIMITS): ReadonlyArray<ParsedRequest> => {
  const problem = jsonProblem(frame, limits)
  if (problem !== undefined) return [new InvalidRequest(`The frame ${problem}.`)]
  let json: unknown
  try {
    json = JSON.parse(frame)
  } catch {
    return [new InvalidRequest("The frame is not JSON.")]
  }
  // No array or object literals on the path of every frame. During a login they live until the reply; V8 then pretenures the
  // allocation site, and everything that such objects refer to lives until a full collection.
  if (!Array.isArray(json)) return Array.of(validate(json))
  if (json.length > limit) return [new InvalidRequest(`A frame may hold at most ${limit} requests.`)]
  return json.map(validate)
}

/** Returns the same object if it is a request. */
const validate = (json: unknown): ParsedRequest => {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return new InvalidRequest("A request is a JSON object.")
  }
  const { module, method } = json as Readonly<Record<string, unknown>>
  if (typeof module !== "string" || typeof method !== "string") {
    return new InvalidRequest("A request needs module and method, both strings.")
  }
  return json as Request
}

/**
 * Returns whether the request is an acknowledgement: a packet's id (or an array of ids) sent back, without params.
 * Source: PROTOCOLS, "Offline queue".
 */
export const isAcknowledgement = ({ id, params }: Request): boolean =>
  id !== undefined && id !== null && (params === undefined || params === null)

/** Returns the ids of an acknowledgement; undefined if they are not integers. */
export const acknowledgedIds = (id: unknown): ReadonlyArray<number> | undefined => {
  const ids: ReadonlyArray<unknown> = Array.isArray(id) ? id : [id]
  return ids.every((one): one is number => Number.isSafeInteger(one)) ? ids : undefined
}
