/** Each method but login and logout: its params as a command of the engine, and the engine's reply as `data`. */
import { refuseOnStorageFailure as availableOr } from "@parley/core/StorageErrors"
import type { ChatView, Command, Draft, ReplyOf, SentMessage } from "@parley/core/Command"
import type { Committers } from "@parley/core/Chat"
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

/** Data that is JSON text already, in pieces: what is long is written in slices, and what all get is written once. */
export class RawJson {
  readonly chunks: ReadonlyArray<EncodedChunk>

  constructor(pieces: ReadonlyArray<EncodedChunk>) {
    this.chunks = pieces
  }
}

/** What an answer carries beside what every answer has. */
export interface Answer {
  readonly data: Json | RawJson
  readonly pager?: Json
}

/** Who asks, and in what words they are answered. */
export interface RequestContext {
  readonly user: User
  readonly profile: Profile
  readonly userList: UserListCache
  readonly users: UserCache
  readonly settings: EngineSettings
  /** Runs a command; what it announces follows the reply. */
  readonly handle: <C extends Command>(command: C) => Effect.Effect<ReplyOf<C>, Refused>
}

type Handler<M extends Method> = (asking: RequestContext, params: ParamsOf<M>) => Effect.Effect<Answer, Refused>

const available = availableOr("users")

const invalid = (field: string, problem: string): Refused => refuse({ _tag: "Invalid", field, problem })

const ids = (users: ReadonlyArray<number | { readonly id: number }>): ReadonlyArray<UserId> =>
  users.map((user) => UserId(typeof user === "number" ? user : user.id))

/** Dates come in seconds, or in milliseconds from 10^11. Source: PROTOCOLS, "message". */
const MILLISECONDS_FROM = 1e11
const milliseconds = (date: number): number => Math.floor(date >= MILLISECONDS_FROM ? date : date * 1000)

/** One message as the engine takes it, or why not. */
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

/** All messages of a request, or a refusal that lists each that cannot be read; more than `limit` are refused as a whole. */
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

/** The messages as they are stored. */
const sentAnswer = (sent: ReadonlyArray<SentMessage>): Answer => ({
  data: sent.map(({ message, chat }) => messageJson(message, chat))
})

/** A chat with all its members. */
const chatAnswer = (view: ChatView, { vocabulary }: Profile): Answer => ({
  data: new RawJson([new EncodedChunk(chatText(view, vocabulary))])
})

/** Items of a list that are written as one piece, before other work is let through. */
const SLICE = 500

/** A list that may be long. */
const listAnswer = <A>(items: ReadonlyArray<A>, write: (item: A) => string): Effect.Effect<RawJson> =>
  Effect.gen(function* () {
    const pieces = [new EncodedChunk("[")]
    for (let from = 0; from < items.length; from += SLICE) {
      if (from > 0) yield* Effect.yieldNow
      const text = items
        .slice(from, from + SLICE)
        .map(write)
        .join(",")
      pieces.push(new EncodedChunk(from === 0 ? text : `,${text}`))
    }
    pieces.push(new EncodedChunk("]"))
    return new RawJson(pieces)
  })

/** Each refused message with its reason, beside the refusal as a whole. Source: PROTOCOLS, "message". */
export const refusedMessages = (reason: Reason, sent: ReadonlyArray<unknown>): Json | undefined => {
  // A host refuses a request of messages as a whole.
  const refusals =
    reason._tag === "MessagesRefused"
      ? reason.refusals
      : reason._tag === "Rejected" && sent.length > 0
        ? sent.map((_, index) => ({ index, reason }))
        : undefined
  return refusals?.map(({ index, reason: why }) => ({
    gid: bounded(textOf(sent[index], "gid")),
    cgid: bounded(textOf(sent[index], "cgid")),
    message: messageOf(why)
  }))
}

/** A field of what a client sent, "" where it is no text. */
const textOf = (sent: unknown, name: "gid" | "cgid"): string => {
  const value: unknown = typeof sent === "object" && sent !== null ? Reflect.get(sent, name) : undefined
  return typeof value === "string" ? value : ""
}

