/** The offline queue and live delivery. Source: PROTOCOLS, "Offline queue", "Recall", "Who gets a push", "message". */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine } from "@parley/core/Engine"
import type { UserCaller as Caller } from "@parley/core/Event"
import * as Parley from "@parley/core/Parley"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Chats, Members, Messages } from "./Commands.ts"
import { type Client, engineLayer, idsOf, online, people } from "./harness.ts"

const withFixture = <A, E>(test: Effect.Effect<A, E, Parley.Services | Store>): Effect.Effect<A, E> =>
  Effect.provide(test, engineLayer)

const send = Effect.fnUntraced(function* (who: Caller, gid: string, text: string, chat = "g") {
  const [sent] = yield* (yield* Messages).send(who, [{ gid, chat: { gid: chat }, content: text }])
  return sent?.message
})

/** A group "g" of all of them, made by the first. */
const group = Effect.fnUntraced(function* (everybody: ReadonlyArray<Caller>, gid = "g") {
  const [first, ...others] = everybody
  assert(first)
  return yield* (yield* Chats).create(first, { gid, members: idsOf(others) })
})

const texts = (client: Client): ReadonlyArray<string> =>
  client.packets
    .filter(({ kind }) => ["Posted", "Replaced", "Recalled"].includes(kind))
    .map(({ kind, text }) => `${kind} ${text}`)

/** Goes offline and comes back; gets the backlog, and then this last message. */
const comesBack = Effect.fnUntraced(function* (who: Caller, sender: Caller, last: string, chat = "g") {
  const client = yield* online(who)
  yield* send(sender, last, last, chat)
  yield* client.until(() => client.of("Posted").some(({ text }) => text === last))
  return texts(client).slice(0, -1)
})

describe("an absent member", () => {
  it.effect("gets missed messages in order, once, and none again after its acknowledgement", () =>
    withFixture(
      Effect.gen(function* () {
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* group([ann, ben])
        for (let index = 0; index < 500; index++) yield* send(ann, `m${index}`, String(index))
        const client = yield* online(ben)
        yield* client.until(() => client.of("Posted").length === 500)
        assert.deepStrictEqual(
          client.of("Posted").map(({ text }) => text),
          Array.from({ length: 500 }, (_, index) => String(index))
        )
        yield* client.acknowledge(...client.of("Posted").map(({ id }) => id))
        yield* client.leave
        assert.deepStrictEqual(yield* comesBack(ben, ann, "last"), [])
      })
    )
  )

  it.effect("gets the messages of all chats in the order of their ids", () =>
    withFixture(
      Effect.gen(function* () {
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        const gids = Array.from({ length: 12 }, (_, index) => `g${index}`)
        for (const gid of gids) yield* group([ann, ben], gid)
        for (let index = 0; index < 600; index++) yield* send(ann, `m${index}`, String(index), gids[(index * 7) % 12])
        const client = yield* online(ben)
        yield* client.until(() => client.of("Posted").length === 600)
        const ids = client.of("Posted").map(({ id }) => id)
        assert.deepStrictEqual(
          ids,
          [...ids].sort((a, b) => a - b)
        )
      })
    )
  )

  it.effect("gets no messages from before joining, after leaving, or in between", () =>
    withFixture(
      Effect.gen(function* () {
        const members = yield* Members
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* group([ann])
        yield* send(ann, "m1", "before")
        yield* members.add(ann, { gid: "g" }, [ben.user])
        yield* send(ann, "m2", "first stay")
        yield* members.remove(ann, { gid: "g" }, [ben.user])
        yield* send(ann, "m3", "between")
        yield* members.add(ann, { gid: "g" }, [ben.user])
        yield* send(ann, "m4", "second stay")
        assert.deepStrictEqual(yield* comesBack(ben, ann, "last"), ["Posted second stay"])
      })
    )
  )

  it.effect("gets messages of their other devices, and not those of this one", () =>
    withFixture(
      Effect.gen(function* () {
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* group([ann, ben])
        const client = yield* online(ben)
        yield* send(client.caller(), "m1", "from this device")
        yield* client.leave
        yield* send(ben, "m2", "from elsewhere")
        assert.deepStrictEqual(yield* comesBack(ben, ann, "last"), ["Posted from elsewhere"])
      })
    )
  )

  it.effect("gets only newer messages of the system chat as a new user", () =>
    withFixture(
      Effect.gen(function* () {
        const { commit } = yield* Engine
        const users = yield* Users
        const [ann] = yield* people({ account: "ann", admin: true })
        assert(ann)
        const gid = "system"
        const facts = { name: "", public: false, subject: 0, createdBy: null, owner: null, admins: [], senders: [] }
        yield* commit({
          expectedVersions: [],
          writes: [
            {
              _tag: "CreateChat",
              by: null,
              chat: { gid, type: "system", ...facts, createdAt: 0, attributes: {}, members: [] }
            }
          ]
        })
        for (let index = 0; index < 20; index++) yield* send(ann, `old${index}`, "old", gid)
        const [ben] = yield* users.add([{ account: "ben" }])
        assert(ben)
        yield* send(ann, "new", "new", gid)
        const caller: Caller = { user: ben.id, device: null }
        assert.deepStrictEqual(yield* comesBack(caller, ann, "last", gid), ["Posted new"])
      })
    )
  )
})

