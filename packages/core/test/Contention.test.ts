/**
 * Many commands that change one chat at once: all succeed, each decided once it is its turn, and messages go on. Counted in
 * commits, not in time; `bench/attack/contention.ts` prints the time.
 */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Engine } from "@parley/core/Engine"
import * as Parley from "@parley/core/Parley"
import { Store, type WriteBatch } from "@parley/core/Store"
import { Context, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { people, plainPasswords } from "./harness.ts"

/** A store at some distance that counts commits, and lets another node write before one where the test wants it. */
class Remote extends Context.Service<
  Remote,
  { commits: number; before: ((batch: WriteBatch) => Effect.Effect<void>) | undefined }
>()("test/Remote") {}

const engineLayer = Parley.layer.pipe(
  Layer.provideMerge(
    Layer.merge(
      Layer.effect(
        Store,
        Effect.gen(function* () {
          const store = yield* Store
          const remote = yield* Remote
          return Store.of({
            ...store,
            commit: (batch) =>
              Effect.suspend(() => {
                remote.commits++
                return (remote.before?.(batch) ?? Effect.yieldNow).pipe(
                  Effect.andThen(store.commit(batch)),
                  Effect.tap(() => Effect.yieldNow)
                )
              })
          })
        })
      ).pipe(Layer.provide(MemoryStore.layer)),
      plainPasswords
    )
  ),
  Layer.provideMerge(Layer.sync(Remote, () => ({ commits: 0, before: undefined })))
)

const fastSend = { concurrency: "unbounded" } as const

const scene = Effect.gen(function* () {
  const engine = yield* Engine
  const remote = yield* Remote
  const [ann, ben] = yield* people("ann", "ben")
  assert(ann && ben)
  const make = (gid: string) =>
    engine.perform(ann, {
      _tag: "CreateChat",
      gid,
      name: gid,
      type: "group",
      members: [ben.user],
      subject: 0,
      public: false
    })
  const { chat } = yield* make("g")
  const rename = (name: string, gid = "g") => engine.perform(ann, { _tag: "RenameChat", chat: { gid }, name })
  const send = (text: string, gid = "g") =>
    engine.perform(ben, {
      _tag: "SendMessages",
      messages: [{ gid: text, chat: { gid }, type: "normal", contentType: "text", content: text }]
    })
  remote.commits = 0
  return { engine, remote, ann, ben, chat, make, rename, send }
})

/** Another node renames the chat before the first `times` commits that change it. */
const interfering = (chat: Parameters<typeof renamedElsewhere>[1], times: number) =>
  Effect.gen(function* () {
    const [store, remote] = [yield* Store, yield* Remote]
    let left = times
    remote.before = (batch) => {
      const isOurs = batch.expectedVersions.some((one) => one.chat === chat)
      return isOurs && left-- > 0 ? renamedElsewhere(store, chat) : Effect.void
    }
  })

let names = 0
const renamedElsewhere = (
  store: Store["Service"],
  chat: WriteBatch["expectedVersions"][number]["chat"]
): Effect.Effect<void> =>
  Effect.orDie(
    Effect.asVoid(
      store.commit({
        expectedVersions: [],
        writes: [
          {
            _tag: "Append",
            chat,
            by: null,
            device: null,
            at: 0,
            body: { _tag: "Changed", name: `elsewhere ${names++}` }
          }
        ]
      })
    )
  )

describe("concurrent changes of one chat", () => {
  it.effect("all succeed, in the order of the requests, with one commit each", () =>
    Effect.gen(function* () {
      const { engine, ann, remote, rename } = yield* scene
      const wanted = Array.from({ length: 1000 }, (_, n) => `name ${n}`)
      const views = yield* Effect.forEach(wanted, (name) => rename(name), fastSend)
      assert.deepStrictEqual(
        views.map(({ chat }) => [chat.name, chat.version]),
        wanted.map((name, n) => [name, n + 2])
      )
      assert.isAtMost(remote.commits, 1500)
      assert.strictEqual(remote.commits, 1000)
      const { chat } = yield* engine.perform(ann, { _tag: "ReadChat", chat: { gid: "g" } })
      assert.strictEqual(chat.version, 1001)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("do not block messages: none is refused, and they keep their order", () =>
    Effect.gen(function* () {
      const { engine, ann, rename, send } = yield* scene
      const texts = Array.from({ length: 50 }, (_, n) => `m${n}`)
      yield* Effect.all(
        [
          Effect.forEach(
            Array.from({ length: 100 }, (_, n) => `name ${n}`),
            (name) => rename(name),
            fastSend
          ),
          Effect.forEach(texts, (text) => send(text))
        ],
        fastSend
      )
      const { messages } = yield* engine.perform(ann, { _tag: "ReadHistory", chat: { gid: "g" } })
      assert.deepStrictEqual(
        messages.map(({ gid }) => gid),
        texts.toReversed()
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("do not affect other chats", () =>
    Effect.gen(function* () {
      const { chat, make, remote, rename, send } = yield* scene
      yield* make("h")
      let [held, go]: [number, () => void] = [0, () => {}]
      const gate = new Promise<void>((resolve) => {
        go = resolve
      })
      remote.before = (batch) => {
        if (batch.expectedVersions[0]?.chat !== chat.id) return Effect.void
        held++
        return Effect.promise(() => gate)
      }
      const waiting = yield* Effect.forkChild(Effect.forEach(["a", "b", "c"], (name) => rename(name), fastSend))
      yield* Effect.yieldNow
      assert.strictEqual((yield* rename("other", "h")).chat.name, "other")
      yield* send("there", "h")
      assert.strictEqual(held, 1, "of those in line one is being committed")
      go()
      assert.strictEqual((yield* Fiber.join(waiting)).length, 3)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("that are interrupted leave the queue, and write nothing", () =>
    Effect.gen(function* () {
      const { engine, ann, remote, rename } = yield* scene
      let go = () => {}
      const gate = new Promise<void>((resolve) => {
        go = resolve
      })
      remote.before = () => Effect.promise(() => gate)
      const first = yield* Effect.forkChild(rename("first"))
      const second = yield* Effect.forkChild(rename("second"))
      const third = yield* Effect.forkChild(rename("third"))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(second)
      go()
      yield* Fiber.join(first)
      assert.strictEqual((yield* Fiber.join(third)).chat.version, 3)
      assert.strictEqual(remote.commits, 2)
      const { chat } = yield* engine.perform(ann, { _tag: "ReadChat", chat: { gid: "g" } })
      assert.strictEqual(chat.name, "third")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("of several chats do not wait for one another", () =>
    Effect.gen(function* () {
      const { engine, ben, make, rename } = yield* scene
      yield* make("h")
      const both = (n: number, gids: ReadonlyArray<string>) =>
        engine.perform(ben, {
          _tag: "SendMessages",
          messages: gids.map((gid) => ({
            gid: `${n}/${gid}`,
            chat: { gid },
            type: "normal",
            contentType: "text",
            content: "x"
          }))
        })
      const done = yield* Effect.forEach(
        Array.from({ length: 120 }, (_, n) => n),
        (n): Effect.Effect<unknown, unknown> =>
          n % 4 === 0
            ? both(n, ["g", "h"])
            : n % 4 === 1
              ? both(n, ["h", "g"])
              : rename(`name ${n}`, n % 4 === 2 ? "g" : "h"),
        fastSend
      )
      assert.strictEqual(done.length, 120)
    }).pipe(Effect.provide(engineLayer))
  )
})

/** Lets time pass until the fiber has ended, but not for longer than two seconds. */
const timePasses = Effect.fnUntraced(function* <A, E>(fiber: Fiber.Fiber<A, E>) {
  for (let n = 0; n < 200 && fiber.pollUnsafe() === undefined; n++) yield* TestClock.adjust("10 millis")
  assert.isDefined(fiber.pollUnsafe())
  return yield* Fiber.join(fiber)
})

describe("changes of a chat by another node", () => {
  it.effect("are retried with increasing delays, and the command succeeds", () =>
    Effect.gen(function* () {
      const { chat, rename } = yield* scene
      yield* interfering(chat.id, 5)
      const renaming = yield* Effect.forkChild(rename("ours"))
      assert.strictEqual((yield* timePasses(renaming)).chat.name, "ours")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("that never end exhaust the retries, and the queue continues", () =>
    Effect.gen(function* () {
      const { chat, remote, rename } = yield* scene
      yield* interfering(chat.id, Infinity)
      const renaming = yield* Effect.forkChild(Effect.exit(rename("ours")))
      const exit = yield* timePasses(renaming)
      assert.isTrue(Exit.isFailure(exit))
      assert.include(JSON.stringify(exit), "Busy")
      assert.isAtMost(remote.commits, 40, "ours and the other node's")
      remote.before = undefined
      assert.strictEqual((yield* rename("next")).chat.name, "next")
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("concurrent recalls and replacements of one message", () => {
  it.effect("store one of fifty recalls, and all return the recalled message", () =>
    Effect.gen(function* () {
      const { chat, engine, ben, send } = yield* scene
      const store = yield* Store
      yield* send("m")
      const recalled = yield* Effect.forEach(
        Array.from({ length: 50 }),
        () => engine.perform(ben, { _tag: "RecallMessage", gid: "m" }),
        fastSend
      )
      assert.isTrue(recalled.every((message) => message.recalled && message.content === ""))
      const log = yield* store.entries([{ chat: chat.id, after: 0, limit: 100 }])
      assert.deepStrictEqual(
        log.map(({ body }) => body._tag),
        ["Created", "Posted", "Recalled"]
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("never replace a message after its recall, and store replacements one after the other", () =>
    Effect.gen(function* () {
      const { chat, engine, ben } = yield* scene
      const store = yield* Store
      const image = (content: string) =>
        engine.perform(ben, {
          _tag: "SendMessages",
          messages: [{ gid: "i", chat: { gid: "g" }, type: "normal", contentType: "image", content }]
        })
      yield* image("placeholder")
      const contents = Array.from({ length: 20 }, (_, n) => `picture ${n}`)
      const outcomes = yield* Effect.forEach(
        [...contents.slice(0, 10), undefined, ...contents.slice(10)],
        (content) =>
          Effect.exit(
            content === undefined
              ? Effect.asVoid(engine.perform(ben, { _tag: "RecallMessage", gid: "i" }))
              : Effect.asVoid(image(content))
          ),
        fastSend
      )
      const log = yield* store.entries([{ chat: chat.id, after: 0, limit: 100 }])
      const tags = log.slice(2).map(({ body }) => body._tag)
      assert.strictEqual(tags.indexOf("Recalled"), tags.length - 1, "the recall is the last")
      assert.strictEqual(
        tags.filter((tag) => tag === "Replaced").length,
        outcomes.filter((exit, index) => index !== 10 && Exit.isSuccess(exit)).length,
        "each that succeeded is stored, and no other"
      )
      const [message] = yield* store.messagesByGid(["i"])
      assert.deepInclude(message, { content: "", recalled: true })
    }).pipe(Effect.provide(engineLayer))
  )
})
