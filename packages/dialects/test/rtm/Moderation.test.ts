/** Silenced members and blocked clients, with the published SDKs against a server on SQLite. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { codeOf, connect, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

interface Pushed {
  readonly mutedBy?: string
  readonly unmutedBy?: string
  readonly blockedBy?: string
  readonly unblockedBy?: string
  readonly kickedBy?: string
  readonly members?: ReadonlyArray<string>
}

describe.each(sdks)("members of a conversation, with the SDK %s", (version, sdk) => {
  let started = 0

  /** Three new clients on one connection, in a conversation of the first one. */
  const trio = async () => {
    const realtime = await connect(sdk, server, { public: true })
    started++
    const ids = ["tom", "jerry", "harry"].map((id) => `${id}-${started}-${version}`)
    const [tomId = "", jerryId = "", harryId = ""] = ids
    const tom = await realtime.createIMClient(tomId)
    const jerry = await realtime.createIMClient(jerryId)
    const harry = await realtime.createIMClient(harryId)
    const conversation = await tom.createConversation({ members: [jerryId, harryId], name: "Trio" })
    const close = async () => {
      for (const client of [tom, jerry, harry]) await client.close()
    }
    return { tom, jerry, harry, tomId, jerryId, harryId, conversation, close }
  }

  it("are silenced by the owner until it is undone; all of them are told", async () => {
    const { jerry, harry, tomId, jerryId, conversation, close } = await trio()
    const ofJerry = await jerry.getConversation(conversation.id)
    const ofHarry = await harry.getConversation(conversation.id)
    const muted = next<[Pushed]>(jerry, "muted")
    const others = next<[Pushed]>(harry, "membersmuted")
    assert.deepStrictEqual(await conversation.muteMembers([jerryId]), {
      successfulClientIds: [jerryId],
      failures: []
    })
    assert.deepStrictEqual((await muted)[0], { mutedBy: tomId })
    assert.deepStrictEqual((await others)[0], { mutedBy: tomId, members: [jerryId] })
    assert.strictEqual(await codeOf(ofJerry.send(new sdk.TextMessage("hello"))), 4308)
    await ofHarry.send(new sdk.TextMessage("I may"))
    assert.deepStrictEqual((await ofHarry.queryMutedMembers({})).results, [jerryId])
    assert.deepStrictEqual((await server.parley.as(tomId).chat({ gid: conversation.id })).silenced, [
      await server.parley.as(jerryId).id()
    ])

    const unmuted = next<[Pushed]>(jerry, "unmuted")
    const told = next<[Pushed]>(harry, "membersunmuted")
    assert.deepStrictEqual((await conversation.unmuteMembers([jerryId])).successfulClientIds, [jerryId])
    assert.deepStrictEqual((await unmuted)[0], { unmutedBy: tomId })
    assert.deepStrictEqual((await told)[0], { unmutedBy: tomId, members: [jerryId] })
    await ofJerry.send(new sdk.TextMessage("hello"))
    assert.deepStrictEqual((await conversation.queryMutedMembers({})).results, [])
    await close()
  })

  it("are listed in pages", async () => {
    const { tomId, jerryId, harryId, conversation, close } = await trio()
    await server.parley.as(tomId).silence({ gid: conversation.id }, [harryId, jerryId])
    const first = await conversation.queryMutedMembers({ limit: 1 })
    assert.deepStrictEqual(first.results, [jerryId])
    const second = await conversation.queryMutedMembers({ limit: 1, next: String(first.next) })
    assert.deepStrictEqual(second.results, [harryId])
    assert.notOk(second.next)
    assert.strictEqual(await codeOf(conversation.queryMutedMembers({ next: "x" })), 4310)
    await close()
  })

  it("are not silenced by other members, nor are the owner, non-members and unknown clients", async () => {
    const { jerry, harry, tomId, jerryId, harryId, conversation, close } = await trio()
    const ofJerry = await jerry.getConversation(conversation.id)
    const ofHarry = await harry.getConversation(conversation.id)
    assert.strictEqual(await codeOf(ofJerry.muteMembers([harryId])), 4308)
    assert.strictEqual(await codeOf(conversation.muteMembers([tomId])), 4301)
    assert.strictEqual(await codeOf(conversation.muteMembers([`nobody-${version}`])), 4301)
    await ofHarry.quit()
    // All named clients, or none.
    assert.strictEqual(await codeOf(conversation.muteMembers([jerryId, harryId])), 4317)
    assert.strictEqual(await codeOf(ofHarry.queryMutedMembers({})), 4317)
    assert.deepStrictEqual((await conversation.queryMutedMembers({})).results, [])
    await close()
  })

  it("are blocked by the owner: removed, and kept out until it is undone", async () => {
    const { tom, jerry, harry, tomId, jerryId, harryId, conversation, close } = await trio()
    const ofJerry = await jerry.getConversation(conversation.id)
    await harry.getConversation(conversation.id)
    const events = [next<[Pushed]>(jerry, "blocked"), next<[Pushed]>(jerry, "kicked")]
    const others = [next<[Pushed]>(harry, "membersblocked"), next<[Pushed]>(harry, "membersleft")]
    assert.deepStrictEqual(await conversation.blockMembers([jerryId]), {
      successfulClientIds: [jerryId],
      failures: []
    })
    assert.deepStrictEqual(
      (await Promise.all(events)).map(([payload]) => payload),
      [{ blockedBy: tomId }, { kickedBy: tomId }]
    )
    assert.deepStrictEqual(
      (await Promise.all(others)).map(([payload]) => payload),
      [
        { blockedBy: tomId, members: [jerryId] },
        { kickedBy: tomId, members: [jerryId] }
      ]
    )
    assert.strictEqual(await codeOf(ofJerry.send(new sdk.TextMessage("hello"))), 4401)
    assert.strictEqual(await codeOf(ofJerry.join()), 4315)
    assert.strictEqual(await codeOf(conversation.add([jerryId])), 4315)
    assert.deepStrictEqual((await conversation.queryBlockedMembers({})).results, [jerryId])

    const told = next<[Pushed]>(harry, "membersunblocked")
    await conversation.unblockMembers([jerryId])
    assert.deepStrictEqual((await told)[0], { unblockedBy: tomId, members: [jerryId] })
    await ofJerry.join()
    assert.deepStrictEqual((await tom.getConversation(conversation.id, true)).members.toSorted(), [
      harryId,
      jerryId,
      tomId
    ])
    await close()
  })

  it("are not blocked by other members; a client may be blocked before it logs in", async () => {
    const { jerry, tomId, harryId, jerryId, conversation, close } = await trio()
    const ofJerry = await jerry.getConversation(conversation.id)
    const later = `later-${jerryId}`
    assert.strictEqual(await codeOf(ofJerry.blockMembers([harryId])), 4308)
    assert.strictEqual(await codeOf(conversation.blockMembers([tomId])), 4308)
    assert.strictEqual(await codeOf(conversation.unblockMembers([later])), 4301)
    await conversation.blockMembers([later])
    assert.strictEqual(await codeOf(conversation.add([later])), 4315)
    assert.deepStrictEqual((await ofJerry.queryBlockedMembers({ limit: 5 })).results, [later])
    assert.strictEqual(await conversation.count(), 3)
    await close()
  })
})
