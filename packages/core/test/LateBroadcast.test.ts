/**
 * A change of members is committed, and broadcast only after the reply to its request, which a slow client may delay. Later
 * commits decide who gets the chat's messages.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type { Command } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import { engineLayer, online, people } from "./harness.ts"

const withChat = Effect.gen(function* () {
  const [ann, bob, dave] = yield* people("ann", "bob", "dave")
  assert(ann && bob && dave)
  const engine = yield* Engine
  const chat = { gid: "g" }
  const create: Command = {
    _tag: "CreateChat",
    gid: "g",
    name: "",
    type: "group",
    members: [bob.user],
    subject: 0,
    public: false
  }
  const add: Command = { _tag: "AddMembers", chat, members: [dave.user] }
  const remove: Command = { _tag: "RemoveMembers", chat, members: [dave.user] }
  const perform = (command: Command) => engine.perform(ann, command)
  const say = (content: string) =>
    perform({
      _tag: "SendMessages",
      messages: [{ gid: content, chat, type: "normal", contentType: "text", content }]
    })
  /** Commits a command whose reply is not sent before the returned effect. */
  const withSlowReply = Effect.fnUntraced(function* (command: Command) {
    const scope = yield* Scope.make()
    const run = yield* Scope.provide(engine.commands.scoped(), scope)
    yield* run(ann, command)
    return Scope.close(scope, Exit.void)
  })
  const evict = Effect.sync(() => engine.context.chats.clear())
  return { add, bob, create, dave, evict, perform, remove, say, withSlowReply }
})

const said = ({ of }: { readonly of: (kind: string) => ReadonlyArray<{ readonly text: string }> }) =>
  of("Posted").map(({ text }) => text)

describe.each([
  ["with the chat in the cache", false],
  ["without the chat in the cache", true]
])("a change that is broadcast late, %s,", (_title, isEvicted) => {
  it.live("does not subscribe a member who was removed after it", () =>
    Effect.gen(function* () {
      const { add, create, dave, evict, perform, remove, say, withSlowReply } = yield* withChat
      yield* perform(create)
      const client = yield* online(dave)
      const reply = yield* withSlowReply(add)
      yield* perform(remove)
      if (isEvicted) yield* evict
      yield* reply
      yield* Effect.repeat(client.ask(), { times: 2 })
      yield* say("secret")
      yield* client.ask()
      assert.deepStrictEqual(said(client), [])
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("does not unsubscribe a member who was added again after it", () =>
    Effect.gen(function* () {
      const { add, create, dave, evict, perform, remove, say, withSlowReply } = yield* withChat
      yield* perform(create)
      yield* perform(add)
      const client = yield* online(dave)
      const reply = yield* withSlowReply(remove)
      yield* say("while removed")
      yield* perform(add)
      if (isEvicted) yield* evict
      yield* reply
      yield* Effect.repeat(client.ask(), { times: 2 })
      yield* say("hello again")
      yield* client.until(() => said(client).length > 0)
      assert.deepStrictEqual(said(client), ["hello again"])
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("delivers what was said since the member was added", () =>
    Effect.gen(function* () {
      const { add, create, dave, evict, perform, say, withSlowReply } = yield* withChat
      yield* perform(create)
      const client = yield* online(dave)
      const reply = yield* withSlowReply(add)
      yield* say("welcome")
      if (isEvicted) yield* evict
      yield* reply
      yield* client.until(() => said(client).length > 0)
      assert.deepStrictEqual(said(client), ["welcome"])
    }).pipe(Effect.provide(engineLayer))
  )

  it.live("that created the chat does not subscribe a member who was removed meanwhile", () =>
    Effect.gen(function* () {
      const { bob, create, evict, perform, say, withSlowReply } = yield* withChat
      const client = yield* online(bob)
      const reply = yield* withSlowReply(create)
      yield* perform({ _tag: "RemoveMembers", chat: { gid: "g" }, members: [bob.user] })
      if (isEvicted) yield* evict
      yield* reply
      yield* Effect.repeat(client.ask(), { times: 2 })
      yield* say("secret")
      yield* client.ask()
      assert.deepStrictEqual(said(client), [])
    }).pipe(Effect.provide(engineLayer))
  )
})

it.live("a removed member gets nothing that was said before the removal is broadcast, and is told of it", () =>
  Effect.gen(function* () {
    const { add, create, dave, perform, remove, say, withSlowReply } = yield* withChat
    yield* perform(create)
    yield* perform(add)
    const client = yield* online(dave)
    const reply = yield* withSlowReply(remove)
    yield* say("secret")
    yield* client.ask()
    assert.deepStrictEqual(client.of("Changed"), [])
    yield* reply
    yield* client.ask()
    assert.lengthOf(client.of("Changed"), 1)
    assert.deepStrictEqual(said(client), [])
  }).pipe(Effect.provide(engineLayer))
)
