/** Conversations, with the published SDKs against a server on SQLite. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { Conversation } from "leancloud-realtime"
import { codeOf, connect, type ConnectOptions, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

interface Pushed {
  readonly invitedBy?: string
  readonly kickedBy?: string
  readonly members?: ReadonlyArray<string>
  readonly attributes?: unknown
}

describe.each(sdks)("conversations of clients of the SDK %s", (version, sdk) => {
  let started = 0

  /** Three new clients on one connection. */
  const clients = async (app: Pick<ConnectOptions, "direct" | "public"> = {}) => {
    const realtime = await connect(sdk, server, app)
    started++
    const [tomId = "", jerryId = "", harryId = ""] = ["tom", "jerry", "harry"].map(
      (id) => `${id}-${started}-${version}`
    )
    const [tom, jerry, harry] = [
      await realtime.createIMClient(tomId),
      await realtime.createIMClient(jerryId),
      await realtime.createIMClient(harryId)
    ]
    const close = async () => {
      for (const client of [tom, jerry, harry]) await client.close()
    }
    return { tom, jerry, harry, tomId, jerryId, harryId, close }
  }

  it("are created with attributes, and found by their members", async () => {
    const { tom, jerry, harry, tomId, jerryId, close } = await clients()
    const invited = next<[Pushed, Conversation]>(jerry, "invited")
    const created = await tom.createConversation({ members: [jerryId], name: "Cheese", color: { hue: 3 } } as never)
    assert.match(created.id, /^[0-9a-f]{24}$/)
    const [{ invitedBy }, seen] = await invited
    assert.strictEqual(invitedBy, tomId)
    assert.strictEqual(seen.id, created.id)
    assert.strictEqual(seen.name, "Cheese")
    assert.deepStrictEqual(seen.get("color"), { hue: 3 })
    assert.deepStrictEqual(seen.members.toSorted(), [jerryId, tomId])
    assert.strictEqual(seen.creator, tomId)
    assert.deepStrictEqual(seen.createdAt, created.createdAt)
    assert.isNull(await harry.getConversation(created.id))
    const found = await jerry.getQuery().containsMembers([tomId]).limit(100).find()
    assert.include(
      found.map(({ id }) => id),
      created.id
    )
    await close()
  })

  it("are one for the same members if they are unique", async () => {
    const { tom, jerry, harry, tomId, jerryId, harryId, close } = await clients()
    const members = [jerryId, harryId]
    const [one, other] = await Promise.all([
      tom.createConversation({ members, unique: true }),
      harry.createConversation({ members: [tomId, jerryId], unique: true })
    ])
    assert.strictEqual(one.id, other.id)
    const pair = await tom.createConversation({ members: [jerryId], unique: true })
    assert.strictEqual((await jerry.createConversation({ members: [tomId], unique: true })).id, pair.id)
    assert.notStrictEqual(pair.id, one.id)
    assert.notStrictEqual((await tom.createConversation({ members: [jerryId], unique: false })).id, pair.id)
    await pair.add([harryId])
    assert.strictEqual(await pair.count(), 3)
    await close()
  })

  it("are the direct chats of two users, if the app says so", async () => {
    const { tom, jerry, tomId, jerryId, close } = await clients({ direct: true })
    const pair = await tom.createConversation({ members: [jerryId], unique: true })
    const chat = await server.parley.as(tomId).openDirectChat(jerryId)
    assert.strictEqual(pair.id, chat.id.toString(16).padStart(24, "0"))
    assert.strictEqual((await jerry.createConversation({ members: [tomId], unique: true })).id, pair.id)
    await close()
  })

  it("gain and lose members, who hear of it", async () => {
    const { tom, jerry, harry, tomId, jerryId, harryId, close } = await clients()
    const conversation = await tom.createConversation({ members: [jerryId], name: "Trio" })
    await jerry.getConversation(conversation.id)
    const joined = next<[Pushed]>(jerry, "membersjoined")
    const invited = next<[Pushed]>(harry, "invited")
    const { successfulClientIds, failures } = await conversation.add([harryId])
    assert.deepStrictEqual(successfulClientIds, [harryId])
    assert.deepStrictEqual(failures, [])
    assert.deepStrictEqual((await joined)[0], { invitedBy: tomId, members: [harryId] })
    assert.deepStrictEqual((await invited)[0], { invitedBy: tomId })
    assert.strictEqual(await conversation.count(), 3)

    const left = next<[Pushed]>(jerry, "membersleft")
    const kicked = next<[Pushed]>(harry, "kicked")
    await conversation.remove([harryId])
    assert.deepStrictEqual((await left)[0], { kickedBy: tomId, members: [harryId] })
    assert.deepStrictEqual((await kicked)[0], { kickedBy: tomId })

    const quit = next<[Pushed]>(tom, "membersleft")
    await (await jerry.getConversation(conversation.id)).quit()
    assert.deepStrictEqual((await quit)[0], { kickedBy: jerryId, members: [jerryId] })
    assert.strictEqual(await conversation.count(), 1)
    await close()
  })

  it("can be joined if they are public, and by invitation only otherwise", async () => {
    const open = await clients({ public: true })
    const conversation = await open.tom.createConversation({ members: [], name: "Open" })
    const joined = next<[Pushed]>(open.tom, "membersjoined")
    const { harryId } = open
    await (await open.harry.getConversation(conversation.id)).join()
    assert.deepStrictEqual((await joined)[0], { invitedBy: harryId, members: [harryId] })
    await open.close()
    const closed = await clients()
    const secret = await closed.tom.createConversation({ members: [closed.jerryId], name: "Closed" })
    const shown = await closed.jerry.getConversation(secret.id)
    await closed.tom.getConversation(secret.id)
    await secret.remove([closed.jerryId])
    assert.strictEqual(await codeOf(shown.join()), 4303)
    await closed.close()
  })

  it("are changed by their owner, also in parts of attributes", async () => {
    const { tom, jerry, tomId, jerryId, close } = await clients()
    const conversation = await tom.createConversation({
      members: [jerryId],
      name: "Old",
      attr: { a: 1, b: 2 }
    } as never)
    const seen = await jerry.getConversation(conversation.id)
    const updated = next<[Pushed]>(jerry, "conversationinfoupdated")
    conversation.name = "New"
    conversation.set("attr.b", 3)
    await conversation.save()
    assert.deepStrictEqual((await updated)[0], {
      updatedBy: tomId,
      attributes: { name: "New", attr: { a: 1, b: 3 } }
    } as Pushed)
    assert.strictEqual(seen.name, "New")
    const again = await jerry.getConversation(conversation.id, true)
    assert.deepStrictEqual(again.get("attr"), { a: 1, b: 3 })
    seen.set("attr.a", 2)
    assert.strictEqual(await codeOf(seen.save()), 4308)
    await close()
  })

  it("are muted by each member", async () => {
    const { tom, jerryId, close } = await clients()
    const conversation = await tom.createConversation({ members: [jerryId] })
    await conversation.mute()
    assert.isTrue((await tom.getConversation(conversation.id, true)).muted)
    await conversation.unmute()
    assert.isFalse((await tom.getConversation(conversation.id, true)).muted)
    await close()
  })

  it("refuse what this server does not have", async () => {
    const { tom, close } = await clients()
    assert.strictEqual(await codeOf(tom.createChatRoom({ name: "room" })), 4308)
    await close()
  })
})
