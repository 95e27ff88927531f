/** Laws of members' cursors: they only move forward, in whichever order they are written. */
import * as Effect from "effect/Effect"
import { mergeCursors, type Cursor } from "../../model/Cursor.ts"
import { createChat, dice, law, NO_CHAT, NO_USER, pair, same, sorted, batch, type StoreLaw } from "./Law.ts"

const key = (cursor: Cursor): string => `${cursor.chat}/${cursor.user}/${cursor.device}`

export const cursorLaws: ReadonlyArray<StoreLaw> = [
  law(
    "a cursor is read as it was written",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const cursor: Cursor = { chat: chat.id, user: a, device: "p", pushed: 9, delivered: 4, acked: [6, 8], read: 2 }
      yield* same("before", yield* store.cursorsIn(chat.id, [a]), [])
      yield* same("result", yield* store.commit(batch({ _tag: "MoveCursor", cursor })), [{ _tag: "Done" }])
      yield* same("after", yield* store.cursorsIn(chat.id, [a]), [cursor])
    })
  ),
  law(
    "no part of a cursor ever moves back",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const at = (pushed: number, delivered: number, acked: ReadonlyArray<number>, read: number): Cursor => ({
        chat: chat.id,
        user: a,
        device: "",
        pushed,
        delivered,
        acked,
        read
      })
      const move = (cursor: Cursor) => store.commit(batch({ _tag: "MoveCursor", cursor }))
      yield* move(at(9, 4, [6, 8], 3))
      yield* move(at(0, 0, [], 0))
      yield* same("after a write from behind", yield* store.cursorsIn(chat.id, [a]), [at(9, 4, [6, 8], 3)])
      yield* move(at(10, 3, [7], 1))
      yield* same("after a mixed one", yield* store.cursorsIn(chat.id, [a]), [at(10, 4, [6, 7, 8], 3)])
      yield* move(at(2, 7, [], 5))
      yield* same("acknowledged ones below the floor are gone", yield* store.cursorsIn(chat.id, [a]), [
        at(10, 7, [8], 5)
      ])
      yield* store.commit(
        batch({ _tag: "MoveCursor", cursor: at(11, 8, [], 5) }, { _tag: "MoveCursor", cursor: at(1, 1, [12], 6) })
      )
      yield* same("two writes in one batch", yield* store.cursorsIn(chat.id, [a]), [at(11, 8, [12], 6)])
    })
  ),
  law(
    "writes of cursors in any order, even concurrent ones, result in the fold of mergeCursors",
    Effect.fnUntraced(function* (store) {
      const users = yield* pair(store)
      const chats = yield* Effect.forEach(["c1", "c2"], (gid) => createChat(store, gid, users))
      for (let seed = 1; seed <= 8; seed++) {
        const roll = dice(seed)
        const pick = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> => all.slice(roll(all.length)).slice(0, 1)
        const writes = Array.from({ length: 40 }, () =>
          pick(chats).flatMap(({ chat }) =>
            pick(users).map((user): Cursor => {
              const delivered = roll(30)
              const acked = Array.from({ length: 12 }, (_, n) => delivered + 1 + n).filter(() => roll(3) === 0)
              const device = `${seed}${roll(2) === 0 ? "desk" : "phone"}`
              return { chat: chat.id, user, device, pushed: roll(60), delivered, acked, read: roll(40) }
            })
          )
        ).flat()
        const expected = new Map<string, Cursor>()
        for (const cursor of writes)
          expected.set(key(cursor), mergeCursors(expected.get(key(cursor)) ?? cursor, cursor))
        yield* Effect.forEach(writes, (cursor) => store.commit(batch({ _tag: "MoveCursor", cursor })), {
          concurrency: seed % 2 === 0 ? 1 : "unbounded"
        })
        const found: Array<Cursor> = []
        for (const { chat } of chats) found.push(...(yield* store.cursorsIn(chat.id, users)))
        yield* same(
          `cursors of run ${seed}`,
          sorted(
            found.filter((cursor) => cursor.device.startsWith(`${seed}`)),
            key
          ),
          sorted([...expected.values()], key)
        )
      }
    })
  ),
  law(
    "cursors are read by device over all chats, and by chat for the requested users",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const one = (yield* createChat(store, "c1", [a, b])).chat.id
      const two = (yield* createChat(store, "c2", [a, b])).chat.id
      const at = (chat: typeof one, user: typeof a, device: string): Cursor => ({
        chat,
        user,
        device,
        pushed: 1,
        delivered: 1,
        acked: [],
        read: 0
      })
      const all = [at(one, a, ""), at(one, a, "phone"), at(two, a, ""), at(one, b, ""), at(two, b, "phone")]
      yield* store.commit(batch(...all.map((cursor) => ({ _tag: "MoveCursor", cursor }) as const)))
      yield* same("of a device", sorted(yield* store.cursorsOf(a, ""), key), [at(one, a, ""), at(two, a, "")])
      yield* same("of another", yield* store.cursorsOf(a, "phone"), [at(one, a, "phone")])
      yield* same("of an unknown one", yield* store.cursorsOf(a, "tablet"), [])
      yield* same("in a chat", sorted(yield* store.cursorsIn(one, [b, a, NO_USER]), key), [
        at(one, a, ""),
        at(one, a, "phone"),
        at(one, b, "")
      ])
      yield* same("of one user", yield* store.cursorsIn(two, [b]), [at(two, b, "phone")])
      yield* same("nowhere", [...(yield* store.cursorsIn(NO_CHAT, [a])), ...(yield* store.cursorsIn(one, []))], [])
    })
  )
]
