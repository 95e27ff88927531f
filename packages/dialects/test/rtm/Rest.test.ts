/** The REST API for app servers, beside the published SDKs as clients. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { connect, next, type RtmServer, sdks, startServer } from "./harness.ts"
import { KEY, listIn, query, type Rest, type RestReply, restOf } from "./restClient.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer([], { login: true })
})
afterAll(() => server.close())

const NOT_FOUND = "5f1b2c3d4e5f6a7b8c9d0e1f"

/** Adds an app; returns its requests. */
const addApp = async (id: string, options: Readonly<Record<string, string | boolean>> = {}): Promise<Rest> => {
  await server.parley.operate("rtm-app add", { id, key: KEY, ...options })
  return restOf(server, id)
}

const codes = ({ status, json }: RestReply): ReadonlyArray<unknown> => [status, json.code, typeof json.error]

interface Text {
  readonly id: string
  readonly text?: string
  readonly from: string
  readonly timestamp: Date
}

describe.each(sdks)("an app server beside clients of the SDK %s", (version, sdk) => {
  const appId = `rest-${version}`
  const tomId = `tom-${version}`
  const jerryId = `jerry-${version}`
  let rest: Rest
  beforeAll(async () => {
    rest = await addApp(appId)
  })

  it("creates, finds, changes and deletes conversations", async () => {
    const tom = await (await connect(sdk, server, { appId })).createIMClient(tomId)
    const invited = next<[unknown, { readonly id: string }]>(tom, "invited")
    const body = { name: "Cheese", m: [jerryId, tomId], topic: { kind: "food" } }
    const created = await rest("POST", "conversations", body)
    assert.strictEqual(created.status, 200)
    const { objectId: id, createdAt, updatedAt } = created.json
    assert.deepInclude<object>(created.json, {
      name: "Cheese",
      m: [jerryId, tomId],
      topic: { kind: "food" },
      c: jerryId
    })
    assert.strictEqual(createdAt, updatedAt)
    const [, seen] = await invited
    assert.strictEqual(seen.id, id)

    const read = await rest("GET", `conversations/${id}`)
    assert.deepStrictEqual<unknown>(read.json, created.json)
    const renamed = next<[{ readonly attributes: unknown }]>(tom, "conversationinfoupdated")
    const updated = await rest("PUT", `conversations/${id}`, { name: "Gouda", "topic.kind": "cheese" })
    assert.deepStrictEqual<unknown>([updated.status, updated.json.objectId], [200, id])
    assert.deepStrictEqual<unknown>((await renamed)[0].attributes, { name: "Gouda", topic: { kind: "cheese" } })
    const removed = await rest("PUT", `conversations/${id}`, { topic: { __op: "Delete" } })
    assert.strictEqual(removed.status, 200)
    assert.notProperty((await rest("GET", `conversations/${id}`)).json, "topic")
    for (const change of [{}, { m: [tomId] }, { name: 7 }, { topic: { __op: "Increment", amount: 1 } }]) {
      assert.include([4301, 4306], (await rest("PUT", `conversations/${id}`, change)).json.code)
    }

    const unique = { m: [tomId, jerryId], unique: true }
    const [first, second] = [await rest("POST", "conversations", unique), await rest("POST", "conversations", unique)]
    assert.strictEqual(first.json.objectId, second.json.objectId)
    assert.deepInclude<object>(first.json, { unique: true, uniqueId: first.json.objectId })
    const mine = await tom.createConversation({ members: [jerryId], unique: true } as never)
    assert.strictEqual(mine.id, first.json.objectId)

    const byName = await rest("GET", `conversations${query({ where: { name: "Gouda" } })}`)
    assert.deepStrictEqual<unknown>(
      byName.json.results.map((one) => one.objectId),
      [id]
    )
    const all = await rest("GET", `conversations${query({ order: "createdAt", count: 1 })}`)
    assert.deepStrictEqual<unknown>(
      all.json.results.map((one) => one.objectId),
      [id, first.json.objectId]
    )
    assert.strictEqual(all.json.count, 2)
    const one = await rest("GET", `conversations${query({ order: "createdAt", skip: 1, limit: 1 })}`)
    assert.deepStrictEqual<unknown>(one.json.results, all.json.results.slice(1))
    const byMember = await rest("GET", `conversations${query({ where: { m: tomId, name: { $exists: false } } })}`)
    assert.lengthOf(byMember.json.results, 1)
    const byId = await rest("GET", `conversations${query({ where: { objectId: { $in: [id, NOT_FOUND] } } })}`)
    assert.lengthOf(byId.json.results, 1)

    assert.deepStrictEqual<unknown>(await rest("DELETE", `conversations/${id}`), { status: 200, json: {} })
    assert.deepStrictEqual<unknown>(codes(await rest("GET", `conversations/${id}`)), [404, 4303, "string"])
    assert.deepStrictEqual<unknown>(
      (
        await tom
          .getQuery()
          .equalTo("name" as never, "Gouda" as never)
          .find()
      ).length,
      0
    )
    await tom.close()
  })

  it("adds, removes and lists members, and those who muted, are silenced or blocked", async () => {
    const app = await another(appId)
    const tom = await (await connect(sdk, server, { appId: app })).createIMClient(tomId)
    const own = restOf(server, app)
    const { json } = await own("POST", "conversations", { name: "Members", c: "boss", m: [tomId] })
    const path = `conversations/${json.objectId}`
    assert.deepStrictEqual<unknown>((await own("GET", `${path}/members`)).json, { result: ["boss", tomId] })

    const joined = next<[{ readonly members: unknown; readonly invitedBy: unknown }]>(tom, "membersjoined")
    const added = await own("POST", `${path}/members`, { client_ids: ["spike@x", "tyke"] })
    assert.deepStrictEqual<unknown>([added.status, added.json.objectId], [200, json.objectId])
    assert.deepStrictEqual<unknown>((await joined)[0], { members: ["spike@x", "tyke"], invitedBy: "boss" })
    const left = next<[{ readonly members: unknown }]>(tom, "membersleft")
    await own("DELETE", `${path}/members`, { client_ids: ["tyke"] })
    assert.deepStrictEqual<unknown>((await left)[0].members, ["tyke"])

    assert.strictEqual((await own("POST", `${path}/mutes`, { client_ids: [tomId, "spike@x"] })).status, 200)
    assert.strictEqual((await own("DELETE", `${path}/mutes`, { client_ids: ["spike@x"] })).status, 200)
    assert.deepStrictEqual<unknown>((await own("GET", `${path}/mutes`)).json, { result: [tomId] })
    const conversation = await tom.getConversation(json.objectId, true as never)
    assert.strictEqual(conversation.muted, true)
    const notMember = await own("POST", `${path}/mutes`, { client_ids: ["boss", "tyke"] })
    assert.deepStrictEqual<unknown>(codes(notMember), [403, 4317, "string"])
    assert.deepStrictEqual<unknown>(
      (await own("GET", `${path}/mutes`)).json,
      { result: [tomId] },
      "nothing was half done"
    )

    const silenced = next(tom, "muted")
    assert.deepStrictEqual<unknown>(await own("POST", `${path}/permanent-silenceds`, { client_ids: [tomId] }), {
      status: 200,
      json: {}
    })
    await silenced
    assert.deepStrictEqual<unknown>((await own("GET", `${path}/permanent-silenceds`)).json, { client_ids: [tomId] })
    await own("DELETE", `${path}/permanent-silenceds`, { client_ids: [tomId] })
    assert.deepStrictEqual<unknown>((await own("GET", `${path}/permanent-silenceds`)).json, { client_ids: [] })

    await own("POST", `${path}/blacklists`, { client_ids: ["spike@x", "tyke", "butch"] })
    const page = (await own("GET", `${path}/blacklists${query({ limit: 2 })}`)).json
    assert.lengthOf(page.client_ids, 2)
    const rest2 = (await own("GET", `${path}/blacklists${query({ limit: 2, next: page.next })}`)).json
    assert.sameMembers([...page.client_ids, ...rest2.client_ids], ["spike@x", "tyke", "butch"])
    assert.notProperty(rest2, "next")
    const blocked = await own("POST", `${path}/members`, { client_ids: ["tyke"] })
    assert.deepStrictEqual<unknown>(codes(blocked), [403, 4315, "string"])
    await own("DELETE", `${path}/blacklists`, { client_ids: ["tyke"] })
    assert.strictEqual((await own("POST", `${path}/members`, { client_ids: ["tyke"] })).status, 200)

    // The owner too: ownership passes to the longest-standing member.
    assert.strictEqual((await own("DELETE", `${path}/members`, { client_ids: ["boss"] })).status, 200)
    assert.deepStrictEqual<unknown>((await own("GET", `${path}/members`)).json, { result: [tomId, "tyke"] })
    for (const ids of [undefined, [], "tom", [7], [""]]) {
      assert.deepStrictEqual<unknown>(codes(await own("POST", `${path}/members`, { client_ids: ids })), [
        400,
        4301,
        "string"
      ])
    }
    await tom.close()
  })

  it("sends, lists, changes and recalls messages", async () => {
    const app = await another(appId)
    const tom = await (await connect(sdk, server, { appId: app })).createIMClient(tomId)
    const rest = restOf(server, app)
    const { json } = await rest("POST", "conversations", { name: "Messages", m: [jerryId, tomId] })
    const path = `conversations/${json.objectId}/messages`
    const received = next<[Text]>(tom, "message")
    const text = JSON.stringify({ _lctype: -1, _lctext: "hello" })
    const sent = await rest("POST", path, { from_client: jerryId, message: text })
    const message = (await received)[0]
    assert.deepStrictEqual<unknown>([message.text, message.from, message.id], ["hello", jerryId, sent.json["msg-id"]])
    assert.strictEqual(message.timestamp.getTime(), sent.json.timestamp)
    assert.deepStrictEqual<unknown>(sent.json.result, { "msg-id": message.id, timestamp: sent.json.timestamp })

    const inCore = await server.parley.as(tomId).history({ gid: json.objectId })
    assert.deepStrictEqual(
      inCore.messages.map(({ content, contentType }) => [contentType, content]),
      [["text", "hello"]],
      "as every protocol has it"
    )

    const mention = next<[Text & { readonly mentioned: boolean; readonly mentionList: unknown }]>(tom, "message")
    await rest("POST", path, {
      from_client: jerryId,
      message: { _lctype: -1, _lctext: "you", _lcattrs: { n: 1 } },
      mention_client_ids: [tomId]
    })
    assert.deepStrictEqual<unknown>((await mention)[0].mentionList, [tomId])
    const passing = next<[Text]>(tom, "message")
    const transient = await rest("POST", path, { from_client: jerryId, message: text, transient: true })
    assert.deepStrictEqual<unknown>([(await passing)[0].id, transient.status], [transient.json["msg-id"], 200])

    const history = listIn(await rest("GET", path))
    assert.deepStrictEqual<unknown>(
      history.map((one) => [one["from"], one["conv-id"], one["bin"]]),
      history.map(() => [jerryId, json.objectId, false])
    )
    assert.deepStrictEqual<unknown>(
      history.map(({ data }) => JSON.parse(String(data))._lctext),
      ["you", "hello"]
    )
    const [newest, oldest] = history
    const between = async (start = newest, end = oldest, more: Record<string, unknown> = {}) => {
      const points = { msgid: start?.["msg-id"], timestamp: start?.["timestamp"] }
      const till = { till_msgid: end?.["msg-id"], till_timestamp: end?.["timestamp"] }
      return listIn(await rest("GET", path + query({ ...points, ...till, ...more }))).map((one) => one["msg-id"])
    }
    assert.deepStrictEqual<unknown>(await between(), [])
    assert.deepStrictEqual<unknown>(await between(newest, oldest, { include_start: true }), [newest?.["msg-id"]])
    assert.deepStrictEqual<unknown>(
      await between(oldest, newest, { include_start: true, include_stop: true, reversed: true }),
      [oldest?.["msg-id"], newest?.["msg-id"]]
    )
    assert.lengthOf(listIn(await rest("GET", `${path}?limit=1`)), 1)
    for (const limit of ["0", "1001", "x", "-1"]) {
      assert.strictEqual((await rest("GET", `${path}?limit=${limit}`)).status, 400)
    }

    const updated = next<[Text]>(tom, "messageupdate")
    const { timestamp, "msg-id": id } = sent.json
    const change = { from_client: jerryId, timestamp, message: JSON.stringify({ _lctype: -1, _lctext: "changed" }) }
    assert.deepStrictEqual<unknown>(await rest("PUT", `${path}/${id}`, change), { status: 200, json: {} })
    assert.deepStrictEqual<unknown>([(await updated)[0].text, (await updated)[0].id], ["changed", id])
    assert.deepStrictEqual<unknown>(codes(await rest("PUT", `${path}/${id}`, { ...change, from_client: tomId })), [
      403,
      4403,
      "string"
    ])
    for (const wrong of [
      { ...change, timestamp: timestamp - 1 },
      { ...change, timestamp: undefined }
    ]) {
      assert.deepStrictEqual<unknown>(codes(await rest("PUT", `${path}/${id}`, wrong)), [404, 4404, "string"])
    }
    const recalled = next<[Text]>(tom, "messagerecall")
    await rest("PUT", `${path}/${id}/recall`, { from_client: jerryId, timestamp })
    assert.strictEqual((await recalled)[0].id, id)
    assert.strictEqual((await rest("PUT", `${path}/${id}`, change)).json.code, 4404)

    const deleted = next<[Text]>(tom, "messagerecall")
    const own = await (await tom.getConversation(json.objectId)).send(new sdk.TextMessage("mine"))
    const query2 = query({ from_client: tomId, timestamp: String(own.timestamp.getTime()) })
    assert.deepStrictEqual<unknown>(await rest("DELETE", `${path}/${own.id}${query2}`), { status: 200, json: {} })
    assert.strictEqual((await deleted)[0].id, own.id)
    await tom.close()
  })

  it("knows who is online, counts unread messages, and logs clients out", async () => {
    const app = await another(appId)
    const own = restOf(server, app)
    const [ann, ben] = [`ann-${version}`, `ben-${version}`]
    const { json } = await own("POST", "conversations", { name: "Unread", m: [ann, ben] })
    await own("POST", `conversations/${json.objectId}/messages`, { from_client: ann, message: "plain" })
    assert.deepStrictEqual<unknown>((await own("GET", `clients/${ben}/unread-count`)).json, { count: 1 })
    const conv = query({ conv_id: json.objectId })
    assert.deepStrictEqual<unknown>((await own("GET", `clients/${ben}/unread-count${conv}`)).json, { count: 1 })
    assert.deepStrictEqual<unknown>((await own("GET", `clients/${ann}/unread-count${conv}`)).json, { count: 0 })
    assert.deepStrictEqual<unknown>(codes(await own("GET", "clients/nobody/unread-count")), [400, 4103, "string"])
    assert.strictEqual((await own("GET", `clients/${ben}/unread-count?conv_id=${NOT_FOUND}`)).status, 404)

    const asked = { client_ids: [ann, ben, "nobody"] }
    assert.deepStrictEqual<unknown>((await own("POST", "clients/check-online", asked)).json, { results: [] })
    const client = await (await connect(sdk, server, { appId: app })).createIMClient(ben)
    assert.deepStrictEqual<unknown>((await own("POST", "clients/check-online", asked)).json, { results: [ben] })
    const closed = next<[{ readonly code: unknown; readonly reason: unknown }]>(client, "close")
    assert.deepStrictEqual<unknown>(await own("POST", `clients/${ben}/kick`, { reason: "why" }), {
      status: 200,
      json: {}
    })
    const [{ code, reason }] = await closed
    assert.deepStrictEqual<unknown>([code, reason], [4115, "why"])
    assert.deepStrictEqual<unknown>((await own("POST", "clients/check-online", asked)).json, { results: [] })
    assert.strictEqual((await own("POST", `clients/${ben}/kick`, { reason: "x".repeat(21) })).status, 400)
  })
})

