/** youdu on a running server, beside xuanxuan clients of the same groups. Source: seeds/004; PROTOCOLS, "youdu". */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import { type Client, idsOf, online } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"
import { runExamples } from "./runExamples.ts"

interface SessionJson {
  readonly errcode: number
  readonly sessionId: string
  readonly title: string
  readonly owner: string
  readonly creator: string
  readonly version: number
  readonly member: ReadonlyArray<string>
}

/** The demonstration's app. */
const BUIN = 14797363
const APP = "yd-demo"
const KEY = Buffer.from("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "base64")

const seal = (text: string, app: string = APP, key: Buffer = KEY): string => {
  const content = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const plain = Buffer.concat([randomBytes(16), length, content, Buffer.from(app)])
  const missing = 32 - (plain.length % 32)
  const cipher = createCipheriv("aes-256-cbc", key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(plain), cipher.update(Buffer.alloc(missing, missing)), cipher.final()]).toString(
    "base64"
  )
}

const open = (sealed: string, key: Buffer = KEY): unknown => {
  const decipher = createDecipheriv("aes-256-cbc", key, key.subarray(0, 16)).setAutoPadding(false)
  const plain = Buffer.concat([decipher.update(Buffer.from(sealed, "base64")), decipher.final()])
  return JSON.parse(plain.subarray(20, 20 + plain.readUInt32BE(16)).toString("utf8"))
}

/** Sends a request like the SDKs. */
const ask = <A>(url: string, body?: object): Effect.Effect<A> =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json", "content-encoding": "UTF-8" },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    assert.strictEqual(response.status, 200)
    return (await response.json()) as A
  })

