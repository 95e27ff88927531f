/** Sessions of clients: open, close, refresh, and the query of online clients. */
import type { ClientSession, Reply } from "@parley/core/ClientSession"
import type { RunCommand } from "@parley/core/CommandRunner"
import { EncodedChunk, Frame } from "@parley/core/Frame"
import { logFailedOperation } from "@parley/core/StorageErrors"
import type { LiveSession } from "@parley/core/Sessions"
import type { User } from "@parley/core/User"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type App, DIALECT } from "./apps.ts"
import type { ClientConnection, SharedConnection } from "./ClientConnection.ts"
import { Cmd, type Command, Op } from "./codec.ts"
import type { Deps, Handler, HandlerFailure } from "./context.ts"
import { patchCommand } from "./encode.ts"
import { Code, Failure, fail } from "./errors.ts"
import { replyPacket } from "./packets.ts"
import { missedPatches } from "./patches.ts"
import { unreadConversations } from "./unread.ts"
import { deviceOf, parseSessionToken, sessionToken } from "./taggedToken.ts"
import { verifySignature } from "./verifySignature.ts"

/** Maximum number of characters of a tag. */
const MAX_TAG = 64
/** WebSocket close code of RFC 6455. */
const CLOSE_INTERNAL = 1011

/** A login, or a session that is opened again. */
interface Login {
  readonly live: LiveSession
  readonly user: User
}

/** Logs the client in; afterwards its conversations are subscribed and the unread ones are pushed. */
export const openSession = Effect.fnUntraced(function* (
  deps: Deps,
  session: ClientSession,
  client: ClientConnection,
  command: Command
): Effect.fn.Return<Reply, HandlerFailure> {
  const { appId = "", session: fields = {} } = command
  // A client without an id has been given one.
  const isAnonymous = (command.peerId ?? "") === ""
  const { peerId = "" } = isAnonymous ? client : command
  const app = yield* deps.apps.find(appId)
  if (app === undefined) {
    return yield* new Failure({ code: Code.appNotAvailable, reason: "There is no such app.", closes: true })
  }
  const isOther = isAnonymous ? session.live !== undefined : client.peerId !== peerId
  if (peerId === "" || isOther) return yield* fail(Code.quotaExceeded, "A connection has too many clients.")
  yield* deps.engine.limits.charge(`${DIALECT}:${appId}`, 1)
  const { st = "", tag = "" } = fields
  if (tag.length > MAX_TAG) return yield* invalidLogin(`A tag may have at most ${MAX_TAG} characters.`)
  const { live, user } =
    st === ""
      ? yield* login(deps, app, { ...command, peerId }, { tag, isAnonymous })
      : yield* reopen(deps, session, peerId, st)
  const before = session.live
  session.attachUser(live, user, "online")
  if (live.ended) return yield* fail(Code.sessionTokenExpired, "The session has ended.")
  // The client disconnected meanwhile.
  if (session.live !== live) return { frame: undefined }
  client.appId = appId
  client.shared.opened()
  if (before !== undefined && before !== live) yield* deps.sessions.end(before, session.connection.id)
  yield* endConflicts(deps, session, live)
  if (st === "" && live.device !== DIALECT) yield* deps.sessions.replaceDevice(live)
  return {
    frame: replyPacket({
      cmd: Cmd.session,
      op: Op.opened,
      ...numberOf(command),
      peerId,
      serverTs: yield* Clock.currentTimeMillis,
      session: { st: sessionToken(live), stTtl: deps.settings.sessionIdle }
    }),
    presence: [{ what: "login", user }],
    next: (run) => {
      // A client that logs in for the first time has no messages.
      const patchesSince = fields.r === true ? (fields.lastPatchTime ?? 0) : 0
      return subscribe(deps, session, { missed: client.shared.missed, patchesSince }, user, run)
    }
  }
})

export const numberOf = ({ i }: Command): Pick<Command, "i"> => (i === undefined ? {} : { i })

const invalidLogin = (reason: string): Failure => new Failure({ code: Code.invalidLogin, reason, closes: true })

const login = Effect.fnUntraced(function* (
  deps: Deps,
  app: App,
  { appId = "", peerId = "", session }: Command,
  { tag, isAnonymous }: { readonly tag: string; readonly isAnonymous: boolean }
): Effect.fn.Return<Login, HandlerFailure> {
  if (app.signed.includes("login")) {
    const now = yield* Clock.currentTimeMillis
    // The signature is of what the client has sent.
    const by = { app: appId, client: isAnonymous ? "" : peerId, key: app.key }
    if (!(yield* verifySignature(deps.mac, by, { _tag: "Login" }, session ?? {}, now))) {
      return yield* fail(Code.signatureFailed, "The login is not signed.")
    }
  }
  const user = yield* Effect.catchTag(deps.clients.authorize(appId, app, peerId), "Failure", ({ code, reason }) =>
    code === Code.invalidLogin ? invalidLogin(reason) : fail(code, reason)
  )
  return { user, live: yield* deps.sessions.issue(user.id, "device", deviceOf(tag)) }
})

