/** Laws of reading the log: entries, history, messages as they stand. */
import * as Effect from "effect/Effect"
import type { EntryId } from "../../model/Ids.ts"
import type { Entry, EntryBody, Posted } from "../../model/Log.ts"
import { amend, fromPosted, type Message } from "../../model/Message.ts"
import {
  append,
  createChat,
  dice,
  law,
  logOf,
  NO_CHAT,
  NO_ENTRY,
  NOW,
  pair,
  post,
  posting,
  same,
  sorted,
  batch,
  type StoreLaw
} from "./Law.ts"

/** Returns the messages of a log as they stand, oldest first, to be compared with history. */
const standing = (log: ReadonlyArray<Entry>): ReadonlyArray<Message> => {
  const messages = new Map<EntryId, Message>()
  for (const entry of log) {
    const { body } = entry
    if (body._tag === "Posted") messages.set(entry.id, fromPosted({ ...entry, body }))
    if (body._tag === "Replaced" || body._tag === "Recalled") {
      const before = messages.get(body.message)
      if (before !== undefined) messages.set(body.message, amend(before, { id: entry.id, body }))
    }
  }
  return [...messages.values()]
}

export const messageLaws: ReadonlyArray<StoreLaw> = [
  law(
    "an entry of any kind is read as it was written",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const first = yield* append(
        store,
        chat.id,
        a,
        posting("m", { type: "broadcast", contentType: "image", content: "{}", date: 12_345 }),
        { device: "desk", at: NOW + 7 }
      )
      const bodies: ReadonlyArray<Exclude<EntryBody, { readonly _tag: "Created" }>> = [
        { _tag: "Replaced", message: first.id, contentType: "file", content: "new" },
        { _tag: "Recalled", message: first.id },
        { _tag: "Changed", name: "n", public: true, admins: [a], senders: [a, b], owner: b, added: [b] },
        { _tag: "Changed", removed: [b], attributes: { gone: null, there: { deep: [1, "x"] } } },
        { _tag: "Changed", owner: null, senders: "admins", dissolved: true },
        { _tag: "Changed" },
        posting("", { content: "" })
      ]
      const actual = yield* Effect.forEach(bodies, (body) => append(store, chat.id, null, body))
      yield* same(
        "bodies answered",
        actual.map((entry) => entry.body),
        bodies
      )
      yield* same("entries", (yield* logOf(store, chat.id)).slice(1), [first, ...actual])
      yield* same("the first", [first.by, first.device, first.at], [a, "desk", NOW + 7])
    })
  ),
  law(
    "text of any script, with line ends, quotes and zeros, is read as it was written",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const texts = [
        "",
        "你好，世界",
        "👩‍👩‍👧 é e\u0301",
        "a\u0000b",
        "'\"\\;--\r\n\t%_",
        "\u2028\uFFFD",
        "x".repeat(65_536)
      ]
      for (const [n, content] of texts.entries()) yield* post(store, chat.id, a, `m${n}`, { content })
      const history = yield* store.history(chat.id, { from: 1, to: texts.length })
      yield* same("contents", history.map((message) => message.content).reverse(), texts)
    })
  ),
  law(
    "entries of many ranges are returned by id, each once, within the limit of each range",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const one = (yield* createChat(store, "c1", [a])).chat.id
      const two = (yield* createChat(store, "c2", [a])).chat.id
      for (let n = 0; n < 10; n++) yield* post(store, n % 3 === 0 ? two : one, a, `m${n}`)
      const [first, second] = [yield* logOf(store, one), yield* logOf(store, two)]
      const byId = (all: ReadonlyArray<Entry>) => sorted(all, (entry) => entry.id)
      yield* same(
        "two ranges",
        yield* store.entries([
          { chat: two, after: 1, limit: 2 },
          { chat: NO_CHAT, after: 0, limit: 5 },
          { chat: one, after: 3, limit: 100 }
        ]),
        byId([...second.slice(1, 3), ...first.slice(3)])
      )
      yield* same(
        "ranges that overlap",
        yield* store.entries([
          { chat: one, after: 0, limit: 3 },
          { chat: one, after: 1, limit: 3 }
        ]),
        first.slice(0, 4)
      )
      yield* same("beyond the end", yield* store.entries([{ chat: one, after: first.length, limit: 9 }]), [])
      yield* same("limit 0", yield* store.entries([{ chat: one, after: 0, limit: 0 }]), [])
      yield* same("no ranges", yield* store.entries([]), [])
    })
  ),
  law(
    "locate returns chat and sequence of entries, without unknown ids",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const one = (yield* createChat(store, "c1", [a])).chat.id
      const two = (yield* createChat(store, "c2", [a])).chat.id
      yield* post(store, two, a, "m1")
      yield* append(store, one, a, { _tag: "Changed", name: "n" })
      const all = [...(yield* logOf(store, one)), ...(yield* logOf(store, two))]
      const found = yield* store.locate([NO_ENTRY, ...all.map((entry) => entry.id)])
      yield* same(
        "places",
        sorted(found, (entry) => entry.id),
        sorted(
          all.map(({ chat, id, seq }) => ({ id, chat, seq })),
          (entry) => entry.id
        )
      )
      yield* same("no ids", yield* store.locate([]), [])
    })
  ),
  law(
    "messages are read by id and by gid as they stand now; other ids are left out",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const m1 = yield* post(store, chat.id, a, "m1")
      const m2 = yield* append(store, chat.id, null, posting("m2", { type: "broadcast" }))
      const m3 = yield* post(store, chat.id, a, "m3")
      const replaced = { _tag: "Replaced", message: m1.id, contentType: "file", content: "second" } as const
      const about = yield* append(store, chat.id, a, { ...replaced, content: "first" })
      const second = yield* append(store, chat.id, a, replaced)
      yield* append(store, chat.id, a, { _tag: "Recalled", message: m3.id })
      const late = yield* append(store, chat.id, a, { ...replaced, message: m3.id })
      const expected = [
        { ...fromPosted(m1 as Entry<Posted>), contentType: "file", content: "second", revision: second.id },
        fromPosted(m2 as Entry<Posted>),
        { ...fromPosted(m3 as Entry<Posted>), content: "", recalled: true, revision: late.id }
      ]
      const byId = yield* store.messages([m3.id, m1.id, NO_ENTRY, about.id, m2.id, m1.id])
      yield* same(
        "by id",
        sorted(byId, (message) => message.id),
        expected
      )
      const byGid = yield* store.messagesByGid(["m2", "nothing", "m3", "m1", "M1"])
      yield* same(
        "by gid",
        sorted(byGid, (message) => message.id),
        expected
      )
      yield* same(
        "numbers",
        expected.map((message) => message.number),
        [1, 2, 3]
      )
      yield* same("none", [...(yield* store.messages([])), ...(yield* store.messagesByGid([]))], [])
    })
  ),
  law(
    "history returns messages by their numbers, newest first, as they stand now",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const other = yield* createChat(store, "d", [a])
      const roll = dice(11)
      const posted: Array<EntryId> = []
      for (let n = 0; n < 90; n++) {
        const about = posted[roll(posted.length)]
        const kind = roll(6)
        if (kind === 0) yield* append(store, chat.id, a, { _tag: "Changed", name: `${n}` })
        else if (kind === 1 && about !== undefined) {
          yield* append(store, chat.id, a, { _tag: "Recalled", message: about })
        } else if (kind === 2 && about !== undefined) {
          yield* append(store, chat.id, a, { _tag: "Replaced", message: about, contentType: "file", content: `${n}` })
        } else if (kind === 3) yield* post(store, other.chat.id, a, `other${n}`)
        else posted.push((yield* post(store, chat.id, a, `m${n}`)).id)
      }
      const all = standing(yield* logOf(store, chat.id))
      yield* same(
        "numbers",
        all.map((message) => message.number),
        all.map((_, index) => index + 1)
      )
      const page = (from: number, to: number) =>
        all.filter((message) => message.number >= from && message.number <= to).reverse()
      yield* same("all", yield* store.history(chat.id, { from: 1, to: all.length }), page(1, all.length))
      for (let n = 1; n <= all.length; n++) {
        yield* same(`number ${n}`, yield* store.history(chat.id, { from: n, to: n }), page(n, n))
        const to = n + roll(20)
        yield* same(`numbers ${n} to ${to}`, yield* store.history(chat.id, { from: n, to }), page(n, to))
      }
      const none = [
        ...(yield* store.history(chat.id, { from: all.length + 1, to: all.length + 50 })),
        ...(yield* store.history(chat.id, { from: 5, to: 4 })),
        ...(yield* store.history(chat.id, { from: -5, to: 0 })),
        ...(yield* store.history(NO_CHAT, { from: 1, to: 10 }))
      ]
      yield* same("outside", none, [])
      yield* same("from below", yield* store.history(chat.id, { from: -5, to: 2 }), page(1, 2))
    })
  ),
  law(
    "a hidden message is left out of its user's history only, and keeps its number",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a, b])
      const entries = yield* Effect.forEach(["m1", "m2", "m3", "m4"], (gid) => post(store, chat.id, a, gid))
      const second = entries[1]?.id ?? NO_ENTRY
      const fourth = entries[3]?.id ?? NO_ENTRY
      const hide = (message: EntryId) => ({ _tag: "HideMessage", user: a, message }) as const
      yield* store.commit(batch(hide(second), hide(fourth)))
      yield* store.commit(batch(hide(second)))
      const numbers = (messages: ReadonlyArray<Message>) => messages.map((message) => message.number)
      const page = { from: 1, to: 4 }
      yield* same("for who hid", numbers(yield* store.history(chat.id, { ...page, hiddenFrom: a })), [3, 1])
      yield* same("one page", numbers(yield* store.history(chat.id, { from: 2, to: 2, hiddenFrom: a })), [])
      yield* same("for others", numbers(yield* store.history(chat.id, { ...page, hiddenFrom: b })), [4, 3, 2, 1])
      yield* same("for nobody", numbers(yield* store.history(chat.id, page)), [4, 3, 2, 1])
    })
  ),
  law(
    "a page of ten thousand messages is complete",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const count = 10_050
      for (let n = 0; n < count; n += 1005) {
        const gids = Array.from({ length: 1005 }, (_, index) => `m${n + index + 1}`)
        yield* store.commit(
          batch(
            ...gids.map((gid) => ({
              _tag: "Append" as const,
              chat: chat.id,
              by: a,
              device: null,
              at: NOW,
              body: posting(gid)
            }))
          )
        )
      }
      const messages = yield* store.history(chat.id, { from: count - 9_999, to: count })
      yield* same("messages", messages.length, 10_000)
      yield* same("the newest", messages[0]?.gid, `m${count}`)
      yield* same("the oldest", messages[9_999]?.gid, `m${count - 9_999}`)
    })
  )
]