const admin = Effect.fnUntraced(function* (http: string) {
  const login = yield* Effect.promise(() =>
    fetch(`${http}/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ account: "admin", password: "123456" })
    })
  )
  const { token } = yield* Effect.promise(async () => (await login.json()) as { readonly token: string })
  const url = (name: string, more = "") => `${http}/cgi/session/${name}?accessToken=${token}${more}`
  return {
    token,
    create: (title: string, creator: string, ...member: ReadonlyArray<string>) =>
      ask<SessionJson>(url("create"), { title, creator, type: null, member }),
    update: (body: object) => ask<SessionJson>(url("update"), body),
    get: (sessionId: string) => ask<SessionJson>(url("get", `&sessionId=${sessionId}`))
  }
})

const server = serveInProcess()

interface Pushed {
  readonly gid: string
  readonly name: string
  readonly version: number
  readonly members: ReadonlyArray<{ readonly id: number }>
}

const lastPush = (client: Client, method: string): Pushed | undefined =>
  client.pushes(method).at(-1)?.data as Pushed | undefined

describe("youdu beside xuanxuan", () => {
  it.live("a session is pushed at once as a group to its members' chat clients", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const app = yield* admin(http)
      const [alice, bob, dave] = [yield* online(http, "alice"), yield* online(http, "bob"), yield* online(http, "dave")]
      const ids = idsOf(alice)
      const idOf = (account: string): number => ids.get(account) ?? 0
      const { sessionId, version } = yield* app.create("Team", "alice", "bob", "carol")
      assert.strictEqual(version, 1)
      for (const client of [alice, bob]) {
        yield* client.until("the group", () => lastPush(client, "create")?.gid === sessionId)
        assert.strictEqual(lastPush(client, "create")?.name, "Team")
      }
      assert.strictEqual(dave.pushes("create").length, 0)
      const change = { sessionId, opUser: "alice", title: "Crew", addMember: ["dave"], delMember: ["bob"] }
      assert.deepInclude(yield* app.update(change), { version: 2, member: ["alice", "carol", "dave"] })
      for (const client of [alice, bob, dave]) {
        yield* client.until("the change", () => lastPush(client, "changeName")?.gid === sessionId)
        const members = (lastPush(client, "addMember")?.members ?? []).map(({ id }) => id)
        assert.deepStrictEqual(members, ["alice", "carol", "dave"].map(idOf))
      }
    }).pipe(Effect.scoped)
  )

  it.live("version rises with changes of chat clients, and owner and members follow", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const app = yield* admin(http)
      const alice = yield* online(http, "alice")
      const ids = idsOf(alice)
      const { sessionId } = yield* app.create("Team", "alice", "bob", "carol", "dave")
      yield* alice.get("changename", { id: sessionId, name: "Renamed" })
      assert.deepInclude(yield* app.get(sessionId), { title: "Renamed", version: 2 })
      yield* alice.get("addmember", { gid: sessionId, members: [{ id: ids.get("bob") }], join: false })
      assert.deepInclude(yield* app.get(sessionId), { version: 3, member: ["alice", "carol", "dave"] })
      // Messages do not change the session.
      yield* alice.say(sessionId, "hello")
      assert.strictEqual((yield* app.get(sessionId)).version, 3)
      yield* alice.get("joinchat", { gid: sessionId, join: false })
      assert.deepInclude(yield* app.get(sessionId), { version: 4, owner: "carol", creator: "alice" })
    }).pipe(Effect.scoped)
  )

  it.live("an added app uses the envelope, from gettoken on", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { http } = yield* serve(cwd, "--demo")
      const key = randomBytes(32)
      const mine = ["--buin", "7", "--app-id", "mine"]
      const added = yield* runInProcess(cwd, [
        "youdu-app",
        "add",
        ...mine,
        "--key",
        key.toString("base64"),
        "--org",
        "1"
      ])
      assert.deepInclude(added, { code: 0, out: "added app 7/mine of organisation 1, with the user yd-7-mine\n" })
      const listed = yield* runInProcess(cwd, ["youdu-app", "list"])
      assert.deepStrictEqual(
        listed.out
          .trim()
          .split("\n")
          .map((line) => line.split(/ +/)),
        [
          ["app", "org", "callback", "state"],
          ["14797363/yd-demo", "1"],
          ["7/mine", "1"]
        ]
      )
      const apps = [
        { buin: BUIN, appId: APP, key: KEY },
        { buin: 7, appId: "mine", key }
      ]
      for (const { buin, appId, key: own } of apps) {
        const envelope = (text: string) => ({ buin, appId, encrypt: seal(text, appId, own) })
        const unsealed = <A>(url: string, body?: object): Effect.Effect<A> =>
          Effect.map(ask<{ readonly errcode: number; readonly encrypt: string }>(url, body), ({ errcode, encrypt }) => {
            assert.strictEqual(errcode, 0)
            return open(encrypt, own) as A
          })
        const now = String(Math.floor(Date.now() / 1000))
        const { accessToken, expireIn } = yield* unsealed<{ readonly accessToken: string; readonly expireIn: number }>(
          `${http}/cgi/gettoken`,
          envelope(now)
        )
        assert.strictEqual(expireIn, 7200)
        const creation = JSON.stringify({ title: "t", creator: "alice", type: null, member: ["bob", "carol"] })
        const made = yield* unsealed<SessionJson>(
          `${http}/cgi/session/create?accessToken=${accessToken}`,
          envelope(creation)
        )
        const got = yield* unsealed<SessionJson>(
          `${http}/cgi/session/get?accessToken=${accessToken}&sessionId=${made.sessionId}`
        )
        assert.deepStrictEqual(got, made)
      }
      assert.deepInclude(yield* runInProcess(cwd, ["youdu-app", "remove", ...mine]), { code: 0 })
      const refused = yield* ask<{ readonly errcode: number }>(`${http}/cgi/gettoken`, {
        buin: 7,
        appId: "mine",
        encrypt: seal(String(Math.floor(Date.now() / 1000)), "mine", key)
      })
      assert.strictEqual(refused.errcode, 401)
    }).pipe(Effect.scoped)
  )

  it.live("an SDK sends for users and as its app, and everyone's chat client has it at once", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const envelope = (text: string) => ({ buin: BUIN, appId: APP, encrypt: seal(text) })
      type Sealed = { readonly errcode: number; readonly errmsg: string; readonly encrypt: string }
      const { encrypt } = yield* ask<Sealed>(`${http}/cgi/gettoken`, envelope(String(Math.floor(Date.now() / 1000))))
      const { accessToken } = open(encrypt) as { readonly accessToken: string }
      const post = (path: string, body: object) =>
        Effect.map(
          ask<Sealed>(`${http}/cgi/${path}?accessToken=${accessToken}`, envelope(JSON.stringify(body))),
          (reply) => (reply.errcode === 0 ? open(reply.encrypt) : reply) as Readonly<Record<string, string>>
        )
      const [alice, bob] = [yield* online(http, "alice"), yield* online(http, "bob")]
      const members = { creator: "alice", member: ["bob", "carol"], type: "multi" }
      const { sessionId } = yield* post("session/create", { title: "Team", ...members })

      // As the Java SDK sends: only what is needed.
      yield* post("session/send", { sender: "alice", receiver: "bob", msgType: "text", text: { content: "java" } })
      yield* bob.untilMessage("java")
      // As the PHP SDK sends: absent values are null.
      const php = { sessionId, receiver: null, sender: "bob", msgType: "text", text: { content: "php" } }
      yield* post("session/send", php)
      yield* alice.untilMessage("php")
      assert.strictEqual(alice.delivered.at(-1)?.cgid, sessionId)
      // As a Go SDK sends: all fields, mostly empty.
      const empty = {
        image: { media_id: "" },
        mpnews: null,
        link: { title: "", url: "" },
        sysMsg: { title: "", msg: null }
      }
      const go = { toUser: "alice|bob", toDept: "", msgType: "text", text: { content: "go" }, toAll: {}, ...empty }
      const { id } = yield* post("msg/send", go)
      for (const client of [alice, bob]) {
        yield* client.untilMessage("go")
        assert.isTrue(client.delivered.at(-1)?.gid.startsWith(`${id}-`))
      }
      // The chat with the app is a direct chat like all others: users answer in it.
      const chats = yield* alice.get<ReadonlyArray<{ readonly gid: string; readonly type: string }>>("getlist")
      const chat = chats.find(({ gid }) => gid === alice.delivered.at(-1)?.cgid)
      assert.strictEqual(chat?.type, "one2one")
      yield* alice.say(chat?.gid ?? "", "thanks")
      const users = yield* alice.get<ReadonlyArray<{ readonly account: string; readonly role: string }>>("userGetList")
      assert.deepInclude(
        users.find(({ account }) => account === `yd-${BUIN}-${APP}`),
        { role: "app" }
      )
      // A picture that was uploaded is shared with each recipient, who downloads it through any protocol.
      const form = new FormData()
      form.append("type", "image")
      form.append("file", new Blob(["a picture"]), "图.png")
      const { token } = yield* admin(http)
      const uploaded = yield* Effect.promise(() =>
        fetch(`${http}/cgi/media/upload?accessToken=${token}`, { method: "POST", body: form })
      )
      const { mediaId } = yield* Effect.promise(async () => (await uploaded.json()) as Record<string, string>)
      const image = { buin: BUIN, appId: APP, toUser: "alice", msgType: "image", image: { media_id: mediaId } }
      const shared = yield* ask<{ readonly id: string }>(`${http}/cgi/msg/send?accessToken=${token}`, image)
      const isShared = ({ gid }: { readonly gid: string }) => gid.startsWith(shared.id)
      yield* alice.until("the picture", () => alice.delivered.some(isShared))
      const content = JSON.parse(alice.delivered.find(isShared)?.content ?? "") as Record<string, string | number>
      assert.deepInclude(content, { name: "图.png", size: 9 })
      const download = yield* Effect.promise(async () => {
        const response = await fetch(`${http}${content["url"]}`, {
          headers: { authorization: `Bearer ${alice.sid()}` }
        })
        return response.text()
      })
      assert.strictEqual(download, "a picture")
      const refused = yield* post("msg/send", { ...go, toUser: "nobody" })
      assert.deepInclude(refused as object, {
        errcode: 404,
        errmsg: "There are no such users: nobody (toUser).",
        encrypt: ""
      })
    }).pipe(Effect.scoped)
  )

  it.live("a guessable token in the configuration is refused at the start", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const args = ["serve", "--port", "0", "--tcp-port", "off", "--database", "memory:", "--set", "youdu.token=secret"]
      const { code, err } = yield* runInProcess(cwd, args)
      assert.notStrictEqual(code, 0)
      assert.match(err, /youdu\.token must have at least 32 characters/)
    }).pipe(Effect.scoped)
  )

  it.live("docs/protocols/youdu.md shows actual responses", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const page = new URL("../../../docs/protocols/youdu.md", import.meta.url)
      assert.deepStrictEqual(yield* runExamples(page, http, ["sessionId", "encrypt", "accessToken", "id", "gid"]), [])
    }).pipe(Effect.scoped)
  )
})