let others = 0
/** Adds another app with clients of its own. */
const another = async (appId: string): Promise<string> => {
  const id = `${appId}-${++others}`
  await addApp(id, { "all-users": true })
  return id
}

describe("requests of app servers", () => {
  it("need the master key, or a digest of it with a time", async () => {
    const rest = await addApp("keys")
    const md5 = (text: string): string => createHash("md5").update(text).digest("hex")
    const now = Date.now()
    const hour = 3_600_000
    const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await rest("GET", "conversations", undefined, headers)).status
    assert.strictEqual(await status({ "X-LC-Key": `${KEY},master` }), 200)
    assert.strictEqual(await status({ "X-LC-Sign": `${md5(now + KEY)},${now},master` }), 200)
    for (const headers of [
      {},
      { "X-LC-Key": KEY },
      { "X-LC-Key": `${KEY}x,master` },
      { "X-LC-Key": ",master" },
      { "X-LC-Key": `${KEY},master`.repeat(40) },
      { "X-LC-Key": `${KEY},master`, "X-LC-Id": "none" },
      { "X-LC-Sign": `${md5(now + KEY)},${now}` },
      { "X-LC-Sign": `${md5(now + KEY)},${now + 1},master` },
      { "X-LC-Sign": `${md5(now + KEY).toUpperCase()},${now},master` },
      { "X-LC-Sign": `${md5(now - 7 * hour + KEY)},${now - 7 * hour},master` },
      { "X-LC-Sign": `${md5(`${now}x`)},${now},master`, "X-LC-Key": `${KEY},master` }
    ]) {
      assert.strictEqual(await status(headers as Readonly<Record<string, string>>), 401, JSON.stringify(headers))
    }
    const wrong = await rest("POST", "conversations", { m: ["ann"] }, { "X-LC-Key": "wrong,master" })
    assert.deepStrictEqual<unknown>(codes(wrong), [401, 4102, "string"])
    assert.isUndefined(await server.parley.users.find("ann-of-nobody"))
    const unknown = await restOf(server, "unknown-app")("GET", "conversations")
    assert.deepStrictEqual<unknown>(codes(unknown), [401, 4100, "string"])
  })

  it("reach only what clients of the app could do", async () => {
    const [one, other] = [await addApp("one"), await addApp("other")]
    const { json } = await one("POST", "conversations", { name: "Private", m: ["one-a", "one-b"] })
    const path = `conversations/${json.objectId}`
    for (const [method, suffix, body] of [
      ["GET", "", undefined],
      ["PUT", "", { name: "Mine" }],
      ["DELETE", "", undefined],
      ["GET", "/members", undefined],
      ["POST", "/members", { client_ids: ["other-a"] }],
      ["DELETE", "/members", { client_ids: ["one-b"] }],
      ["GET", "/mutes", undefined],
      ["POST", "/blacklists", { client_ids: ["one-b"] }],
      ["GET", "/messages", undefined],
      ["POST", "/messages", { from_client: "one-a", message: "forged" }],
      ["PUT", "/messages/0000000000000001", { from_client: "one-a", timestamp: 1, message: "x" }]
    ] as const) {
      const reply = await other(method, path + suffix, body)
      assert.deepStrictEqual<unknown>([reply.status, typeof reply.json.error], [404, "string"], `${method} ${suffix}`)
    }
    const where = query({ where: { objectId: json.objectId } })
    assert.deepStrictEqual<unknown>((await other("GET", `conversations${where}`)).json.results, [])
    assert.deepStrictEqual<unknown>(
      (await other("GET", `conversations${query({ where: { m: "one-a" } })}`)).json.results,
      []
    )
    assert.deepStrictEqual<unknown>((await other("GET", "conversations")).json.results, [])
    assert.strictEqual((await other("POST", "clients/one-a/kick", {})).status, 400)
    assert.deepStrictEqual<unknown>(codes(await other("POST", "conversations", { m: ["one-a"] })), [
      400,
      4103,
      "string"
    ])
    assert.deepStrictEqual<unknown>((await one("GET", `${path}/members`)).json, { result: ["one-a", "one-b"] })
    assert.lengthOf(listIn(await one("GET", `${path}/messages`)), 0)
    // A sender who is not a member is refused: no rule is left out.
    await one("POST", "conversations", { m: ["one-c"] })
    const stranger = await one("POST", `${path}/messages`, { from_client: "one-c", message: "x" })
    assert.deepStrictEqual<unknown>(codes(stranger), [404, 4401, "string"])
  })

  it("are refused with a reason if they cannot be read, and change nothing", async () => {
    const rest = await addApp("garbage")
    const { json } = await rest("POST", "conversations", { name: "Kept", m: ["g-a"] })
    const path = `conversations/${json.objectId}`
    const bodies = ["{", "[]", "null", '"text"', "7", '{"name":', "\u0000", '{"m":["g-b"],"m2":}']
    for (const body of bodies) {
      for (const [method, target] of [
        ["POST", "conversations"],
        ["PUT", path],
        ["POST", `${path}/members`],
        ["DELETE", `${path}/members`],
        ["POST", `${path}/messages`]
      ] as const) {
        const reply = await rest(method, target, body)
        assert.strictEqual(reply.status, 400, `${method} ${target} ${body}`)
        assert.isString(reply.json.error)
      }
    }
    const form = await fetch(`${server.http}/1.2/rtm/conversations`, {
      method: "POST",
      headers: { "X-LC-Id": "garbage", "X-LC-Key": `${KEY},master` },
      body: new URLSearchParams({ m: "g-a" })
    })
    assert.strictEqual(form.status, 400)
    const large = await rest("POST", "conversations", { m: ["g-a"], x: "x".repeat(2_000_000) })
    assert.include([400, 413], large.status)
    for (const body of [
      {},
      { m: [] },
      { m: "g-a" },
      { m: [7] },
      { m: ["two words"] },
      { m: ["g-a"], unique: "yes" },
      { m: ["g-a"], tr: true },
      { m: ["g-a"], sys: true },
      { m: ["g-a"], objectId: "x" },
      { m: ["g-a"], name: 7 },
      { c: {} }
    ]) {
      const reply = await rest("POST", "conversations", body)
      assert.include([400, 403], reply.status, JSON.stringify(body))
      assert.isNumber(reply.json.code)
    }
    for (const where of ["{", "[]", '{"a":{"$near":1}}']) {
      assert.deepStrictEqual<unknown>(codes(await rest("GET", `conversations${query({ where })}`)), [
        400,
        4310,
        "string"
      ])
    }
    for (const values of [{ skip: "-1" }, { limit: "x" }, { order: "a,b,c,d,e,f,g,h,i,j,k" }]) {
      assert.deepStrictEqual<unknown>(codes(await rest("GET", `conversations${query(values)}`)), [400, 4310, "string"])
    }
    for (const id of ["x", NOT_FOUND, "000000000000000000000001", "%00", "..%2f"]) {
      assert.deepStrictEqual<unknown>([id, (await rest("GET", `conversations/${id}`)).status], [id, 404])
    }
    assert.strictEqual((await rest("PATCH", path, {})).status, 405)
    assert.strictEqual((await rest("GET", "nothing")).status, 404)
    const all = (await rest("GET", "conversations")).json.results
    assert.deepStrictEqual<unknown>([all.length, all[0]?.name, all[0]?.m], [1, "Kept", ["g-a"]])
  })

  it("sign logins for users with a token of ours, without the master key", async () => {
    const rest = await addApp("signing", { "all-users": true, sign: "login" })
    await server.parley.users.addAll([{ account: "signed-ann", password: "correct horse battery" }])
    const login = await fetch(`${server.http}/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ account: "signed-ann", password: "correct horse battery" })
    })
    const { token } = (await login.json()) as { readonly token: string }
    const signed = await rest("GET", `clients/sign${query({ session_token: token })}`, undefined, {})
    assert.deepStrictEqual<unknown>([signed.status, signed.json.client_id], [200, "signed-ann"])
    for (const [, sdk] of sdks) {
      const signatureFactory = async () => {
        const { json } = await rest("GET", `clients/sign${query({ session_token: token })}`, undefined, {})
        return { signature: json.signature, timestamp: json.timestamp, nonce: json.nonce }
      }
      const realtime = await connect(sdk, server, { appId: "signing" })
      const client = await realtime.createIMClient("signed-ann", { signatureFactory } as never)
      assert.strictEqual(client.id, "signed-ann")
      await client.close()
    }
    // The SDK asks for it itself, given a user who is logged in.
    const [, sdk5] = sdks[1] ?? []
    if (sdk5 === undefined) return assert.fail("no SDK")
    await addApp("signing-user", { "all-users": true, sign: "login" })
    const asUser = await connect(sdk5, server, { appId: "signing-user" })
    const user = { id: "signed-ann", getSessionToken: () => token }
    const loggedIn = await asUser.createIMClient(user as never)
    assert.strictEqual(loggedIn.id, "signed-ann")
    await loggedIn.close()
    const refused = await rest("GET", `clients/sign${query({ session_token: `${token}x` })}`, undefined, {})
    assert.deepStrictEqual<unknown>(codes(refused), [401, 4105, "string"])
  })
})
