/** Handles the commands of clients, each with one reply. */
import type { ClientSession, Reply, RequestHandler, Requests } from "@parley/core/ClientSession"
import type { RunCommand } from "@parley/core/CommandRunner"
import { Frame } from "@parley/core/Frame"
import { logFailedOperation } from "@parley/core/StorageErrors"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ClientConnection } from "./ClientConnection.ts"
import { Cmd, type Command, Op } from "./codec.ts"
import { confirmDelivery } from "./confirmDelivery.ts"
import {
  addMembers,
  countMembers,
  listMembers,
  muteConversation,
  removeMembers,
  startConversation,
  updateConversation
} from "./conversations.ts"
import type { Deps, Handler, HandlerFailure } from "./context.ts"
import { Code, Failure, fail, failureOf, unsupported } from "./errors.ts"
import { closeSession, numberOf, openSession, queryOnline, refreshSession } from "./login.ts"
import { isTemporaryId } from "./ids.ts"
import { fetchLogs } from "./logs.ts"
import { draftOf, hasToken, isTransient, patchMessage, sendMessage, sentReply } from "./messages.ts"
import { blockClients, queryBlocked, querySilenced, silenceMembers } from "./moderation.ts"
import { replyPacket } from "./packets.ts"
import { updateMemberRole } from "./roles.ts"
import { queryConversations } from "./query.ts"
import { readConversations, readMarks } from "./unread.ts"

/** For frames that are handled at once. */
const NONE: ReadonlyArray<RequestHandler> = []

const OPERATIONS: Readonly<Record<number, Readonly<Record<number, Handler>>>> = {
  [Cmd.session]: { [Op.query]: queryOnline, [Op.refresh]: refreshSession },
  [Cmd.conv]: {
    [Op.start]: startConversation,
    [Op.add]: addMembers,
    [Op.remove]: removeMembers,
    [Op.query]: queryConversations,
    [Op.update]: updateConversation,
    [Op.count]: countMembers,
    [Op.members]: listMembers,
    [Op.maxRead]: readMarks,
    [Op.mute]: muteConversation(true),
    [Op.unmute]: muteConversation(false),
    [Op.memberInfoUpdate]: updateMemberRole,
    [Op.addShutup]: silenceMembers(true),
    [Op.removeShutup]: silenceMembers(false),
    [Op.queryShutup]: querySilenced
  },
  [Cmd.blacklist]: {
    [Op.block]: blockClients(true),
    [Op.unblock]: blockClients(false),
    [Op.query]: queryBlocked
  },
  [Cmd.patch]: { [Op.modify]: patchMessage }
}

/** Commands without an operation. */
const COMMANDS: Readonly<Record<number, Handler>> = {
  [Cmd.direct]: sendMessage,
  [Cmd.read]: readConversations,
  [Cmd.logs]: fetchLogs,
  // Delivered messages are acknowledged by the frame itself.
  [Cmd.ack]: () => Effect.undefined
}

const NAMES = new Map<number, string>(Object.entries(Cmd).map(([name, number]) => [number, name]))

const handlerOf = ({ cmd, op }: Command): Handler | undefined =>
  cmd === undefined ? undefined : (OPERATIONS[cmd]?.[op ?? 0] ?? COMMANDS[cmd])

export const makeRequests =
  (deps: Deps): Requests =>
  (session, frame) => {
    const client = session.connection
    if (!(client instanceof ClientConnection)) throw new Error("the connection is not a client's")
    const command = client.commandOf(frame)
    if (command?.cmd === undefined) return [() => Effect.succeed(failed(client, command ?? {}, NO_COMMAND))]
    if (command.cmd === Cmd.ack && isOwn(client, session, command)) {
      return confirmDelivery(deps, session, command)
    }
    const handler: RequestHandler = (run) => handle(deps, session, client, command, run)
    return command.cmd === Cmd.direct && trySend(deps, session, client, command, handler) ? NONE : [handler]
  }

const NO_COMMAND = fail(Code.invalidFrame, "The frame is not a command.")

/** Whether the client is logged in, and the command names no other one. */
const isOwn = ({ peerId }: ClientConnection, { live, superseded }: ClientSession, command: Command): boolean =>
  live !== undefined && !superseded && [undefined, "", peerId].includes(command.peerId)

