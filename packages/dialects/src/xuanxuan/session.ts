/**
 * The requests of one frame and their replies; where the session has just begun, the pushes of a login follow. Source:
 * seeds/002, "API"; PROTOCOLS, "Frames", "sid", "Login order".
 */
import { logStorageFailure } from "@parley/core/StorageErrors"
import type { RequestInfo } from "@parley/core/Authenticator"
import type { Command, ReplyOf, SentMessage } from "@parley/core/Command"
import type { RunCommand } from "@parley/core/CommandRunner"
import type { Engine } from "@parley/core/Engine"
import { Frame, EncodedChunk } from "@parley/core/Frame"
import type { Hub } from "@parley/core/Hub"
import { EntryId } from "@parley/core/Ids"
import type { OfflineQueue } from "@parley/core/OfflineQueue"
import { type Reason, refuse, type Refused } from "@parley/core/Refused"
import type { Reply, RequestHandler, Requests, ClientSession } from "@parley/core/ClientSession"
import { costOfUsers } from "@parley/core/rules/Cost"
import { passwordLengthProblem } from "@parley/core/rules/PasswordLength"
import type { LiveSession, Sessions } from "@parley/core/Sessions"
import type { EngineSettings } from "@parley/core/Settings"
import { nextTurn } from "@parley/core/Slices"
import { noteSlow } from "@parley/core/SlowRequests"
import type { Status, User } from "@parley/core/User"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Semaphore from "effect/Semaphore"
import { acknowledgedIds, isAcknowledgement, isUnreadable, jsonLimits, parse, type Request } from "./frames.ts"
import { isLarge } from "../_http/jsonLimits.ts"
import { loginPushesOf, encodeMembers } from "./loginPushes.ts"
import { type Profile, refusedFrame } from "./profiles.ts"
import { messageOf, resultOf } from "./errors.ts"
import { type Answer, draftOf, handlers, refusedMessages, RawJson } from "./methods.ts"
import { type Json, messageText, userJson } from "./encode.ts"
import type { UserListCache } from "./UserListCache.ts"
import { decode, draftsIn, isMethod, type Method, type ParamsOf, withCredentials } from "./params.ts"

export interface Services {
  readonly engine: Engine["Service"]
  readonly hub: Hub["Service"]
  readonly sessions: Sessions["Service"]
  readonly queue: OfflineQueue["Service"]
  readonly userList: UserListCache
  /** Greetings that are made in one turn: those of thousands who come back at once leave room for what others ask. */
  readonly greetings: Semaphore.Semaphore
  readonly settings: EngineSettings
  readonly clock: Clock.Clock
}

/** WebSocket close code of RFC 6455. */
const CLOSE_INTERNAL = 1011
/** Characters of a device's name, at most. */
const MAX_DEVICE = 64

/** `carried` is what the connection began with, where the embedder's authenticator can tell whose it is. */
export const makeFrameHandler = (services: Services, profile: Profile, carried: RequestInfo | undefined): Requests => {
  const { requestsPerFrame } = services.settings
  const limits = jsonLimits(services.settings)
  return (session, frame) => {
    const requests = parse(frame, requestsPerFrame, limits)
    const handlers = requests.map((request): RequestHandler =>
      isUnreadable(request)
        ? () => Effect.succeed({ frame: refusedFrame(request.problem) })
        : (run) => handleRequest(services, profile, carried, session, request, run)
    )
    const [first] = requests
    const [handler] = handlers
    if (first === undefined || handler === undefined) return handlers
    if (requests.length === 1 && !isUnreadable(first)) {
      // The one look at the clock for this frame.
      const now = services.clock.currentTimeMillisUnsafe()
      if (isLive(services, session, first, now)) {
        if (tryAcknowledge(services, session, first, now)) return []
        if (trySend(services, session, first, now, handler)) return []
      }
    }
    // Parsing may have taken half of what one turn may.
    if (isLarge(frame)) handlers[0] = (run) => Effect.andThen(nextTurn, handler(run))
    return handlers
  }
}

/** Whether the request comes with the session that this connection has. */
const isLive = ({ sessions }: Services, { live, superseded }: ClientSession, { sid }: Request, now: number): boolean =>
  live !== undefined && !superseded && sid === live.token && sessions.isValid(live, now)

/**
 * Acknowledgements are as many as messages that were delivered. One for packets that were sent lately needs no storage,
 * no answer and so no fiber; everything else goes the ordinary way.
 */
