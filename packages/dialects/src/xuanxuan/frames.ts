/** A frame from a client: JSON text with one request, or an array of them. Source: PROTOCOLS, "Frames". */

import type { EngineSettings } from "@parley/core/Settings"
import { JSON_LIMITS, jsonProblem, type JsonLimits, KEY_COST, STRING_COST } from "../_http/jsonLimits.ts"

/** One request as it came: an object with string `module` and `method`, nothing else is known of it. It may have more fields. */
export interface Request {
  readonly module: string
  readonly method: string
  readonly params?: unknown
  readonly sid?: unknown
  readonly id?: unknown
}

/** What stands in a frame where a request is due, and why it is none. A class: a request may have any field. */
class Unreadable {
  readonly problem: string

  constructor(problem: string) {
    this.problem = problem
  }
}

export const isUnreadable = (request: Request | Unreadable): request is Unreadable => request instanceof Unreadable

/** Values of one request with one message, as they are counted: eleven texts with keys, and what they stand in. */
const REQUEST = 11 * (STRING_COST + KEY_COST) + 10
/** Values of one user in a list: an object with an id. */
const USER = 1 + KEY_COST + 1

/** The limits of a frame's JSON: an operator who allows more requests, messages or users needs more values. */
export const jsonLimits = ({
  requestsPerFrame,
  messagesPerRequest,
  membersPerRequest
}: Pick<EngineSettings, "requestsPerFrame" | "messagesPerRequest" | "membersPerRequest">): JsonLimits => ({
  ...JSON_LIMITS,
  values: Math.max(
    JSON_LIMITS.values,
    REQUEST * Math.max(requestsPerFrame, messagesPerRequest + 1),
    USER * membersPerRequest + REQUEST
  )
})

/** The requests of a frame, at most `limit`; an empty array has none. */
export const parse = (
  frame: string,
  limit: number,
  limits: JsonLimits = JSON_LIMITS
): ReadonlyArray<Request | Unreadable> => {
  const problem = jsonProblem(frame, limits)
  if (problem !== undefined) return [new Unreadable(`The frame ${problem}.`)]
  let json: unknown
  try {
    json = JSON.parse(frame)
  } catch {
    return [new Unreadable("The frame is not JSON.")]
  }
  // No `[…]` and no `{…}` for what every frame goes through. At a login they live until it is answered, V8 takes what is made in
  // this place for something that lives long, makes it old from the start, and what it holds lives until a full collection.
  if (!Array.isArray(json)) return Array.of(read(json))
  if (json.length > limit) return [new Unreadable(`A frame may hold at most ${limit} requests.`)]
  return json.map(read)
}

/** The object as it came, since that is a request already. */
const read = (json: unknown): Request | Unreadable => {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return new Unreadable("A request is a JSON object.")
  }
  const { module, method } = json as Readonly<Record<string, unknown>>
  if (typeof module !== "string" || typeof method !== "string") {
    return new Unreadable("A request needs module and method, both strings.")
  }
  return json as Request
}

/**
 * Whether the request is an acknowledgement: a packet's id (or an array of ids) sent back, without params.
 * Source: PROTOCOLS, "Offline queue".
 */
export const isAcknowledgement = ({ id, params }: Request): boolean =>
  id !== undefined && id !== null && (params === undefined || params === null)

/** The ids of an acknowledgement, or nothing where they are none. */
export const acknowledgedIds = (id: unknown): ReadonlyArray<number> | undefined => {
  const ids: ReadonlyArray<unknown> = Array.isArray(id) ? id : [id]
  return ids.every((one): one is number => Number.isSafeInteger(one)) ? ids : undefined
}
