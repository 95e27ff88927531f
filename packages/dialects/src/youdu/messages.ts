/**
 * Sends messages: of a user to a session or to another user, and of an app to users. Source: PROTOCOLS, "youdu"; fields as
 * the public SDKs send them.
 */
import type { Chat } from "@parley/core/Chat"
import type { Engine } from "@parley/core/Engine"
import type { UserCaller } from "@parley/core/Event"
import { type Refused, refuse } from "@parley/core/Refused"
import { type ReasonWords, soleReason } from "@parley/core/describeReason"
import { type AppScope, knownUser } from "@parley/core/rules/AppScope"
import type { StorageFailed, Store } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import { exceeds, textBytes } from "@parley/core/Utf8"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { field, type Fields, invalid, text } from "../_http/fields.ts"
import type { RouteTable } from "../_http/protocolRoutes.ts"
import type { RunCommand } from "../_http/runCommands.ts"
import { type App, appName, type Apps } from "./apps.ts"
import { APP_ROLE, type AppUsers } from "./appUsers.ts"
import { CALLBACK_DEVICE } from "./callbacks.ts"
import type { Departments } from "./departments.ts"
import { APP_TYPES, type Content, contentOf, SESSION_TYPES } from "./messageContent.ts"
import type { Operation, Operations, RequestContext } from "./operations.ts"
import { account, type Lengths, readBuin } from "./params.ts"
import type { Profiles } from "./profiles.ts"
import { recipientsOf } from "./recipients.ts"
import { wordsOf } from "./responses.ts"
import { type Media, sharedNamed, shareMedia } from "./sharedMedia.ts"
import { groupNamed } from "./targets.ts"

