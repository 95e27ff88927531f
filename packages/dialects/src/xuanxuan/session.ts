/**
 * Handles the requests of one frame; after a login or a resumed session, the login pushes follow the reply. Source:
 * seeds/002, "API"; PROTOCOLS, "Frames", "sid".
 */
import type { RequestInfo } from "@parley/core/Authenticator"
import type { Command, ReplyOf } from "@parley/core/Command"
import type { RunCommand } from "@parley/core/CommandRunner"
import { EntryId } from "@parley/core/Ids"
import { type Reason, refuse, type Refused } from "@parley/core/Refused"
import type { Reply, RequestHandler, Requests, ClientSession } from "@parley/core/ClientSession"
import type { LiveSession } from "@parley/core/Sessions"
import { nextTurn } from "@parley/core/Slices"
import { noteSlow } from "@parley/core/SlowRequests"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Deps } from "./context.ts"
import {
  acknowledgedIds,
  isAcknowledgement,
  isInvalid,
  frameJsonLimits,
  parse,
  type ParsedRequest,
  type Request
} from "./frames.ts"
import { isLarge } from "../_http/jsonLimits.ts"
import { authenticate, login, logout, pushLogin } from "./login.ts"
import { type Profile, refusedFrame } from "./profiles.ts"
import { draftOf } from "./drafts.ts"
import { type MethodResult, handlers } from "./methods.ts"
import { decode, draftsIn, isMethod, type Method, type ParamsOf } from "./params.ts"
import { failureFrame, refusalFrame, sentFrame, successFrame } from "./replies.ts"

/** For frames that are handled at once. */
const NONE: ReadonlyArray<RequestHandler> = []

/** `requestInfo`: the connection's HTTP request, if there is an embedder's authenticator. */
export const makeFrameHandler = (deps: Deps, profile: Profile, requestInfo: RequestInfo | undefined): Requests => {
  const { requestsPerFrame } = deps.settings
  const limits = frameJsonLimits(deps.settings)
  return (session, frame) => {
    const requests = parse(frame, requestsPerFrame, limits)
    const toHandler = (request: ParsedRequest): RequestHandler =>
      isInvalid(request)
        ? () => Effect.succeed({ frame: refusedFrame(request.problem) })
        : (runCommand) => handleRequest(deps, profile, requestInfo, session, request, runCommand)
    const [first] = requests
    if (first === undefined) return NONE
    if (requests.length === 1 && !isInvalid(first)) {
      // The clock is read once per frame.
      const now = deps.clock.currentTimeMillisUnsafe()
      if (isLive(deps, session, first, now)) {
        if (tryAcknowledge(deps, session, first, now)) return NONE
        if (trySend(deps, profile, session, first, now, toHandler(first))) return NONE
      }
    }
    const handlers = requests.map(toHandler)
    const [handler] = handlers
    // Parsing may have taken half of the time slice of a turn.
    if (handler !== undefined && isLarge(frame)) {
      handlers[0] = (runCommand) => Effect.andThen(nextTurn, handler(runCommand))
    }
    return handlers
  }
}

/** Returns whether the request's session is this connection's live session. */
const isLive = ({ sessions }: Deps, { live, superseded }: ClientSession, { sid }: Request, now: number): boolean =>
  live !== undefined && !superseded && sid === live.token && sessions.isValid(live, now)

/**
 * Fast path for acknowledgements, of which there is one per delivered message. An acknowledgement of recently sent packets
 * needs no storage, no reply and therefore no fiber; others take the normal path.
 */
const tryAcknowledge = ({ engine }: Deps, session: ClientSession, request: Request, now: number): boolean => {
  if (!isAcknowledgement(request)) return false
  const ids = acknowledgedIds(request.id)
  if (ids === undefined || session.user === undefined) return false
  return engine.limits.take(session.user.id, costOfAcknowledging(ids), now) === 0 && session.tryAcknowledge(ids)
}

/** Low cost, since each delivered message requires an acknowledgement. */
const costOfAcknowledging = (ids: ReadonlyArray<number>): number => 0.1 + ids.length / 100

/**
 * Fast path for one message whose chat and sender are cached: it is handed to the store before the next frame is processed,
 * so that many messages of one client share a flush. Requests with several messages, which may contain duplicates, take the
 * normal path.
 */
const trySend = (
  deps: Deps,
  profile: Profile,
  session: ClientSession,
  request: Request,
  now: number,
  fallback: RequestHandler
): boolean => {
  const { live, user } = session
  if (request.module !== "chat" || request.method !== "message" || isAcknowledgement(request)) return false
  if (live === undefined || user === undefined) return false
  const sent = draftsIn(request.params)
  if (!Array.isArray(sent) || sent.length !== 1) return false
  const draft = draftOf(user, sent[0], 0)
  const { limits, messageLimits } = deps.engine
  // The normal path refuses users who are over a limit, and charges the others.
  if (Result.isFailure(draft) || messageLimits.isExhausted(user.id, now)) return false
  if (limits.take(user.id, 1, now) > 0) return false
  return session.trySend(draft.success, (sent) => sentFrame(profile, live.token, sent), fallback, now)
}

