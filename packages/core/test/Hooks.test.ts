/** An embedder's own rules and records around every command. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Engine } from "@parley/core/Engine"
import { type HookContext, type HookedCommand, Hooks, type Result, type Verdict } from "@parley/core/Hooks"
import * as Parley from "@parley/core/Parley"
import type { Refused } from "@parley/core/Refused"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Chats, Messages } from "./Commands.ts"
import { engineLayer, online, people } from "./harness.ts"

const withHooks =
  (hooks: Hooks) =>
  <A, E>(test: Effect.Effect<A, E, Parley.Services | Store>): Effect.Effect<A, E> =>
    test.pipe(Effect.provide(engineLayer), Effect.provideService(Hooks, hooks))

const reasonOf = <A, R>(attempt: Effect.Effect<A, Refused, R>) =>
  Effect.map(Effect.flip(attempt), ({ reason }) => reason)

/** A verdict on messages with a word; all others pass. */
const onWord =
  (word: string, verdict: Verdict): NonNullable<Hooks["before"]> =>
  (command) =>
    Effect.succeed(
      command._tag === "SendMessages" && command.messages.some(({ content }) => content.includes(word))
        ? verdict
        : undefined
    )

const stage = Effect.gen(function* () {
  const [ann, ben] = yield* people("ann", "ben")
  assert(ann && ben)
  const { chat } = yield* (yield* Chats).create(ann, { gid: "g", members: [ben.user] })
  const messages = yield* Messages
  return {
    ann,
    ben,
    chat,
    say: (content: string, gid = content) => messages.send(ann, [{ gid, chat, content }]),
    said: Effect.map(messages.history(ann, chat), ({ messages: all }) => all.map(({ content }) => content).reverse())
  }
})

