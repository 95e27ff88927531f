/** Data for push notifications: an event for the members who are not online, once, and nothing else. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createEngine, type EngineOptions, type ParleyEngine, ParleyError, type PushRequested } from "@parley/core"
import { assert, describe, it } from "vitest"

const opened = async (options: Partial<EngineOptions> = {}): Promise<ParleyEngine> => {
  const engine = await createEngine({ store: MemoryStore.layer, ...options })
  await engine.users.addAll(["ann", "ben", "cat"].map((account) => ({ account })))
  return engine
}

describe("data for push notifications", () => {
  it("is an event with the message and the members who are not online", async () => {
    await using engine = await opened()
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team", members: ["ben", "cat"] })
    const order: Array<string> = []
    const pushes: Array<PushRequested> = []
    engine.on("message", ({ message }) => order.push(`message ${message.content}`))
    engine.on("push", (event) => {
      order.push(`push ${event.message.content}`)
      pushes.push(event)
    })
    const pushData = '{"alert":"Tea"}'
    const sent = await ann.send(team, "Tea is ready", { gid: "tea", pushData })
    const [push] = pushes
    assert.deepStrictEqual([push?.pushData, push?.chat.id, push?.recipients.map(Number)], [pushData, team.id, [2, 3]])
    assert.deepStrictEqual(push?.message, sent)
    // A repetition of the message has no event, and neither do messages without data.
    await ann.send(team, "Tea is ready", { gid: "tea", pushData })
    await ann.send(team, "without data")
    await ann.sendAll([
      { chat: team, content: "first of two" },
      { chat: team, content: "second of two", pushData }
    ])
    assert.deepStrictEqual(order, [
      "message Tea is ready",
      "push Tea is ready",
      "message without data",
      "message first of two",
      "message second of two",
      "push second of two"
    ])
    const { messages } = await ann.history(team)
    assert.isFalse(
      messages.some((message) => "pushData" in message),
      "it is not stored"
    )
  })

  it("is passed to hooks with the message, and refused if it is not a text of limited size", async () => {
    const seen: Array<string | undefined> = []
    await using engine = await opened({
      hooks: {
        before: (command) => {
          if (command._tag === "SendMessages") seen.push(...command.messages.map(({ pushData }) => pushData))
        }
      }
    })
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    await ann.send(team, "hello", { pushData: "data" })
    assert.deepStrictEqual(seen, ["data"])
    for (const pushData of ["\uD800", "x".repeat(64 * 1024 + 1)]) {
      try {
        await ann.send(team, "refused", { pushData })
        assert.fail("nothing was refused")
      } catch (error) {
        assert.instanceOf(error, ParleyError)
        assert.match((error as ParleyError).message, /pushData/)
      }
    }
    assert.strictEqual((await ann.history(team)).total, 1)
  })
})