const COMMITTER_WORDS: ReadonlyMap<string, Committers> = new Map<string, Committers>([
  ["", []],
  ["$ALL", "all"],
  ["$ADMINS", "admins"]
])

/** Characters of one user in a list of committers, with its comma and white space around it. */
const COMMITTER = 32

const committersOf = (
  committers: ParamsOf<"chat/setcommitters">["committers"],
  limit: number
): Effect.Effect<Committers, Refused> => {
  if (typeof committers !== "string") return Effect.succeed(ids(committers))
  if (committers.length > limit * COMMITTER) return invalid("params.committers", `must name at most ${limit} users`)
  const word = COMMITTER_WORDS.get(committers.trim())
  if (word !== undefined) return Effect.succeed(word)
  const users = committers.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]))
  return users.every((user) => /^[0-9]{1,15}$/.test(user))
    ? Effect.succeed(users.map((user) => UserId(Number(user))))
    : invalid("params.committers", 'must be user ids, "$ALL" or "$ADMINS"')
}

/** A chat is renamed by its numeric id or by its gid. Source: PROTOCOLS, "Params". */
const renamed = (
  params: ParamsOf<"chat/changename">
): Effect.Effect<{ readonly id: ChatId } | { readonly gid: string }, Refused> => {
  const ref = params.id ?? params.gid
  if (ref === undefined || ref === null) return invalid("params.id", "must be the chat's id or gid")
  return Effect.succeed(typeof ref === "number" ? { id: ChatId(ref) } : { gid: ref })
}

