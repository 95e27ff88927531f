/** Members of chats, for who embeds the engine. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ChatRef, ChatView } from "./Command.ts"
import { Engine } from "./Engine.ts"
import type { Caller } from "./Event.ts"
import type { UserId } from "./Ids.ts"
import type { Refused } from "./Refused.ts"
import type { PresentUser } from "./User.ts"

export class Members extends Context.Service<
  Members,
  {
    /** In the order of joining; of a system chat everybody, by id. */
    readonly list: (caller: Caller, chat: ChatRef) => Effect.Effect<ReadonlyArray<PresentUser>, Refused>
    readonly join: (caller: Caller, chat: ChatRef) => Effect.Effect<ChatView, Refused>
    readonly leave: (caller: Caller, chat: ChatRef) => Effect.Effect<ChatView, Refused>
    readonly add: (caller: Caller, chat: ChatRef, users: ReadonlyArray<UserId>) => Effect.Effect<ChatView, Refused>
    readonly remove: (caller: Caller, chat: ChatRef, users: ReadonlyArray<UserId>) => Effect.Effect<ChatView, Refused>
  }
>()("@parley/core/Members") {
  static readonly layer: Layer.Layer<Members, never, Engine> = Layer.effect(
    Members,
    Effect.map(Engine, ({ perform }) =>
      Members.of({
        list: (caller, chat) => Effect.map(perform(caller, { _tag: "ListMembers", chat }), ({ members }) => members),
        join: (caller, chat) => perform(caller, { _tag: "JoinChat", chat }),
        leave: (caller, chat) => perform(caller, { _tag: "LeaveChat", chat }),
        add: (caller, chat, members) => perform(caller, { _tag: "AddMembers", chat, members }),
        remove: (caller, chat, members) => perform(caller, { _tag: "RemoveMembers", chat, members })
      })
    )
  )
}
