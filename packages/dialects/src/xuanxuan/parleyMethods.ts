/**
 * Methods of the module `parley`, which is ours and not in the document. Its pushes go only to connections that asked for
 * them by `parley/events`, so that documented clients get none. Source: docs/protocols/xuanxuan.md, "The module `parley`".
 */
import type { Command, ReplyOf, SearchPosition } from "@parley/core/Command"
import type { ReadEvent, TypingEvent } from "@parley/core/Event"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import { type Refused, refuse } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import type { Message } from "@parley/core/Message"
import { type Chat, slowModeOf } from "@parley/core/Chat"
import { type Json, messageFields, packet, type WireFormat } from "./encode.ts"
import type { Method, ParamsOf } from "./params.ts"

interface ParleyContext {
  readonly runCommand: <C extends Command>(command: C) => Effect.Effect<ReplyOf<C>, Refused>
  readonly profile: { readonly wireFormat: Pick<WireFormat, "contentOf"> }
  /** Whether pushes of this module are sent on this connection. */
  readonly receiveTransient: (on: boolean) => void
  readonly user: { readonly id: UserId }
}

/** Messages of a page without `limit`, and their maximum number: the page is encoded at once. */
const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500

type ParleyMethod = Extract<Method, `parley/${string}`>
type Handler<M extends Method> = (
  context: ParleyContext,
  params: ParamsOf<M>
) => Effect.Effect<{ readonly data: Json; readonly pager?: Json }, Refused>

/** Encodes a message as the method `history` does, with `edited` if its content is another than the posted one. */
const ownMessageJson = ({ profile }: ParleyContext, message: Message, chat: Chat): Json => ({
  ...messageFields(message, chat, profile.wireFormat.contentOf),
  ...(message.revision !== message.id && !message.recalled && { edited: true })
})

/** Encodes a message whose chat is not at hand. */
const messageResult = (context: ParleyContext, message: Message): Effect.Effect<{ readonly data: Json }, Refused> =>
  Effect.map(context.runCommand({ _tag: "ReadChat", chat: { id: message.chat } }), ({ chat }) => ({
    data: ownMessageJson(context, message, chat)
  }))

/** Decodes the position of a search, as `next` of a pager has it. */
const searchPosition = (text: string | null | undefined): Effect.Effect<SearchPosition | undefined, Refused> => {
  if (text === undefined || text === null || text === "") return Effect.succeed(undefined)
  const [, chat, number] = /^([0-9]{1,15})\.([0-9]{1,15})$/.exec(text) ?? []
  return chat === undefined || number === undefined
    ? refuse({ _tag: "Invalid", field: "params.from", problem: "must be the next of a reply to the same search" })
    : Effect.succeed({ chat: ChatId(Number(chat)), number: Number(number) })
}

export const parleyHandlers: { readonly [M in ParleyMethod]: Handler<M> } = {
  "parley/events": ({ receiveTransient }, { on }) =>
    Effect.sync(() => {
      receiveTransient(on ?? true)
      return { data: { on: on ?? true } }
    }),

  "parley/unread": ({ runCommand }, { gid }) =>
    Effect.map(
      runCommand({ _tag: "CountUnread", ...(typeof gid === "string" && { chat: { gid } }) }),
      (counts): { readonly data: Json } => ({
        data: counts.map(({ chat, count, more, readId }) => ({ gid: chat.gid, count, more, id: readId }))
      })
    ),

  "parley/read": ({ runCommand, user }, { gid, id }) =>
    Effect.map(
      runCommand({
        _tag: "MarkRead",
        chat: { gid },
        ...(typeof id === "number" && { upTo: { message: EntryId(id) } })
      }),
      ({ readId }) => ({ data: { gid, user: user.id, id: readId } })
    ),

  "parley/typing": ({ runCommand }, { gid, typing }) =>
    Effect.as(runCommand({ _tag: "NotifyTyping", chat: { gid }, typing: typing ?? true }), {
      data: { gid, typing: typing ?? true }
    }),

  "parley/slowmode": ({ runCommand }, { gid, seconds }) =>
    Effect.map(
      typeof seconds === "number"
        ? runCommand({ _tag: "SetSlowMode", chat: { gid }, seconds })
        : runCommand({ _tag: "ReadChat", chat: { gid } }),
      ({ chat }) => ({ data: { gid, seconds: slowModeOf(chat) } })
    ),

  "parley/recall": (context, { gid }) =>
    Effect.flatMap(context.runCommand({ _tag: "RecallMessage", gid }), (message) => messageResult(context, message)),

  "parley/edit": (context, { gid, content }) =>
    Effect.map(context.runCommand({ _tag: "EditMessage", gid, content }), ({ message, chat }) => ({
      data: ownMessageJson(context, message, chat)
    })),

  "parley/historybefore": (context, { gid, id, limit }) => {
    const size = limit ?? DEFAULT_LIMIT
    if (size > MAX_LIMIT)
      return refuse({ _tag: "Invalid", field: "params.limit", problem: `must be at most ${MAX_LIMIT}` })
    return Effect.map(
      context.runCommand({ _tag: "ReadHistory", chat: { gid }, page: { before: EntryId(id), limit: size } }),
      ({ chat, messages, more }) => ({
        data: messages.map((message) => ownMessageJson(context, message, chat)),
        pager: { gid, id, limit: size, more }
      })
    )
  },

  "parley/search": (context, { text, gid, limit, from }) =>
    Effect.flatMap(searchPosition(from), (position) =>
      Effect.map(
        context.runCommand({
          _tag: "SearchMessages",
          text,
          limit: limit ?? DEFAULT_LIMIT,
          ...(typeof gid === "string" && { chat: { gid } }),
          ...(position !== undefined && { from: position })
        }),
        ({ found, next }) => ({
          data: found.map(({ message, chat }) => ownMessageJson(context, message, chat)),
          pager: { next: next === undefined ? "" : `${next.chat}.${next.number}` }
        })
      )
    ),

  "parley/readmarks": ({ runCommand }, { gid, users }) =>
    Effect.map(
      runCommand({
        _tag: "ListReadMarks",
        chat: { gid },
        ...(users !== undefined &&
          users !== null && { users: users.map((one) => UserId(typeof one === "number" ? one : one.id)) })
      }),
      ({ marks }): { readonly data: Json } => ({ data: marks.map(({ user, readId }) => ({ user, id: readId })) })
    )
}

/** Encodes a read mark or typing as a packet of this module. */
export const transientPacket = (event: ReadEvent | TypingEvent): string => {
  const { id, chat, user } = event
  return event._tag === "ReadEvent"
    ? packet(id, "read", { gid: chat.gid, user, id: event.readId }, "parley")
    : packet(id, "typing", { gid: chat.gid, user, typing: event.typing }, "parley")
}