const tryAcknowledge = ({ engine }: Services, session: ClientSession, request: Request, now: number): boolean => {
  if (!isAcknowledgement(request)) return false
  const ids = acknowledgedIds(request.id)
  if (ids === undefined || session.user === undefined) return false
  return engine.limits.take(session.user.id, costOfAcknowledging(ids), now) === 0 && session.tryAcknowledge(ids)
}

/** Acknowledgements are as many as messages that were delivered, and no user can help that. */
const costOfAcknowledging = (ids: ReadonlyArray<number>): number => 0.1 + ids.length / 100

/**
 * A message whose chat and sender are in memory is on its way to the disk before the next frame is looked at, so that
 * many of one client share a flush. Several in one request go the ordinary way: some of them could be repeated.
 */
const trySend = (
  services: Services,
  session: ClientSession,
  request: Request,
  now: number,
  ordinarily: RequestHandler
): boolean => {
  const { live, user } = session
  if (request.module !== "chat" || request.method !== "message" || isAcknowledgement(request)) return false
  if (live === undefined || user === undefined) return false
  const sent = draftsIn(request.params)
  if (!Array.isArray(sent) || sent.length !== 1) return false
  const draft = draftOf(user, sent[0], 0)
  const { limits } = services.engine
  // Whoever has nothing left is refused in the ordinary way.
  if (Result.isFailure(draft) || limits.take(user.id, 1, now) > 0) return false
  return session.trySend(draft.success, (sent) => sentFrame(live.token, sent), ordinarily, now)
}

/** The success of `chat/message` with one message, whose JSON text the push has as well. */
const sentFrame = (sid: string, { chat, message }: SentMessage): string =>
  `{"module":"chat","method":"message","result":"success","sid":${JSON.stringify(sid)},"data":[${messageText(message, chat)}]}`

const handleRequest = (
  services: Services,
  profile: Profile,
  carried: RequestInfo | undefined,
  session: ClientSession,
  request: Request,
  run: RunCommand
): Effect.Effect<Reply> => {
  const name = `${request.module}/${request.method}`.toLowerCase()
  const work =
    name === "chat/login" && !isAcknowledgement(request)
      ? login(services, profile, carried, session, request)
      : authenticated(services, profile, session, request, name, run)
  const answering = (part: Effect.Effect<Reply, Refused>): Effect.Effect<Reply> =>
    noteSlow(part, slowLine(session, name)).pipe(
      Effect.catchTag("Refused", ({ reason }) => Effect.succeed(refused(services, session, request, reason))),
      // A mistake of ours: the client is answered all the same, and the connection goes on.
      Effect.catchCause((cause) =>
        Effect.as(Effect.logError(`${name} broke off`, cause), {
          frame: failure(request, "fail", "Internal server error.")
        })
      )
    )
  return Effect.map(answering(work), ({ next, ...reply }) =>
    next === undefined ? reply : { ...reply, next: (more: RunCommand) => answering(next(more)) }
  )
}

const slowLine = (session: ClientSession, name: string) => (milliseconds: number) => {
  // The client may have written anything there.
  const known = isMethod(name) || name === "chat/login" ? name : "unknown"
  return { key: `slow request ${known}`, details: { method: known, user: session.user?.id ?? null, milliseconds } }
}

const refused = ({ engine }: Services, { user }: ClientSession, request: Request, reason: Reason): Reply => {
  // Each of them is listed, with its reason.
  if (reason._tag === "MessagesRefused" && user !== undefined) engine.limits.owe(user.id, reason.refusals.length)
  return { frame: refusal(request, reason) }
}

const failure = (request: Request, result: "fail" | "denied", message: string, data?: Json): string =>
  JSON.stringify({
    module: request.module,
    method: request.method,
    result,
    ...(typeof request.sid === "string" && { sid: request.sid }),
    message,
    ...(data !== undefined && { data })
  })

const refusal = (request: Request, reason: Reason): string => {
  const ofMessages = `${request.module}/${request.method}`.toLowerCase() === "chat/message"
  const drafts = ofMessages ? draftsIn(request.params) : []
  return failure(
    request,
    resultOf(reason),
    messageOf(reason),
    refusedMessages(reason, Array.isArray(drafts) ? drafts : [])
  )
}

