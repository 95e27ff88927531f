/** Outcomes of commands. Source: PROTOCOLS, "Who may do what", "Pairs", "Idempotent", "message", "history". */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { CreateChat } from "@parley/core/Command"
import type { UserCaller as Caller } from "@parley/core/Event"
import { UserId } from "@parley/core/Ids"
import * as Parley from "@parley/core/Parley"
import type { Reason } from "@parley/core/Refused"
import { Store } from "@parley/core/Store"
import { Chats, Members, Messages } from "./Commands.ts"
import { engineLayer, idsOf, people } from "./harness.ts"

const withFixture = <A, E>(test: Effect.Effect<A, E, Parley.Services | Store>): Effect.Effect<A, E> =>
  Effect.provide(test, engineLayer)

const reason = <A, R>(attempt: Effect.Effect<A, { readonly reason: Reason }, R>): Effect.Effect<Reason, A, R> =>
  Effect.map(Effect.flip(attempt), (refused) => refused.reason)

const send = Effect.fnUntraced(function* (who: Caller, gid: string, content: string, chat = "g") {
  return yield* (yield* Messages).send(who, [{ gid, chat: { gid: chat }, content }])
})

describe("creating a chat", () => {
  it.effect("unites the members with the creator, who owns it", () =>
    withFixture(
      Effect.gen(function* () {
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        const { chat, created } = yield* (yield* Chats).create(ann, { gid: "g", members: idsOf([ben, ben]) })
        assert.deepStrictEqual([[...chat.members.keys()], chat.owner, chat.createdBy, created], [[1, 2], 1, 1, true])
      })
    )
  )

  it.effect("returns the stored chat for an existing gid, and refuses it to users who cannot see it", () =>
    withFixture(
      Effect.gen(function* () {
        const chats = yield* Chats
        const [ann, ben, eve] = yield* people("ann", "ben", "eve")
        assert(ann && ben && eve)
        const first = yield* chats.create(ann, { gid: "g", name: "first", members: [ben.user] })
        const again = yield* chats.create(ben, { gid: "g", name: "second", members: [] })
        assert.deepStrictEqual([again.chat.id, again.chat.name, again.created], [first.chat.id, "first", false])
        assert.deepStrictEqual(yield* reason(chats.create(eve, { gid: "g", members: [] })), {
          _tag: "GidTaken",
          gid: "g"
        })
        yield* chats.publish(ann, { gid: "g" }, true)
        assert.isFalse((yield* chats.create(eve, { gid: "g", members: [] })).created)
      })
    )
  )

  it.effect("creates one direct chat for two users, whatever the caller and gid, even concurrently", () =>
    withFixture(
      Effect.gen(function* () {
        const chats = yield* Chats
        const everybody = yield* people(...Array.from({ length: 10 }, (_, index) => `u${index}`))
        const [, two] = everybody
        const ten = everybody[9]
        assert(two && ten)
        const made = yield* Effect.forEach(
          Array.from({ length: 40 }, (_, index) => index),
          (index) => {
            const [from, to] = index % 2 === 0 ? [two, ten] : [ten, two]
            return chats.create(from, { gid: `race${index}`, type: "one2one", members: [to.user] })
          },
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(made.map(({ chat }) => chat.id)).size, 1)
        assert.strictEqual(made.filter(({ created }) => created).length, 1)
        // In string order "10" comes before "2".
        assert.deepStrictEqual([made[0]?.chat.gid, made[0]?.chat.owner], ["10&2", null])
      })
    )
  )

  const bad: ReadonlyArray<readonly [string, Partial<CreateChat>, Reason["_tag"]]> = [
    ["a system chat", { gid: "x", type: "system", members: [] }, "Invalid"],
    ...[
      "System",
      " system",
      "system ",
      "SYSTEM",
      "\u0455ystem",
      "sys\u200btem",
      "Group",
      "",
      "x".repeat(33),
      "\ud800"
    ].map((type) => [`the type ${JSON.stringify(type)}`, { gid: "x", type, members: [] }, "Invalid"] as const),
    ["no type", { gid: "x", type: "", members: [] }, "Invalid"],
    ["no gid", { gid: "", members: [] }, "Invalid"],
    ["a gid of a pair's form", { gid: "1&2", members: [] }, "Invalid"],
    ["a gid that is too long", { gid: "x".repeat(256), members: [] }, "Invalid"],
    ["a name that is too long", { gid: "x", name: "n".repeat(256), members: [] }, "Invalid"],
    ["unknown members", { gid: "x", members: [UserId(99)] }, "NoSuchUsers"],
    ["a pair with oneself", { gid: "x", type: "one2one", members: [UserId(1)] }, "Invalid"],
    ["a pair of three", { gid: "x", type: "one2one", members: [UserId(2), UserId(3)] }, "Invalid"],
    ["a public pair", { gid: "x", type: "one2one", members: [UserId(2)], public: true }, "Invalid"]
  ]
  it.effect.each(bad)("is refused for %s, and nothing is there", ([, chat, expected]) =>
    withFixture(
      Effect.gen(function* () {
        const chats = yield* Chats
        const [ann] = yield* people("ann", "ben", "cat")
        assert(ann)
        assert.strictEqual((yield* reason(chats.create(ann, { gid: "x", members: [], ...chat })))._tag, expected)
        assert.deepStrictEqual(yield* chats.list(ann), [])
      })
    )
  )
})

