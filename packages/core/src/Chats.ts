/** Chats, for who embeds the engine: everything that a protocol can do with them, in the engine's own words. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Committers } from "./Chat.ts"
import type { ChatRef, ChatView, CreateChat, OwnChatView, Replies } from "./Command.ts"
import { Engine } from "./Engine.ts"
import type { Caller } from "./Event.ts"
import type { UserId } from "./Ids.ts"
import type { Refused } from "./Refused.ts"

type Answer<A> = Effect.Effect<A, Refused>

export class Chats extends Context.Service<
  Chats,
  {
    /** A new chat, or the stored one where its gid (for a pair: its members) has one already. */
    readonly create: (
      caller: Caller,
      chat: Pick<CreateChat, "gid" | "members"> & Partial<Omit<CreateChat, "_tag">>
    ) => Answer<Replies["CreateChat"]>
    readonly read: (caller: Caller, chat: ChatRef) => Answer<ChatView>
    /** The caller's chats, by id. */
    readonly list: (caller: Caller) => Answer<ReadonlyArray<OwnChatView>>
    readonly listPublic: (caller: Caller) => Answer<ReadonlyArray<ChatView>>
    readonly rename: (caller: Caller, chat: ChatRef, name: string) => Answer<ChatView>
    readonly publish: (caller: Caller, chat: ChatRef, open: boolean) => Answer<ChatView>
    readonly setAdmins: (
      caller: Caller,
      chat: ChatRef,
      users: ReadonlyArray<UserId>,
      grant: boolean
    ) => Answer<ChatView>
    readonly setCommitters: (caller: Caller, chat: ChatRef, committers: Committers) => Answer<ChatView>
    readonly prefer: (
      caller: Caller,
      chat: ChatRef,
      preference: { readonly star?: boolean; readonly hide?: boolean; readonly mute?: boolean }
    ) => Answer<OwnChatView>
  }
>()("@parley/core/Chats") {
  static readonly layer: Layer.Layer<Chats, never, Engine> = Layer.effect(
    Chats,
    Effect.map(Engine, ({ perform }) =>
      Chats.of({
        create: (caller, chat) =>
          perform(caller, { _tag: "CreateChat", name: "", type: "group", subject: 0, public: false, ...chat }),
        read: (caller, chat) => perform(caller, { _tag: "ReadChat", chat }),
        list: (caller) => perform(caller, { _tag: "ListChats" }),
        listPublic: (caller) => perform(caller, { _tag: "ListPublicChats" }),
        rename: (caller, chat, name) => perform(caller, { _tag: "RenameChat", chat, name }),
        publish: (caller, chat, open) => perform(caller, { _tag: "PublishChat", chat, public: open }),
        setAdmins: (caller, chat, users, grant) => perform(caller, { _tag: "SetAdmins", chat, users, grant }),
        setCommitters: (caller, chat, committers) => perform(caller, { _tag: "SetCommitters", chat, committers }),
        prefer: (caller, chat, preference) => perform(caller, { _tag: "SetPreference", chat, ...preference })
      })
    )
  )
}