/** Opens the session of a token again. A tag that another device has taken meanwhile is a conflict. */
const reopen = Effect.fnUntraced(function* (
  deps: Deps,
  session: ClientSession,
  peerId: string,
  st: string
): Effect.fn.Return<Login, HandlerFailure> {
  const { token, tag } = parseSessionToken(st)
  const found = yield* deps.sessions.resume(token)
  if (found === undefined || found.session.kind !== "device" || found.user.account !== peerId) {
    const [user] = tag === "" ? [] : yield* deps.engine.context.users.resolve([peerId])
    if (user !== undefined && (yield* deps.sessions.hasDevice(user.id, deviceOf(tag)))) {
      return yield* fail(Code.sessionConflict, "The client has logged in elsewhere.")
    }
    return yield* fail(Code.sessionTokenExpired, "The session token has expired.")
  }
  const live = found.session
  if (conflicts(deps, session, live).some((other) => other.live !== live)) {
    yield* deps.sessions.end(live)
    return yield* fail(Code.sessionConflict, "The client has logged in elsewhere.")
  }
  return { live, user: found.user }
})

/** Returns connections that may not exist beside this one: with the same session, or the same tag. */
const conflicts = ({ hub }: Deps, session: ClientSession, live: LiveSession) =>
  hub.sessionsOf(live.user).filter((other) => {
    if (other === session || other.live?.kind !== "device") return false
    return other.live === live || (live.device !== DIALECT && other.live.device === live.device)
  })

const endConflicts = (deps: Deps, session: ClientSession, live: LiveSession): Effect.Effect<void, HandlerFailure> =>
  Effect.forEach(
    conflicts(deps, session, live),
    (other) => {
      const ended = other.live
      other.takeOver()
      return ended === undefined || ended === live ? Effect.void : deps.sessions.end(ended, other.connection.id)
    },
    { discard: true }
  )

/**
 * Subscribes the client to its conversations: from now on, with a push of how many messages are unread; or from the last message that the
 * device has received.
 */
const subscribe = (
  deps: Deps,
  session: ClientSession,
  { missed, patchesSince }: { readonly missed: SharedConnection["missed"]; readonly patchesSince: number },
  user: User,
  run: RunCommand
): Effect.Effect<Reply> =>
  Effect.gen(function* () {
    if (session.user?.id !== user.id) return { frame: undefined }
    const caller = session.caller()
    const { chats } = deps.engine.context
    const own = yield* run(caller, { _tag: "ListChats" })
    session.receiveTransient(true)
    const replayed = missed === "pushed" ? own.map(({ chat }) => chat.id) : []
    yield* session.open(replayed, () => [])
    if (missed === "pushed") return { frame: undefined }
    for (const { chat, head } of own) {
      const now = chats.getCached({ id: chat.id }) ?? { chat, seq: head.seq }
      if (now.chat.dissolved || (now.chat.type !== "system" && !now.chat.members.has(user.id))) continue
      session.joinChat(chat.id, now.seq + 1)
    }
    const patches = patchesSince > 0 ? yield* missedPatches(deps, own, patchesSince) : []
    const unread = yield* unreadConversations(deps, (command) => run(caller, command), user)
    if (session.user?.id !== user.id) return { frame: undefined }
    const commands: ReadonlyArray<Command> = [
      ...(patches.length > 0 ? [patchCommand(patches)] : []),
      ...(unread === undefined ? [] : [{ cmd: Cmd.unread, unread }])
    ]
    return commands.length === 0
      ? { frame: undefined }
      : {
          frame: new Frame(
            commands.map((command) => new EncodedChunk(replyPacket({ ...command, peerId: user.account })))
          )
        }
  }).pipe(
    Effect.catchTag("StorageFailed", (failed) => Effect.as(logFailedOperation(failed), undefined)),
    Effect.catchTag("Refused", () => Effect.undefined),
    Effect.map((reply): Reply => {
      // The login was already replied to; the client reconnects.
      if (reply === undefined) session.connection.close(CLOSE_INTERNAL, "the conversations could not be read")
      return reply ?? { frame: undefined }
    })
  )

/** Logs the client out. The connection stays, for other clients. */
export const closeSession = Effect.fnUntraced(function* (
  deps: Deps,
  session: ClientSession,
  client: ClientConnection,
  command: Command
): Effect.fn.Return<Reply, HandlerFailure> {
  const { live, user } = session
  if (live === undefined || user === undefined) return yield* fail(Code.sessionRequired, "The client is not logged in.")
  yield* deps.sessions.end(live, session.connection.id)
  session.detachUser()
  return {
    frame: replyPacket({ cmd: Cmd.session, op: Op.closed, ...numberOf(command), peerId: user.account, session: {} }),
    presence: deps.hub.isOnline(user.id) ? [] : [{ what: "logout", user }],
    next: () =>
      Effect.sync((): Reply => {
        client.shared.remove(client)
        return { frame: undefined }
      })
  }
})

/** Returns the token of the session, with its life time renewed. */
export const refreshSession: Handler = ({ deps, session }) =>
  Effect.succeed({
    cmd: Cmd.session,
    op: Op.refreshed,
    session: { st: session.live === undefined ? "" : sessionToken(session.live), stTtl: deps.settings.sessionIdle }
  })

/** Returns those of the named clients who are online, among those whom the caller may see. */
export const queryOnline: Handler = Effect.fnUntraced(function* ({ deps, user, command }) {
  const { users, visibility, settings } = deps.engine.context
  const named = command.session?.sessionPeerIds ?? []
  if (named.length > settings.membersPerRequest) {
    return yield* fail(Code.notAllowed, `A query may name at most ${settings.membersPerRequest} clients.`)
  }
  const found = (yield* users.resolve(named)).flatMap((one) => (one === undefined ? [] : [one]))
  const visible = new Set(yield* visibility.among(user, found))
  return {
    cmd: Cmd.session,
    op: Op.queryResult,
    session: {
      onlineSessionPeerIds: found.flatMap((one) => (visible.has(one) && deps.hub.isOnline(one.id) ? [one.account] : []))
    }
  }
})
