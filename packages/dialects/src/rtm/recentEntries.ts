/** Newest entries of conversations, for what a client has missed. */
import type { OwnChatView } from "@parley/core/Command"
import type { ChatId } from "@parley/core/Ids"
import type { Entry } from "@parley/core/Log"
import type { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { Deps } from "./context.ts"

/** Newest entries of each that are read at first, and if all of them are newer than `since`. */
const FIRST_READ = 20
const SECOND_READ = 200

/** Returns entries after `since`, in milliseconds, among the newest of each conversation; some may come twice. */
export const recentEntries = Effect.fnUntraced(function* (
  { store }: Pick<Deps, "store">,
  chats: ReadonlyMap<ChatId, OwnChatView>,
  since: number
): Effect.fn.Return<ReadonlyArray<Entry>, StorageFailed> {
  const read = (views: Iterable<OwnChatView>, limit: number) =>
    store.entries(
      Array.from(views, ({ chat, head }) => ({ chat: chat.id, after: Math.max(0, head.seq - limit), limit }))
    )
  const first = Map.groupBy(yield* read(chats.values(), FIRST_READ), ({ chat }) => chat)
  const long = [...chats.values()].filter(({ chat }) => {
    const entries = first.get(chat.id) ?? []
    return entries.length === FIRST_READ && (entries[0]?.at ?? 0) > since
  })
  const second = long.length === 0 ? [] : yield* read(long, SECOND_READ)
  return [...Array.from(first.values()).flat(), ...second].filter(({ at }) => at > since)
})