const success = (request: Request, sid: string, { data, pager }: Answer): string | Frame => {
  const head = { module: request.module, method: request.method, result: "success", sid }
  if (!(data instanceof RawJson)) return JSON.stringify({ ...head, data, ...(pager !== undefined && { pager }) })
  const before = `${JSON.stringify(head).slice(0, -1)},"data":`
  const after = pager === undefined ? "}" : `,"pager":${JSON.stringify(pager)}}`
  const [only] = data.chunks
  if (only !== undefined && data.chunks.length === 1) return `${before}${only.text}${after}`
  return new Frame([new EncodedChunk(before), ...data.chunks, new EncodedChunk(after)], true)
}

const login = Effect.fnUntraced(function* (
  services: Services,
  profile: Profile,
  carried: RequestInfo | undefined,
  session: ClientSession,
  request: Request
): Effect.fn.Return<Reply, Refused> {
  const { account, password, status, device } = yield* decode(
    "chat/login",
    carried === undefined ? request.params : withCredentials(request.params)
  )
  if ((device ?? "").length > MAX_DEVICE) {
    return yield* refuse({
      _tag: "Invalid",
      field: "params.device",
      problem: `must have at most ${MAX_DEVICE} characters`
    })
  }
  const problem = passwordLengthProblem(password)
  if (problem !== undefined) return yield* refuse({ _tag: "Invalid", field: "params.password", problem })
  const before = session.live
  const { session: live, user } = yield* services.sessions.login({
    account,
    secret: password,
    ...(carried !== undefined && { request: carried }),
    kind: "chat",
    device: services.settings.sessions === "multi" ? (device ?? "") : "",
    address: session.connection.address,
    isAwaited: () => !session.isEnded
  })
  services.engine.limits.owe(user.id, costOfGreeting(services))
  session.attachUser(live, user, status ?? "online")
  // Another login has ended it meanwhile.
  if (live.ended) return yield* refuse({ _tag: "NotLoggedIn" })
  // The client has gone meanwhile: nobody is here, and nobody hears of it.
  if (session.live !== live) return { frame: undefined }
  if (before !== undefined && !before.ended) yield* services.sessions.end(before, session.connection.id)
  if (session.live !== live) return { frame: undefined }
  return {
    frame: success(request, live.token, { data: userJson(services.hub.presence.of(user)) }),
    presence: [{ what: "login", user }],
    next: (run) => pushLogin(services, profile, session, user, run)
  }
})

