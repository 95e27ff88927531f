/** A node that cannot reach the store which it shares with others. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { UserCaller } from "@parley/core/Event"
import { Sessions } from "@parley/core/Sessions"
import { StorageHealth } from "@parley/core/StorageHealth"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { FENCE_MS, FenceState } from "../src/ports/Fence.ts"
import { Chats, Members, Messages } from "./Commands.ts"
import { online, people } from "./harness.ts"
import { BUSES, makeCluster, type Node, on, turns } from "./twoNodes.ts"

const send = (node: Node, by: UserCaller, chat: string, gid: string) =>
  on(node)(Effect.flatMap(Messages, (messages) => messages.send(by, [{ gid, chat: { gid: chat }, content: gid }])))

/** Requests that a node serves from memory, or writes. */
const requests = (node: Node, by: UserCaller, token: string) =>
  Effect.all({
    chat: Effect.exit(on(node)(Effect.flatMap(Chats, (chats) => chats.read(by, { gid: "g" })))),
    send: Effect.exit(send(node, by, "g", `late ${token}`)),
    users: Effect.exit(on(node)(Effect.flatMap(Users, ({ list }) => list))),
    session: Effect.exit(on(node)(Effect.flatMap(Sessions, ({ resume }) => resume(token))))
  })

const tags = (exits: Effect.Success<ReturnType<typeof requests>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(exits).map(([name, exit]) => {
      const [reason] = exit._tag === "Failure" ? exit.cause.reasons : []
      return [name, reason?._tag === "Fail" ? reason.error.reason._tag : exit._tag]
    })
  )

const all = (outcome: string) => ({ chat: outcome, send: outcome, users: outcome, session: outcome })

/** Two nodes, of which the second loses the store during the outage. */
const fixture = Effect.fnUntraced(function* (delivers: boolean) {
  const outage = { isDown: false }
  const { here, start } = yield* makeCluster((packet) => (delivers ? [packet] : []))
  const there = yield* start(false, outage)
  const [ann, ben, cat] = yield* on(here)(people("ann", "ben", "cat"))
  assert(ann && ben && cat)
  for (const gid of ["g", "secret"]) {
    yield* on(here)(Effect.flatMap(Chats, (chats) => chats.create(ann, { gid, members: [ben.user, cat.user] })))
  }
  yield* TestClock.adjust("2 seconds")
  const [benThere, catThere] = [yield* on(there)(online(ben)), yield* on(there)(online(cat))]
  const { token } = yield* on(there)(Effect.flatMap(Sessions, (sessions) => sessions.issue(ben.user, "token")))
  assert.deepStrictEqual(tags(yield* requests(there, ben, token)), { ...all("Success") })
  yield* TestClock.adjust("1 second")
  const status = on(there)(Effect.map(StorageHealth, (health) => health.status()))
  return { outage, here, there, ann, ben, cat, benThere, catThere, token, status }
})

