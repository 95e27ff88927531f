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

/** Into any chat where one may speak, a pair and a system chat too. A message's id is its gid. */
export const push = Effect.fnUntraced(function* (
  asking: RequestContext,
  parameters: Parameters
): Effect.fn.Return<PushedJson, Refused | StorageFailed> {
  const id = yield* parameters.session
  const contentType = CONTENT_TYPES.get(yield* parameters.integer("Type"))
  if (contentType === undefined) return yield* invalid("Type", "must be 0 for a text or 1 for an image")
  const content = yield* parameters.text("Content")
  const session = yield* sessionFor(asking, id, "send")
  const gid = yield* asking.random.uuidV4()
  yield* asking.perform(asking.caller, {
    _tag: "SendMessages",
    messages: [{ gid, chat: { id: session.chat.id }, type: "normal", contentType, content }]
  })
  return { success: true, MessageId: gid }
})

/** By who sent it, or by an admin, in any chat of theirs. Once more is no error. */
export const remove = Effect.fnUntraced(function* (
  asking: RequestContext,
  parameters: Parameters
): Effect.fn.Return<RemovedJson, Refused | StorageFailed> {
  const id = yield* parameters.session
  const gid = yield* parameters.text("MessageId")
  const session = yield* sessionFor(asking, id, "read")
  const [message] = yield* asking.engine.context.store.messagesByGid([gid])
  if (message?.chat !== session.chat.id) return yield* refuse({ _tag: "NoSuchMessage" })
  yield* asking.perform(asking.caller, { _tag: "RecallMessage", gid })
  return { success: true }
})
