/**
 * Users, groups and files of youdu over real sockets, with a client that sends and reads as the public SDKs do, beside
 * xuanxuan clients of the same users and groups. Source: PROTOCOLS, "youdu"; the public SDKs.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DEMO, open, openBytes, seal, sealBytes } from "../../dialects/test/youdu/Envelope.ts"
import { type Client, idsOf, online } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"

type Json = Readonly<Record<string, unknown>>

/** Reads as the Java SDK does: a missing or null field is an error. */
const field = <A extends "string" | "number" | "object">(json: Json, name: string, type: A): unknown => {
  assert.strictEqual(typeof json[name], type, `${name} in ${JSON.stringify(json)}`)
  assert.isNotNull(json[name])
  return json[name]
}

const arrayOf = (json: Json, name: string): ReadonlyArray<Json> => {
  assert.isTrue(Array.isArray(json[name]), `${name} in ${JSON.stringify(json)}`)
  return json[name] as ReadonlyArray<Json>
}

const fetched = (url: string, init: RequestInit): Effect.Effect<Response> =>
  Effect.tap(
    Effect.promise(() => fetch(url, init)),
    ({ status }) => Effect.sync(() => assert.strictEqual(status, 200))
  )

const posted = (url: string, body: object): Effect.Effect<Json> =>
  Effect.flatMap(
    fetched(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    (response) => Effect.promise(async () => (await response.json()) as Json)
  )

/** An app of the demonstration, as an SDK: the token in the query, envelopes around bodies, nothing in those of GET. */
const sdk = Effect.fnUntraced(function* (http: string) {
  const sealed = (content: string) => ({ buin: DEMO.buin, appId: DEMO.appId, encrypt: seal(content) })
  const opened = (response: Response): Effect.Effect<Json> =>
    Effect.promise(async () => {
      const { errcode, errmsg, encrypt } = (await response.json()) as Record<string, unknown>
      assert.deepStrictEqual([errcode, errmsg], [0, "ok"])
      return JSON.parse(open(String(encrypt)).text) as Json
    })
  const post = (path: string, body: unknown, query = "") =>
    fetched(`${http}/cgi/${path}${query}`, {
      method: "POST",
      headers: { "content-type": "application/json; charset=UTF-8", "content-encoding": "UTF-8" },
      body: JSON.stringify(body)
    })
  const now = String(Math.floor(Date.now() / 1000))
  const { accessToken } = yield* Effect.flatMap(post("gettoken", sealed(now)), opened)
  const token = `?accessToken=${String(accessToken)}`
  const ask = (path: string, fields: Json) => Effect.flatMap(post(path, sealed(JSON.stringify(fields)), token), opened)
  const get = (path: string, query = "") =>
    Effect.flatMap(fetched(`${http}/cgi/${path}${token}${query}`, { method: "GET" }), opened)
  return {
    ask,
    get,
    upload: (type: string, name: string, content: Uint8Array) => {
      const form = new FormData()
      form.append("buin", String(DEMO.buin))
      form.append("appId", DEMO.appId)
      form.append("encrypt", seal(JSON.stringify({ type, name })))
      form.append("file", new Blob([sealBytes(content)], { type: "text/plain" }), "file")
      return fetched(`${http}/cgi/media/upload${token}`, { method: "POST", body: form }).pipe(
        Effect.flatMap(opened),
        Effect.map((json) => String(field(json, "mediaId", "string")))
      )
    },
    download: Effect.fnUntraced(function* (mediaId: string) {
      const response = yield* post("media/get", sealed(JSON.stringify({ mediaId })), token)
      const header = response.headers.get("encrypt")
      assert.isNotNull(header)
      const { name, size } = JSON.parse(open(header).text) as { readonly name: string; readonly size: number }
      const content = openBytes(yield* Effect.promise(() => response.text()))
      assert.strictEqual(content.length, size)
      return { name, content }
    })
  }
})

/** Reads a user with every field that the Java SDK requires. */
const userIn = (json: Json) => {
  for (const name of ["gid", "gender"]) field(json, name, "number")
  for (const name of ["mobile", "phone", "email"]) field(json, name, "string")
  arrayOf(json, "attrs")
  const detail = arrayOf(json, "deptDetail")
  for (const one of detail) {
    for (const name of ["deptId", "weight", "sortId"]) field(one, name, "number")
    field(one, "position", "string")
  }
  return { userId: field(json, "userId", "string"), name: field(json, "name", "string"), dept: arrayOf(json, "dept") }
}

const lastPush = (client: Client, method: string) => client.pushes(method).at(-1)?.data as Json | undefined

const server = serveInProcess()

describe("youdu's organisation", () => {
  it.live("a group that an app makes is the same chat for chat clients", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const app = yield* sdk(http)
      const [alice, bob] = [yield* online(http, "alice"), yield* online(http, "bob")]
      const ids = idsOf(alice)
      const { id } = yield* app.ask("group/create", { name: "项目群" })
      const gid = String(id)
      yield* app.ask("group/addmember", { id, userList: ["alice", "bob"] })
      for (const client of [alice, bob])
        yield* client.until("the group", () => lastPush(client, "addMember")?.["gid"] === gid)
      yield* app.ask("group/update", { id, name: "新名" })
      for (const client of [alice, bob])
        yield* client.until("the name", () => lastPush(client, "changeName")?.["name"] === "新名")
      // Messages of the members reach each other, and a change of theirs is seen by the app.
      yield* alice.say(gid, "from alice")
      yield* bob.untilMessage("from alice")
      yield* alice.get("changename", { id: gid, name: "爱丽丝改的" })
      yield* alice.get("addmember", { gid, members: [{ id: ids.get("carol") }], join: true })
      const info = yield* app.get("group/info", `&id=${gid}`)
      assert.deepStrictEqual(
        [
          info["name"],
          field(info, "admin", "string"),
          arrayOf(info, "members").map((one) => field(one, "account", "string"))
        ],
        ["爱丽丝改的", "", ["alice", "bob", "carol"]]
      )
      const session = yield* app.get("session/get", `&sessionId=${gid}`)
      assert.deepInclude(session, { title: "爱丽丝改的", owner: "", member: ["alice", "bob", "carol"], version: 5 })
      // spark shows the same members; one who is not an admin may only request an admission there.
      const login = yield* posted(`${http}/auth/login`, { account: "alice", password: "123456" })
      const added = yield* posted(`${http}/session/AddMember?token=${String(login["token"])}`, {
        SessionId: gid,
        To: ["dave"]
      })
      assert.deepInclude(added, { SessionId: gid, Members: ["alice", "bob", "carol"], Pending: ["dave"] })
      const listed = arrayOf(yield* app.get("group/list", "&userId=carol"), "groupList")
      assert.deepInclude(listed, { id: gid, name: "爱丽丝改的" })
      yield* app.ask("group/delmember", { id, userList: ["bob"] })
      yield* bob.until(
        "the removal",
        () => (lastPush(bob, "addMember")?.["members"] as ReadonlyArray<unknown>)?.length === 2
      )
      assert.deepStrictEqual(yield* app.get("group/ismember", `&id=${gid}&userId=bob`), { belong: false })
      const chats = yield* bob.get<ReadonlyArray<{ readonly gid: string }>>("getlist")
      assert.isFalse(chats.some((chat) => chat.gid === gid))
      yield* app.get("group/delete", `&id=${gid}`)
      const left = yield* alice.get<ReadonlyArray<{ readonly gid: string }>>("getlist")
      assert.isFalse(left.some((chat) => chat.gid === gid))
    }).pipe(Effect.scoped)
  )

  it.live("a user that an app makes is a user for chat clients, until the app removes them", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const app = yield* sdk(http)
      const dave = yield* online(http, "dave")
      yield* app.ask("user/create", {
        userId: "wangwu",
        name: "王五",
        gender: 1,
        enableState: 0,
        attrs: null,
        dept: [5, 3],
        mobile: "13800000000",
        phone: "",
        email: ""
      })
      assert.deepStrictEqual(userIn(yield* app.get("user/get", "&userId=wangwu")), {
        userId: "wangwu",
        name: "王五",
        dept: [5, 3]
      } as never)
      // A client that was connected before gets the new user.
      yield* dave.until("the new user", () =>
        dave.pushes("userGetList").some(({ data }) => JSON.stringify(data).includes('"account":"wangwu"'))
      )
      const people = arrayOf(yield* app.get("user/list", "&deptId=3"), "userList").map(userIn)
      assert.deepStrictEqual(
        people.map(({ userId }) => userId),
        ["wangwu"]
      )
      const simple = arrayOf(yield* app.get("user/simplelist", "&deptId=5"), "userList")
      assert.deepStrictEqual(
        simple.map(({ gid, ...rest }) => (assert.strictEqual(typeof gid, "number"), rest)),
        [{ userId: "wangwu", name: "王五", gender: 1, dept: [5, 3] }]
      )
      const departments = arrayOf(yield* app.get("dept/list", "&id=0"), "deptList").map((one) =>
        field(one, "id", "number")
      )
      assert.deepStrictEqual(departments, [3, 5])
      const alice = yield* online(http, "alice")
      // A web application that was opened with a token of the user's.
      const identified = yield* fetched(`${http}/cgi/identify?token=${alice.sid()}`, { method: "GET" })
      const { status, userInfo } = (yield* Effect.promise(() => identified.json())) as Record<string, Json>
      assert.deepInclude(status, { code: 0 })
      for (const name of ["gid", "gender"]) field(userInfo ?? {}, name, "number")
      for (const name of ["mobile", "phone", "email"]) field(userInfo ?? {}, name, "string")
      assert.deepInclude(userInfo, { account: "alice", chsName: "Alice" })
      const userOf = Effect.map(
        alice.get<ReadonlyArray<{ readonly account: string; readonly realname: string; readonly dept: number }>>(
          "userGetlist"
        ),
        (users) => users.find(({ account }) => account === "wangwu")
      )
      assert.deepInclude(yield* userOf, { realname: "王五", dept: 5 })
      yield* app.ask("user/update", {
        userId: "wangwu",
        name: "王小五",
        gender: 1,
        mobile: "",
        phone: "",
        email: "",
        dept: []
      })
      assert.deepInclude(yield* userOf, { realname: "王小五", dept: 5 })
      const { sessionId } = yield* app.ask("session/create", {
        title: "T",
        creator: "wangwu",
        member: ["alice", "bob"]
      })
      yield* app.get("user/delete", "&userId=wangwu")
      assert.isUndefined(yield* userOf)
      const { owner, member } = yield* app.get("session/get", `&sessionId=${String(sessionId)}`)
      assert.deepStrictEqual([owner, member], ["alice", ["alice", "bob"]])
    }).pipe(Effect.scoped)
  )

  it.live("files are streamed sealed in both directions", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const app = yield* sdk(http)
      const content = Buffer.from(Array.from({ length: 3_000_001 }, (_, at) => (at * 131) % 251))
      const mediaId = yield* app.upload("image", "大图.png", content)
      assert.deepStrictEqual(yield* app.ask("media/search", { mediaId }), { name: "大图.png", size: content.length })
      const { name, content: found } = yield* app.download(mediaId)
      assert.strictEqual(name, "大图.png")
      assert.isTrue(found.equals(content))
    }).pipe(Effect.scoped)
  )
})
