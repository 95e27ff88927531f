/** Changes and recalls of messages that a client has missed, for its next login. */
import type { OwnChatView } from "@parley/core/Command"
import type { EntryId } from "@parley/core/Ids"
import type { Entry } from "@parley/core/Log"
import type { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { Deps } from "./context.ts"
import { patchItem } from "./encode.ts"
import { loadUsers } from "./loadUsers.ts"
import { recentEntries } from "./recentEntries.ts"
import type { MessageOf } from "./schema.ts"

/** Maximum number of conversations that are looked at, those with the newest messages. */
const MAX_CONVERSATIONS = 50

/** Returns the latest state of messages that were changed or recalled after `since`, in milliseconds. */
export const missedPatches = Effect.fnUntraced(function* (
  { store, facts, engine }: Pick<Deps, "engine" | "facts" | "store">,
  own: ReadonlyArray<OwnChatView>,
  since: number
): Effect.fn.Return<ReadonlyArray<MessageOf<"PatchItem">>, StorageFailed> {
  const chats = new Map(
    [...own]
      .sort((a, b) => b.head.activeAt - a.head.activeAt)
      .slice(0, MAX_CONVERSATIONS)
      .map((view) => [view.chat.id, view])
  )
  const changes = new Map<EntryId, Entry>()
  for (const entry of yield* recentEntries({ store }, chats, since)) {
    const { body } = entry
    if (body._tag !== "Replaced" && body._tag !== "Recalled") continue
    const before = changes.get(body.message)
    if (before === undefined || before.seq < entry.seq) changes.set(body.message, entry)
  }
  if (changes.size === 0) return []
  const messages = yield* store.messages([...changes.keys()])
  yield* loadUsers(
    { engine },
    messages.map(({ sender }) => sender)
  )
  return messages.flatMap((message) => {
    const view = chats.get(message.chat)
    const entry = changes.get(message.id)
    return view === undefined || entry === undefined ? [] : [patchItem(message, view.chat, entry.at, facts)]
  })
})
