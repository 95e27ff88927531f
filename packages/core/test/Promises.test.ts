/** The engine by promises: everything that a command can do. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import { Blobs } from "@parley/core/Blobs"
import { Hub } from "@parley/core/Hub"
import { UserId } from "@parley/core/Ids"
import { commandHandlers } from "../src/commands/index.ts"
import { assert, describe, it } from "vitest"
import { Effect, Layer } from "effect"
import { opened, codeOf, plain, bytesOf } from "./promisesFixture.ts"

describe("a user's API", () => {
  it("covers every command", async () => {
    const requested: Array<string> = []
    await using engine = await opened({
      hooks: {
        before: (command) => {
          requested.push(command._tag)
        }
      }
    })
    const [ann, ben, cat] = [engine.as("ann"), engine.as(2), engine.as({ id: 3 })]
    // Only connected users have a status.
    await engine.run(Effect.map(Hub, (hub) => hub.presence.set(UserId(1), "online")))

    const team = await ann.createGroup({ name: "Team", members: ["ben"], attributes: { topic: "tea" } })
    assert.deepStrictEqual([...team.members.keys()].map(Number), [1, 2])
    assert.deepInclude(team, { name: "Team", type: "group", public: false, attributes: { topic: "tea" } })
    const pair = await ann.openDirectChat("ben")
    assert.strictEqual((await ben.openDirectChat("ann")).id, pair.id)

    const hello = await ann.send(team, "hello")
    assert.deepInclude(plain(hello), { content: "hello", sender: 1, type: "normal", contentType: "text" })
    assert.strictEqual((await ann.send(team, "hello", { gid: hello.gid })).id, hello.id)
    assert.strictEqual((await ann.broadcast(team.gid, "listen")).type, "broadcast")
    const both = await ann.sendAll([
      { chat: team.id, content: "one" },
      { chat: pair, content: "two", contentType: "image" }
    ])
    assert.deepStrictEqual(
      both.map(({ chat, contentType }) => [Number(chat), contentType]),
      [
        [team.id, "text"],
        [pair.id, "image"]
      ]
    )
    assert.strictEqual((await ann.editMessage(hello, "hello again")).content, "hello again")
    assert.deepInclude(await ann.recall(hello), { content: "", recalled: true })
    await ben.deleteForMe(both[0]?.gid ?? "")
    const { messages, total } = await ben.history(team)
    assert.deepStrictEqual([messages.map(({ content }) => content), total], [["listen", ""], 3])
    assert.lengthOf((await ann.history(team, { size: 1, number: 2 })).messages, 1)
    assert.strictEqual(await ben.read(team, 3), 3)
    assert.strictEqual(await ben.read(team, both[0]), 4)
    assert.deepStrictEqual(
      (await ben.progress(team)).map(({ user, read }) => [Number(user), read]),
      [
        [1, 4],
        [2, 4]
      ]
    )
    assert.deepStrictEqual(await ben.progress(team, ["ann"]), [{ user: UserId(1), pushed: 0, delivered: 0, read: 4 }])
    assert.deepStrictEqual(await ben.unread(team), [])
    assert.deepStrictEqual([await ben.typing(team), await ben.typing(team, false)], [true, true])
    assert.strictEqual(await ben.confirmDelivery(team, 99), 6)
    await ben.sendTransient(team, "nodding", { contentType: "status" })

    assert.strictEqual((await ann.rename(team, "Crew")).name, "Crew")
    assert.isTrue((await ann.publish(team)).public)
    assert.deepStrictEqual(
      (await cat.publicChats()).map(({ gid }) => gid),
      [team.gid]
    )
    assert.isTrue((await cat.join(team)).members.has(UserId(3)))
    assert.isFalse((await cat.leave(team)).members.has(UserId(3)))
    assert.isTrue((await ben.addMembers(team, ["cat"])).members.has(UserId(3)))
    assert.deepStrictEqual(
      (await ann.members(team)).map(({ account }) => account),
      ["ann", "ben", "cat"]
    )
    assert.isFalse((await ann.kick(team, [3])).members.has(UserId(3)))
    const revised = await ann.revise(team, { name: "Gang", add: ["cat"], remove: ["ben"], atLeast: 2 })
    assert.deepStrictEqual([revised.name, ...[...revised.members.keys()].map(Number)], ["Gang", 1, 3])
    assert.deepInclude(await ann.edit(team, { name: "Band", attributes: { topic: null, key: 1 } }), {
      name: "Band",
      attributes: { key: 1 }
    })
    assert.deepStrictEqual((await ann.setSenders(team, ["cat"])).senders, [UserId(3)])
    assert.strictEqual((await ann.setSenders(team, "all")).senders, "all")
    assert.strictEqual((await ann.setSlowMode(team, 30)).slowMode, 30)
    assert.strictEqual(await codeOf(cat.setSlowMode(team, 0)), "Forbidden")
    assert.strictEqual((await ann.setSlowMode(team, 0)).slowMode, 0)
    assert.deepStrictEqual((await ann.silence(team, ["cat"])).silenced, [UserId(3)])
    assert.strictEqual(await codeOf(cat.send(team, "hello")), "SendForbidden")
    assert.strictEqual(await codeOf(cat.silence(team, ["ann"])), "Forbidden")
    assert.deepStrictEqual((await ann.silence(team, [3], false)).silenced, [])
    assert.deepStrictEqual((await ann.block(team, ["cat"])).blocked, [UserId(3)])
    assert.strictEqual(await codeOf(cat.join(team)), "Blocked")
    assert.strictEqual(await codeOf(ann.addMembers(team, ["cat"])), "Blocked")
    assert.deepStrictEqual((await ann.block(team, ["cat"], false)).blocked, [])
    assert.isTrue((await ann.addMembers(team, ["cat"])).members.has(UserId(3)))
    assert.isTrue((await ann.star(team)).star)
    assert.isTrue((await ann.hide(team)).hide)
    assert.deepInclude(await ann.mute(team), { star: true, hide: true, mute: true })
    assert.isFalse((await ann.star(team, false)).star)
    assert.deepStrictEqual(
      (await ann.chats()).map(({ id, mute }) => [Number(id), mute]),
      [
        [team.id, true],
        [pair.id, false]
      ]
    )
    assert.strictEqual((await cat.chat(team)).name, "Band")
    assert.strictEqual(await codeOf(ann.setAdmins(team, ["cat"])), "WrongChatType")
    assert.deepStrictEqual((await ann.promote(team, ["cat"])).admins, [UserId(3)])
    assert.deepStrictEqual((await ann.promote(team, ["cat"], false)).admins, [])

    const [file] = await ann.upload(team, { title: "notes.txt", content: "some notes" })
    assert.deepInclude(plain(file), { title: "notes.txt", size: 10, addedBy: 1 })
    assert.deepStrictEqual(
      await cat.files(team),
      [file].flatMap((one) => one ?? [])
    )
    assert.deepStrictEqual(await cat.file(Number(file?.id)), file)
    assert.strictEqual(await bytesOf((await cat.download(Number(file?.id))).content), "some notes")
    assert.strictEqual(await bytesOf((await cat.download(Number(file?.id), { start: 5, end: 7 })).content), "not")

    assert.deepStrictEqual(
      (await ann.users()).map(({ account, status }) => `${account} ${status}`),
      ["ann online", "ben offline", "cat offline"]
    )
    assert.strictEqual((await ann.changeName("Anna")).realname, "Anna")
    assert.strictEqual((await ann.changeStatus("busy")).status, "busy")
    assert.deepStrictEqual(await ann.search("nothing has this"), { messages: [], next: undefined })
    assert.isNull(await ann.settings())
    assert.strictEqual(await ann.saveSettings("{}"), "{}")
    assert.strictEqual(await ann.settings(), "{}")
    assert.isTrue((await ann.dissolve(team)).dissolved)
    assert.strictEqual(await codeOf(ann.send(team, "anybody?")), "NoSuchChat")

    assert.sameMembers([...new Set(requested.filter((tag) => tag in commandHandlers))], Object.keys(commandHandlers))
  })

  it("reads the history before a message, which does not shift", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const sent = await ann.sendAll(Array.from({ length: 10 }, (_, n) => ({ chat: team, content: String(n + 1) })))
    for (const hidden of [2, 3, 4]) await ben.deleteForMe(sent[hidden] ?? "")
    const pages: Array<string> = []
    let before = sent[9]
    for (let more = true; more && before !== undefined;) {
      const page = await ben.history(team, { before, limit: 3 })
      pages.push(page.messages.map(({ content }) => content).join(" "))
      // Sent meanwhile.
      await ann.send(team, "new")
      before = page.messages.at(-1)
      more = page.more
    }
    // Hidden messages do not shorten a page.
    assert.deepStrictEqual(pages, ["9 8 7", "6 2 1"])
    assert.deepInclude(await ben.history(team, { before: sent[0]?.id ?? 0, limit: 3 }), { messages: [], more: false })
    const other = await ann.createGroup({ name: "Other" })
    assert.strictEqual(await codeOf(ann.history(other, { before: sent[0]?.id ?? 0, limit: 3 })), "NoSuchMessage")
    assert.strictEqual(await codeOf(ann.history(team, { before: 1, limit: 3 })), "NoSuchMessage")
    assert.strictEqual(await codeOf(ann.history(team, { before: sent[0]?.id ?? 0, limit: 0 })), "Invalid")
    // A page that would be too large for one reply is cut.
    const large = await ann.sendAll(Array.from({ length: 80 }, () => ({ chat: team, content: "x".repeat(65_000) })))
    const cut = await ann.history(team, { before: large[79]?.id ?? 0, limit: 79 })
    assert.isTrue(cut.more)
    assert.isBelow(cut.messages.length, 79)
    assert.strictEqual(cut.messages[0]?.id, large[78]?.id)
  })

  it("counts unread messages", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const pair = await ann.openDirectChat("ben")
    for (const content of ["1", "2", "3", "4"]) await ann.send(team, content)
    const regretted = await ann.send(team, "5")
    await ann.recall(regretted)
    await ben.send(team, "mine")
    // Posting counts as reading.
    assert.deepStrictEqual(await ben.unread(), [])
    assert.deepStrictEqual(await ann.unread(), [{ id: team.id, gid: team.gid, count: 1, more: false, read: 6 }])
    for (const content of ["7", "8", "9", "10"]) await ann.send(team, content)
    assert.deepStrictEqual(await ben.unread(team), [{ id: team.id, gid: team.gid, count: 4, more: false, read: 8 }])
    assert.strictEqual(await ben.read(team, 10), 10)
    assert.strictEqual(await ben.read(team, 9), 10, "a mark never moves back")
    assert.strictEqual((await ben.unread())[0]?.count, 2)
    const [, newest] = (await ben.history(team, { start: 0, limit: 2 })).messages
    await ben.deleteForMe(newest?.gid ?? "")
    assert.strictEqual((await ben.unread())[0]?.count, 1)
    await ben.read(team)
    assert.deepStrictEqual(await ben.unread(), [])
    // The count is bounded.
    for (let from = 0; from < 250; from += 50) {
      await ann.sendAll(Array.from({ length: 50 }, () => ({ chat: pair, content: "x" })))
    }
    assert.deepStrictEqual(await ben.unread(), [{ id: pair.id, gid: pair.gid, count: 200, more: true, read: 1 }])
    // Messages before the joining do not count as missed.
    await ann.addMembers(team, ["cat"])
    assert.deepStrictEqual(await engine.as("cat").unread(), [])
  })

  it("has an offline queue, as the document's table", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const first = await ann.send(team, "first")
    await ann.send(team, "second")
    const rows = await ben.queue()
    assert.deepStrictEqual(
      rows.map(({ id, level, user, module, method }) => [Number(id), level, Number(user), module, method]),
      [
        [first.id, 3, 2, "chat", "message"],
        [first.id + 1, 3, 2, "chat", "message"]
      ]
    )
    assert.deepInclude((JSON.parse(rows[0]?.data ?? "") as ReadonlyArray<object>)[0], {
      gid: first.gid,
      chat: team.gid,
      sender: 1,
      content: "first"
    })
    await ben.acknowledge(first.id)
    assert.deepStrictEqual(
      (await ben.queue()).map(({ event }) => event.message?.content),
      ["second"]
    )
    await ben.acknowledge((await ben.queue({ limit: 1 })).map(({ id }) => id))
    assert.deepStrictEqual(await ben.queue(), [])
  })

  it("stores files completely, or not at all", async () => {
    let kept = 0
    const blobs = Layer.sync(Blobs, () => {
      const memory = MemoryBlobs.make()
      return Blobs.of({
        ...memory,
        put: (content, limit) => Effect.tap(memory.put(content, limit), () => Effect.sync(() => kept++)),
        remove: (key) => Effect.tap(memory.remove(key), () => Effect.sync(() => kept--))
      })
    })
    await using engine = await opened({ blobs, settings: { "limits.file": 8 } })
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    async function* streamed(): AsyncIterable<Uint8Array> {
      yield* [Buffer.from("ab"), Buffer.from("cd")]
    }
    const [file] = await ann.upload(team, [{ title: "stream", content: streamed() }])
    assert.strictEqual(file?.size, 4)
    async function* broken(): AsyncIterable<Uint8Array> {
      yield Buffer.from("ab")
      throw new Error("the disk is gone")
    }
    assert.strictEqual(await codeOf(ann.upload(team, { title: "broken", content: broken() })), "Failed")
    assert.strictEqual(await codeOf(ann.upload(team, { title: "large", content: "123456789" })), "Invalid")
    assert.strictEqual(await codeOf(ann.upload(team, { title: "a\nb", content: "" })), "Invalid")
    assert.strictEqual(await codeOf(ann.upload(team, { title: "a\ud800", content: "" })), "Invalid")
    assert.strictEqual(await codeOf(ann.upload(team, [])), "Invalid")
    assert.strictEqual(await codeOf(engine.as("ben").upload(team, { title: "mine", content: "" })), "NoSuchChat")
    assert.strictEqual(await codeOf(engine.as("ben").download(Number(file?.id))), "NoSuchFile")
    const both = [
      { title: "small", content: "1" },
      { title: "large", content: "123456789" }
    ]
    assert.strictEqual(await codeOf(ann.upload(team, both)), "Invalid")
    const many = Array.from({ length: 21 }, (_, index) => ({ title: String(index), content: "1" }))
    assert.strictEqual(await codeOf(ann.upload(team, many)), "Invalid")
    assert.lengthOf(await ann.files(team), 1)
    assert.strictEqual(kept, 1)
    assert.lengthOf(await ann.upload(team, many.slice(1)), 20)

    await using bare = await opened({ blobs: undefined })
    const group = await bare.as("ann").createGroup({ name: "Team" })
    const error: unknown = await bare
      .as("ann")
      .upload(group, { title: "t", content: "" })
      .catch((cause: unknown) => cause)
    assert.match(String(error), /no file storage/)
    const titled = await ann.upload(team, [
      { title: "a/نامه\u200cای\u202e.txt", content: "" },
      { title: `${"报".repeat(255)}.docx`, content: "" }
    ])
    assert.deepStrictEqual(
      titled.map(({ title }) => title),
      ["نامه\u200cای.txt", `${"报".repeat(83)}.docx`]
    )
  })
})

describe("a recalled file", () => {
  it("is gone for all users; hiding a message removes no file", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const sent = async (sender: typeof ann, file: number, content = JSON.stringify({ id: file, name: "a.txt" })) =>
      sender.send(team, content, { contentType: "file" })
    const [one, two, bens] = await Promise.all([
      ann.upload(team, { title: "one.txt", content: "1" }),
      ann.upload(team, { title: "two.txt", content: "2" }),
      ben.upload(team, { title: "bens.txt", content: "3" })
    ]).then((all) => all.map(([file]) => Number(file?.id)))
    const message = await sent(ann, one ?? 0)
    await ben.deleteForMe(await sent(ann, two ?? 0))
    assert.strictEqual((await ben.download(two ?? 0)).file.title, "two.txt")
    await ann.recall(message)
    for (const member of [ann, ben]) {
      assert.strictEqual(await codeOf(member.download(one ?? 0)), "NoSuchFile")
      assert.strictEqual(await codeOf(member.file(one ?? 0)), "NoSuchFile")
      assert.deepStrictEqual(
        (await member.files(team)).map(({ id }) => Number(id)),
        [two, bens]
      )
    }
    // A recall removes no file that others have added, and none that a text only mentions.
    await ann.recall(await sent(ann, bens ?? 0))
    await ann.recall(await ann.send(team, JSON.stringify({ id: two })))
    await ann.recall(await sent(ann, 0, "{broken"))
    assert.lengthOf(await ben.files(team), 2)
    // Sent again, it stays withdrawn.
    await sent(ann, one ?? 0)
    assert.strictEqual(await codeOf(ben.download(one ?? 0)), "NoSuchFile")
  })
})