describe("members", () => {
  it.effect("join and leave; ownership passes to the longest-standing member; the owner cannot be removed", () =>
    withFixture(
      Effect.gen(function* () {
        const chats = yield* Chats
        const members = yield* Members
        const [ann, ben, cat] = yield* people("ann", "ben", "cat")
        assert(ann && ben && cat)
        const ref = { gid: "g" }
        yield* chats.create(ann, { ...ref, members: [] })
        yield* members.add(ann, ref, [cat.user, ben.user])
        assert.deepStrictEqual(yield* reason(members.remove(ben, ref, [cat.user])), {
          _tag: "Forbidden",
          requires: "admins"
        })
        assert.deepStrictEqual(yield* reason(members.remove(ann, ref, [ann.user])), { _tag: "CannotRemoveOwner" })
        const { chat } = yield* members.leave(ann, ref)
        assert.deepStrictEqual([chat.owner, chat.createdBy, [...chat.members.keys()]], [cat.user, ann.user, [3, 2]])
        assert.strictEqual((yield* members.remove(cat, ref, [ben.user])).chat.members.size, 1)
      })
    )
  )

  it.effect("an abandoned group belongs to the first member who rejoins", () =>
    withFixture(
      Effect.gen(function* () {
        const chats = yield* Chats
        const members = yield* Members
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* chats.create(ann, { gid: "g", members: [], public: true })
        assert.strictEqual((yield* members.leave(ann, { gid: "g" })).chat.owner, null)
        assert.strictEqual((yield* members.join(ben, { gid: "g" })).chat.owner, ben.user)
        assert.strictEqual((yield* members.join(ann, { gid: "g" })).chat.owner, ben.user)
      })
    )
  )

  it.effect("a change without effect adds no entry", () =>
    withFixture(
      Effect.gen(function* () {
        const chats = yield* Chats
        const members = yield* Members
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        const { chat } = yield* chats.create(ann, { gid: "g", name: "n", members: [ben.user] })
        yield* chats.rename(ann, chat, "n")
        yield* members.add(ann, chat, [ben.user])
        yield* chats.publish(ann, chat, false)
        yield* chats.setSenders(ann, chat, [])
        assert.strictEqual((yield* chats.read(ann, chat)).chat.version, 1)
        yield* chats.rename(ann, chat, "m")
        assert.strictEqual((yield* chats.read(ann, chat)).chat.version, 2)
      })
    )
  )

  it.effect("a concurrent removal and message: the message is earlier, or refused", () =>
    withFixture(
      Effect.gen(function* () {
        const members = yield* Members
        const messages = yield* Messages
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* (yield* Chats).create(ann, { gid: "g", members: [ben.user] })
        const kick = members.remove(ann, { gid: "g" }, [ben.user])
        const talk = Array.from({ length: 20 }, (_, index) => Effect.exit(send(ben, `m${index}`, "x")))
        yield* Effect.all([...talk.slice(0, 10), kick, ...talk.slice(10)], { concurrency: "unbounded" })
        const { messages: stored } = yield* messages.history(ann, { gid: "g" })
        const log = yield* (yield* Store).entries([{ chat: stored[0]?.chat ?? (1 as never), after: 0, limit: 100 }])
        const kicked = log.find(({ body }) => body._tag === "Changed")
        assert.isDefined(kicked)
        for (const message of stored) assert.isBelow(message.seq, kicked?.seq ?? 0)
      })
    )
  )
})

