/** Positions in the history of a conversation: numbers of messages, found by message or by time. */
import type { ChatId } from "@parley/core/Ids"
import type { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { Deps } from "./context.ts"
import { messageNamed } from "./ids.ts"

/** A point in the history: a message, or a time in milliseconds if it is "" or unknown; 0 for none. */
export interface Point {
  readonly time: number
  readonly message: string
  readonly included: boolean
}

/** Returns the number of the message that a point names, if it is one of the chat. */
const numberOf = Effect.fnUntraced(function* (
  { store }: Deps,
  chat: ChatId,
  { message }: Point
): Effect.fn.Return<number | undefined, StorageFailed> {
  const found = yield* messageNamed(store, message)
  return found?.chat === chat ? found.number : undefined
})

/** Returns the number of the first message after a point; 1 without a point. */
export const firstAfter = Effect.fnUntraced(function* (
  deps: Deps,
  chat: ChatId,
  total: number,
  point: Point
): Effect.fn.Return<number, StorageFailed> {
  const number = yield* numberOf(deps, chat, point)
  if (number !== undefined) return point.included ? number : number + 1
  if (point.time <= 0) return 1
  return yield* search(deps, chat, total, (date) => (point.included ? date >= point.time : date > point.time))
})

/** Returns the number of the last message before a point; the newest without a point. */
export const lastBefore = Effect.fnUntraced(function* (
  deps: Deps,
  chat: ChatId,
  total: number,
  point: Point
): Effect.fn.Return<number, StorageFailed> {
  const number = yield* numberOf(deps, chat, point)
  if (number !== undefined) return point.included ? number : number - 1
  if (point.time <= 0) return total
  return (yield* search(deps, chat, total, (date) => (point.included ? date > point.time : date >= point.time))) - 1
})

/** Returns the lowest number whose message has such a date, which later ones have as well; `total + 1` if none has. */
const search = Effect.fnUntraced(function* (
  { store }: Deps,
  chat: ChatId,
  total: number,
  isLater: (date: number) => boolean
): Effect.fn.Return<number, StorageFailed> {
  let from = 1
  let to = total + 1
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    const [message] = yield* store.history(chat, { from: middle, to: middle })
    if (message === undefined || !isLater(message.date)) from = middle + 1
    else to = middle
  }
  return from
})