export const handlers: { readonly [M in Exclude<Method, "chat/login" | "chat/logout">]: Handler<M> } = {
  "chat/ping": () => Effect.succeed({ data: null }),

  // Everybody gets the same list: the reply says that it may be had, and the list has it in bytes.
  "chat/usergetlist": Effect.fnUntraced(function* ({ handle, users, userList }) {
    yield* handle({ _tag: "ListUsers" })
    const allUsers = yield* available(users.all)
    yield* userList.ready(allUsers)
    return { data: new RawJson(userListText(users.current(allUsers), userList)) }
  }),

  "chat/getlist": Effect.fnUntraced(function* ({ handle, users, userList, profile }) {
    const chats = yield* handle({ _tag: "ListChats" })
    const allUsers = yield* available(users.all)
    yield* userList.ready(allUsers, profile.vocabulary.members)
    const written = yield* encodeMembers(chats, profile)
    return { data: new RawJson(chatListText(chats, { users: users.current(allUsers), userList, written, profile })) }
  }),

  "chat/userchangename": ({ handle }, { name }) =>
    Effect.map(handle({ _tag: "RenameUser", name }), (user) => ({ data: { id: user.id, name: user.realname } })),

  "chat/userchangestatus": ({ handle }, { status }) =>
    Effect.map(handle({ _tag: "ChangeStatus", status }), (user) => ({ data: { id: user.id, status: user.status } })),

  "chat/create": ({ handle, profile }, params) =>
    Effect.map(
      handle({
        _tag: "CreateChat",
        gid: params.gid,
        name: params.name ?? "",
        type: params.type ?? "group",
        members: ids(params.members),
        subject: params.subject ?? 0,
        public: params.public ?? false
      }),
      (view) => chatAnswer(view, profile)
    ),

  "chat/joinchat": ({ handle }, { gid, join }) => {
    const joins = join ?? true
    const command = joins ? handle({ _tag: "JoinChat", chat: { gid } }) : handle({ _tag: "LeaveChat", chat: { gid } })
    return Effect.as(command, { data: { gid, join: joins } })
  },

  "chat/changename": ({ handle }, params) =>
    Effect.flatMap(renamed(params), (chat) =>
      Effect.map(handle({ _tag: "RenameChat", chat, name: params.name }), (view) => ({
        data: { gid: view.chat.gid, name: view.chat.name }
      }))
    ),

  "chat/star": ({ handle }, { gid, star }) =>
    Effect.map(handle({ _tag: "SetPreference", chat: { gid }, star: star ?? true }), ({ preference }) => ({
      data: { gid, star: preference.star }
    })),

  "chat/hide": ({ handle }, { gid, hide }) =>
    Effect.map(handle({ _tag: "SetPreference", chat: { gid }, hide: hide ?? true }), ({ preference }) => ({
      data: { gid, hide: preference.hide }
    })),

  "chat/mute": ({ handle }, { gid, mute }) =>
    Effect.map(handle({ _tag: "SetPreference", chat: { gid }, mute: mute ?? true }), ({ preference }) => ({
      data: { gid, mute: preference.mute }
    })),

  "chat/addmember": ({ handle, profile }, { gid, members, join }) => {
    const users = ids(members)
    const command =
      (join ?? true)
        ? handle({ _tag: "AddMembers", chat: { gid }, members: users })
        : handle({ _tag: "RemoveMembers", chat: { gid }, members: users })
    return Effect.map(command, (view) => chatAnswer(view, profile))
  },

  "chat/message": ({ handle, user, settings }, { messages }) =>
    Effect.flatMap(draftsOf(user, messages, settings.messagesPerRequest), (drafts) =>
      Effect.map(handle({ _tag: "SendMessages", messages: drafts }), sentAnswer)
    ),

  "chat/history": ({ handle }, { gid, recPerPage, pageID, continued }) => {
    const size = recPerPage ?? 0
    const number = pageID ?? 0
    const page = size === 0 ? {} : { page: { size, number: number === 0 ? 1 : number } }
    return Effect.flatMap(handle({ _tag: "ReadHistory", chat: { gid }, ...page }), ({ chat, messages, total }) =>
      Effect.map(
        listAnswer(messages, (message) => JSON.stringify(messageJson(message, chat))),
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

  "chat/members": ({ handle, profile: { vocabulary } }, { gid }) =>
    Effect.flatMap(handle({ _tag: "ListMembers", chat: { gid } }), ({ members }) =>
      Effect.map(
        listAnswer(members, (user) =>
          vocabulary.members === "ids" ? String(user.id) : JSON.stringify(userJson(user))
        ),
        ({ chunks: pieces }) => ({
          data: new RawJson([
            new EncodedChunk(`[{"gid":${JSON.stringify(gid)},"members":`),
            ...pieces,
            new EncodedChunk("}]")
          ])
        })
      )
    ),

  "chat/changepublic": ({ handle }, params) =>
    Effect.map(
      handle({ _tag: "PublishChat", chat: { gid: params.gid }, public: params.public ?? true }),
      ({ chat }) => ({ data: { gid: chat.gid, public: chat.public } })
    ),

  "chat/getpubliclist": ({ handle, profile }) =>
    Effect.flatMap(handle({ _tag: "ListPublicChats" }), (chats) =>
      Effect.map(
        listAnswer(chats, (chat) => publicChatText(chat, profile.vocabulary)),
        (data) => ({ data })
      )
    ),

  "chat/setadmin": ({ handle, profile }, { gid, admins, isAdmin }) =>
    Effect.map(handle({ _tag: "SetAdmins", chat: { gid }, users: ids(admins), grant: isAdmin ?? true }), (view) =>
      chatAnswer(view, profile)
    ),

  "chat/setcommitters": ({ handle, profile, settings }, { gid, committers }) =>
    Effect.flatMap(committersOf(committers, settings.membersPerRequest), (wanted) =>
      Effect.map(handle({ _tag: "SetCommitters", chat: { gid }, committers: wanted }), (view) =>
        chatAnswer(view, profile)
      )
    ),

  "chat/settings": ({ handle }, { account, settings }) => {
    const whose = account === "" ? {} : { account }
    const stored =
      settings === undefined || settings === null || settings === ""
        ? handle({ _tag: "ReadUserSettings", ...whose })
        : handle({ _tag: "SaveUserSettings", ...whose, settings: JSON.stringify(settings) })
    return Effect.map(stored, (text) => ({ data: text === null ? null : (JSON.parse(text) as Json) }))
  },

  "attach/getlist": ({ handle }, { gid }) =>
    Effect.flatMap(handle({ _tag: "ListFiles", chat: { gid } }), (files) =>
      Effect.map(
        listAnswer(files, (file) => JSON.stringify(fileJson(file))),
        (data) => ({ data })
      )
    )
}
