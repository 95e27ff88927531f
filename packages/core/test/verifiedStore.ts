/** Data of every kind in a store, for tests that verify its database. */
import { Effect } from "effect"
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Store } from "@parley/core/Store"
import { append, batch, createChat, NOW, people, post } from "../src/testing/StoreLaws/Law.ts"

export interface Filled {
  readonly ann: UserId
  readonly ben: UserId
  readonly cal: UserId
  readonly chat: ChatId
  /** Id of the message with the gid `m1`, which has a later version. */
  readonly first: EntryId
}

/** Log of the chat: created, four messages `m1` to `m4`, a replacement, a recall, cal joins, ben leaves, ben joins, a new name, `m5`. */
export const fill = (store: Store["Service"]): Effect.Effect<Filled, unknown> =>
  Effect.gen(function* () {
    const [ann, ben, cal] = (yield* people(store, 3)) as [UserId, UserId, UserId]
    const { chat } = yield* createChat(store, "g", [ann, ben])
    const system = (yield* createChat(store, "s", [], { type: "system" })).chat
    yield* post(store, system.id, ann, "system1")
    const first = yield* post(store, chat.id, ann, "m1")
    const second = yield* post(store, chat.id, ben, "m2")
    yield* post(store, chat.id, ann, "m3")
    yield* post(store, chat.id, ann, "m4")
    yield* append(store, chat.id, ann, { _tag: "Replaced", message: first.id, contentType: "text", content: "new" })
    yield* append(store, chat.id, ben, { _tag: "Recalled", message: second.id })
    yield* append(store, chat.id, ann, { _tag: "Changed", added: [cal] })
    yield* append(store, chat.id, ann, { _tag: "Changed", removed: [ben] })
    yield* append(store, chat.id, ann, { _tag: "Changed", added: [ben] })
    const last = yield* append(store, chat.id, ann, { _tag: "Changed", name: "Renamed", owner: cal, public: true })
    yield* post(store, chat.id, cal, "m5")
    const cursor = { chat: chat.id, device: "phone", pushed: last.seq, delivered: 3, acked: [5, 7], read: 2 }
    const file = { chat: chat.id, title: "a.txt", size: 1, addedBy: ann, at: NOW, blob: "blob" }
    const session = { hash: "0".repeat(64), user: ann, kind: "chat", device: "", createdAt: NOW, usedAt: NOW } as const
    yield* store.commit(
      batch(
        { _tag: "MoveCursor", cursor: { ...cursor, user: ann } },
        { _tag: "MoveCursor", cursor: { ...cursor, user: ben, device: "" } },
        { _tag: "SetPreference", chat: chat.id, user: ann, star: true },
        { _tag: "HideMessage", user: ann, message: first.id },
        { _tag: "SaveSession", session },
        { _tag: "AddFile", file }
      )
    )
    return { ann, ben, cal, chat: chat.id, first: first.id }
  })
