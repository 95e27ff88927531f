/** Laws of members' places: they only move forward, whoever writes and in whichever order. */
import * as Effect from "effect/Effect"
import { furthest, type Place } from "../../model/Cursor.ts"
import { createChat, dice, law, NO_CHAT, NO_USER, pair, same, sorted, unit, type StoreLaw } from "./Law.ts"

const key = (place: Place): string => `${place.chat}/${place.user}/${place.device}`

export const placeLaws: ReadonlyArray<StoreLaw> = [
  law(
    "a place comes back as it was written",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const place: Place = { chat: chat.id, user: a, device: "p", pushed: 9, delivered: 4, acked: [6, 8], read: 2 }
      yield* same("before", yield* store.placesIn(chat.id, [a]), [])
      yield* same("answer", yield* store.commit(unit({ _tag: "MovePlace", place })), [{ _tag: "Done" }])
      yield* same("after", yield* store.placesIn(chat.id, [a]), [place])
    })
  ),
  law(
    "no part of a place ever goes back",
    Effect.fnUntraced(function* (store) {
      const [a] = yield* pair(store)
      const { chat } = yield* createChat(store, "c", [a])
      const at = (pushed: number, delivered: number, acked: ReadonlyArray<number>, read: number): Place => ({
        chat: chat.id,
        user: a,
        device: "",
        pushed,
        delivered,
        acked,
        read
      })
      const move = (place: Place) => store.commit(unit({ _tag: "MovePlace", place }))
      yield* move(at(9, 4, [6, 8], 3))
      yield* move(at(0, 0, [], 0))
      yield* same("after a write from behind", yield* store.placesIn(chat.id, [a]), [at(9, 4, [6, 8], 3)])
      yield* move(at(10, 3, [7], 1))
      yield* same("after a mixed one", yield* store.placesIn(chat.id, [a]), [at(10, 4, [6, 7, 8], 3)])
      yield* move(at(2, 7, [], 5))
      yield* same("acknowledged ones below the floor are gone", yield* store.placesIn(chat.id, [a]), [
        at(10, 7, [8], 5)
      ])
      yield* store.commit(
        unit({ _tag: "MovePlace", place: at(11, 8, [], 5) }, { _tag: "MovePlace", place: at(1, 1, [12], 6) })
      )
      yield* same("two writes in one unit", yield* store.placesIn(chat.id, [a]), [at(11, 8, [12], 6)])
    })
  ),
  law(
    "writes of places in any order, also at once, come to the fold of furthest",
    Effect.fnUntraced(function* (store) {
      const users = yield* pair(store)
      const chats = yield* Effect.forEach(["c1", "c2"], (gid) => createChat(store, gid, users))
      for (let seed = 1; seed <= 8; seed++) {
        const roll = dice(seed)
        const pick = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> => all.slice(roll(all.length)).slice(0, 1)
        const writes = Array.from({ length: 40 }, () =>
          pick(chats).flatMap(({ chat }) =>
            pick(users).map((user): Place => {
              const delivered = roll(30)
              const acked = Array.from({ length: 12 }, (_, n) => delivered + 1 + n).filter(() => roll(3) === 0)
              const device = `${seed}${roll(2) === 0 ? "desk" : "phone"}`
              return { chat: chat.id, user, device, pushed: roll(60), delivered, acked, read: roll(40) }
            })
          )
        ).flat()
        const expected = new Map<string, Place>()
        for (const place of writes) expected.set(key(place), furthest(expected.get(key(place)) ?? place, place))
        yield* Effect.forEach(writes, (place) => store.commit(unit({ _tag: "MovePlace", place })), {
          concurrency: seed % 2 === 0 ? 1 : "unbounded"
        })
        const found: Array<Place> = []
        for (const { chat } of chats) found.push(...(yield* store.placesIn(chat.id, users)))
        yield* same(
          `places of run ${seed}`,
          sorted(
            found.filter((place) => place.device.startsWith(`${seed}`)),
            key
          ),
          sorted([...expected.values()], key)
        )
      }
    })
  ),
  law(
    "places are read by device over all chats, and by chat for the users asked",
    Effect.fnUntraced(function* (store) {
      const [a, b] = yield* pair(store)
      const one = (yield* createChat(store, "c1", [a, b])).chat.id
      const two = (yield* createChat(store, "c2", [a, b])).chat.id
      const at = (chat: typeof one, user: typeof a, device: string): Place => ({
        chat,
        user,
        device,
        pushed: 1,
        delivered: 1,
        acked: [],
        read: 0
      })
      const all = [at(one, a, ""), at(one, a, "phone"), at(two, a, ""), at(one, b, ""), at(two, b, "phone")]
      yield* store.commit(unit(...all.map((place) => ({ _tag: "MovePlace", place }) as const)))
      yield* same("of a device", sorted(yield* store.placesOf(a, ""), key), [at(one, a, ""), at(two, a, "")])
      yield* same("of another", yield* store.placesOf(a, "phone"), [at(one, a, "phone")])
      yield* same("of an unknown one", yield* store.placesOf(a, "tablet"), [])
      yield* same("in a chat", sorted(yield* store.placesIn(one, [b, a, NO_USER]), key), [
        at(one, a, ""),
        at(one, a, "phone"),
        at(one, b, "")
      ])
      yield* same("of one user", yield* store.placesIn(two, [b]), [at(two, b, "phone")])
      yield* same("nowhere", [...(yield* store.placesIn(NO_CHAT, [a])), ...(yield* store.placesIn(one, []))], [])
    })
  )
]
