/** Shorthand of the tests for commands of the engine. */
import type { Senders } from "@parley/core/Chat"
import type { ChatRef, CreateChat, Draft } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import type { Caller } from "@parley/core/Event"
import type { UserId } from "@parley/core/Ids"
import { Effect } from "effect"

export const Chats = Effect.map(Engine, ({ perform }) => ({
  create: (caller: Caller, chat: Pick<CreateChat, "gid" | "members"> & Partial<CreateChat>) =>
    perform(caller, { name: "", type: "group", subject: 0, public: false, ...chat, _tag: "CreateChat" }),
  read: (caller: Caller, chat: ChatRef) => perform(caller, { _tag: "ReadChat", chat }),
  list: (caller: Caller) => perform(caller, { _tag: "ListChats" }),
  rename: (caller: Caller, chat: ChatRef, name: string) => perform(caller, { _tag: "RenameChat", chat, name }),
  publish: (caller: Caller, chat: ChatRef, open: boolean) =>
    perform(caller, { _tag: "PublishChat", chat, public: open }),
  setSenders: (caller: Caller, chat: ChatRef, senders: Senders) =>
    perform(caller, { _tag: "SetSenders", chat, senders })
}))

export const Messages = Effect.map(Engine, ({ perform }) => ({
  send: (caller: Caller, drafts: ReadonlyArray<Pick<Draft, "gid" | "chat" | "content"> & Partial<Draft>>) =>
    perform(caller, {
      _tag: "SendMessages",
      messages: drafts.map((draft) => ({ type: "normal", contentType: "text", ...draft }))
    }),
  history: (caller: Caller, chat: ChatRef, page?: { readonly size: number; readonly number: number }) =>
    perform(caller, { _tag: "ReadHistory", chat, ...(page === undefined ? {} : { page }) }),
  recall: (caller: Caller, gid: string) => perform(caller, { _tag: "RecallMessage", gid }),
  hide: (caller: Caller, gid: string) => perform(caller, { _tag: "HideMessage", gid })
}))

export const Members = Effect.map(Engine, ({ perform }) => ({
  list: (caller: Caller, chat: ChatRef) =>
    Effect.map(perform(caller, { _tag: "ListMembers", chat }), ({ members }) => members),
  join: (caller: Caller, chat: ChatRef) => perform(caller, { _tag: "JoinChat", chat }),
  leave: (caller: Caller, chat: ChatRef) => perform(caller, { _tag: "LeaveChat", chat }),
  add: (caller: Caller, chat: ChatRef, users: ReadonlyArray<UserId>) =>
    perform(caller, { _tag: "AddMembers", chat, members: users }),
  remove: (caller: Caller, chat: ChatRef, users: ReadonlyArray<UserId>) =>
    perform(caller, { _tag: "RemoveMembers", chat, members: users })
}))