/** A request that needs a live session: this connection's, or one that the request resumes here. */
const authenticated = Effect.fnUntraced(function* (
  services: Services,
  profile: Profile,
  session: ClientSession,
  request: Request,
  name: string,
  run: RunCommand
): Effect.fn.Return<Reply, Refused> {
  const resumed = yield* authenticate(services, session, request.sid)
  const { live, user } = session
  if (live === undefined || user === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
  // Whoever has resumed here has paid for the greeting; whoever logs out asks for nothing more.
  const isFree = resumed || isAcknowledgement(request) || name === "chat/logout"
  if (!isFree) yield* services.engine.limits.charge(user.id, 1)
  const work = isAcknowledgement(request)
    ? acknowledge(services, session, live, request, resumed)
    : name === "chat/logout"
      ? logout(services, session, live, user, request)
      : perform(services, profile, session, live, user, request, name, run)
  if (!resumed) return yield* work
  // What goes wrong with the request does not undo the resuming.
  const { frame, presence = [] } = yield* Effect.catchTag(work, "Refused", ({ reason }) =>
    Effect.succeed<Reply>({ frame: refusal(request, reason) })
  )
  return {
    frame,
    presence: [{ what: "login", user }, ...presence],
    ...(session.live === live && { next: (more) => pushLogin(services, profile, session, user, more) })
  }
})

/** Answers whether the session was resumed on this connection just now. */
const authenticate = Effect.fnUntraced(function* (
  services: Services,
  session: ClientSession,
  sid: unknown
): Effect.fn.Return<boolean, Refused> {
  if (typeof sid !== "string" || session.superseded) return yield* refuse({ _tag: "NotLoggedIn" })
  const { live } = session
  if (live !== undefined) {
    const good = live.token === sid && services.sessions.isValid(live, yield* Clock.currentTimeMillis)
    if (!good) return yield* refuse({ _tag: "NotLoggedIn" })
    return false
  }
  const found = yield* services.sessions.resume(sid)
  if (found === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
  yield* services.engine.limits.charge(found.user.id, costOfGreeting(services))
  session.attachUser(found.session, found.user, statusOf(services, found.user))
  if (session.live !== found.session) return yield* refuse({ _tag: "NotLoggedIn" })
  return true
})

/** The list of all users follows each login. */
const costOfGreeting = ({ engine }: Services): number => 1 + costOfUsers(engine.context.users.size)

/** Who is here already keeps their status. */
const statusOf = ({ hub }: Services, user: User): Exclude<Status, "offline"> => {
  const status = hub.presence.status(user.id)
  return status === "offline" ? "online" : status
}

const perform = Effect.fnUntraced(function* (
  services: Services,
  profile: Profile,
  session: ClientSession,
  live: LiveSession,
  user: User,
  request: Request,
  name: string,
  run: RunCommand
): Effect.fn.Return<Reply, Refused> {
  if (!isMethod(name) || name === "chat/login" || name === "chat/logout") {
    return yield* refuse({ _tag: "Invalid", field: "method", problem: "is not known" })
  }
  const caller = session.caller()
  const handle = <C extends Command>(command: C): Effect.Effect<ReplyOf<C>, Refused> => run(caller, command)
  const { engine, userList, settings } = services
  const asking = { user, profile, userList, users: engine.context.users, settings, handle }
  return { frame: success(request, live.token, yield* handled(name, asking, request.params)) }
})

/** The handler of a method takes that method's params; TypeScript does not follow that through two indexes. */
const handled = <M extends keyof typeof handlers>(
  method: M,
  asking: Parameters<(typeof handlers)[M]>[0],
  params: unknown
): Effect.Effect<Answer, Refused> => {
  const handler: (asking: Parameters<(typeof handlers)[M]>[0], params: ParamsOf<M>) => Effect.Effect<Answer, Refused> =
    handlers[method]
  return Effect.flatMap(decode<M & Method>(method, params, asking.settings.membersPerRequest), (decoded) =>
    handler(asking, decoded)
  )
}

const logout = Effect.fnUntraced(function* (
  services: Services,
  session: ClientSession,
  live: LiveSession,
  user: User,
  request: Request
): Effect.fn.Return<Reply, Refused> {
  yield* services.sessions.end(live, session.connection.id)
  session.detachUser()
  return {
    frame: success(request, live.token, { data: userJson(services.hub.presence.of(user)) }),
    // Another device of theirs may still be here.
    presence: services.hub.isOnline(user.id) ? [] : [{ what: "logout", user }]
  }
})

/** Has no response, unless it is none. Source: PROTOCOLS, "Offline queue". */
const acknowledge = Effect.fnUntraced(function* (
  services: Services,
  session: ClientSession,
  live: LiveSession,
  request: Request,
  resumed: boolean
): Effect.fn.Return<Reply, Refused> {
  const ids = acknowledgedIds(request.id)
  if (ids === undefined) {
    return yield* refuse({ _tag: "Invalid", field: "id", problem: "must be an integer, or an array of integers" })
  }
  yield* services.engine.limits.charge(live.user, costOfAcknowledging(ids))
  // A session that was resumed by this very frame hears nothing yet: the queue is told, and then not delivered.
  yield* resumed
    ? services.queue.acknowledge(live.user, ids.map(EntryId), { device: live.device })
    : session.acknowledge(ids)
  return { frame: undefined }
})

/** The pushes of a login. */
const pushLogin = (
  services: Services,
  profile: Profile,
  session: ClientSession,
  user: User,
  run: RunCommand
): Effect.Effect<Reply> =>
  Effect.gen(function* () {
    const { engine, userList } = services
    if (session.user?.id !== user.id) return
    const caller = session.caller()
    const { users } = engine.context
    const allUsers = yield* users.all
    const chats = yield* run(caller, { _tag: "ListChats" })
    yield* userList.ready(allUsers, profile.vocabulary.members)
    const written = yield* encodeMembers(chats, profile)
    if (session.user?.id !== user.id) return
    yield* session.open(
      chats.map(({ chat }) => chat.id),
      // Who was renamed meanwhile was told to those who hear already, and to nobody else.
      () =>
        loginPushesOf({
          users: users.current(allUsers),
          userList,
          written,
          chats,
          cached: engine.context.chats,
          session,
          profile
        })
    )
  }).pipe(
    // The login was answered already: the client comes again.
    Effect.catchTag("StorageFailed", (failed) =>
      Effect.andThen(logStorageFailure("users could not be read", failed), refuse({ _tag: "Unavailable" }))
    ),
    Effect.catchTag("Refused", ({ reason }) =>
      Effect.sync(() => session.connection.close(CLOSE_INTERNAL, messageOf(reason)))
    ),
    (greeting) => services.greetings.withPermit(Effect.andThen(greeting, Effect.yieldNow)),
    Effect.as<Reply>({ frame: undefined })
  )
