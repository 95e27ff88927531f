/** Handlers of all methods except login and logout: convert params to an engine command and its reply to `data`. */
import { refuseOnStorageFailure } from "@parley/core/StorageErrors"
import type {
  AddMembers,
  ChatRef,
  ChatView,
  Command,
  JoinChat,
  RemoveMembers,
  ReplyOf,
  SentMessage
} from "@parley/core/Command"
import type { Senders } from "@parley/core/Chat"
import type { VisibleUsers } from "@parley/core/VisibleUsers"
import { EncodedChunk } from "@parley/core/Frame"
import { ChatId, UserId } from "@parley/core/Ids"
import { type Refused, refuse } from "@parley/core/Refused"
import type { EngineSettings } from "@parley/core/Settings"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import { chatListText, userListText, encodeMembers } from "./loginPushes.ts"
import type { Profile } from "./profiles.ts"
import { ownRenameNotice } from "./client10.ts"
import { draftsOf } from "./drafts.ts"
import { chatFactsText, chatText, encodeMessage, fileJson, type Json, type WireFormat } from "./encode.ts"
import type { UserLists } from "./UserLists.ts"
import type { Method, ParamsOf } from "./params.ts"
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
  /** A frame of pushes for this connection, sent after the reply. */
  readonly push?: string
}

/** Context of one request. */
export interface RequestContext {
  readonly user: User
  readonly profile: Profile
  readonly userLists: UserLists
  readonly visibility: VisibleUsers
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

/** Encodes the messages as stored. */
const sentResult = (sent: ReadonlyArray<SentMessage>, { messageText }: WireFormat): MethodResult => ({
  data: new RawJson([new EncodedChunk(`[${sent.map(({ message, chat }) => messageText(message, chat)).join(",")}]`)])
})

/** Encodes a chat with all its members. */
const chatResult = (view: ChatView, { wireFormat }: Profile): MethodResult => ({
  data: new RawJson([new EncodedChunk(chatText(view, wireFormat))])
})

/** Encodes the reply to a join or a leave, for the 1.0 client with the chat, which it does not have before it joins. */
const joinResult = (view: ChatView, join: boolean, { name, wireFormat }: Profile): MethodResult => {
  const { gid } = view.chat
  if (name !== "client-1.0") return { data: { gid, join } }
  const facts = wireFormat.jsonText(JSON.stringify({ gid, join }))
  return { data: new RawJson([new EncodedChunk(`${facts.slice(0, -1)},"chat":${chatText(view, wireFormat)}}`)]) }
}

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

/**
 * Returns the command of `addmember`. Adding exactly oneself to a public group is joining it. Source: PROTOCOLS, "Who may do
 * what".
 */
const membersCommand = (
  { id }: User,
  chat: ChatRef,
  members: ReadonlyArray<UserId>,
  join: boolean
): JoinChat | AddMembers | RemoveMembers => {
  if (!join) return { _tag: "RemoveMembers", chat, members }
  const isSelf = members.length > 0 && members.every((user) => user === id)
  return isSelf ? { _tag: "JoinChat", chat } : { _tag: "AddMembers", chat, members }
}

export const handlers: { readonly [M in Exclude<Method, "chat/login" | "chat/logout">]: Handler<M> } = {
  ...parleyHandlers,

  "chat/ping": () => Effect.succeed({ data: null }),

  // Callers who see the same users share one encoded list; the command only checks and charges.
  "chat/usergetlist": Effect.fnUntraced(function* ({ runCommand, user, visibility, userLists }) {
    yield* runCommand({ _tag: "ListUsers" })
    const list = yield* orUnavailable(visibility.all(user))
    const userList = userLists.of(list.key)
    yield* userList.prepare(list.users)
    return { data: new RawJson(userListText(visibility.current(list), userList)) }
  }),

  "chat/getlist": Effect.fnUntraced(function* ({ runCommand, user, visibility, userLists, profile }) {
    const chats = yield* runCommand({ _tag: "ListChats" })
    const list = yield* orUnavailable(visibility.all(user))
    const userList = userLists.of(list.key)
    yield* userList.prepare(list.users, profile.wireFormat.members)
    const memberTexts = yield* encodeMembers(chats, profile)
    return {
      data: new RawJson(chatListText(chats, { users: visibility.current(list), userList, memberTexts, profile }))
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

  "chat/joinchat": ({ runCommand, profile }, { gid, join }) => {
    const joins = join ?? true
    const command = joins
      ? runCommand({ _tag: "JoinChat", chat: { gid } })
      : runCommand({ _tag: "LeaveChat", chat: { gid } })
    return Effect.map(command, (view) => joinResult(view, joins, profile))
  },

  "chat/changename": ({ runCommand, profile: { name, wireFormat }, user }, params) =>
    Effect.flatMap(chatToRename(params), (chat) =>
      Effect.map(runCommand({ _tag: "RenameChat", chat, name: params.name }), (view) => ({
        data: { gid: view.chat.gid, name: view.chat.name },
        // Without a change, the last editor may be another user.
        ...(name === "client-1.0" && view.chat.editedBy === user.id && { push: ownRenameNotice(view.chat, wireFormat) })
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

  "chat/addmember": ({ runCommand, profile, user }, { gid, members, join }) =>
    Effect.map(runCommand(membersCommand(user, { gid }, ids(members), join ?? true)), (view) =>
      chatResult(view, profile)
    ),

  "chat/message": ({ runCommand, user, settings, profile }, { messages }) =>
    Effect.flatMap(draftsOf(user, messages, settings.messagesPerRequest), (drafts) =>
      Effect.map(runCommand({ _tag: "SendMessages", messages: drafts }), (sent) => sentResult(sent, profile.wireFormat))
    ),

  "chat/history": ({ runCommand, profile: { wireFormat } }, { gid, recPerPage, pageID, continued }) => {
    const size = recPerPage ?? 0
    const number = pageID ?? 0
    const page = size === 0 ? {} : { page: { size, number: number === 0 ? 1 : number } }
    return Effect.flatMap(runCommand({ _tag: "ReadHistory", chat: { gid }, ...page }), ({ chat, messages, total }) =>
      Effect.map(
        encodeList(messages, (message) => encodeMessage(message, chat, wireFormat)),
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
          wireFormat.members === "ids"
            ? String(user.id)
            : wireFormat.jsonText(JSON.stringify(wireFormat.userJson(user)))
        ),
        ({ chunks }) => ({
          data: new RawJson([
            new EncodedChunk(`[{"gid":${wireFormat.jsonText(JSON.stringify(gid))},"members":`),
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
        // The 1.0 client fails on a chat without members.
        encodeList(chats, (chat) =>
          profile.name === "client-1.0" ? chatText(chat, profile.wireFormat) : chatFactsText(chat, profile.wireFormat)
        ),
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

  "attach/getlist": ({ runCommand, profile }, { gid }) =>
    Effect.flatMap(runCommand({ _tag: "ListFiles", chat: { gid } }), (files) =>
      Effect.map(
        encodeList(files, (file) => profile.wireFormat.jsonText(JSON.stringify(fileJson(file)))),
        (data) => ({ data })
      )
    )
}
