/** Laws of amendments: each is based on one revision of its message, and takes effect on that one only. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { EntryId } from "../../model/Ids.ts"
import type { Amendment } from "../../model/Log.ts"
import type { WriteBatch } from "../../ports/Store.ts"
import {
  amending,
  append,
  appending,
  createChat,
  law,
  logOf,
  messageAt,
  NO_ENTRY,
  pair,
  post,
  posting,
  refused,
  same,
  type StoreLaw,
  type Storing
} from "./Law.ts"

const CONCURRENT = { concurrency: "unbounded" } as const

const replaced = (message: EntryId, content: string): Amendment => ({
  _tag: "Replaced",
  message,
  contentType: "image",
  content
})
const recalled = (message: EntryId): Amendment => ({ _tag: "Recalled", message })

const kinds = (store: Storing, chat: Parameters<typeof logOf>[1]) =>
  Effect.map(logOf(store, chat), (log) => log.slice(1).map((entry) => entry.body._tag))

export const amendLaws: ReadonlyArray<StoreLaw> = [
  law(
    "a message's revision is the entry that last changed it, its own at first, wherever it is read",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const { id } = yield* post(store, chat.id, a, "m")
      yield* post(store, chat.id, a, "other")
      const revisions = Effect.gen(function* () {
        const read = [
          ...(yield* store.messages([id])),
          ...(yield* store.messagesByGid(["m"])),
          ...(yield* store.history(chat.id, { from: 1, to: 1 }))
        ]
        const again = yield* refused(
          "duplicate",
          store.commit({ expectedVersions: [], writes: [appending(chat.id, a, posting("m"))] })
        )
        const stored = again._tag === "Duplicate" ? again.messages : []
        return [...read, ...stored].map((message) => message.revision)
      })
      yield* same("at first", yield* revisions, [id, id, id, id])
      for (const body of [replaced(id, "1"), replaced(id, "2"), recalled(id)]) {
        const entry = yield* append(store, chat.id, a, body)
        yield* append(store, chat.id, a, { _tag: "Changed", name: `${entry.id}` })
        yield* same(`after ${body._tag}`, yield* revisions, [entry.id, entry.id, entry.id, entry.id])
      }
    })
  ),
  law(
    "an amendment based on an older revision conflicts, names the message, and writes nothing",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const one = yield* post(store, chat.id, a, "m1")
      const two = yield* post(store, chat.id, a, "m2")
      const now = yield* append(store, chat.id, a, recalled(one.id))
      for (const revision of [one.id, two.id, NO_ENTRY]) {
        for (const body of [replaced(one.id, "late"), recalled(one.id)]) {
          const writes = [
            appending(chat.id, a, posting("beside")),
            amending(chat.id, a, replaced(two.id, "beside"), two.id),
            amending(chat.id, a, body, revision)
          ]
          const error = yield* refused(
            "conflict",
            store.commit({ expectedVersions: [{ chat: chat.id, version: 1 }], writes })
          )
          yield* same("refusal", error._tag === "VersionConflict" ? [error.chats, error.messages] : error, [
            [],
            [one.id]
          ])
        }
      }
      yield* same("log", yield* kinds(store, chat.id), ["Posted", "Posted", "Recalled"])
      yield* same("the one beside", (yield* messageAt(store, two.id)).revision, two.id)
      yield* same("the message", (yield* messageAt(store, one.id)).revision, now.id)
    })
  ),
  law(
    "a conflict names chats and messages together, even if the batch has duplicates",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const { id } = yield* post(store, chat.id, a, "m")
      yield* append(store, chat.id, a, replaced(id, "1"))
      const writes = [appending(chat.id, a, posting("m")), amending(chat.id, a, recalled(id), id)]
      const error = yield* refused(
        "conflict",
        store.commit({ expectedVersions: [{ chat: chat.id, version: 9 }], writes })
      )
      yield* same("refusal", error._tag === "VersionConflict" ? [error.chats, error.messages] : error, [
        [chat.id],
        [id]
      ])
    })
  ),
  law(
    "of concurrent recalls of one message exactly one takes effect",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const { id } = yield* post(store, chat.id, a, "m")
      const recall: WriteBatch = {
        expectedVersions: [{ chat: chat.id, version: 1 }],
        writes: [amending(chat.id, a, recalled(id), id)]
      }
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => Effect.result(store.commit(recall)),
        CONCURRENT
      )
      yield* same("recalls", outcomes.filter(Result.isSuccess).length, 1)
      const others = outcomes.flatMap((one) => (Result.isFailure(one) ? [one.failure] : []))
      yield* same(
        "the others",
        others.map((error) => (error._tag === "VersionConflict" ? error.messages : error)),
        others.map(() => [id])
      )
      yield* same("log", yield* kinds(store, chat.id), ["Posted", "Recalled"])
    })
  ),
  law(
    "of a replacement and a recall based on the same revision the first one takes effect, in either order",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      for (let round = 0; round < 20; round++) {
        const { id } = yield* post(store, chat.id, a, `m${round}`)
        const bodies = [replaced(id, "new"), recalled(id)]
        if (round % 2 === 1) bodies.reverse()
        const outcomes = yield* Effect.forEach(
          bodies,
          (body) =>
            Effect.result(
              store.commit({
                expectedVersions: [{ chat: chat.id, version: 1 }],
                writes: [amending(chat.id, a, body, id)]
              })
            ),
          CONCURRENT
        )
        yield* same(`round ${round}`, outcomes.map(Result.isSuccess), [true, false])
        const { content, recalled: gone } = yield* messageAt(store, id)
        yield* same(`message ${round}`, [content, gone], round % 2 === 1 ? ["", true] : ["new", false])
      }
    })
  ),
  law(
    "concurrent batches see each other's amendments, whatever is between them",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const { id } = yield* post(store, chat.id, a, "m")
      const writes = [
        amending(chat.id, a, replaced(id, "1"), id),
        appending(chat.id, a, posting("between")),
        amending(chat.id, a, recalled(id), id)
      ]
      const outcomes = yield* Effect.forEach(
        writes,
        (one) => Effect.result(store.commit({ expectedVersions: [], writes: [one] })),
        CONCURRENT
      )
      yield* same("taken", outcomes.map(Result.isSuccess), [true, true, false])
      yield* same("log", yield* kinds(store, chat.id), ["Posted", "Replaced", "Posted"])
    })
  ),
  law(
    "a batch that amends one message twice conflicts, and one that amends a message of another chat fails",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const other = yield* createChat(store, "d", [a])
      const { id } = yield* post(store, chat.id, a, "m")
      const twice = [amending(chat.id, a, replaced(id, "1"), id), amending(chat.id, a, recalled(id), id)]
      const error = yield* refused("conflict", store.commit({ expectedVersions: [], writes: twice }))
      yield* same("twice", error._tag === "VersionConflict" ? error.messages : error, [id])
      const changed = yield* append(store, chat.id, a, { _tag: "Changed", name: "n" })
      for (const [cursor, message] of [
        [other.chat.id, id],
        [chat.id, changed.id]
      ] as const) {
        const writes = [amending(cursor, a, recalled(message), message)]
        const failed = yield* refused("no message of the chat", store.commit({ expectedVersions: [], writes }))
        yield* same("refusal", failed._tag, "StorageFailed")
      }
      yield* same("log", yield* kinds(store, chat.id), ["Posted", "Changed"])
      yield* same("other log", yield* kinds(store, other.chat.id), [])
    })
  )
]