describe.each(BUSES)("a node that loses the store, on $bus,", ({ delivers }) => {
  it.effect("refuses reads and writes after 5 s, and serves again when it is back", () =>
    Effect.gen(function* () {
      const { outage, there, ben, benThere, token, status } = yield* fixture(delivers)
      outage.isDown = true
      yield* TestClock.adjust("3900 millis")
      const early = tags(yield* requests(there, ben, token))
      assert.deepStrictEqual({ ...early, send: "" }, { ...all("Success"), send: "" })
      yield* TestClock.adjust("1600 millis")
      assert.strictEqual(yield* status, "unreachable")
      assert.deepStrictEqual(tags(yield* requests(there, ben, token)), all("Unavailable"))
      outage.isDown = false
      yield* TestClock.adjust("1 second")
      yield* turns
      assert.notStrictEqual(yield* status, "unreachable")
      assert.deepStrictEqual(tags(yield* requests(there, ben, token)), all("Success"))
      assert.isFalse(benThere.ended())
    })
  )

  it.effect("closes its connections after 10 s", () =>
    Effect.gen(function* () {
      const { outage, there, ben, benThere, catThere } = yield* fixture(delivers)
      outage.isDown = true
      yield* TestClock.adjust("8900 millis")
      assert.isFalse(benThere.ended())
      yield* TestClock.adjust("1600 millis")
      yield* benThere.until(benThere.ended)
      yield* catThere.until(catThere.ended)
      outage.isDown = false
      yield* TestClock.adjust("1 second")
      yield* turns
      const again = yield* on(there)(online(ben))
      yield* send(there, ben, "g", "after")
      yield* again.until(() => again.of("Posted").some(({ text }) => text === "after"))
    })
  )

  it.effect("knows what others have changed meanwhile, and delivers what it has missed", () =>
    Effect.gen(function* () {
      const { outage, here, there, ann, ben, cat, benThere, catThere, token } = yield* fixture(delivers)
      outage.isDown = true
      yield* TestClock.adjust("6 seconds")
      yield* on(here)(Effect.flatMap(Members, (members) => members.remove(ann, { gid: "secret" }, [ben.user])))
      yield* on(here)(Effect.flatMap(Chats, (chats) => chats.rename(ann, { gid: "g" }, "new")))
      yield* on(here)(Effect.flatMap(Users, (users) => users.change("cat", { disabled: true })))
      yield* on(here)(Effect.flatMap(Sessions, (sessions) => sessions.issue(ben.user, "token")))
      yield* send(here, ann, "g", "missed")
      yield* send(here, ann, "secret", "after removal")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        benThere
          .of("Posted")
          .map(({ text }) => text)
          .filter((text) => !text.startsWith("late")),
        []
      )
      outage.isDown = false
      yield* TestClock.adjust("2 seconds")
      yield* benThere.until(() => benThere.of("Posted").some(({ text }) => text === "missed"))
      yield* catThere.until(catThere.ended)
      yield* send(here, ann, "g", "later")
      yield* TestClock.adjust("2 seconds")
      yield* benThere.until(() => benThere.of("Posted").some(({ text }) => text === "later"))
      const heard = benThere.of("Posted").map(({ text }) => text)
      assert.deepStrictEqual(heard.slice(-2), ["missed", "later"])
      const { chat } = yield* on(there)(Effect.flatMap(Chats, (chats) => chats.read(ben, { gid: "g" })))
      assert.strictEqual(chat.name, "new")
      const results = tags(yield* requests(there, ben, token))
      assert.deepStrictEqual(results, all("Success"))
      assert.strictEqual(tags(yield* requests(there, cat, token)).send, "NotLoggedIn")
    })
  )
})

it.effect("a node that lost the store and misses more than the journal has closes its connections", () =>
  Effect.gen(function* () {
    const { outage, here, there, ann, ben, benThere } = yield* fixture(false)
    outage.isDown = true
    yield* TestClock.adjust("6 seconds")
    yield* on(here)(Effect.flatMap(Chats, (chats) => chats.rename(ann, { gid: "g" }, "new")))
    const { commit } = yield* on(here)(Store)
    const change = { _tag: "RecordsChanged", dialect: "d", kind: "k" } as const
    const writes = Array.from({ length: 20_001 }, () => ({ _tag: "NoteChange", change }) as const)
    yield* commit({ expectedVersions: [], writes })
    outage.isDown = false
    yield* TestClock.adjust("1 second")
    yield* benThere.until(benThere.ended)
    const { chat } = yield* on(there)(Effect.flatMap(Chats, (chats) => chats.read(ben, { gid: "g" })))
    assert.strictEqual(chat.name, "new")
  })
)

it("a node whose process was suspended is fenced before its timers run", () => {
  let now = 0
  const fence = new FenceState(() => now)
  assert.isFalse(fence.isClosed)
  fence.deadline = FENCE_MS
  now = FENCE_MS - 1
  assert.isFalse(fence.isClosed)
  now = FENCE_MS
  assert.isTrue(fence.isClosed)
  assert.isFalse(fence.isFenced)
})

it.effect("a request of a node that is overdue waits for the reply of the store, and is refused without one", () =>
  Effect.gen(function* () {
    const fence = new FenceState(() => 0)
    for (const [isReached, outcome] of [
      [true, "Success"],
      [false, "Failure"]
    ] as const) {
      fence.deadline = 0
      const request = yield* Effect.forkChild(Effect.exit(fence.check("test")), { startImmediately: true })
      yield* TestClock.adjust("100 millis")
      assert.isUndefined(request.pollUnsafe())
      if (isReached) fence.deadline = 1
      yield* TestClock.adjust("500 millis")
      assert.strictEqual((yield* Fiber.join(request))._tag, outcome)
    }
    fence.deadline = 1
    fence.isFenced = true
    assert.strictEqual((yield* Effect.exit(fence.check("test")))._tag, "Failure")
  })
)
