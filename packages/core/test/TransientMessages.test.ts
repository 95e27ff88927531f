/** Transient messages: to the members who are online, and nowhere else. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createEngine, type EngineOptions, type ParleyEngine, ParleyError, type ParleyEvent } from "@parley/core"
import { assert, describe, it } from "vitest"
import { TransientTimes } from "../src/cache/TransientTimes.ts"
import { ChatId, UserId } from "@parley/core/Ids"

const opened = async (options: Partial<EngineOptions> = {}): Promise<ParleyEngine> => {
  const engine = await createEngine({ store: MemoryStore.layer, ...options })
  await engine.users.addAll(["ann", "ben", "cat", "eve"].map((account) => ({ account })))
  return engine
}

const reasonOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
  } catch (error) {
    assert.instanceOf(error, ParleyError)
    return (error as ParleyError).reason
  }
  return assert.fail("nothing was refused")
}

describe("a transient message", () => {
  it("is an event for the other members, and is not stored", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben", "cat"] })
    const received: Array<ParleyEvent> = []
    engine.on("transient", (event) => received.push(event))
    const before = Date.now()
    await ben.sendTransient(team, "looking", { contentType: "status" })
    const [event] = received
    assert.strictEqual(event?.type, "transient")
    if (event?.type !== "transient" || event.recipients === "everyone") return assert.fail("another event")
    assert.deepStrictEqual(
      [event.chat.id, Number(event.by), event.content, event.contentType, event.recipients.map(Number)],
      [team.id, 2, "looking", "status", [1, 3]]
    )
    assert.isTrue(event.at >= before && event.at <= Date.now())
    assert.lengthOf(received, 1)
    assert.strictEqual((await ann.history(team)).total, 0)
    assert.deepStrictEqual(await ann.unread(), [])
    assert.strictEqual((await ann.send(team, "next")).seq, 2, "it has no sequence")
  })

  it("is refused as a message is: to who may not send, and with an invalid content", async () => {
    await using engine = await opened()
    const [ann, ben, eve] = [engine.as("ann"), engine.as("ben"), engine.as("eve")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const received: Array<ParleyEvent> = []
    engine.on("transient", (event) => received.push(event))
    assert.deepInclude(await reasonOf(eve.sendTransient(team, "hi")), { _tag: "NoSuchChat" })
    for (const content of ["", "\uD800", "x".repeat(64 * 1024 + 1)]) {
      assert.deepInclude(await reasonOf(ben.sendTransient(team, content)), { _tag: "Invalid", field: "content" })
    }
    const options = { contentType: "x".repeat(65) }
    assert.deepInclude(await reasonOf(ben.sendTransient(team, "hi", options)), { field: "contentType" })
    await ann.silence(team, ["ben"])
    assert.deepInclude(await reasonOf(ben.sendTransient(team, "hi")), { _tag: "SendForbidden" })
    await ann.silence(team, ["ben"], false)
    await ann.setSenders(team, "admins")
    assert.deepInclude(await reasonOf(ben.sendTransient(team, "hi")), { _tag: "SendForbidden" })
    await ann.sendTransient(team, "an admin may")
    assert.lengthOf(received, 1)
  })

  it("is sent once per interval in slow mode, apart from stored messages", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    await ann.setSlowMode(team, 30)
    await ben.sendTransient(team, "typing")
    await ben.send(team, "what was typed")
    assert.deepInclude(await reasonOf(ben.sendTransient(team, "typing")), { _tag: "RateLimited", of: "slow mode" })
    for (let count = 0; count < 3; count++) await ann.sendTransient(team, "the owner is exempt")
    await ann.setSlowMode(team, 0)
    await ben.sendTransient(team, "typing")
  })

  it("is moderated by hooks as a stored one", async () => {
    await using engine = await opened({
      hooks: {
        before: (command) =>
          command._tag !== "SendTransient"
            ? undefined
            : command.content === "secret"
              ? { _tag: "Reject", message: "no" }
              : { _tag: "Rewrite", contents: [command.content.replace("bad", "***")] }
      }
    })
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const contents: Array<string> = []
    engine.on("transient", ({ content }) => contents.push(content))
    await ann.sendTransient(team, "a bad word")
    assert.deepInclude(await reasonOf(ann.sendTransient(team, "secret")), { _tag: "Rejected" })
    assert.deepStrictEqual(contents, ["a *** word"])
  })
})

describe("the times of transient messages", () => {
  const [user, chat] = [UserId(1), ChatId(1)]

  it("refuse a second one within the interval, and count the first", () => {
    const times = new TransientTimes()
    assert.isUndefined(times.accept(user, chat, 10_000, 1000))
    assert.strictEqual(times.accept(user, chat, 10_000, 10_999), 9999)
    assert.isUndefined(times.accept(user, chat, 10_000, 11_000))
    assert.strictEqual(times.accept(user, chat, 10_000, 12_000), 1000)
    assert.isUndefined(times.accept(user, ChatId(2), 10_000, 12_000))
    assert.isUndefined(times.accept(UserId(2), chat, 10_000, 12_000))
  })

  it("do not count from a clock that was set back by more than the interval", () => {
    const times = new TransientTimes()
    assert.isUndefined(times.accept(user, chat, 10_000, 100_000))
    assert.isUndefined(times.accept(user, chat, 10_000, 90_000))
  })
})