export interface MessageDeps {
  readonly engine: Engine["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly apps: Apps
  readonly appUsers: AppUsers
  readonly lengths: Lengths
  readonly store: Store["Service"]
  readonly profiles: Profiles
  readonly departments: Departments
}

/** Number of chats that are opened at a time. */
const CONCURRENCY = 32
/** Maximum total size of the texts of one request, in bytes: each chat stores its own. */
const MAX_TOTAL = 16 * 1024 * 1024

/** An app's user has what it sends: its callback gets the messages of others. */
const callerOf = ({ id, role }: User): UserCaller => ({ user: id, device: role === APP_ROLE ? CALLBACK_DEVICE : null })

const WORDS: ReasonWords = {
  ...wordsOf("session", {}, { NoSuchChat: "sessionId: there is no such session." }),
  caller: "sender"
}

export const messageRoutes = (deps: MessageDeps, { inBody }: Operations): RouteTable => ({
  "/cgi/session/send": { POST: inBody(sendToSession(deps), WORDS) },
  "/cgi/msg/send": { POST: inBody(sendToUsers(deps), WORDS) }
})

/** Returns the value of a field; undefined if it is absent or empty, as some clients send it. */
const optionalText = (fields: Fields, name: string): Effect.Effect<string | undefined, Refused> => {
  const value = field(fields, name)
  return value === undefined || value === "" ? Effect.succeed(undefined) : text(fields, name)
}

/** Users that a request can name: those within the scope, and the app's own. */
interface Reach {
  readonly scope: AppScope
  readonly own: User | undefined
}

/** Returns the user whose account is in the field `name`. */
const userNamed = Effect.fnUntraced(function* (
  { engine, lengths }: MessageDeps,
  { scope, own }: Reach,
  fields: Fields,
  name: string
): Effect.fn.Return<User, Refused | StorageFailed> {
  const named = yield* account(fields, name, lengths)
  const [user] = yield* engine.context.users.byAccount([named])
  return user !== undefined && (user.id === own?.id || knownUser.check(scope, user))
    ? user
    : yield* refuse({ _tag: "NoSuchUsers", users: [`${named} (${name})`] })
})

const sendToSession = (deps: MessageDeps): Operation =>
  Effect.fnUntraced(function* (context) {
    const { principal, scope, fields, runCommand, recordImpersonation } = context
    const { engine } = deps
    const own = principal.app === undefined ? undefined : yield* deps.appUsers.find(principal.app)
    const sender = yield* userNamed(deps, { scope, own }, fields, "sender")
    if (sender.disabled) return yield* invalid("sender", "is disabled")
    if (sender.role === APP_ROLE && sender.id !== own?.id) return yield* invalid("sender", "must not be another app")
    const content = yield* contentOf(fields, SESSION_TYPES)
    yield* refuseTooLong(deps, content, 1)
    const caller = callerOf(sender)
    const media = yield* mediaOf(deps, context, caller, content)
    const chat = yield* chatNamed(deps, { scope, own }, runCommand, sender, fields)
    const gid = yield* deps.random.uuidV4()
    const body = yield* bodyIn(engine, runCommand, caller, chat, content, media)
    const messages = [{ gid, chat: { id: chat.id }, type: "normal", ...body }] as const
    yield* Effect.mapError(runCommand(caller, { _tag: "SendMessages", messages }), ({ reason }) =>
      refuse(soleReason(reason))
    )
    yield* recordImpersonation(sender, "session.send")
    return { id: gid }
  })

/** Returns the group in `sessionId`, or the direct chat with the user in `receiver`. */
const chatNamed = Effect.fnUntraced(function* (
  deps: MessageDeps,
  reach: Reach,
  runCommand: RunCommand,
  sender: User,
  fields: Fields
): Effect.fn.Return<Chat, Refused | StorageFailed> {
  const sessionId = yield* optionalText(fields, "sessionId")
  const receiver = yield* optionalText(fields, "receiver")
  if ((sessionId === undefined) === (receiver === undefined)) {
    return yield* invalid("sessionId or receiver", "must be given, and not both")
  }
  if (sessionId !== undefined) {
    const chat = yield* groupNamed(deps.engine, reach.scope, sessionId)
    return chat.members.has(sender.id) ? chat : yield* refuse({ _tag: "NotMember" })
  }
  const other = yield* userNamed(deps, reach, fields, "receiver")
  if (other.id === sender.id) return yield* invalid("receiver", "must be another user than sender")
  return yield* openDirect(runCommand, callerOf(sender), other)
})

/** Sends to each recipient in the direct chat of the app's user: all messages are stored, or none. */
const sendToUsers = (deps: MessageDeps): Operation =>
  Effect.fnUntraced(function* (context) {
    const { principal, fields, runCommand } = context
    const { engine } = deps
    const app = principal.app ?? (yield* appNamed(deps, fields))
    const sender = yield* deps.appUsers.of(app)
    if (sender.disabled) return yield* invalid("appId", "names an app whose user is disabled")
    const content = yield* contentOf(fields, APP_TYPES)
    const scope = { organisation: app.organisation }
    const recipients = yield* recipientsOf(deps, scope, fields)
    yield* refuseTooLong(deps, content, recipients.length)
    const caller = callerOf(sender)
    const media = yield* mediaOf(deps, context, caller, content)
    const id = yield* deps.random.uuidV4()
    const drafts = yield* Effect.forEach(
      recipients,
      Effect.fnUntraced(function* (user) {
        const chat = yield* openDirect(runCommand, caller, user)
        const body = yield* bodyIn(engine, runCommand, caller, chat, content, media)
        return { gid: `${id}-${user.id}`, chat: { id: chat.id }, type: "normal", ...body } as const
      }),
      { concurrency: CONCURRENCY }
    )
    if (drafts.length > 0) yield* runCommand(caller, { _tag: "SendMessages", messages: drafts, onePerChat: true })
    return { id }
  })

/** In plain JSON, the body names the app with the fields of an envelope. */
const appNamed = Effect.fnUntraced(function* ({ apps }: MessageDeps, fields: Fields): Effect.fn.Return<App, Refused> {
  const name = appName(yield* readBuin(fields), yield* text(fields, "appId"))
  return (yield* apps.find(name)) ?? (yield* invalid("appId", "must be the id of an app of buin"))
})

const openDirect = (runCommand: RunCommand, caller: UserCaller, { id }: User): Effect.Effect<Chat, Refused> =>
  Effect.map(
    runCommand(caller, {
      _tag: "CreateChat",
      gid: "",
      name: "",
      type: "one2one",
      members: [caller.user, id],
      subject: 0,
      public: false
    }),
    ({ chat }) => chat
  )

/** Refuses what the engine would, before a chat is opened. */
const refuseTooLong = ({ engine }: MessageDeps, content: Content, recipients: number): Effect.Effect<void, Refused> => {
  if (content._tag === "Media") return Effect.void
  const limit = engine.context.settings.content
  if (exceeds(content.text, limit)) return invalid("content", `must have at most ${limit} bytes`)
  return textBytes(content.text).length * recipients > MAX_TOTAL
    ? invalid("content", `must have at most ${MAX_TOTAL} bytes for all recipients together`)
    : Effect.void
}

const mediaOf = (
  { store }: MessageDeps,
  { scope, runCommand }: RequestContext,
  caller: UserCaller,
  content: Content
): Effect.Effect<Media | undefined, Refused | StorageFailed> =>
  content._tag === "Text"
    ? Effect.undefined
    : Effect.catchTag(
        sharedNamed({ store, scope, runCommand, sender: caller }, content.mediaId),
        "Refused",
        (refused) =>
          refused.reason._tag === "NoSuchFile"
            ? invalid(content.field, "names no file of the app or the sender")
            : Effect.fail(refused)
      )

const bodyIn = (
  engine: Engine["Service"],
  runCommand: RunCommand,
  caller: UserCaller,
  chat: Chat,
  content: Content,
  media: Media | undefined
): Effect.Effect<{ readonly contentType: string; readonly content: string }, Refused> =>
  content._tag === "Text" || media === undefined
    ? Effect.succeed({ contentType: "text", content: content._tag === "Text" ? content.text : "" })
    : Effect.map(shareMedia(engine, runCommand, caller, chat, media), (shared) => ({
        contentType: content.contentType,
        content: shared
      }))
