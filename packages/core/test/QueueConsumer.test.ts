/** The offline queue of one device as an outbox: order, acknowledgement, restarts, and changes of chats meanwhile. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Engine } from "@parley/core/Engine"
import type { UserCaller } from "@parley/core/Event"
import { OfflineQueue } from "@parley/core/OfflineQueue"
import type { Outbox } from "@parley/core/Outbox"
import type { Queued } from "@parley/core/OfflineQueue"
import * as Parley from "@parley/core/Parley"
import { StorageFailed, Store } from "@parley/core/Store"
import { ensureSystemChat } from "@parley/core/SystemChat"
import { Effect, Exit, Fiber, Layer, Scope } from "effect"
import { engineLayer, people, plainPasswords } from "./harness.ts"

const DEVICE = "callback"

let gids = 0
const say = Effect.fnUntraced(function* (caller: UserCaller, chat: { readonly gid: string }, content: string) {
  const { perform } = yield* Engine
  const gid = `m${++gids}`
  yield* perform(caller, {
    _tag: "SendMessages",
    messages: [{ gid, chat, type: "normal", contentType: "text", content }]
  })
  return gid
})

const direct = Effect.fnUntraced(function* (caller: UserCaller, other: UserCaller) {
  const { perform } = yield* Engine
  const members = [caller.user, other.user]
  const command = {
    _tag: "CreateChat",
    gid: "",
    name: "",
    type: "one2one",
    members,
    subject: 0,
    public: false
  } as const
  const { chat } = yield* perform(caller, command)
  return { gid: chat.gid }
})

const group = Effect.fnUntraced(function* (caller: UserCaller, gid: string, ...others: ReadonlyArray<UserCaller>) {
  const { perform } = yield* Engine
  const members = others.map(({ user }) => user)
  yield* perform(caller, { _tag: "CreateChat", gid, name: gid, type: "group", members, subject: 0, public: false })
  return { gid }
})

/** Opens the queue of the device, in a scope that `close` closes. */
const open = Effect.fnUntraced(function* ({ user }: UserCaller) {
  const scope = yield* Scope.make()
  const outbox = yield* Scope.provide((yield* OfflineQueue).consume(user, DEVICE), scope)
  return { outbox, close: Scope.close(scope, Exit.void) }
})

const textOf = ({ event }: Queued): string => `${event.entry.body._tag} ${event.message?.content ?? ""}`

/** Takes and removes this many items. */
const take = (outbox: Outbox<Queued>, count: number) =>
  Effect.forEach(Array.from({ length: count }), () =>
    Effect.gen(function* () {
      const item = yield* outbox.next
      yield* outbox.remove(item)
      return textOf(item)
    })
  )

const posted = (...texts: ReadonlyArray<string>) => texts.map((text) => `Posted ${text}`)

