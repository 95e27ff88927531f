/** The list of all users: encoded in chunks, each again only after a change. */
import { assert, it } from "@effect/vitest"
import { UserId } from "@parley/core/Ids"
import { type Hub, LocalHub } from "@parley/core/Hub"
import type { User } from "@parley/core/User"
import { Effect, Fiber } from "effect"
import { UserListCache } from "../../src/xuanxuan/UserListCache.ts"
import { userJson } from "../../src/xuanxuan/encode.ts"

const user = (id: number, realname = `User ${id}`): User => ({
  id: UserId(id),
  account: `user${id}`,
  realname,
  avatar: "",
  role: "",
  dept: 0,
  admin: false,
  organisation: null,
  disabled: false,
  createdAt: 0,
  since: {}
})

const users = (count: number, from = 1): ReadonlyArray<User> =>
  Array.from({ length: count }, (_, index) => user(from + index))

const open = () => {
  const hub = new LocalHub({ now: () => 0, after: () => {} })
  return { hub, list: new UserListCache(hub, { jsonText: (json) => json, userJson }) }
}

const textOf = (list: UserListCache, of: ReadonlyArray<User>): string =>
  list
    .chunks(of)
    .map(({ text }) => text)
    .join("")

const completeText = (hub: Hub["Service"], of: ReadonlyArray<User>): string =>
  of.map((one) => JSON.stringify(userJson(hub.presence.of(one)))).join(",")

it("is the text of all users in order, for any ids", () => {
  const { hub, list } = open()
  const some = [user(3), user(255), user(256), user(70_000), user(70_001), user(9_000_000)]
  for (const of of [users(1000), some, [], users(3, 250), users(3, 249)]) {
    assert.strictEqual(textOf(list, of), completeText(hub, of))
  }
})

it("a new status, name or user encodes one chunk again", () => {
  const { hub, list } = open()
  let everybody = users(10_000)
  const changed = (change: () => void): number => {
    const before = new Set(list.chunks(everybody))
    change()
    const after = list.chunks(everybody)
    assert.strictEqual(textOf(list, everybody), completeText(hub, everybody))
    return after.filter((piece) => !before.has(piece)).length
  }
  assert.strictEqual(
    changed(() => {}),
    0
  )
  assert.strictEqual(
    changed(() => hub.presence.set(UserId(5000), "busy")),
    1
  )
  assert.strictEqual(
    changed(() => (everybody = everybody.map((one) => (one.id === 77 ? user(77, "Another Name") : one)))),
    1
  )
  assert.strictEqual(
    changed(() => (everybody = [...everybody, user(10_001)])),
    1
  )
  // More changes than presence retains: everything is encoded again.
  const all = changed(() => {
    for (let round = 0; round < 2; round++) {
      for (const { id } of everybody) hub.presence.set(id, round === 0 ? "away" : "online")
    }
  })
  assert.strictEqual(all, list.chunks(everybody).length)
})

it("is the same array until a user changes", () => {
  const { list } = open()
  const everybody = users(1000)
  assert.strictEqual(list.chunks(everybody), list.chunks(everybody))
})

it("members are all ids in either profile's format", () => {
  const { list } = open()
  const everybody = users(600)
  const text = (as: "ids" | "objects") =>
    JSON.parse(
      `[${list
        .members(everybody, as)
        .map((piece) => piece.text)
        .join("")}]`
    ) as unknown
  assert.deepStrictEqual(
    text("ids"),
    everybody.map(({ id }) => id)
  )
  assert.deepStrictEqual(
    text("objects"),
    everybody.map(({ id }) => ({ id }))
  )
})

it.effect("concurrent callers wait for one encoding, which lets other work run", () =>
  Effect.gen(function* () {
    const { hub, list } = open()
    const everybody = users(100_000)
    let encoded = 0
    const { presence } = hub
    const of = presence.of.bind(presence)
    presence.of = (one) => {
      encoded++
      return of(one)
    }
    const guests = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: 50 }), () => list.prepare(everybody), { concurrency: "unbounded" })
    )
    let turns = 0
    let most = 0
    while (guests.pollUnsafe() === undefined) {
      const before = encoded
      yield* Effect.yieldNow
      turns++
      most = Math.max(most, encoded - before)
    }
    yield* Fiber.join(guests)
    assert.isAbove(turns, 40)
    assert.isAtMost(most, 8 * 256)
    list.chunks(everybody)
    assert.strictEqual(encoded, everybody.length)
  })
)
