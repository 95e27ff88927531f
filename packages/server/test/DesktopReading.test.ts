/**
 * The 1.0 desktop client against the server, over TCP and HTTP: what its handlers read from every response and push. See
 * `desktop/Reading.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Client, idsOf, newGid, online, PASSWORD } from "./clients.ts"
import { desktopClient } from "./desktop/client.ts"
import { configuration, jsonOf, upload } from "./desktop/http.ts"
import { serveInProcess } from "./inProcess.ts"

/** About the bytes of a TCP segment on Ethernet: most chunks end within a character of a long text. */
const SEGMENT = 1400

const posted = (body: object): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body)
})

/** Starts the server; `connect` does what the client does before its login: it asks for the configuration. */
const started = Effect.fnUntraced(function* (settings: Readonly<Record<string, string | number>> = {}) {
  const server = yield* serveInProcess(settings)
  const connect = Effect.gen(function* () {
    const config = yield* configuration(server.http)
    assert.deepStrictEqual([config.requestType, config.sessionName], ["PATH_INFO", "sid"])
    return yield* desktopClient(`tcp://${config.ip}:${config.port}`, SEGMENT)
  })
  return { ...server, connect }
})

const sends = (client: Client, cgid: string, contentType: string, content: unknown): Effect.Effect<string> => {
  const gid = newGid()
  return Effect.as(client.get("message", [{ gid, cgid, contentType, content }]), gid)
}