describe("a client that never acknowledges", () => {
  it.effect("acknowledges with its next frame what was flushed before it, and nothing else", () =>
    withFixture(
      Effect.gen(function* () {
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* group([ann, ben])
        yield* send(ann, "m1", "1")
        const client = yield* online(ben, { acknowledgement: "implicit" })
        yield* client.until(() => client.of("Posted").length === 1)
        yield* client.ask()
        yield* send(ann, "m2", "2")
        yield* client.until(() => client.of("Posted").length === 2)
        yield* client.leave
        assert.deepStrictEqual(yield* comesBack(ben, ann, "last"), ["Posted 2"])
      })
    )
  )
})

describe("a recalled message", () => {
  it.effect("is emptied for online members, in the history and after an acknowledgement", () =>
    withFixture(
      Effect.gen(function* () {
        const messages = yield* Messages
        const [ann, ben, cat] = yield* people("ann", "ben", "cat")
        assert(ann && ben && cat)
        yield* group([ann, ben, cat])
        const client = yield* online(ben)
        const here = yield* online(cat)
        yield* send(ann, "m1", "secret")
        yield* client.until(() => client.of("Posted").length === 1)
        yield* client.acknowledge(...client.of("Posted").map(({ id }) => id))
        yield* client.leave
        yield* messages.recall(ann, "m1")
        yield* here.until(() => here.of("Recalled").length === 1)
        assert.deepStrictEqual(texts(here), ["Posted secret", "Recalled "])
        const { messages: history, total } = yield* messages.history(cat, { gid: "g" })
        assert.deepStrictEqual(
          history.map(({ content, recalled }) => [content, recalled]),
          [["", true]]
        )
        assert.strictEqual(total, 1)
        assert.deepStrictEqual(yield* comesBack(ben, ann, "last"), ["Recalled "])
      })
    )
  )

  it.effect("that was never delivered is not delivered, nor is its recall", () =>
    withFixture(
      Effect.gen(function* () {
        const messages = yield* Messages
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* group([ann, ben])
        yield* send(ann, "m1", "secret")
        yield* send(ann, "m2", "plain")
        yield* messages.recall(ann, "m1")
        assert.deepStrictEqual(yield* comesBack(ben, ann, "last"), ["Posted plain"])
      })
    )
  )

  it.effect("that was pushed and not acknowledged is not pushed again, but its recall is", () =>
    withFixture(
      Effect.gen(function* () {
        const messages = yield* Messages
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* group([ann, ben])
        const client = yield* online(ben)
        yield* send(ann, "m1", "secret")
        yield* client.until(() => client.of("Posted").length === 1)
        yield* client.leave
        yield* messages.recall(ann, "m1")
        assert.deepStrictEqual(yield* comesBack(ben, ann, "last"), ["Recalled "])
      })
    )
  )

  it.effect("is recalled by its sender or an admin only", () =>
    withFixture(
      Effect.gen(function* () {
        const messages = yield* Messages
        const [ann, ben, cat, eve] = yield* people("ann", "ben", "cat", "eve")
        assert(ann && ben && cat && eve)
        yield* group([ann, ben, cat])
        yield* send(ben, "m1", "x")
        assert.strictEqual((yield* messages.recall(cat, "m1").pipe(Effect.flip)).reason._tag, "Forbidden")
        assert.strictEqual((yield* messages.recall(eve, "m1").pipe(Effect.flip)).reason._tag, "NoSuchMessage")
        assert.isTrue((yield* messages.recall(ann, "m1")).recalled)
        assert.isTrue((yield* messages.recall(ben, "m1")).recalled)
      })
    )
  )
})

