/**
 * Acknowledgements of a client. The frame itself acknowledges what was delivered before it; in a conversation of two, the
 * other one is notified as well.
 */
import type { ClientSession, Reply, RequestHandler } from "@parley/core/ClientSession"
import * as Effect from "effect/Effect"
import type { Command } from "./codec.ts"
import type { Deps } from "./context.ts"
import { chatRef } from "./ids.ts"

/** For frames that need no more work. */
const NONE: ReadonlyArray<RequestHandler> = []
/** Acknowledgements have no reply. */
const NO_REPLY: Reply = { frame: undefined }

/** Returns the work of an acknowledgement. */
export const confirmDelivery = (
  { engine }: Pick<Deps, "engine">,
  session: ClientSession,
  { ack }: Command
): ReadonlyArray<RequestHandler> => {
  const ref = chatRef(ack?.cid ?? "")
  const chat = ref === undefined ? undefined : engine.context.chats.getCached(ref)?.chat
  if (chat?.members.size !== 2) return NONE
  const upTo = session.subscriber?.subscription(chat.id)?.cursor.delivered ?? 0
  if (upTo === 0) return NONE
  return [
    (run) =>
      run(session.caller(), { _tag: "ConfirmDelivery", chat: { id: chat.id }, upTo }).pipe(
        // The client has left the conversation meanwhile.
        Effect.ignore,
        Effect.as(NO_REPLY)
      )
  ]
}
