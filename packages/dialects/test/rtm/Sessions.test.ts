/** Logins, reconnection, tags and errors, with the published SDKs against a server on SQLite. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { createHmac } from "node:crypto"
import { type Client, codeOf, connect, cut, next, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

describe.each(sdks)("sessions of clients of the SDK %s", (version, sdk) => {
  const name = (id: string): string => `${id}-${version}`

  it.each([
    ["binary frames", false],
    ["base64 texts", true]
  ])("log in and out over %s", async (_, noBinary) => {
    const realtime = await connect(sdk, server, { noBinary })
    const tom = await realtime.createIMClient(name("tom"))
    assert.strictEqual(tom.id, name("tom"))
    assert.deepStrictEqual(await tom.ping([name("tom"), name("nobody")]), [name("tom")])
    const user = await server.parley.users.find(name("tom"))
    assert.strictEqual(user?.account, name("tom"))
    await tom.close()
    const jerry = await realtime.createIMClient(name("jerry"))
    assert.deepStrictEqual(await jerry.ping([name("tom")]), [])
    await jerry.close()
  })

  it("share one connection, each with its own session", async () => {
    const realtime = await connect(sdk, server)
    const clients = []
    for (const id of ["a", "b", "c", "d"]) clients.push(await realtime.createIMClient(name(id)))
    const ids = clients.map(({ id }) => id)
    for (const client of clients) assert.deepStrictEqual((await client.ping(ids)).toSorted(), ids)
    const [a, b, ...others] = clients
    await a?.close()
    assert.deepStrictEqual((await b?.ping(ids))?.toSorted(), ids.slice(1))
    for (const client of [b, ...others]) await client?.close()
  })

  it("refuses an unknown app, and client ids that cannot be accounts", async () => {
    assert.strictEqual(
      await codeOf((await connect(sdk, server, { appId: `none-${version}` })).createIMClient(name("tom"))),
      4100
    )
    assert.strictEqual(await codeOf((await connect(sdk, server)).createIMClient("two words")), 4103)
  })

  it("lets an app be its own users only, unless it may be all", async () => {
    const account = name("owner")
    await server.parley.users.addAll([{ account }])
    const own = await connect(sdk, server, { appId: `own-${version}` })
    const client = await own.createIMClient(name("new"))
    assert.strictEqual(await codeOf(own.createIMClient(account)), 4103)
    assert.deepStrictEqual(await client.ping([account, name("new")]), [name("new")])
    await client.close()
    const all = await (await connect(sdk, server)).createIMClient(account)
    assert.strictEqual(all.id, account)
    await all.close()
  })

  it("ends the earlier of two sessions with the same tag", async () => {
    const [first, second, other] = [await connect(sdk, server), await connect(sdk, server), await connect(sdk, server)]
    const earlier = await first.createIMClient(name("mobile"), { tag: "Mobile" })
    const pad = await other.createIMClient(name("mobile"), { tag: "Pad" })
    const conflict = next<[{ readonly reason: string }]>(earlier, "conflict")
    const later = await second.createIMClient(name("mobile"), { tag: "Mobile" })
    assert.match((await conflict)[0].reason, /logged in elsewhere/)
    assert.deepStrictEqual(await later.ping([name("mobile")]), [name("mobile")])
    assert.deepStrictEqual(await pad.ping([name("mobile")]), [name("mobile")])
    await later.close()
    await pad.close()
  })

  it("without a client id get a new one, which they keep when they open again", async () => {
    const anonymous = async (realtime: Awaited<ReturnType<typeof connect>>, options = {}): Promise<Client> =>
      (await realtime.createIMClient(undefined as never, options)) as Client
    const realtime = await connect(sdk, server)
    const [first, second] = [await anonymous(realtime), await anonymous(realtime)]
    const ids = [first.id, second.id]
    for (const id of ids) assert.match(id, /^anonymous-[0-9a-f]{32}$/)
    assert.notStrictEqual(first.id, second.id)
    const conversation = await first.createConversation({ members: [second.id], name: "Anonymous" })
    const message = next<[{ readonly text?: string; readonly from: string }]>(second, "message")
    await conversation.send(new sdk.TextMessage("hello"))
    const [{ from, text }] = await message
    assert.deepStrictEqual([from, text], [first.id, "hello"])
    await second.close()
    await cut(realtime, first)
    assert.strictEqual(first.id, ids[0])
    assert.deepStrictEqual(await first.ping(ids), [first.id])
    await first.close()

    // An app that requires signatures signs an empty client id.
    const appId = `anonymous-${version}`
    await server.parley.operate("rtm-app add", { id: appId, key: "secret", sign: "login" })
    const signing = await connect(sdk, server, { appId })
    assert.strictEqual(await codeOf(anonymous(signing)), 4102)
    const signed = (client: string) => async () => {
      const [timestamp, nonce] = [Date.now(), "nonce"]
      const signature = createHmac("sha1", "secret").update(`${appId}:${client}::${timestamp}:${nonce}`).digest("hex")
      return { timestamp, nonce, signature }
    }
    assert.strictEqual(await codeOf(anonymous(signing, { signatureFactory: signed("tom") })), 4102)
    const client = await anonymous(signing, { signatureFactory: signed("") })
    assert.match(client.id, /^anonymous-/)
    await client.close()
  })

  it("open again after the connection was cut, with the messages that came meanwhile counted", async () => {
    const realtime = await connect(sdk, server)
    const [tomId, jerryId] = [name("cut-tom"), name("cut-jerry")]
    const tom = await realtime.createIMClient(tomId, { tag: "Mobile" })
    const conversation = await tom.createConversation({ members: [jerryId], name: "Cut" })
    const jerry = await (await connect(sdk, server)).createIMClient(jerryId)
    const seen = await jerry.getConversation(conversation.id)
    const unread = next<[ReadonlyArray<{ readonly unreadMessagesCount: number }>]>(tom, "unreadmessagescountupdate")
    const cutting = cut(realtime, tom)
    await seen.send(new sdk.TextMessage("meanwhile"))
    await cutting
    assert.deepStrictEqual(
      (await unread)[0].map((one) => one.unreadMessagesCount),
      [1]
    )
    const message = next<[{ readonly text?: string }]>(tom, "message")
    await seen.send(new sdk.TextMessage("afterwards"))
    assert.strictEqual((await message)[0].text, "afterwards")
    await tom.close()
    await jerry.close()
  })
})