describe("the consumer of a queue", () => {
  it.effect("has the entries of all chats in their order, old and new, without the device's own", () =>
    Effect.gen(function* () {
      const [app, ann, ben] = yield* people("app", "ann", "ben")
      assert(app && ann && ben)
      const own = { ...app, device: DEVICE }
      const [withAnn, withBen] = [yield* direct(own, ann), yield* direct(own, ben)]
      yield* say(own, withAnn, "welcome ann")
      yield* say(ann, withAnn, "a1")
      yield* say(ben, withBen, "b1")
      yield* say(ann, withAnn, "a2")
      const { outbox } = yield* open(app)
      assert.deepStrictEqual(yield* take(outbox, 3), posted("a1", "b1", "a2"))
      const waiting = yield* Effect.forkChild(take(outbox, 3))
      yield* say(own, withBen, "welcome ben")
      yield* say(ben, withBen, "b2")
      // A new chat, and a message that the app's user sends from elsewhere.
      yield* say(ann, yield* group(ann, "team", app), "g1")
      yield* say(app, withAnn, "from elsewhere")
      assert.deepStrictEqual(yield* Fiber.join(waiting), posted("b2", "g1", "from elsewhere"))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("returns an item until it is removed, and a removed one never again, also after a restart", () =>
    Effect.gen(function* () {
      const [app, ann] = yield* people("app", "ann")
      assert(app && ann)
      const chat = yield* direct(ann, app)
      for (const text of ["1", "2", "3"]) yield* say(ann, chat, text)
      const first = yield* open(app)
      const item = yield* first.outbox.next
      assert.strictEqual(yield* first.outbox.next, item)
      yield* first.outbox.remove(item)
      yield* first.outbox.remove(item)
      assert.strictEqual(textOf(yield* first.outbox.next), "Posted 2")
      yield* first.close
      const second = yield* open(app)
      assert.deepStrictEqual(yield* take(second.outbox, 2), posted("2", "3"))
      // Without a close, as in a crash.
      const third = yield* open(app)
      yield* say(ann, chat, "4")
      assert.deepStrictEqual(yield* take(third.outbox, 1), posted("4"))
      // Other devices have their own positions.
      assert.lengthOf(yield* (yield* OfflineQueue).list(app.user), 4)
      yield* second.close
      yield* third.close
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect(
    "has a message as it stands: recalled ones not at all, replaced ones once if it waits, and again if not",
    () =>
      Effect.gen(function* () {
        const { perform } = yield* Engine
        const [app, ann] = yield* people("app", "ann")
        assert(app && ann)
        const chat = yield* direct(ann, app)
        const image = (gid: string, content: string) =>
          perform(ann, {
            _tag: "SendMessages",
            messages: [{ gid, chat, type: "normal", contentType: "image", content }]
          })
        const recalled = yield* say(ann, chat, "regretted")
        yield* perform(ann, { _tag: "RecallMessage", gid: recalled })
        yield* image("early", "placeholder")
        yield* image("early", "picture")
        yield* image("late", "placeholder")
        const { outbox } = yield* open(app)
        assert.deepStrictEqual(yield* take(outbox, 2), posted("picture", "placeholder"))
        yield* image("late", "picture")
        assert.deepStrictEqual(yield* take(outbox, 1), ["Replaced picture"])
        // The same for a message that was returned, and is returned again after a failure.
        const waiting = yield* say(ann, chat, "waits, then is recalled")
        yield* image("changed", "placeholder")
        assert.strictEqual(textOf(yield* outbox.next), "Posted waits, then is recalled")
        yield* perform(ann, { _tag: "RecallMessage", gid: waiting })
        assert.strictEqual(textOf(yield* outbox.next), "Posted placeholder")
        yield* image("changed", "picture")
        const item = yield* outbox.next
        assert.strictEqual(textOf(item), "Posted picture")
        yield* outbox.remove(item)
        yield* say(ann, chat, "after")
        // Its receiver may have got it anyway.
        assert.deepStrictEqual(yield* take(outbox, 2), ["Recalled ", "Posted after"])
      }).pipe(Effect.provide(engineLayer))
  )

  it.effect("has nothing of a chat after the user has left it, and continues when they return", () =>
    Effect.gen(function* () {
      const { perform } = yield* Engine
      const [app, ann] = yield* people("app", "ann")
      assert(app && ann)
      const [team, pair] = [yield* group(ann, "team", app), yield* direct(ann, app)]
      const { outbox } = yield* open(app)
      yield* say(ann, team, "g1")
      assert.deepStrictEqual(yield* take(outbox, 1), posted("g1"))
      yield* say(ann, team, "unread")
      yield* perform(ann, { _tag: "RemoveMembers", chat: team, members: [app.user] })
      yield* say(ann, team, "without the app")
      yield* say(ann, pair, "p1")
      assert.deepStrictEqual(yield* take(outbox, 1), posted("p1"))
      yield* perform(ann, { _tag: "AddMembers", chat: team, members: [app.user] })
      yield* say(ann, team, "g2")
      assert.deepStrictEqual(yield* take(outbox, 1), posted("g2"))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("has messages of system chats from the user's start, and reads long logs in pages", () =>
    Effect.gen(function* () {
      yield* ensureSystemChat
      const { context } = yield* Engine
      const store = yield* Store
      const [ann] = yield* people("ann")
      assert(ann)
      const [system] = yield* context.chats.findMany(yield* store.systemChats)
      assert(system)
      const chat = { gid: system.chat.gid }
      yield* say(ann, chat, "before the app")
      const [app] = yield* people("app")
      assert(app)
      const texts = Array.from({ length: 1000 }, (_, index) => `s${index}`)
      for (const text of texts) yield* say(ann, chat, text)
      const { outbox } = yield* open(app)
      assert.deepStrictEqual(yield* take(outbox, 1000), posted(...texts))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("loses and repeats nothing when the store fails in between", () => {
    let failing = false
    const broken = new StorageFailed({ operation: "read", cause: "on demand" })
    const unless = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | StorageFailed> =>
      Effect.suspend((): Effect.Effect<A, E | StorageFailed> => (failing ? Effect.fail(broken) : effect))
    const faulty = Layer.effect(
      Store,
      Effect.map(Store, (store) =>
        Store.of({
          ...store,
          entries: (ranges) => unless(store.entries(ranges)),
          chats: (ids) => unless(store.chats(ids)),
          commit: (batch) => unless(store.commit(batch))
        })
      )
    ).pipe(Layer.provide(MemoryStore.layer))
    return Effect.gen(function* () {
      const { context } = yield* Engine
      const [app, ann] = yield* people("app", "ann")
      assert(app && ann)
      const chat = yield* direct(ann, app)
      for (const text of ["1", "2", "3"]) yield* say(ann, chat, text)
      const { outbox } = yield* open(app)
      const store = yield* Store
      const [id] = yield* store.chatsOf(ann.user)
      assert(id)
      failing = true
      assert.strictEqual((yield* Effect.flip(outbox.next)).reason._tag, "Unavailable")
      failing = false
      const first = yield* outbox.next
      failing = true
      assert.strictEqual((yield* Effect.flip(outbox.remove(first))).reason._tag, "Unavailable")
      assert.strictEqual(yield* outbox.next, first)
      failing = false
      yield* outbox.remove(first)
      // The page is loaded: only the chat must be read again.
      context.chats.invalidate(id)
      failing = true
      assert.strictEqual((yield* Effect.flip(outbox.next)).reason._tag, "Unavailable")
      failing = false
      assert.deepStrictEqual(yield* take(outbox, 2), posted("2", "3"))
    }).pipe(Effect.provide(Parley.layer.pipe(Layer.provideMerge(Layer.merge(faulty, plainPasswords)))))
  })

  it.effect("refuses an unknown user", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(open({ user: 99 as UserCaller["user"], device: null }))
      assert.deepStrictEqual(refused.reason, { _tag: "NoSuchUsers", users: ["99"] })
    }).pipe(Effect.provide(engineLayer))
  )
})