describe("the 1.0 desktop client", () => {
  it.live("reads everything that happens in its chats", () =>
    Effect.gen(function* () {
      const { http, connect } = yield* started()
      const carol = yield* online(http, "carol")
      const id = (account: string): number => idsOf(carol).get(account) ?? 0
      const [alice, bob] = [yield* connect, yield* connect]

      const wrong = yield* connect
      yield* wrong.login("alice", "wrong")
      assert.isNotEmpty(wrong.reading.loginFailure)

      yield* alice.login("alice")
      const { reading } = alice
      yield* bob.login("bob")
      yield* alice.until("bob's status", ({ users }) => users.get(id("bob"))?.status === "online")
      assert.strictEqual(reading.users.get(id("admin"))?.admin, "super")
      assert.strictEqual(reading.users.get(id("bob"))?.admin, "no")
      bob.send("userchangestatus", ["busy"])
      yield* alice.until("bob's new status", ({ users }) => users.get(id("bob"))?.status === "busy")

      // A group, its name and its members.
      const gid = newGid()
      alice.send("create", [gid, "读书会", "group", [id("alice"), id("bob"), id("carol")], 0, true])
      yield* alice.until("the group", ({ chats }) => chats.has(gid))
      yield* bob.until("the group", ({ chats }) => chats.get(gid)?.name === "读书会")
      const noticeOf = (name: string) => (one: typeof reading) =>
        [...one.messages.values()].some(
          ({ type, content, cgid }) => type === "broadcast" && cgid === gid && content.includes(name)
        )
      alice.send("changeName", [gid, "晨读"])
      yield* alice.until("its own notice", noticeOf("晨读"))
      yield* bob.until("the notice", noticeOf("晨读"))
      yield* carol.get("changename", [gid, "夜读"])
      yield* alice.until("carol's notice", noticeOf("夜读"))
      assert.strictEqual(reading.chats.get(gid)?.name, "夜读")
      assert.notInclude(JSON.stringify(carol.received), "broadcast")
      const members = (one: typeof reading) => [...(one.chats.get(gid)?.members ?? [])].sort((a, b) => a - b)
      const all = [id("alice"), id("bob"), id("carol")].sort((a, b) => a - b)
      yield* carol.get("joinchat", [gid, false])
      yield* alice.until("carol's leave", (one) => members(one).length === 2)
      yield* carol.get("joinchat", [gid, true])
      yield* alice.until("carol's join", (one) => members(one).length === 3)
      assert.deepStrictEqual(members(reading), all)
      alice.send("addmember", [gid, [id("bob")], false])
      yield* bob.until("his removal", ({ chats }) => !chats.has(gid))
      bob.send("getPublicList")
      yield* bob.until("the public chats", ({ publicChats }) => publicChats.includes(gid))
      bob.send("joinchat", [gid, true])
      yield* bob.until("the group again", ({ chats }) => chats.has(gid))
      bob.send("joinchat", [gid, false])
      yield* bob.until("his leave", ({ chats }) => !chats.has(gid))
      bob.send("addmember", [gid, [id("bob")], true])
      yield* bob.until("the group a third time", ({ chats }) => chats.has(gid))
      yield* alice.until("bob's join", (one) => members(one).length === 3)

      // The caller's flags, and the whitelist.
      alice.send("star", [gid, true])
      alice.send("hide", [gid, true])
      alice.send("changePublic", [gid, false])
      alice.send("setCommitters", [gid, `${id("alice")},${id("carol")}`])
      yield* bob.until("the whitelist", ({ chats }) => chats.get(gid)?.committers === `${id("alice")},${id("carol")}`)
      assert.isFalse(bob.reading.chats.get(gid)?.public)
      alice.send("setCommitters", [gid, "$ALL"])
      yield* alice.until("its flags", ({ chats }) => chats.get(gid)?.committers === "$ALL")
      assert.deepInclude(reading.chats.get(gid), { star: true, hide: true, public: false })

      // Content of other clients, and recalls.
      const link = "https://example.org/图/a.png?size=2"
      const image = yield* sends(carol, gid, "image", { id: 5 })
      const placeholder = yield* sends(carol, gid, "image", { type: "placeholder" })
      const file = yield* sends(carol, gid, "file", { url: link })
      yield* sends(carol, gid, "emotion", ":smile:")
      yield* sends(carol, gid, "object", { type: "url" })
      const { token } = yield* jsonOf(`${http}/auth/login`, posted({ account: "carol", password: PASSWORD }))
      const spark = (path: string, body: object) =>
        jsonOf(`${http}${path}?token=${String(token)}`, posted({ SessionId: gid, ...body }))
      const { MessageId } = yield* spark("/message/push", { Type: 1, Content: link })
      const isRecalled = (gids: ReadonlyArray<unknown>) => (one: typeof reading) =>
        gids.every((one_) => {
          const message = one.messages.get(String(one_))
          return message?.contentType === "text" && message.content === ""
        })
      yield* alice.until("the link", ({ messages }) => messages.has(String(MessageId)))
      const recalled = [image, file, String(MessageId)]
      for (const MessageId of recalled) yield* spark("/message/remove", { MessageId })
      yield* alice.until("the recalls", isRecalled(recalled))

      // Files over HTTP.
      const { data } = yield* upload(http, reading.sid, gid, "截图.png", "an image")
      const [uploaded] = data as ReadonlyArray<{ readonly id: number; readonly title: string }>
      assert.strictEqual(uploaded?.title, "截图.png")
      const sent = newGid()
      for (const content of [
        { name: "x.png", size: 8, send: 0, type: "image/png", id: null },
        { name: "x.png", size: 8, send: true, type: "image/png", ...uploaded }
      ]) {
        const message = {
          gid: sent,
          cgid: gid,
          type: "normal",
          contentType: "image",
          content: JSON.stringify(content),
          date: "",
          user: id("alice")
        }
        alice.send("message", { messages: [message] })
      }
      yield* bob.until("the image", ({ messages }) => messages.get(sent)?.content.includes('"send":true') === true)
      const download = yield* Effect.promise(() =>
        fetch(`${http}/attach-download-${uploaded?.id}.json?sid=${bob.reading.sid}`)
      )
      assert.strictEqual(yield* Effect.promise(() => download.text()), "an image")

      // The whole history, page by page as the client asks for it.
      reading.messages.clear()
      alice.send("history", [gid, 20, 1, 0, true])
      yield* alice.until("the history", ({ messages }) => messages.has(sent) && messages.has(placeholder))
      assert.isTrue(isRecalled(recalled)(reading))

      // Users who are created while it is connected, and a group that ends.
      const group = { member_client_ids: "alice:newcomer-1", organization_id: 2, conversion_id: "desktop" }
      const { group_id } = yield* jsonOf(`${http}/im/group`, posted(group))
      yield* alice.until("the group of hisihi", ({ chats }) => [...chats.values()].some(({ name }) => name === "群聊"))
      yield* jsonOf(`${http}/im/group/${String(group_id)}/member`, posted({ member_client_ids: "newcomer-2" }))
      const ofHisihi = (one: typeof reading) => [...one.chats.values()].find(({ name }) => name === "群聊")
      yield* alice.until("the second newcomer", (one) => ofHisihi(one)?.members.size === 3)
      const accounts = [...reading.users.values()].map(({ account }) => account)
      assert.includeMembers(accounts, ["newcomer-1", "newcomer-2"])
      yield* Effect.promise(() => fetch(`${http}/im/group/${String(group_id)}`, { method: "DELETE" }))
      yield* alice.until("its end", (one) => ofHisihi(one) === undefined)

      bob.send("logout")
      yield* alice.until("bob's logout", ({ users }) => users.get(id("bob"))?.status === "offline")
      const again = yield* connect
      yield* again.login("alice")
      yield* alice.until("the login elsewhere", ({ kickedOff }) => kickedOff !== undefined)
      yield* alice.untilEnded
      for (const one of [alice, bob, wrong, again]) assert.deepStrictEqual(one.reading.problems, [])
      // Every handler of the client has read something.
      const methods = new Set([...reading.methods, ...bob.reading.methods])
      assert.includeMembers([...methods], Object.keys(reading.handlers).concat("kickoff"))
    }).pipe(Effect.scoped)
  )

  it.live("reads a long Chinese history that arrives in chunks of 1,400 bytes, each decoded by itself", () =>
    Effect.gen(function* () {
      const { http, connect } = yield* started()
      const carol = yield* online(http, "carol")
      const alice = yield* connect
      yield* alice.login("alice")
      const gid = newGid()
      yield* carol.get("create", [gid, "长", "group", [idsOf(carol).get("alice")]])
      yield* alice.until("the group", ({ chats }) => chats.has(gid))
      const texts = Array.from({ length: 20 }, (_, nth) => `第${nth}条：${"你好，世界😀é".repeat(400)}`)
      yield* carol.say(gid, ...texts)
      const contents = () => [...alice.reading.messages.values()].map(({ content }) => content)
      yield* alice.until("the pushes", ({ messages }) => messages.size === 20)
      assert.deepStrictEqual(contents(), texts)
      alice.reading.messages.clear()
      alice.send("history", [gid, 20, 1, 0, true])
      yield* alice.until("the history", ({ messages }) => messages.size === 20)
      assert.deepStrictEqual(contents(), texts.toReversed())
      assert.deepStrictEqual(alice.reading.problems, [])
    }).pipe(Effect.scoped)
  )

  it.live("is told another address of raw TCP by a setting", () =>
    Effect.gen(function* () {
      for (const [settings, expected] of [
        [{ "xuanxuan.tcpAddress": "chat.example:9081" }, { ip: "chat.example", port: 9081 }],
        [{ "xuanxuan.tcpAddress": "192.0.2.7" }, { ip: "192.0.2.7" }]
      ] as const) {
        const { http, tcp } = yield* serveInProcess(settings)
        const config = yield* configuration(http)
        assert.deepInclude(config, { port: Number(new URL(tcp).port), ...expected })
      }
    }).pipe(Effect.scoped)
  )
})