const handleRequest = (
  deps: Deps,
  profile: Profile,
  requestInfo: RequestInfo | undefined,
  session: ClientSession,
  request: Request,
  runCommand: RunCommand
): Effect.Effect<Reply> => {
  const name = `${request.module}/${request.method}`.toLowerCase()
  const work =
    name === "chat/login" && !isAcknowledgement(request)
      ? login(deps, profile, requestInfo, session, request)
      : authenticated(deps, profile, session, request, name, runCommand)
  const withErrorReply = (part: Effect.Effect<Reply, Refused>): Effect.Effect<Reply> =>
    noteSlow(part, slowLine(session, name)).pipe(
      Effect.catchTag("Refused", ({ reason }) => Effect.succeed(refusedReply(deps, profile, session, request, reason))),
      // A defect: the client still gets a reply, and the connection stays open.
      Effect.catchCause((cause) =>
        Effect.as(Effect.logError(`${name} failed unexpectedly`, cause), {
          frame: failureFrame(profile, request, "fail", "Internal server error.")
        })
      )
    )
  return Effect.map(withErrorReply(work), ({ next, ...reply }) =>
    next === undefined ? reply : { ...reply, next: (more: RunCommand) => withErrorReply(next(more)) }
  )
}

const slowLine = (session: ClientSession, name: string) => (milliseconds: number) => {
  // A client may send any name.
  const known = isMethod(name) || name === "chat/login" ? name : "unknown"
  return { key: `slow request ${known}`, details: { method: known, user: session.user?.id ?? null, milliseconds } }
}

const refusedReply = (
  { engine }: Deps,
  profile: Profile,
  { user }: ClientSession,
  request: Request,
  reason: Reason
): Reply => {
  // Each refused message is listed with its reason.
  if (reason._tag === "MessagesRefused" && user !== undefined) engine.limits.owe(user.id, reason.refusals.length)
  return { frame: refusalFrame(profile, request, reason) }
}

/** Handles a request that needs a live session: this connection's, or one that the request resumes. */
const authenticated = Effect.fnUntraced(function* (
  deps: Deps,
  profile: Profile,
  session: ClientSession,
  request: Request,
  name: string,
  runCommand: RunCommand
): Effect.fn.Return<Reply, Refused> {
  const resumed = yield* authenticate(deps, session, request.sid)
  const { live, user } = session
  if (live === undefined || user === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
  // A resumed session was already charged for the login pushes; a logout is free.
  const isFree = resumed || isAcknowledgement(request) || name === "chat/logout"
  if (!isFree) yield* deps.engine.limits.charge(user.id, 1)
  const work = isAcknowledgement(request)
    ? acknowledge(deps, session, live, request, resumed)
    : name === "chat/logout"
      ? logout(deps, profile, session, live, user, request)
      : runMethod(deps, profile, session, live, user, request, name, runCommand)
  if (!resumed) return yield* work
  // A refused request does not undo the resumption.
  const { frame, presence = [] } = yield* Effect.catchTag(work, "Refused", ({ reason }) =>
    Effect.succeed<Reply>({ frame: refusalFrame(profile, request, reason) })
  )
  return {
    frame,
    presence: [{ what: "login", user }, ...presence],
    ...(session.live === live && { next: (more) => pushLogin(deps, profile, session, user, more) })
  }
})

const runMethod = Effect.fnUntraced(function* (
  deps: Deps,
  profile: Profile,
  session: ClientSession,
  live: LiveSession,
  user: User,
  request: Request,
  name: string,
  runCommand: RunCommand
): Effect.fn.Return<Reply, Refused> {
  if (!isMethod(name) || name === "chat/login" || name === "chat/logout") {
    return yield* refuse({ _tag: "Invalid", field: "method", problem: "is not known" })
  }
  const caller = session.caller()
  const runForCaller = <C extends Command>(command: C): Effect.Effect<ReplyOf<C>, Refused> =>
    runCommand(caller, command)
  const { engine, settings } = deps
  const userLists = deps.userLists[profile.name]
  const context = {
    user,
    profile,
    userLists,
    visibility: engine.context.visibility,
    settings,
    runCommand: runForCaller,
    receiveTransient: (on: boolean) => session.receiveTransient(on)
  }
  const result = yield* callHandler(name, context, request.params)
  const { push } = result
  return {
    frame: successFrame(profile, request, live.token, result),
    ...(push !== undefined && { next: () => Effect.succeed({ frame: push }) })
  }
})

/** Calls the handler with its method's params; TypeScript cannot infer this through two index accesses. */
const callHandler = <M extends keyof typeof handlers>(
  method: M,
  context: Parameters<(typeof handlers)[M]>[0],
  params: unknown
): Effect.Effect<MethodResult, Refused> => {
  const handler: (
    context: Parameters<(typeof handlers)[M]>[0],
    params: ParamsOf<M>
  ) => Effect.Effect<MethodResult, Refused> = handlers[method]
  return Effect.flatMap(decode<M & Method>(method, params, context.settings.membersPerRequest), (decoded) =>
    handler(context, decoded)
  )
}

/** Sends no response, except an error for invalid ids. Source: PROTOCOLS, "Offline queue". */
const acknowledge = Effect.fnUntraced(function* (
  deps: Deps,
  session: ClientSession,
  live: LiveSession,
  request: Request,
  resumed: boolean
): Effect.fn.Return<Reply, Refused> {
  const ids = acknowledgedIds(request.id)
  if (ids === undefined) {
    return yield* refuse({ _tag: "Invalid", field: "id", problem: "must be an integer, or an array of integers" })
  }
  yield* deps.engine.limits.charge(live.user, costOfAcknowledging(ids))
  // A session that this frame resumed has no subscriber yet: the queue is updated before it is delivered.
  yield* resumed
    ? deps.queue.acknowledge(live.user, ids.map(EntryId), { device: live.device })
    : session.acknowledge(ids)
  return { frame: undefined }
})
