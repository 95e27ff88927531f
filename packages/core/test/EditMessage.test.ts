/** Edited messages: permissions, delivery, and races with recalls. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createEngine, type HookedCommand, ParleyError } from "@parley/core"
import { repetitions } from "../../../scripts/repetitions.ts"
import { assert, describe, it } from "vitest"

const opened = async (
  before?: (command: HookedCommand) => { _tag: "Rewrite"; contents: ReadonlyArray<string> } | void
) => {
  const engine = await createEngine({
    store: MemoryStore.layer,
    blobs: MemoryBlobs.layer,
    ...(before !== undefined && { hooks: { before } })
  })
  await engine.users.addAll(["ann", "ben", "cat"].map((account) => ({ account })))
  return engine
}

const codeOf = async (work: Promise<unknown>): Promise<string | undefined> => {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause
  )
  if (error === undefined) return undefined
  assert.instanceOf(error, ParleyError)
  return error.code
}

describe("an edited message", () => {
  it("has its new content in the history, in the log and for absent members", async () => {
    await using engine = await opened()
    const [ann, ben, cat] = [engine.as("ann"), engine.as("ben"), engine.as("cat")]
    const team = await ann.createGroup({ name: "Team", members: ["ben", "cat"] })
    const sent = await ann.send(team, "helo")
    await ben.acknowledge(sent.id)
    const events: Array<string> = []
    engine.on("replaced", ({ message }) => events.push(message.content))
    const edited = await ann.editMessage(sent, "hello")
    assert.deepInclude({ ...edited }, { id: sent.id, gid: sent.gid, content: "hello", contentType: "text" })
    assert.notStrictEqual(edited.revision, sent.id)
    // The same content again changes nothing.
    assert.deepStrictEqual(await ann.editMessage(sent.gid, "hello"), edited)
    assert.deepStrictEqual(events, ["hello"])
    assert.deepStrictEqual((await cat.history(team)).messages, [edited])
    // Cat gets the message once, as it stands now; Ben, who had acknowledged it, gets the change.
    const contents = async (user: typeof ben) =>
      (await user.queue()).map(({ id, event }) => [Number(id), event.message?.content])
    assert.deepStrictEqual(await contents(cat), [[sent.id, "hello"]])
    assert.deepStrictEqual(await contents(ben), [[edited.revision, "hello"]])
  })

  it("has another type if the edit names one", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const image = await ann.send(team, "{}", { contentType: "image" })
    const edited = await ann.editMessage(image, "hello", { contentType: "text" })
    assert.deepInclude({ ...edited }, { id: image.id, content: "hello", contentType: "text" })
    // The same content with another type is a change; with the same one it is not.
    const typed = await ann.editMessage(image, "hello", { contentType: "markdown" })
    assert.deepInclude({ ...typed }, { content: "hello", contentType: "markdown" })
    assert.deepStrictEqual(await ann.editMessage(image, "hello", { contentType: "markdown" }), typed)
    assert.deepStrictEqual((await ben.history(team)).messages, [typed])
    // Sent again, it is the same message still.
    assert.deepStrictEqual(await ann.send(team, "{}", { contentType: "image", gid: image.gid }), typed)
    assert.strictEqual(await codeOf(ann.editMessage(image, "text")), "Invalid")
    assert.strictEqual(await codeOf(ann.editMessage(image, "text", { contentType: "x".repeat(65) })), "Invalid")
    assert.strictEqual(await codeOf(ben.editMessage(image, "x", { contentType: "text" })), "Forbidden")
  })

  it("is edited by its sender while they may send, and by admins; a recall is final", async () => {
    await using engine = await opened()
    const [ann, ben, cat] = [engine.as("ann"), engine.as("ben"), engine.as("cat")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const bens = await ben.send(team, "ben's")
    const anns = await ann.send(team, "ann's")
    const image = await ben.send(team, "{}", { contentType: "image" })
    const notice = await ann.broadcast(team, "notice")
    assert.strictEqual((await ann.editMessage(bens, "moderated")).sender, bens.sender)
    assert.strictEqual((await ann.editMessage(notice, "other notice")).content, "other notice")
    const table: ReadonlyArray<readonly [Promise<unknown>, string]> = [
      [ben.editMessage(anns, "x"), "Forbidden"],
      [ben.editMessage(notice, "x"), "Forbidden"],
      [cat.editMessage(anns, "x"), "NoSuchMessage"],
      [ann.editMessage("unknown", "x"), "NoSuchMessage"],
      [ben.editMessage(image, "x"), "Invalid"],
      [ben.editMessage(bens, ""), "Invalid"],
      [ben.editMessage(bens, "half \ud83d"), "Invalid"],
      [ben.editMessage(bens, "x".repeat(65_537)), "Invalid"]
    ]
    for (const [work, code] of table) assert.strictEqual(await codeOf(work), code)
    await ann.setSenders(team, "admins")
    assert.strictEqual(await codeOf(ben.editMessage(bens, "x")), "SendForbidden")
    await ann.recall(bens)
    assert.strictEqual(await codeOf(ann.editMessage(bens, "x")), "Recalled")
    assert.strictEqual((await ann.history(team)).messages.find(({ gid }) => gid === bens.gid)?.content, "")
  })

  it("is still the message that its sender sends again", async () => {
    await using engine = await opened()
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    const sent = await ann.send(team, "first")
    const edited = await ann.editMessage(sent, "second")
    assert.deepStrictEqual(await ann.send(team, "first", { gid: sent.gid }), edited)
    assert.deepStrictEqual(await ann.send(team, "second", { gid: sent.gid }), edited)
    assert.strictEqual(await codeOf(ann.send(team, "third", { gid: sent.gid })), "GidTaken")
    const other = await ann.createGroup({ name: "Other" })
    assert.strictEqual(await codeOf(ann.send(other, "first", { gid: sent.gid })), "GidTaken")
    assert.strictEqual((await ann.history(team)).total, 1)
  })

  it("is moderated by hooks as a sent one", async () => {
    await using engine = await opened((command) =>
      command._tag === "EditMessage"
        ? { _tag: "Rewrite", contents: [command.content.replace("bad", "***")] }
        : undefined
    )
    const ann = engine.as("ann")
    const sent = await ann.send(await ann.createGroup({ name: "Team" }), "good")
    assert.strictEqual((await ann.editMessage(sent, "a bad word")).content, "a *** word")
  })

  it("never has content after a racing recall", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    for (let round = 0; round < repetitions(50, 10); round++) {
      const sent = await ben.send(team, "0")
      const edits = [1, 2, 3].map((n) => codeOf(ben.editMessage(sent, String(n))))
      const recalls = [codeOf(ann.recall(sent)), codeOf(ben.recall(sent))]
      for (const code of await Promise.all([...edits, ...recalls])) assert.include([undefined, "Recalled"], code)
      const [newest] = (await ann.history(team, { size: 1, number: 1 })).messages
      assert.deepInclude({ ...newest }, { gid: sent.gid, content: "", recalled: true })
    }
    const kinds = new Map<number, string>()
    for await (const { body } of ann.log(team, { live: false })) {
      if (body._tag !== "Replaced" && body._tag !== "Recalled") continue
      assert.notStrictEqual(kinds.get(body.message), "Recalled", "nothing follows a recall")
      kinds.set(body.message, body._tag)
    }
    assert.isTrue([...kinds.values()].every((kind) => kind === "Recalled"))
  })
})
