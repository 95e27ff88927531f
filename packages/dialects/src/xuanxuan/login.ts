/**
 * Login, resumed sessions and logout; the pushes that follow a login or a resumed session. Source: seeds/002, "API";
 * PROTOCOLS, "sid", "Login order".
 */
import { logStorageFailure } from "@parley/core/StorageErrors"
import type { RequestInfo } from "@parley/core/Authenticator"
import type { Reply, ClientSession } from "@parley/core/ClientSession"
import type { RunCommand } from "@parley/core/CommandRunner"
import type { LiveSession } from "@parley/core/Sessions"
import { refuse, type Refused } from "@parley/core/Refused"
import { costOfUsers } from "@parley/core/rules/Cost"
import { passwordLengthProblem } from "@parley/core/rules/PasswordLength"
import type { Status, User } from "@parley/core/User"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Deps } from "./context.ts"
import { messageOf } from "./errors.ts"
import type { Request } from "./frames.ts"
import { loginPushesOf, encodeMembers } from "./loginPushes.ts"
import { decode, withCredentials } from "./params.ts"
import type { Profile } from "./profiles.ts"
import { successFrame } from "./replies.ts"

/** WebSocket close code of RFC 6455. */
const CLOSE_INTERNAL = 1011
/** Maximum length of a device's name, in characters. */
const MAX_DEVICE = 64

export const login = Effect.fnUntraced(function* (
  deps: Deps,
  profile: Profile,
  requestInfo: RequestInfo | undefined,
  session: ClientSession,
  request: Request
): Effect.fn.Return<Reply, Refused> {
  const { account, password, status, device } = yield* decode(
    "chat/login",
    requestInfo === undefined ? request.params : withCredentials(request.params)
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
  const { session: live, user } = yield* deps.sessions.login({
    account,
    secret: password,
    ...(requestInfo !== undefined && { request: requestInfo }),
    kind: "chat",
    device: deps.settings.sessions === "multi" ? (device ?? "") : "",
    address: session.connection.address,
    isAwaited: () => !session.isEnded
  })
  deps.engine.limits.owe(user.id, costOfLogin(deps, user))
  session.attachUser(live, user, status ?? "online")
  // Another login ended this session meanwhile.
  if (live.ended) return yield* refuse({ _tag: "NotLoggedIn" })
  // The client disconnected meanwhile: no reply and no presence event.
  if (session.live !== live) return { frame: undefined }
  if (before !== undefined && !before.ended) yield* deps.sessions.end(before, session.connection.id)
  if (session.live !== live) return { frame: undefined }
  return {
    frame: successFrame(profile, request, live.token, {
      data: profile.wireFormat.userJson(deps.hub.presence.of(user))
    }),
    presence: [{ what: "login", user }],
    next: (runCommand) => pushLogin(deps, profile, session, user, runCommand)
  }
})

/** Returns whether this request resumed the session on this connection. */
export const authenticate = Effect.fnUntraced(function* (
  deps: Deps,
  session: ClientSession,
  sid: unknown
): Effect.fn.Return<boolean, Refused> {
  if (typeof sid !== "string" || session.superseded) return yield* refuse({ _tag: "NotLoggedIn" })
  const { live } = session
  if (live !== undefined) {
    const isSame = live.token === sid && deps.sessions.isValid(live, yield* Clock.currentTimeMillis)
    if (!isSame) return yield* refuse({ _tag: "NotLoggedIn" })
    return false
  }
  const found = yield* deps.sessions.resume(sid)
  if (found === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
  yield* deps.engine.limits.charge(found.user.id, costOfLogin(deps, found.user))
  session.attachUser(found.session, found.user, statusOf(deps, found.user))
  if (session.live !== found.session) return yield* refuse({ _tag: "NotLoggedIn" })
  return true
})

/** Cost of a login, which is followed by the list of all users whom the user may see. */
const costOfLogin = ({ engine }: Deps, user: User): number => 1 + costOfUsers(engine.context.visibility.sizeFor(user))

/** Returns the present status of an online user, otherwise `online`. */
const statusOf = ({ hub }: Deps, user: User): Exclude<Status, "offline"> => {
  const status = hub.presence.status(user.id)
  return status === "offline" ? "online" : status
}

export const logout = Effect.fnUntraced(function* (
  deps: Deps,
  profile: Profile,
  session: ClientSession,
  live: LiveSession,
  user: User,
  request: Request
): Effect.fn.Return<Reply, Refused> {
  yield* deps.sessions.end(live, session.connection.id)
  session.detachUser()
  return {
    frame: successFrame(profile, request, live.token, {
      data: profile.wireFormat.userJson(deps.hub.presence.of(user))
    }),
    // Another device of the user may still be online.
    presence: deps.hub.isOnline(user.id) ? [] : [{ what: "logout", user }]
  }
})

/** Sends the login pushes. */
export const pushLogin = (
  deps: Deps,
  profile: Profile,
  session: ClientSession,
  user: User,
  runCommand: RunCommand
): Effect.Effect<Reply> =>
  Effect.gen(function* () {
    const { engine } = deps
    if (session.user?.id !== user.id) return
    const caller = session.caller()
    const { users, visibility } = engine.context
    const list = yield* visibility.all(users.getCached(user.id) ?? user)
    const userList = deps.userLists[profile.name].of(list.key)
    const chats = yield* runCommand(caller, { _tag: "ListChats" })
    yield* userList.prepare(list.users, profile.wireFormat.members)
    const memberTexts = yield* encodeMembers(chats, profile)
    if (session.user?.id !== user.id) return
    yield* session.open(
      chats.map(({ chat }) => chat.id),
      // Reads users again: renames meanwhile were pushed only to sessions that were already open.
      () =>
        loginPushesOf({
          users: visibility.current(list),
          userList,
          memberTexts,
          chats,
          chatCache: engine.context.chats,
          session,
          profile
        })
    )
  }).pipe(
    // The login was already replied to; the client reconnects.
    Effect.catchTag("StorageFailed", (failed) =>
      Effect.andThen(logStorageFailure("users could not be read", failed), refuse({ _tag: "Unavailable" }))
    ),
    Effect.catchTag("Refused", ({ reason }) =>
      Effect.sync(() => session.connection.close(CLOSE_INTERNAL, messageOf(reason)))
    ),
    (pushes) => deps.loginPermits.withPermit(Effect.andThen(pushes, Effect.yieldNow)),
    Effect.as<Reply>({ frame: undefined })
  )
