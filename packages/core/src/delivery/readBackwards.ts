/** Reads the messages of a chat from the newest one back, in reads that are small enough not to block the process. */
import * as Effect from "effect/Effect"
import type { ChatId, UserId } from "../model/Ids.ts"
import type { Message } from "../model/Message.ts"
import { nextTurn } from "../model/Slices.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"

/** Messages of the first read, in case they are large. Each further one has at most twice as many, up to the maximum. */
const FIRST_READ = 4
const MAX_READ = 200
/** Characters of contents in one read, about a millisecond of work; above it the next read has fewer messages. */
const LARGE_READ = 256 * 1024

/** Numbers of the oldest and the newest message, and the user whose hidden messages are left out. */
export interface MessageRange {
  readonly from: number
  readonly to: number
  readonly hiddenFrom?: UserId
}

/** Calls `visit` with the messages of each read, newest first, until it returns false or the range ends. */
export const readBackwards = Effect.fnUntraced(function* (
  store: Store["Service"],
  chat: ChatId,
  { from, to, ...options }: MessageRange,
  visit: (messages: ReadonlyArray<Message>) => boolean
): Effect.fn.Return<void, StorageFailed> {
  let size = FIRST_READ
  for (let newest = to; newest >= from;) {
    const oldest = Math.max(from, newest - size + 1)
    const messages = yield* store.history(chat, { from: oldest, to: newest, ...options })
    const isDone = !visit(messages)
    // Reads of an embedded store block the process: others run before the next one, or before the caller's next chat.
    yield* nextTurn
    if (isDone) return
    newest = oldest - 1
    const characters = messages.reduce((sum, { content }) => sum + content.length, 0)
    size = Math.max(1, Math.min(MAX_READ, 2 * size, Math.floor((size * LARGE_READ) / characters)))
  }
})