describe("the hook before a command", () => {
  it.effect("rejects with its own message: nothing is stored or broadcast", () =>
    withHooks({ before: onWord("spam", { _tag: "Reject", code: "spam", message: "No advertisements here." }) })(
      Effect.gen(function* () {
        const { ben, say, said } = yield* stage
        const client = yield* online(ben)
        assert.deepStrictEqual(yield* reasonOf(say("spam!")), {
          _tag: "Rejected",
          code: "spam",
          message: "No advertisements here."
        })
        yield* say("hello")
        yield* client.until(() => client.of("Posted").length > 0)
        assert.deepStrictEqual(
          client.of("Posted").map(({ text }) => text),
          ["hello"]
        )
        assert.deepStrictEqual(yield* said, ["hello"])
      })
    )
  )

  it.effect("rewrites contents of messages only; a retry is the same message", () =>
    withHooks({
      before: (command) =>
        Effect.succeed(
          command._tag === "SendMessages"
            ? {
                _tag: "Rewrite",
                contents: command.messages.map(({ content }) =>
                  content.includes("damn") ? content.replaceAll("damn", "****") : undefined
                )
              }
            : { _tag: "Rewrite", contents: ["nothing"] }
        )
    })(
      Effect.gen(function* () {
        const { ann, ben, chat, say, said } = yield* stage
        const client = yield* online(ben)
        const [first] = yield* say("damn it", "m1")
        const [again] = yield* say("damn it", "m1")
        assert.strictEqual(first?.message.content, "**** it")
        assert.deepStrictEqual(again?.message, first?.message)
        yield* say("fine", "m2")
        yield* client.until(() => client.of("Posted").length === 2)
        assert.deepStrictEqual(
          client.of("Posted").map(({ text }) => text),
          ["**** it", "fine"]
        )
        assert.deepStrictEqual(yield* said, ["**** it", "fine"])
        assert.strictEqual((yield* (yield* Chats).rename(ann, chat, "New")).chat.name, "New")
      })
    )
  )

  it.effect("has its contents validated", () =>
    withHooks({ before: onWord("x", { _tag: "Rewrite", contents: ["y".repeat(64 * 1024 + 1)] }) })(
      Effect.gen(function* () {
        const { say, said } = yield* stage
        const reason = yield* reasonOf(say("x"))
        assert.strictEqual(reason._tag, "MessagesRefused")
        assert.include(JSON.stringify(reason), "must have at most 65536 bytes")
        assert.deepStrictEqual(yield* said, [])
      })
    )
  )

  for (const [what, before] of [
    ["fails", () => Effect.fail("down")],
    ["breaks off", () => Effect.die(new Error("a mistake"))],
    [
      "throws",
      () => {
        throw new Error("a mistake")
      }
    ]
  ] as const) {
    it.effect(`that ${what} makes the command Unavailable`, () => {
      let isBroken = false
      return withHooks({ before: () => (isBroken ? before() : Effect.undefined) })(
        Effect.gen(function* () {
          const { say, said } = yield* stage
          isBroken = true
          assert.deepStrictEqual(yield* reasonOf(say("m")), { _tag: "Unavailable" })
          isBroken = false
          assert.deepStrictEqual(yield* said, [])
        })
      )
    })
  }

  it.effect("that times out makes the command Unavailable, and does not delay others", () =>
    withHooks({
      timeout: 1000,
      before: (command) =>
        command._tag === "SendMessages" && command.messages[0]?.content === "slow" ? Effect.never : Effect.undefined
    })(
      Effect.gen(function* () {
        const { say, said } = yield* stage
        const slow = yield* Effect.forkChild(reasonOf(say("slow")))
        yield* say("quick")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.join(slow), { _tag: "Unavailable" })
        assert.deepStrictEqual(yield* said, ["quick"])
      })
    )
  )

  it.effect("gets every command with its caller, and commands about users, without passwords", () => {
    const seen: Array<readonly [HookedCommand, HookContext]> = []
    return withHooks({
      before: (command, context) =>
        Effect.as(
          Effect.sync(() => seen.push([command, context])),
          undefined
        )
    })(
      Effect.gen(function* () {
        const { ann, chat, say } = yield* stage
        yield* say("m")
        const users = yield* Users
        yield* users.setPassword("ben", "topsecret")
        yield* users.change("ben", { role: "dev" })
        yield* users.setDisabled("ben", true)
        const { perform } = yield* Engine
        yield* perform({ via: "aprotocol", device: null }, { _tag: "ListPublicChats" })
        yield* Effect.flip(perform({ ...ann, user: 99 as never }, { _tag: "ReadChat", chat }))
        assert.deepStrictEqual(
          seen.map(([{ _tag }, { user, caller }]) => [_tag, user?.account, caller === undefined]),
          [
            ["AddUsers", undefined, true],
            ["CreateChat", "ann", false],
            ["SendMessages", "ann", false],
            ["SetPassword", undefined, true],
            ["ChangeUser", undefined, true],
            ["ChangeUser", undefined, true],
            ["ListPublicChats", undefined, false]
          ]
        )
        assert.notInclude(JSON.stringify(seen), "topsecret")
      })
    )
  })

  it.effect("rejects commands about users", () =>
    withHooks({
      before: (command) =>
        Effect.succeed(command._tag === "SetPassword" ? { _tag: "Reject", message: "Not today." } : undefined)
    })(
      Effect.gen(function* () {
        const { ann } = yield* stage
        const reason = yield* reasonOf((yield* Users).setPassword("ann", "x"))
        assert.deepStrictEqual(reason, { _tag: "Rejected", message: "Not today." })
        assert.strictEqual(yield* (yield* Store).password(ann.user), null)
      })
    )
  )
})

