/** Laws of files and of the protocols' own records. */
import * as Effect from "effect/Effect"
import { FileId } from "../../model/Ids.ts"
import { createChat, law, NO_CHAT, NOW, pair, refused, same, batch, write, type StoreLaw } from "./Law.ts"

export const recordLaws: ReadonlyArray<StoreLaw> = [
  law(
    "files are read by id and by chat, in the order in which they were added",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const one = (yield* createChat(store, "c1", [a, b])).chat.id
      const two = (yield* createChat(store, "c2", [a, b])).chat.id
      const file = { chat: one, title: "报告.pdf", size: 2 ** 40, addedBy: a, at: NOW, blob: "k1" }
      const first = (yield* write(store, "File", { _tag: "AddFile", file })).file
      const other = (yield* write(store, "File", { _tag: "AddFile", file: { ...file, chat: two } })).file
      const again = (yield* write(store, "File", { _tag: "AddFile", file: { ...file, addedBy: b } })).file
      yield* same("result", first, { ...file, id: first.id })
      yield* same("by id", yield* store.file(first.id), first)
      yield* same("unknown", yield* store.file(FileId(987_654)), undefined)
      yield* same("of a chat", yield* store.files(one), [first, again])
      yield* same("of another", yield* store.files(two), [other])
      yield* same("of none", yield* store.files(NO_CHAT), [])
    })
  ),
  law(
    "a record contains any JSON under its dialect, kind and key, and the latest one counts",
    Effect.fnUntraced(function* (store) {
      const put = (dialect: string, kind: string, key: string, value: unknown) =>
        store.commit(batch({ _tag: "PutRecord", record: { dialect, kind, key, value } }))
      const value = { text: "文", list: [1, 2.5, true, null, { deep: "" }], empty: {} }
      yield* put("d", "k", "b", value)
      yield* put("d", "k", "a", false)
      yield* put("d", "k", "c", "first")
      yield* put("d", "k", "c", 0)
      yield* put("d", "other", "a", "")
      yield* put("e", "k", "a", [])
      yield* same("one", yield* store.record("d", "k", "b"), { dialect: "d", kind: "k", key: "b", value })
      yield* same("unknown", yield* store.record("d", "k", "B"), undefined)
      yield* same("of a kind, by key", yield* store.records("d", "k"), [
        { dialect: "d", kind: "k", key: "a", value: false },
        { dialect: "d", kind: "k", key: "b", value },
        { dialect: "d", kind: "k", key: "c", value: 0 }
      ])
      yield* same("of another", yield* store.records("e", "k"), [{ dialect: "e", kind: "k", key: "a", value: [] }])
      yield* put("d", "k", "b", null)
      yield* put("d", "k", "unknown", null)
      yield* same("removed", yield* store.record("d", "k", "b"), undefined)
      yield* same(
        "the rest",
        (yield* store.records("d", "k")).map((record) => record.key),
        ["a", "c"]
      )
      yield* same("elsewhere", (yield* store.record("d", "other", "a"))?.value, "")
      yield* same("none", yield* store.records("d", "nothing"), [])
    })
  ),
  law(
    "records of a kind are returned by key in the order of UTF-16 units",
    Effect.fnUntraced(function* (store) {
      const keys = ["\u{1F98A}", "\uFF01", "z", "10", "9", "a", "Z", ""]
      for (const key of keys) {
        yield* store.commit(batch({ _tag: "PutRecord", record: { dialect: "d", kind: "k", key, value: 1 } }))
      }
      yield* same(
        "keys",
        (yield* store.records("d", "k")).map((record) => record.key),
        [...keys].sort()
      )
    })
  ),
  law(
    "a record with an expected value is written only while that value is stored",
    Effect.fnUntraced(function* (store) {
      const put = (key: string, value: unknown, expected: unknown) =>
        store.commit(batch({ _tag: "PutRecord", record: { dialect: "d", kind: "k", key, value }, expected }))
      const conflict = { _tag: "VersionConflict", chats: [], messages: [] }
      yield* put("x", { n: [1, "一"], b: 0 }, null)
      yield* same("there already", yield* refused("a new one", put("x", 2, null)), conflict)
      yield* same("another", yield* refused("another", put("x", 2, { n: [1, "二"], b: 0 })), conflict)
      yield* same("none", yield* refused("none", put("y", 2, 1)), conflict)
      yield* put("x", 3, (yield* store.record("d", "k", "x"))?.value)
      yield* put("x", null, 3)
      yield* same("removed", yield* store.record("d", "k", "x"), undefined)
      yield* put("n", 0, null)
      const increments = Array.from({ length: 8 }, () => Effect.exit(put("n", 1, 0)))
      const exits = yield* Effect.all(increments, { concurrency: "unbounded" })
      yield* same("of those at once", exits.filter((exit) => exit._tag === "Success").length, 1)
      yield* same("value", (yield* store.record("d", "k", "n"))?.value, 1)
    })
  )
]
