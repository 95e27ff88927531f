/** Messages, for who embeds the engine. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ChatRef, Draft, Replies, SentMessage } from "./Command.ts"
import { Engine } from "./Engine.ts"
import type { Caller } from "./Event.ts"
import type { Message } from "./Message.ts"
import type { Refused } from "./Refused.ts"

export class Messages extends Context.Service<
  Messages,
  {
    /** All are stored, or none. The same gid with the same content again answers the stored message. */
    readonly send: (
      caller: Caller,
      messages: ReadonlyArray<Pick<Draft, "gid" | "chat" | "content"> & Partial<Draft>>
    ) => Effect.Effect<ReadonlyArray<SentMessage>, Refused>
    /** Newest first; without a page, up to the configured cap. */
    readonly history: (
      caller: Caller,
      chat: ChatRef,
      page?: { readonly size: number; readonly number: number }
    ) => Effect.Effect<Replies["ReadHistory"], Refused>
    /** Empties the message for everybody: by its sender, or by an admin. */
    readonly recall: (caller: Caller, gid: string) => Effect.Effect<Message, Refused>
    /** Takes the message out of the caller's own history. */
    readonly hide: (caller: Caller, gid: string) => Effect.Effect<Message, Refused>
    /** Moves the caller's read place forward, to a sequence of the log or to its newest entry. */
    readonly markRead: (caller: Caller, chat: ChatRef, upTo?: number) => Effect.Effect<number, Refused>
  }
>()("@parley/core/Messages") {
  static readonly layer: Layer.Layer<Messages, never, Engine> = Layer.effect(
    Messages,
    Effect.map(Engine, ({ perform }) =>
      Messages.of({
        send: (caller, messages) =>
          perform(caller, {
            _tag: "SendMessages",
            messages: messages.map((draft) => ({ type: "normal", contentType: "text", ...draft }))
          }),
        history: (caller, chat, page) =>
          perform(caller, page === undefined ? { _tag: "ReadHistory", chat } : { _tag: "ReadHistory", chat, page }),
        recall: (caller, gid) => perform(caller, { _tag: "RecallMessage", gid }),
        hide: (caller, gid) => perform(caller, { _tag: "HideMessage", gid }),
        markRead: (caller, chat, upTo) =>
          Effect.map(
            perform(caller, upTo === undefined ? { _tag: "MarkRead", chat } : { _tag: "MarkRead", chat, upTo }),
            ({ read }) => read
          )
      })
    )
  )
}
