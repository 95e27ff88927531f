/** Commit, reply, broadcast: commits of an HTTP request are broadcast when its scope closes. */
import { Engine } from "@parley/core/Engine"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { engineLayer, online, people } from "../../core/test/harness.ts"
import { commandRunner } from "../src/_http/runCommands.ts"

const stage = Effect.gen(function* () {
  const [alice, bob] = yield* people("alice", "bob")
  if (alice === undefined || bob === undefined) return yield* Effect.die("nobody")
  const engine = yield* Engine
  const { chat } = yield* engine.perform(alice, {
    _tag: "CreateChat",
    gid: "g",
    name: "",
    type: "group",
    members: [bob.user],
    subject: 0,
    public: false
  })
  const say = (content: string) =>
    ({
      _tag: "SendMessages",
      messages: [{ gid: content, chat: { id: chat.id }, type: "normal", contentType: "text", content }]
    }) as const
  return { alice, hearing: yield* online(bob), engine, say }
})

describe("the commits of an HTTP request", () => {
  it.live("are broadcast once its scope closes, in the order of its commands", () =>
    Effect.gen(function* () {
      const { alice, hearing, engine, say } = yield* stage
      const scope = yield* Scope.make()
      const runCommand = yield* Scope.provide(commandRunner(engine, alice.user), scope)
      yield* runCommand(alice, say("one"))
      yield* runCommand(alice, { _tag: "RenameChat", chat: { gid: "g" }, name: "two" })
      yield* hearing.ask()
      assert.deepStrictEqual(hearing.packets, [])
      yield* Scope.close(scope, Exit.void)
      yield* hearing.until(() => hearing.packets.length === 2)
      assert.deepStrictEqual(
        hearing.packets.map(({ text }) => text),
        ["one", "two"]
      )
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("are broadcast even if the request is aborted after the commit", () =>
    Effect.gen(function* () {
      const { alice, hearing, engine, say } = yield* stage
      const committed = yield* Deferred.make<void>()
      const request = Effect.scoped(
        Effect.gen(function* () {
          const runCommand = yield* commandRunner(engine, alice.user)
          yield* runCommand(alice, say("kept"))
          yield* Deferred.succeed(committed, undefined)
          return yield* Effect.never
        })
      )
      const fiber = yield* Effect.forkChild(request)
      yield* Deferred.await(committed)
      yield* Fiber.interrupt(fiber)
      yield* hearing.until(() => hearing.of("Posted").length === 1)
    }).pipe(Effect.provide(engineLayer))
  )
})