describe("sending", () => {
  it.effect("the same gid with the same content returns the stored message; other content is refused", () =>
    withFixture(
      Effect.gen(function* () {
        const chats = yield* Chats
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* chats.create(ann, { gid: "g", members: [ben.user] })
        yield* chats.create(ann, { gid: "other", members: [] })
        const [first] = yield* send(ann, "m", "x")
        const [again] = yield* send(ann, "m", "x")
        assert.deepStrictEqual(again?.message, first?.message)
        const taken: Reason = {
          _tag: "MessagesRefused",
          refusals: [{ index: 0, reason: { _tag: "GidTaken", gid: "m" } }]
        }
        assert.deepStrictEqual(yield* reason(send(ann, "m", "y")), taken)
        assert.deepStrictEqual(yield* reason(send(ben, "m", "x")), taken)
        assert.deepStrictEqual(yield* reason(send(ann, "m", "x", "other")), taken)
        assert.strictEqual((yield* (yield* Messages).history(ann, { gid: "g" })).total, 1)
      })
    )
  )

  it.effect("the same gid twice in one request is one message", () =>
    withFixture(
      Effect.gen(function* () {
        const messages = yield* Messages
        const [ann] = yield* people("ann")
        assert(ann)
        yield* (yield* Chats).create(ann, { gid: "g", members: [] })
        const draft = { gid: "m", chat: { gid: "g" }, content: "x" }
        const sent = yield* messages.send(ann, [draft, draft])
        assert.strictEqual(sent[0]?.message.id, sent[1]?.message.id)
        assert.strictEqual((yield* messages.history(ann, { gid: "g" })).total, 1)
      })
    )
  )

  it.effect("refuses ill-formed text, and stores whole milliseconds", () =>
    withFixture(
      Effect.gen(function* () {
        const messages = yield* Messages
        const [ann] = yield* people("ann")
        assert(ann)
        yield* (yield* Chats).create(ann, { gid: "g", members: [] })
        assert.strictEqual((yield* reason(send(ann, "m", "\ud800")))._tag, "MessagesRefused")
        assert.strictEqual((yield* reason(send(ann, "\udc00", "x")))._tag, "MessagesRefused")
        assert.strictEqual((yield* reason((yield* Chats).rename(ann, { gid: "g" }, "\ud800")))._tag, "Invalid")
        const draft = { gid: "m", chat: { gid: "g" }, content: "x", date: 1234.5 }
        assert.strictEqual((yield* messages.send(ann, [draft]))[0]?.message.date, 1234)
      })
    )
  )

  it.effect("is bounded in bytes of UTF-8", () =>
    withFixture(
      Effect.gen(function* () {
        const [ann] = yield* people("ann")
        assert(ann)
        yield* (yield* Chats).create(ann, { gid: "g", members: [] })
        const limit = 64 * 1024
        yield* send(ann, "m1", "x".repeat(limit))
        yield* send(ann, "m2", "字".repeat(Math.floor(limit / 3)))
        for (const content of ["x".repeat(limit + 1), "字".repeat(Math.ceil(limit / 3)), "😀".repeat(limit / 4 + 1)]) {
          assert.strictEqual((yield* reason(send(ann, "m3", content)))._tag, "MessagesRefused")
        }
      })
    )
  )
})

describe("history", () => {
  it.effect("is bounded in size: a whole history is cut, a page that is too large is refused", () =>
    withFixture(
      Effect.gen(function* () {
        const messages = yield* Messages
        const [ann] = yield* people("ann")
        assert(ann)
        yield* (yield* Chats).create(ann, { gid: "g", members: [] })
        const content = "x".repeat(60_000)
        for (let index = 1; index <= 100; index++) yield* send(ann, `m${index}`, content)
        const whole = yield* messages.history(ann, { gid: "g" })
        assert.strictEqual(whole.total, 100)
        assert.isTrue(whole.messages.length > 50 && whole.messages.length < 80)
        assert.strictEqual(whole.messages[0]?.gid, "m100")
        const large = yield* reason(messages.history(ann, { gid: "g" }, { size: 100, number: 1 }))
        assert.deepInclude(large, { _tag: "Invalid", field: "page size" })
        assert.lengthOf((yield* messages.history(ann, { gid: "g" }, { size: 50, number: 2 })).messages, 50)
      })
    )
  )

  it.effect("is newest first, whole or by pages; hidden messages are left out for their user", () =>
    withFixture(
      Effect.gen(function* () {
        const messages = yield* Messages
        const [ann, ben] = yield* people("ann", "ben")
        assert(ann && ben)
        yield* (yield* Chats).create(ann, { gid: "g", members: [ben.user] })
        for (let index = 1; index <= 25; index++) yield* send(ann, `m${index}`, String(index))
        const page = (number: number) =>
          Effect.map(messages.history(ben, { gid: "g" }, { size: 10, number }), ({ messages: found, total }) => [
            total,
            found.map(({ content }) => Number(content))
          ])
        assert.deepStrictEqual(yield* page(1), [25, [25, 24, 23, 22, 21, 20, 19, 18, 17, 16]])
        assert.deepStrictEqual(yield* page(3), [25, [5, 4, 3, 2, 1]])
        assert.deepStrictEqual(yield* page(4), [25, []])
        assert.strictEqual((yield* messages.history(ben, { gid: "g" })).messages.length, 25)
        yield* messages.hide(ben, "m25")
        assert.strictEqual((yield* messages.history(ben, { gid: "g" })).messages[0]?.content, "24")
        assert.strictEqual((yield* messages.history(ann, { gid: "g" })).messages[0]?.content, "25")
        for (const bad of [
          { size: 0, number: 1 },
          { size: 1, number: 0 },
          { size: 10_001, number: 1 },
          { size: 1.5, number: 1 }
        ]) {
          assert.strictEqual((yield* reason(messages.history(ben, { gid: "g" }, bad)))._tag, "Invalid")
        }
      })
    )
  )
})