describe("a placeholder that is replaced later", () => {
  const image = Effect.fnUntraced(function* (who: Caller, content: string) {
    return yield* (yield* Messages).send(who, [{ gid: "pic", chat: { gid: "g" }, contentType: "image", content }])
  })

  it.effect("is pushed again to online members and after an acknowledgement; others get it as it stands", () =>
    withFixture(
      Effect.gen(function* () {
        const [ann, ben, cat] = yield* people("ann", "ben", "cat")
        assert(ann && ben && cat)
        yield* group([ann, ben, cat])
        const client = yield* online(ben)
        yield* image(ann, "placeholder")
        yield* client.until(() => client.of("Posted").length === 1)
        yield* client.acknowledge(...client.of("Posted").map(({ id }) => id))
        yield* image(ann, "whole")
        yield* client.until(() => client.of("Replaced").length === 1)
        yield* client.leave
        assert.deepStrictEqual(yield* comesBack(ben, ann, "last"), ["Replaced whole"])
        assert.deepStrictEqual(yield* comesBack(cat, ann, "last2"), ["Posted whole", "Posted last"])
      })
    )
  )

  it.effect("is delivered during a catch-up, after its placeholder", () =>
    withFixture(
      Effect.gen(function* () {
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* group([ann, ben])
        yield* image(ann, "placeholder")
        // More than a page, and more than may wait for a reader: the catch-up stops in the middle.
        for (let index = 0; index < 400; index++) yield* send(ann, `m${index}`, "x".repeat(10_000))
        const client = yield* online(ben)
        client.stopReading()
        yield* image(ann, "whole")
        client.startReading()
        yield* client.until(() => client.of("Posted").length === 401 && client.of("Replaced").length === 1)
        yield* client.acknowledge(...client.packets.map(({ id }) => id))
        assert.deepStrictEqual(texts(client).at(-1), "Replaced whole")
      })
    )
  )

  it.effect("is never delivered after a recall", () =>
    withFixture(
      Effect.gen(function* () {
        const [ann] = yield* people("ann")
        assert(ann)
        yield* group([ann])
        yield* image(ann, "placeholder")
        yield* (yield* Messages).recall(ann, "pic")
        const refused = yield* image(ann, "whole").pipe(Effect.flip)
        assert.deepStrictEqual(refused.reason, {
          _tag: "MessagesRefused",
          refusals: [{ index: 0, reason: { _tag: "Recalled" } }]
        })
      })
    )
  )
})

describe("recipients of a push", () => {
  it.effect(
    "are all members except the requesting connection; a removed member gets the removal, and then nothing",
    () =>
      withFixture(
        Effect.gen(function* () {
          const members = yield* Members
          const [ann, ben, cat, eve] = yield* people("ann", "ben", "cat", "eve")
          assert(ann && ben && cat && eve)
          yield* group([ann, ben, cat])
          const [a, b, c, e] = [yield* online(ann), yield* online(ben), yield* online(cat), yield* online(eve)]
          yield* send(a.caller(), "m1", "1")
          yield* members.remove(a.caller(), { gid: "g" }, [cat.user])
          yield* send(a.caller(), "m2", "2")
          yield* b.until(() => b.of("Posted").length === 2)
          for (const client of [a, c, e]) yield* client.ask()
          assert.deepStrictEqual(
            [a, b, c, e].map((client) => client.packets.map(({ kind }) => kind)),
            [[], ["Posted", "Changed", "Posted"], ["Posted", "Changed"], []]
          )
        })
      )
  )
})

describe("several devices of one user", () => {
  it.effect("each get the other's messages, and have their own cursors", () =>
    Effect.gen(function* () {
      const [ann, ben] = yield* people("ann", "ben")
      assert(ann && ben)
      yield* group([ann, ben])
      const phone = yield* online(ben, { device: "phone" })
      const desktop = yield* online(ben, { device: "desk" })
      yield* send(ann, "m1", "1")
      yield* phone.until(() => phone.of("Posted").length === 1)
      yield* desktop.until(() => desktop.of("Posted").length === 1)
      yield* phone.acknowledge(...phone.of("Posted").map(({ id }) => id))
      yield* send(phone.caller(), "m2", "2")
      yield* desktop.until(() => desktop.of("Posted").length === 2)
      yield* phone.leave
      yield* desktop.leave
      const again = { phone: yield* online(ben, { device: "phone" }), desktop: yield* online(ben, { device: "desk" }) }
      yield* send(ann, "m3", "3")
      yield* again.phone.until(() => texts(again.phone).includes("Posted 3"))
      yield* again.desktop.until(() => texts(again.desktop).includes("Posted 3"))
      assert.deepStrictEqual(texts(again.phone), ["Posted 3"])
      assert.deepStrictEqual(texts(again.desktop), ["Posted 1", "Posted 2", "Posted 3"])
      // A new device begins at the newest position of the others.
      const tablet = yield* online(ben, { device: "tablet" })
      yield* send(ann, "m4", "4")
      yield* tablet.until(() => texts(tablet).includes("Posted 4"))
      assert.deepStrictEqual(texts(tablet), ["Posted 3", "Posted 4"])
    }).pipe(Effect.provide(engineLayer), Effect.provideService(Settings, { ...defaultSettings, sessions: "multi" }))
  )
})
