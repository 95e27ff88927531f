/** Handlers of all methods except login and logout: convert params to an engine command and its reply to `data`. */
import { refuseOnStorageFailure } from "@parley/core/StorageErrors"
import type { ChatView, Command, Draft, ReplyOf, SentMessage } from "@parley/core/Command"
import type { Senders } from "@parley/core/Chat"
import type { UserCache } from "@parley/core/UserCache"
import { EncodedChunk } from "@parley/core/Frame"
import { ChatId, UserId } from "@parley/core/Ids"
import { type MessageRefusal, type Reason, type Refused, refuse } from "@parley/core/Refused"
import type { EngineSettings } from "@parley/core/Settings"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { chatListText, userListText, encodeMembers } from "./loginPushes.ts"
import type { Profile } from "./profiles.ts"
import { bounded, messageOf } from "./errors.ts"
import { chatText, fileJson, type Json, messageJson, publicChatText, userJson } from "./encode.ts"
import type { UserListCache } from "./UserListCache.ts"
import { type Method, type ParamsOf, readMessage } from "./params.ts"
import { parleyHandlers } from "./parleyMethods.ts"

/** Data that is already JSON text, in chunks: long lists are encoded in slices, shared ones once. */
export class RawJson {
  readonly chunks: ReadonlyArray<EncodedChunk>

  constructor(chunks: ReadonlyArray<EncodedChunk>) {
    this.chunks = chunks
  }
}

/** Fields of a reply in addition to the common ones. */
export interface MethodResult {
  readonly data: Json | RawJson
  readonly pager?: Json
}

/** Context of one request. */
export interface RequestContext {
  readonly user: User
  readonly profile: Profile
  readonly userList: UserListCache
  readonly users: UserCache
  readonly settings: EngineSettings
  /** Runs a command; its broadcasts follow the reply. */
  readonly runCommand: <C extends Command>(command: C) => Effect.Effect<ReplyOf<C>, Refused>
  /** Whether pushes of the module `parley` are sent on this connection. */
  readonly receiveTransient: (on: boolean) => void
}

type Handler<M extends Method> = (context: RequestContext, params: ParamsOf<M>) => Effect.Effect<MethodResult, Refused>

const orUnavailable = refuseOnStorageFailure("users")

const invalid = (field: string, problem: string): Refused => refuse({ _tag: "Invalid", field, problem })

const ids = (users: ReadonlyArray<number | { readonly id: number }>): ReadonlyArray<UserId> =>
  users.map((user) => UserId(typeof user === "number" ? user : user.id))

/** Dates are in seconds below 10^11, otherwise in milliseconds. Source: PROTOCOLS, "message". */
const MILLISECONDS_FROM = 1e11
const milliseconds = (date: number): number => Math.floor(date >= MILLISECONDS_FROM ? date : date * 1000)

/** Converts one message to a draft, or returns the reason for refusing it. */
export const draftOf = (user: User, sent: unknown, index: number): Result.Result<Draft, Reason> =>
  Result.flatMap(readMessage(sent, index), (message) => {
    const { gid, cgid, date, type, contentType, content } = message
    const claimed = message.user ?? undefined
    if (claimed !== undefined && claimed !== "" && claimed !== 0 && claimed !== user.id && claimed !== user.account) {
      const field = `params.messages.${index}.user`
      return Result.fail<Reason>({ _tag: "Invalid", field, problem: "must be the user who sends, or empty" })
    }
    return Result.succeed({
      gid,
      chat: { gid: cgid },
      type: type ?? "normal",
      contentType: contentType ?? "text",
      content: typeof content === "string" ? content : JSON.stringify(content),
      ...(typeof date === "number" && date !== 0 && { date: milliseconds(date) })
    })
  })

