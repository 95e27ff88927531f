/** Read marks: positions of members, who hears of them, and counts of unread messages. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Command, ReplyOf } from "@parley/core/Command"
import { CursorStore } from "@parley/core/CursorStore"
import { Engine } from "@parley/core/Engine"
import type { UserCaller } from "@parley/core/Event"
import { Hub } from "@parley/core/Hub"
import type { ChatId } from "@parley/core/Ids"
import { memberProgress } from "@parley/core/MemberProgress"
import { Refused } from "@parley/core/Refused"
import { Store } from "@parley/core/Store"
import { ensureSystemChat } from "@parley/core/SystemChat"
import { engineLayer, idsOf, online, people } from "./harness.ts"

const perform = <C extends Command>(caller: UserCaller, command: C): Effect.Effect<ReplyOf<C>, Refused> =>
  Effect.flatMap(Engine, ({ perform }) => perform(caller, command)) as Effect.Effect<ReplyOf<C>, Refused>

let gids = 0
const send = (caller: UserCaller, id: ChatId, content = "x") =>
  Effect.map(
    perform(caller, {
      _tag: "SendMessages",
      messages: [{ gid: `read-${gids++}`, chat: { id }, type: "normal", contentType: "text", content }]
    }),
    ([sent]) => {
      if (sent === undefined) throw new Error("nothing was sent")
      return sent.message
    }
  )

const group = Effect.fnUntraced(function* (type: "group" | "one2one", ...callers: ReadonlyArray<UserCaller>) {
  const [owner] = callers
  if (owner === undefined) throw new Error("a group has an owner")
  const { chat } = yield* perform(owner, {
    _tag: "CreateChat",
    gid: `read-chat-${gids++}`,
    name: "",
    type,
    members: idsOf(callers),
    subject: 0,
    public: false
  })
  return chat
})

const marks = (caller: UserCaller, id: ChatId) =>
  Effect.map(perform(caller, { _tag: "ListReadMarks", chat: { id } }), (reply) =>
    reply.marks.map(({ user, read, readId }) => [Number(user), read, readId])
  )

layer(engineLayer)("read marks", (it) => {
  it.effect("move forward only, and are heard by members online and by the reader's other devices", () =>
    Effect.gen(function* () {
      const [ann, ben, cat] = yield* people("ann", "ben", "cat")
      if (ann === undefined || ben === undefined || cat === undefined) return yield* Effect.die("no users")
      const chat = yield* group("group", ann, ben, cat)
      const one = yield* send(ann, chat.id, "one")
      const two = yield* send(ann, chat.id, "two")
      const desk = yield* online(ann)
      const phone = yield* online(ben, { device: "phone" })
      const silent = yield* online(cat)
      const hub = yield* Hub
      for (const caller of [ann, ben]) {
        for (const { subscriber } of hub.sessionsOf(caller.user)) if (subscriber) subscriber.receivesTransient = true
      }
      const heard = () => [desk, phone, silent].map((client) => client.of("ReadEvent").map(({ text }) => Number(text)))

      const first = yield* perform(ben, { _tag: "MarkRead", chat, upTo: { message: one.id } })
      assert.deepInclude(first, { read: one.seq, readId: one.id })
      yield* desk.until(() => heard()[0]?.length === 1)
      yield* phone.until(() => heard()[1]?.length === 1)
      yield* silent.ask()
      assert.deepStrictEqual(heard(), [[ben.user], [ben.user], []], "only connections that asked receive it")
      // Equal and lower marks change nothing, and have no event.
      for (const upTo of [one.seq, 1, { message: one.id }]) {
        assert.deepInclude(yield* perform(ben, { _tag: "MarkRead", chat, upTo }), { read: one.seq, readId: one.id })
      }
      // The requesting connection has the reply.
      yield* perform(phone.caller(), { _tag: "MarkRead", chat })
      yield* desk.until(() => heard()[0]?.length === 2)
      yield* phone.ask()
      assert.deepStrictEqual(heard(), [[ben.user, ben.user], [ben.user], []])

      assert.deepStrictEqual(yield* marks(cat, chat.id), [
        // Posting counts as reading.
        [ann.user, two.seq, two.id],
        [ben.user, two.seq, two.id],
        [cat.user, 0, 0]
      ])
      const store = yield* Store
      assert.deepStrictEqual(yield* store.cursorsOf(ann.user, ""), [], "posting writes no cursor")
    })
  )

  it.effect("are read by members only, and name entries of the chat", () =>
    Effect.gen(function* () {
      const [ann, ben, eve] = yield* people("ann2", "ben2", "eve2")
      if (ann === undefined || ben === undefined || eve === undefined) return yield* Effect.die("no users")
      const chat = yield* group("one2one", ann, ben)
      const other = yield* group("group", ann, eve)
      const foreign = yield* send(eve, other.id)
      const refused = (work: Effect.Effect<unknown, Refused>) =>
        Effect.map(Effect.flip(work), ({ reason }) => reason._tag)
      const table: ReadonlyArray<readonly [Effect.Effect<unknown, Refused>, string]> = [
        [perform(eve, { _tag: "MarkRead", chat }), "NoSuchChat"],
        [perform(eve, { _tag: "ListReadMarks", chat }), "NoSuchChat"],
        [perform(eve, { _tag: "CountUnread", chat }), "NoSuchChat"],
        [perform(ann, { _tag: "MarkRead", chat, upTo: { message: foreign.id } }), "NoSuchMessage"],
        [perform(ann, { _tag: "MarkRead", chat, upTo: 1.5 }), "Invalid"],
        [perform(ann, { _tag: "MarkRead", chat, upTo: -1 }), "Invalid"],
        [
          perform(ann, {
            _tag: "ListReadMarks",
            chat,
            users: Array.from({ length: 1001 }, (_, id) => eve.user + id) as never
          }),
          "Invalid"
        ]
      ]
      for (const [work, reason] of table) assert.strictEqual(yield* refused(work), reason)
      const named = yield* perform(ann, { _tag: "ListReadMarks", chat, users: [ben.user, eve.user] })
      assert.deepStrictEqual(
        named.marks.map(({ user }) => user),
        [ben.user],
        "users outside the chat are left out"
      )
    })
  )

  it.effect("are found in the log for the newest 1,000 messages", () =>
    Effect.gen(function* () {
      const [ann, ben] = yield* people("ann3", "ben3")
      if (ann === undefined || ben === undefined) return yield* Effect.die("no users")
      const chat = yield* group("one2one", ann, ben)
      const mine = yield* send(ben, chat.id)
      const fill = Effect.fnUntraced(function* (count: number) {
        for (let sent = 0; sent < count; sent += 50) {
          const messages = Array.from({ length: 50 }, () => ({
            gid: `read-${gids++}`,
            chat: { id: chat.id },
            type: "normal" as const,
            contentType: "text",
            content: "x"
          }))
          yield* perform(ann, { _tag: "SendMessages", messages })
        }
      })
      const read = Effect.map(marks(ann, chat.id), (all) => all.find(([user]) => user === ben.user)?.[1])
      const count = Effect.map(perform(ben, { _tag: "CountUnread", chat }), ([unread]) => unread)
      yield* fill(200)
      // The 201st newest message is Ben's own: nothing older is unread.
      assert.deepInclude(yield* count, { count: 200, more: false, read: mine.seq })
      yield* fill(50)
      assert.deepInclude(yield* count, { count: 200, more: true })
      assert.strictEqual(yield* read, mine.seq)
      yield* fill(750)
      assert.strictEqual(yield* read, 0, "older messages are not searched")
      yield* perform(ben, { _tag: "MarkRead", chat, upTo: mine.seq + 5 })
      assert.strictEqual(yield* read, mine.seq + 5, "a mark counts at any age")
      const { cursors, hub, store } = { cursors: yield* CursorStore, hub: yield* Hub, store: yield* Store }
      const sources = { cursors, hub, store }
      const progress = yield* memberProgress(sources, { chat: chat.id, posted: 1001 }, idsOf([ann, ben]))
      assert.deepStrictEqual(
        [...progress.values()].map((one) => one.read),
        [1002, mine.seq + 5]
      )
    })
  )

  it.effect("are accompanied by typing, for those who may send, twice in three seconds", () =>
    Effect.gen(function* () {
      const [ann, ben, eve] = yield* people("ann5", "ben5", "eve5")
      if (ann === undefined || ben === undefined || eve === undefined) return yield* Effect.die("no users")
      const chat = yield* group("group", ann, ben)
      const desk = yield* online(ann)
      const hub = yield* Hub
      for (const { subscriber } of hub.sessionsOf(ann.user)) if (subscriber) subscriber.receivesTransient = true
      const types = (typing: boolean) =>
        Effect.map(perform(ben, { _tag: "NotifyTyping", chat, typing }), ({ passed }) => passed)
      const passed: Array<boolean> = []
      // An end without a start, a start twice, ends and starts, one start too many.
      for (const typing of [false, true, true, false, false, true, false, true]) passed.push(yield* types(typing))
      assert.deepStrictEqual(passed, [false, true, false, true, false, true, true, false])
      yield* TestClock.adjust("3 seconds")
      assert.isTrue(yield* types(true))
      yield* desk.until(() => desk.of("TypingEvent").length === 5)
      yield* perform(ann, { _tag: "SetSenders", chat, senders: "admins" })
      for (const [caller, reason] of [
        [ben, "SendForbidden"],
        [eve, "NoSuchChat"]
      ] as const) {
        const refused = yield* Effect.flip(perform(caller, { _tag: "NotifyTyping", chat, typing: true }))
        assert.strictEqual(refused.reason._tag, reason)
      }
      const store = yield* Store
      assert.lengthOf(yield* store.entries([{ chat: chat.id, after: 0, limit: 10 }]), 2, "nothing is stored")
    })
  )

  it.effect("in a system chat reach the reader's own devices only", () =>
    Effect.gen(function* () {
      const [ann, ben] = yield* people("ann4", "ben4")
      if (ann === undefined || ben === undefined) return yield* Effect.die("no users")
      yield* ensureSystemChat
      const store = yield* Store
      const [system] = yield* store.systemChats
      if (system === undefined) return yield* Effect.die("no system chat")
      const other = yield* online(ann)
      const own = yield* online(ben, { device: "phone" })
      const hub = yield* Hub
      for (const session of hub.allSessions()) if (session.subscriber) session.subscriber.receivesTransient = true
      yield* perform(ben, { _tag: "MarkRead", chat: { id: system } })
      yield* own.until(() => own.of("ReadEvent").length === 1)
      yield* other.ask()
      assert.lengthOf(other.of("ReadEvent"), 0)
    })
  )
})