describe("the hook after a command", () => {
  it.effect("gets results in order, and never delays or fails the reply", () => {
    const results: Array<readonly [string, Result["_tag"]]> = []
    const gate = Deferred.makeUnsafe<void>()
    return Effect.gen(function* () {
      yield* withHooks({
        before: onWord("spam", { _tag: "Reject", message: "No." }),
        after: Effect.fnUntraced(function* (command, result) {
          yield* Deferred.await(gate)
          results.push([command._tag, result._tag])
          if (results.length % 2 === 0) return yield* Effect.die(new Error("a mistake"))
          return yield* Effect.fail("down")
        })
      })(
        Effect.gen(function* () {
          const { say, said } = yield* stage
          yield* say("m1")
          yield* reasonOf(say("spam"))
          yield* say("m2")
          assert.deepStrictEqual(yield* said, ["m1", "m2"])
          assert.lengthOf(results, 0)
          yield* Deferred.succeed(gate, undefined)
        })
      )
      // The engine's end waits for pending notifications.
      assert.deepStrictEqual(results, [
        ["AddUsers", "Done"],
        ["CreateChat", "Done"],
        ["SendMessages", "Done"],
        ["SendMessages", "Refused"],
        ["SendMessages", "Done"],
        ["ReadHistory", "Done"]
      ])
    })
  })

  it.effect("gets the rewritten message, the reply, and the caller", () => {
    const results: Array<readonly [HookedCommand, Result, HookContext]> = []
    return Effect.gen(function* () {
      yield* withHooks({
        before: onWord("damn", { _tag: "Rewrite", contents: ["****"] }),
        after: (command, result, context) => Effect.sync(() => void results.push([command, result, context]))
      })(Effect.flatMap(stage, ({ say }) => say("damn", "m1")))
      const [command, result, context] = results.at(-1) ?? []
      assert.include(JSON.stringify(command), '"content":"****"')
      assert.include(JSON.stringify(result), '"content":"****"')
      assert.strictEqual(context?.user?.account, "ann")
    })
  })

  it.effect("may run commands itself", () => {
    const answered = Deferred.makeUnsafe<string>()
    const late: { messages?: Effect.Success<typeof Messages> } = {}
    return withHooks({
      after: (command, _result, context) =>
        command._tag !== "SendMessages" || context.user?.account !== "ann" || late.messages === undefined
          ? Effect.void
          : late.messages
              .send({ user: 2 as never, device: null }, [{ gid: "echo", chat: { gid: "g" }, content: "echo" }])
              .pipe(
                Effect.flatMap(([sent]) => Deferred.succeed(answered, sent?.message.content ?? "")),
                Effect.asVoid
              )
    })(
      Effect.gen(function* () {
        const { say, said } = yield* stage
        late.messages = yield* Messages
        yield* say("hello")
        assert.strictEqual(yield* Deferred.await(answered), "echo")
        assert.deepStrictEqual(yield* said, ["hello", "echo"])
      })
    )
  })

  it.effect("that hangs times out call by call; calls over the bound are dropped", () => {
    let calls = 0
    return withHooks({
      timeout: 1000,
      after: () =>
        Effect.andThen(
          Effect.sync(() => void calls++),
          Effect.never
        )
    })(
      Effect.gen(function* () {
        const { perform } = yield* Engine
        const { ann } = yield* stage
        yield* Effect.forEach(Array.from({ length: 11_000 }), () => perform(ann, { _tag: "ListChats" }), {
          discard: true
        })
        assert.strictEqual(calls, 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(calls, 2)
        yield* TestClock.adjust("20000 seconds")
        assert.strictEqual(calls, 10_001)
      })
    )
  })

  it.effect("that hangs does not prevent the engine from closing", () => {
    let [calls, isGivenUp] = [0, false]
    const hang = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (isGivenUp = true)))
    const hanging = {
      timeout: 3_600_000,
      after: () =>
        Effect.andThen(
          Effect.sync(() => void calls++),
          hang
        )
    }
    return Effect.gen(function* () {
      const ending = yield* Effect.forkChild(withHooks(hanging)(Effect.asVoid(stage)))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(ending)
      assert.deepStrictEqual([calls, isGivenUp], [1, true])
    })
  })
})