/** Fast path for a message; see `ClientSession.trySend`. */
const trySend = (
  { engine, facts, sessions, clock }: Deps,
  session: ClientSession,
  client: ClientConnection,
  command: Command,
  fallback: RequestHandler
): boolean => {
  const { live, user } = session
  if (live === undefined || user === undefined || !isOwn(client, session, command)) return false
  // Without the client's own id of the message, its id is random.
  if (!hasToken(command) || isTransient(command)) return false
  const now = clock.currentTimeMillisUnsafe()
  if (!sessions.isValid(live, now)) return false
  const draft = draftOf(user, command, "")
  if (Result.isFailure(draft) || engine.messageLimits.isExhausted(user.id, now)) return false
  if (engine.limits.take(user.id, 1, now) > 0) return false
  return session.trySend(
    draft.success,
    (sent) => replyPacket({ ...sentReply({ facts }, command, sent), ...numberOf(command), peerId: user.account }),
    fallback,
    now
  )
}

/** A temporary conversation that does not exist for the client has expired. */
const expired = ({ conv, direct, logs }: Command, failure: Failure): Failure => {
  const isMissing = failure.code === Code.conversationNotFound || failure.code === Code.invalidTarget
  return isMissing && isTemporaryId(conv?.cid ?? direct?.cid ?? logs?.cid ?? "")
    ? fail(Code.temporaryExpired, "The temporary conversation has expired.")
    : failure
}

const handle = (
  deps: Deps,
  session: ClientSession,
  client: ClientConnection,
  command: Command,
  run: RunCommand
): Effect.Effect<Reply> =>
  replyTo(deps, session, client, command, run).pipe(
    Effect.catchTags({
      Failure: (failure) => Effect.succeed(failed(client, command, expired(command, failure))),
      Refused: ({ reason }) => Effect.succeed(failed(client, command, expired(command, failureOf(reason)))),
      StorageFailed: (failure) =>
        Effect.as(logFailedOperation(failure), failed(client, command, failureOf({ _tag: "Unavailable" })))
    }),
    // A defect: the client still gets a reply, and the connection stays open.
    Effect.catchCause((cause) =>
      Effect.as(
        Effect.logError(`rtm ${NAMES.get(command.cmd ?? -1) ?? "unknown"} failed unexpectedly`, cause),
        failed(client, command, fail(Code.internalError, "Internal server error."))
      )
    )
  )

const replyTo = Effect.fnUntraced(function* (
  deps: Deps,
  session: ClientSession,
  client: ClientConnection,
  command: Command,
  runCommand: RunCommand
): Effect.fn.Return<Reply, HandlerFailure> {
  const { cmd, op } = command
  if (cmd === Cmd.echo) return { frame: replyPacket({ cmd: Cmd.echo, ...numberOf(command) }) }
  if (cmd === Cmd.session && op === Op.open) return yield* openSession(deps, session, client, command)
  const { live, user } = session
  if (live === undefined || user === undefined || !isOwn(client, session, command)) {
    return yield* fail(Code.sessionRequired, "The client is not logged in.")
  }
  if (!deps.sessions.isValid(live, deps.clock.currentTimeMillisUnsafe())) {
    return yield* fail(Code.sessionTokenExpired, "The session has ended.")
  }
  const app = yield* deps.apps.find(client.appId)
  if (app === undefined) {
    return yield* new Failure({ code: Code.appNotAvailable, reason: "There is no such app.", closes: true })
  }
  yield* deps.engine.limits.charge(user.id, 1)
  if (cmd === Cmd.session && op === Op.close) return yield* closeSession(deps, session, client, command)
  const handler = handlerOf(command)
  if (handler === undefined) return yield* unsupported(`${NAMES.get(cmd ?? -1) ?? "this"} commands of this kind`)
  const caller = session.caller()
  const reply = yield* handler({
    deps,
    session,
    client,
    appId: client.appId,
    user,
    app,
    command,
    runCommand,
    run: (engineCommand) => runCommand(caller, engineCommand)
  })
  if (reply === undefined && command.i === undefined) return { frame: undefined }
  return { frame: replyPacket({ cmd: command.cmd ?? 0, ...reply, ...numberOf(command), peerId: user.account }) }
})

/** Returns the reply of a failed command, after which the client may be removed or its connection closed. */
const failed = (client: ClientConnection, command: Command, { code, reason, closes }: Failure): Reply => {
  const { peerId = client.peerId } = command
  const frame = new Frame(
    replyPacket({
      cmd: Cmd.error,
      ...numberOf(command),
      ...(peerId !== undefined && { peerId }),
      error: { code, reason }
    })
  )
  const isLogin = command.cmd === Cmd.session && command.op === Op.open
  if (closes !== true && !isLogin) return { frame }
  return {
    frame,
    next: () =>
      Effect.sync((): Reply => {
        if (closes === true && client.shared.isAlone(client)) client.shared.closeAll(code, reason)
        // A failed login leaves no session.
        else if (client.session.user === undefined) client.shared.remove(client)
        return { frame: undefined }
      })
  }
}
