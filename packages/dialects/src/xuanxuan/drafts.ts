/** Messages of a request: their conversion to drafts, and the list of those that were refused. */
import type { Draft } from "@parley/core/Command"
import { type MessageRefusal, type Reason, type Refused, refuse } from "@parley/core/Refused"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { bounded, messageOf } from "./errors.ts"
import type { Json } from "./encode.ts"
import { readMessage } from "./params.ts"

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
export const draftsOf = (
  user: User,
  messages: ReadonlyArray<unknown>,
  limit: number
): Effect.Effect<ReadonlyArray<Draft>, Refused> => {
  if (messages.length > limit)
    return refuse({ _tag: "Invalid", field: "messages", problem: `must hold at most ${limit} messages` })
  const drafts: Array<Draft> = []
  const refusals: Array<MessageRefusal> = []
  for (const [index, message] of messages.entries()) {
    const draft = draftOf(user, message, index)
    if (Result.isSuccess(draft)) drafts.push(draft.success)
    else refusals.push({ index, reason: draft.failure })
  }
  return refusals.length > 0 ? refuse({ _tag: "MessagesRefused", refusals }) : Effect.succeed(drafts)
}

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