/** Converts all messages of a request; refuses with a list of the invalid ones, or all if there are more than `limit`. */
const draftsOf = (
  user: User,
  messages: ReadonlyArray<unknown>,
  limit: number
): Effect.Effect<ReadonlyArray<Draft>, Refused> => {
  if (messages.length > limit) return invalid("messages", `must hold at most ${limit} messages`)
  const drafts: Array<Draft> = []
  const refusals: Array<MessageRefusal> = []
  for (const [index, message] of messages.entries()) {
    const draft = draftOf(user, message, index)
    if (Result.isSuccess(draft)) drafts.push(draft.success)
    else refusals.push({ index, reason: draft.failure })
  }
  return refusals.length > 0 ? refuse({ _tag: "MessagesRefused", refusals }) : Effect.succeed(drafts)
}

/** Encodes the messages as stored. */
const sentResult = (sent: ReadonlyArray<SentMessage>): MethodResult => ({
  data: sent.map(({ message, chat }) => messageJson(message, chat))
})

/** Encodes a chat with all its members. */
const chatResult = (view: ChatView, { wireFormat }: Profile): MethodResult => ({
  data: new RawJson([new EncodedChunk(chatText(view, wireFormat))])
})

/** Items of a list that are encoded as one chunk, before other work runs. */
const ITEMS_PER_SLICE = 500
/** Characters after which a chunk ends earlier. */
const CHARACTERS_PER_SLICE = 256 * 1024

/** Encodes a list in slices. */
const encodeList = <A>(items: ReadonlyArray<A>, write: (item: A) => string): Effect.Effect<RawJson> =>
  Effect.gen(function* () {
    const chunks = [new EncodedChunk("[")]
    let texts: Array<string> = []
    let characters = 0
    for (const [index, item] of items.entries()) {
      const text = write(item)
      texts.push(text)
      characters += text.length
      const isLast = index === items.length - 1
      if (!isLast && texts.length < ITEMS_PER_SLICE && characters < CHARACTERS_PER_SLICE) continue
      chunks.push(new EncodedChunk(`${chunks.length > 1 ? "," : ""}${texts.join(",")}`))
      texts = []
      characters = 0
      if (!isLast) yield* Effect.yieldNow
    }
    chunks.push(new EncodedChunk("]"))
    return new RawJson(chunks)
  })

/** Encodes each refused message with its reason, in addition to the refusal of the request. Source: PROTOCOLS, "message". */
export const refusedMessages = (reason: Reason, sent: ReadonlyArray<unknown>): Json | undefined => {
  // A host rejects all messages of a request together.
  const refusals =
    reason._tag === "MessagesRefused"
      ? reason.refusals
      : reason._tag === "Rejected" && sent.length > 0
        ? sent.map((_, index) => ({ index, reason }))
        : undefined
  return refusals?.map(({ index, reason: cause }) => ({
    gid: bounded(textOf(sent[index], "gid")),
    cgid: bounded(textOf(sent[index], "cgid")),
    message: messageOf(cause)
  }))
}

/** Returns a field of a client's value; "" if it is not a string. */
const textOf = (sent: unknown, name: "gid" | "cgid"): string => {
  const value: unknown = typeof sent === "object" && sent !== null ? Reflect.get(sent, name) : undefined
  return typeof value === "string" ? value : ""
}

const SENDER_WORDS: ReadonlyMap<string, Senders> = new Map<string, Senders>([
  ["", []],
  ["$ALL", "all"],
  ["$ADMINS", "admins"]
])

/** Maximum length of one user in `committers`, in characters, with comma and white space. */
const MAX_SENDER_LENGTH = 32

const sendersOf = (
  committers: ParamsOf<"chat/setcommitters">["committers"],
  limit: number
): Effect.Effect<Senders, Refused> => {
  if (typeof committers !== "string") return Effect.succeed(ids(committers))
  if (committers.length > limit * MAX_SENDER_LENGTH)
    return invalid("params.committers", `must name at most ${limit} users`)
  const word = SENDER_WORDS.get(committers.trim())
  if (word !== undefined) return Effect.succeed(word)
  const users = committers.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]))
  return users.every((user) => /^[0-9]{1,15}$/.test(user))
    ? Effect.succeed(users.map((user) => UserId(Number(user))))
    : invalid("params.committers", 'must be user ids, "$ALL" or "$ADMINS"')
}

