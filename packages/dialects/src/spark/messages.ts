/** `message/push` and `message/remove`. Source: seeds/000, "消息"; PROTOCOLS, "spark". */
import { type Refused, refuse } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { type RequestContext, sessionFor } from "./context.ts"
import { invalid } from "../_http/fields.ts"
import type { Parameters } from "./params.ts"

/** `Type` as content types. An image's content is the link to it. */
const CONTENT_TYPES: ReadonlyMap<number, string> = new Map([
  [0, "text"],
  [1, "image"]
])

export interface PushedJson {
  readonly success: true
  readonly MessageId: string
}

export interface RemovedJson {
  readonly success: true
}

/** Sends to any chat in which the caller may speak, including direct and system chats. A message's id is its gid. */
export const push = Effect.fnUntraced(function* (
  context: RequestContext,
  parameters: Parameters
): Effect.fn.Return<PushedJson, Refused | StorageFailed> {
  const id = yield* parameters.session
  const contentType = CONTENT_TYPES.get(yield* parameters.integer("Type"))
  if (contentType === undefined) return yield* invalid("Type", "must be 0 for a text or 1 for an image")
  const content = yield* parameters.text("Content")
  const session = yield* sessionFor(context, id, "send")
  const gid = yield* context.random.uuidV4()
  yield* context.runCommand(context.caller, {
    _tag: "SendMessages",
    messages: [{ gid, chat: { id: session.chat.id }, type: "normal", contentType, content }]
  })
  return { success: true, MessageId: gid }
})

/** Recalls a message; allowed for its sender and for admins, in any of their chats. Idempotent. */
export const remove = Effect.fnUntraced(function* (
  context: RequestContext,
  parameters: Parameters
): Effect.fn.Return<RemovedJson, Refused | StorageFailed> {
  const id = yield* parameters.session
  const gid = yield* parameters.text("MessageId")
  const session = yield* sessionFor(context, id, "read")
  const [message] = yield* context.engine.context.store.messagesByGid([gid])
  if (message?.chat !== session.chat.id) return yield* refuse({ _tag: "NoSuchMessage" })
  yield* context.runCommand(context.caller, { _tag: "RecallMessage", gid })
  return { success: true }
})