/** Reads the chat to rename, by numeric id or by gid. Source: PROTOCOLS, "Params". */
const chatToRename = (
  params: ParamsOf<"chat/changename">
): Effect.Effect<{ readonly id: ChatId } | { readonly gid: string }, Refused> => {
  const ref = params.id ?? params.gid
  if (ref === undefined || ref === null) return invalid("params.id", "must be the chat's id or gid")
  return Effect.succeed(typeof ref === "number" ? { id: ChatId(ref) } : { gid: ref })
}

export const handlers: { readonly [M in Exclude<Method, "chat/login" | "chat/logout">]: Handler<M> } = {
  ...parleyHandlers,

  "chat/ping": () => Effect.succeed({ data: null }),

  // All callers share one encoded list; the command only checks and charges.
  "chat/usergetlist": Effect.fnUntraced(function* ({ runCommand, users, userList }) {
    yield* runCommand({ _tag: "ListUsers" })
    const allUsers = yield* orUnavailable(users.all)
    yield* userList.prepare(allUsers)
    return { data: new RawJson(userListText(users.current(allUsers), userList)) }
  }),

  "chat/getlist": Effect.fnUntraced(function* ({ runCommand, users, userList, profile }) {
    const chats = yield* runCommand({ _tag: "ListChats" })
    const allUsers = yield* orUnavailable(users.all)
    yield* userList.prepare(allUsers, profile.wireFormat.members)
    const memberTexts = yield* encodeMembers(chats, profile)
    return {
      data: new RawJson(chatListText(chats, { users: users.current(allUsers), userList, memberTexts, profile }))
    }
  }),

  "chat/userchangename": ({ runCommand }, { name }) =>
    Effect.map(runCommand({ _tag: "RenameUser", name }), (user) => ({ data: { id: user.id, name: user.realname } })),

  "chat/userchangestatus": ({ runCommand }, { status }) =>
    Effect.map(runCommand({ _tag: "ChangeStatus", status }), (user) => ({
      data: { id: user.id, status: user.status }
    })),

  "chat/create": ({ runCommand, profile }, params) =>
    Effect.map(
      runCommand({
        _tag: "CreateChat",
        gid: params.gid,
        name: params.name ?? "",
        type: params.type ?? "group",
        members: ids(params.members),
        subject: params.subject ?? 0,
        public: params.public ?? false
      }),
      (view) => chatResult(view, profile)
    ),

  "chat/joinchat": ({ runCommand }, { gid, join }) => {
    const joins = join ?? true
    const command = joins
      ? runCommand({ _tag: "JoinChat", chat: { gid } })
      : runCommand({ _tag: "LeaveChat", chat: { gid } })
    return Effect.as(command, { data: { gid, join: joins } })
  },

  "chat/changename": ({ runCommand }, params) =>
    Effect.flatMap(chatToRename(params), (chat) =>
      Effect.map(runCommand({ _tag: "RenameChat", chat, name: params.name }), (view) => ({
        data: { gid: view.chat.gid, name: view.chat.name }
      }))
    ),

  "chat/star": ({ runCommand }, { gid, star }) =>
    Effect.map(runCommand({ _tag: "SetPreference", chat: { gid }, star: star ?? true }), ({ preference }) => ({
      data: { gid, star: preference.star }
    })),

  "chat/hide": ({ runCommand }, { gid, hide }) =>
    Effect.map(runCommand({ _tag: "SetPreference", chat: { gid }, hide: hide ?? true }), ({ preference }) => ({
      data: { gid, hide: preference.hide }
    })),

  "chat/mute": ({ runCommand }, { gid, mute }) =>
    Effect.map(runCommand({ _tag: "SetPreference", chat: { gid }, mute: mute ?? true }), ({ preference }) => ({
      data: { gid, mute: preference.mute }
    })),

  "chat/addmember": ({ runCommand, profile }, { gid, members, join }) => {
    const users = ids(members)
    const command =
      (join ?? true)
        ? runCommand({ _tag: "AddMembers", chat: { gid }, members: users })
        : runCommand({ _tag: "RemoveMembers", chat: { gid }, members: users })
    return Effect.map(command, (view) => chatResult(view, profile))
  },

  "chat/message": ({ runCommand, user, settings }, { messages }) =>
    Effect.flatMap(draftsOf(user, messages, settings.messagesPerRequest), (drafts) =>
      Effect.map(runCommand({ _tag: "SendMessages", messages: drafts }), sentResult)
    ),

  "chat/history": ({ runCommand }, { gid, recPerPage, pageID, continued }) => {
    const size = recPerPage ?? 0
    const number = pageID ?? 0
    const page = size === 0 ? {} : { page: { size, number: number === 0 ? 1 : number } }
    return Effect.flatMap(runCommand({ _tag: "ReadHistory", chat: { gid }, ...page }), ({ chat, messages, total }) =>
      Effect.map(
        encodeList(messages, (message) => JSON.stringify(messageJson(message, chat))),
        (data) => ({
          data,
          pager: {
            recPerPage: size,
            pageID: number === 0 ? 1 : number,
            recTotal: total,
            gid,
            continued: continued ?? false
          }
        })
      )
    )
  },

  "chat/members": ({ runCommand, profile: { wireFormat } }, { gid }) =>
    Effect.flatMap(runCommand({ _tag: "ListMembers", chat: { gid } }), ({ members }) =>
      Effect.map(
        encodeList(members, (user) =>
          wireFormat.members === "ids" ? String(user.id) : JSON.stringify(userJson(user))
        ),
        ({ chunks }) => ({
          data: new RawJson([
            new EncodedChunk(`[{"gid":${JSON.stringify(gid)},"members":`),
            ...chunks,
            new EncodedChunk("}]")
          ])
        })
      )
    ),

  "chat/changepublic": ({ runCommand }, params) =>
    Effect.map(
      runCommand({ _tag: "PublishChat", chat: { gid: params.gid }, public: params.public ?? true }),
      ({ chat }) => ({ data: { gid: chat.gid, public: chat.public } })
    ),

  "chat/getpubliclist": ({ runCommand, profile }) =>
    Effect.flatMap(runCommand({ _tag: "ListPublicChats" }), (chats) =>
      Effect.map(
        encodeList(chats, (chat) => publicChatText(chat, profile.wireFormat)),
        (data) => ({ data })
      )
    ),

  "chat/setadmin": ({ runCommand, profile }, { gid, admins, isAdmin }) =>
    Effect.map(runCommand({ _tag: "SetAdmins", chat: { gid }, users: ids(admins), grant: isAdmin ?? true }), (view) =>
      chatResult(view, profile)
    ),

  "chat/setcommitters": ({ runCommand, profile, settings }, { gid, committers }) =>
    Effect.flatMap(sendersOf(committers, settings.membersPerRequest), (senders) =>
      Effect.map(runCommand({ _tag: "SetSenders", chat: { gid }, senders }), (view) => chatResult(view, profile))
    ),

  "chat/settings": ({ runCommand }, { account, settings }) => {
    const target = account === "" ? {} : { account }
    const stored =
      settings === undefined || settings === null || settings === ""
        ? runCommand({ _tag: "ReadUserSettings", ...target })
        : runCommand({ _tag: "SaveUserSettings", ...target, settings: JSON.stringify(settings) })
    return Effect.map(stored, (text) => ({ data: text === null ? null : (JSON.parse(text) as Json) }))
  },

  "attach/getlist": ({ runCommand }, { gid }) =>
    Effect.flatMap(runCommand({ _tag: "ListFiles", chat: { gid } }), (files) =>
      Effect.map(
        encodeList(files, (file) => JSON.stringify(fileJson(file))),
        (data) => ({ data })
      )
    )
}
