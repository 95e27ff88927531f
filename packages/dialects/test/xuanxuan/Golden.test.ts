/**
 * The bytes of every response and every push, in both wire profiles. The transcripts are in this folder; sids and ids of
 * ephemeral pushes are replaced by placeholders, everything else is unchanged.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import type { Draft } from "@parley/core/Command"
import { Engine } from "@parley/core/Engine"
import { UserId } from "@parley/core/Ids"
import { Users } from "@parley/core/Users"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { profileNames } from "../../src/xuanxuan/profiles.ts"
import { engineLayerOn, fixture } from "./Transcript.ts"

const conversation = Effect.fnUntraced(function* (profile: (typeof profileNames)[number]) {
  const { client, note, transcript } = yield* fixture(profile)
  const { perform } = yield* Engine
  const [alice, bob, root] = [client("alice"), client("bob"), client("root")]
  const heard = Effect.all([bob.listen, alice.listen, root.listen])
  const later = TestClock.adjust("1 second")

  yield* note("login")
  yield* bob.login("bob")
  yield* bob.listen
  yield* alice.login("alice")
  yield* heard

  yield* note("userGetlist, getList")
  yield* alice.call("userGetlist")
  yield* alice.call("getList")

  yield* note("userChangeName, userChangeStatus")
  yield* alice.call("userChangeName", { name: "Alice 字" })
  yield* heard
  yield* alice.call("userChangeStatus", ["away"])
  yield* heard

  yield* note("create: a group, the same again, a pair")
  yield* later
  const group = { gid: "g", name: "Group", type: "group", members: [{ id: 2 }], subject: 0, pulic: true }
  yield* alice.call("create", group)
  yield* heard
  yield* alice.call("create", ["g", "Other", "group", []])
  yield* bob.call("create", { gid: "", type: "one2one", members: [{ id: 1 }] })
  yield* heard

  yield* note("joinchat")
  yield* later
  yield* bob.call("joinchat", { gid: "g", join: false })
  yield* heard
  yield* bob.call("joinchat", { gid: "g" })
  yield* heard

  yield* note("changename")
  yield* alice.call("changename", { id: 2, name: "Named by id" })
  yield* heard
  yield* alice.call("changename", ["g", "Named by gid"])
  yield* heard

  yield* note("star, hide, mute")
  yield* alice.call("star", { gid: "g" })
  yield* alice.call("hide", { gid: "g", hide: true })
  yield* alice.call("hide", ["g", 0])
  yield* alice.call("mute", ["g", "1"])
  yield* alice.call("getList")

  yield* note("addmember")
  yield* alice.call("addmember", { gid: "g", members: [3] })
  yield* heard
  yield* alice.call("addmember", ["g", [{ id: 3 }], false])
  yield* heard

  yield* note("message: texts, an image that follows its placeholder, a broadcast")
  yield* later
  const text = { gid: "m1", cgid: "g", user: 1, type: "normal", contentType: "text", content: 'Hello "字" 😀\n' }
  yield* alice.call("message", [text, { gid: "m2", cgid: "g", date: 1446773400, content: "dated" }])
  yield* heard
  yield* alice.call("message", [{ gid: "m3", cgid: "g", contentType: "image", content: { type: "placeholder" } }])
  yield* heard
  yield* alice.call("message", [{ gid: "m3", cgid: "g", contentType: "image", content: '{"id":5}' }])
  yield* heard
  yield* alice.call("message", { gid: "m4", cgid: "g", type: "broadcast", content: "To everybody" })
  yield* heard

  yield* note("content of other protocols, and a recall")
  const caller = { user: UserId(2), device: null }
  const link = "http://files.example/1"
  for (const contentType of ["image", "video", "audio", "location"]) {
    const draft: Draft = { gid: `o-${contentType}`, chat: { gid: "g" }, type: "normal", contentType, content: link }
    yield* perform(caller, { _tag: "SendMessages", messages: [draft] })
  }
  yield* perform({ user: UserId(1), device: null }, { _tag: "RecallMessage", gid: "m2" })
  yield* heard

  yield* note("history: whole, and a page")
  yield* alice.call("history", { gid: "g" })
  yield* alice.call("history", ["g", 2, 3, 0, true])

  yield* note("members")
  yield* alice.call("members", { gid: "g" })

  yield* note("changepublic, getPublicList")
  yield* alice.call("changepublic", { gid: "g", public: false })
  yield* heard
  yield* alice.call("changepublic", ["g"])
  yield* heard
  yield* alice.call("getPublicList")

  yield* note("setCommitters, setAdmin")
  yield* alice.call("setCommitters", { gid: "g", committers: [{ id: 2 }, { id: 1 }] })
  yield* heard
  yield* alice.call("setCommitters", ["g", "$ADMINS"])
  yield* heard
  yield* root.login("root")
  yield* heard
  yield* root.call("setAdmin", { gid: "system", admins: [{ id: 1 }] })
  yield* heard

  yield* note("settings, attach/getList, ping")
  yield* alice.call("settings", { account: "alice", settings: { theme: "dark" } })
  yield* alice.call("settings", { account: "alice" })
  yield* alice.call("settings", ["root"])
  yield* alice.call("getList", { gid: "g" }, "attach")
  yield* alice.call("ping")

  yield* note("refusals")
  yield* alice.call("members", { gid: "nowhere" })
  yield* alice.call("members", { gid: 5 })
  yield* alice.call("CREATE", ["1&2", "", "group", []])
  yield* alice.call("addmember", ["g", [9, 10]])
  yield* alice.call("history", ["g", -1])
  yield* bob.call("message", [
    { gid: "r1", cgid: "g", content: "not by committers" },
    { gid: "r2", cgid: "nowhere", content: "x" }
  ])
  yield* alice.call("nothing")
  yield* alice.say('{"module":"chat","method":"getList","sid":"x"}')
  yield* client("stranger").say('{"module":"chat","method":"login","params":["alice","x"]}')
  yield* alice.say("{")
  yield* alice.say('[null,[],{},{"module":"chat"}]', 4)

  yield* note("offline packets, and which of them come again")
  yield* alice.call("setCommitters", ["g", ""])
  yield* bob.call("logout")
  yield* alice.call("message", [
    { gid: "m5", cgid: "g", content: "one" },
    { gid: "m6", cgid: "g", content: "two" }
  ])
  yield* alice.listen
  yield* bob.login("bob")
  yield* heard
  yield* bob.acknowledge(26)
  yield* bob.call("logout")
  yield* bob.login("bob")
  yield* heard

  yield* note("content types that 1.x clients store; a failed upload, a recalled image and a recalled file")
  yield* alice.call("message", [
    { gid: "n1", cgid: "g", contentType: "emotion", content: ":smile:" },
    { gid: "n2", cgid: "g", contentType: "object", content: '{"type":"url","content":"http://a.example/"}' }
  ])
  yield* alice.call("message", [
    {
      gid: "n3",
      cgid: "g",
      contentType: "image",
      content: { name: "截图.png", size: 9, send: false, type: "image/png" }
    },
    { gid: "n4", cgid: "g", contentType: "file", content: { name: "计划.txt", size: 9, send: true, type: "", id: 5 } }
  ])
  yield* heard
  for (const gid of ["n3", "n4"]) yield* perform({ user: UserId(1), device: null }, { _tag: "RecallMessage", gid })
  yield* heard
  yield* alice.call("history", ["g", 4, 1, 0, true])

  yield* note("a public group: joined by addmember, left, and dissolved by another protocol")
  yield* later
  yield* alice.call("create", ["p", "公开群", "group", [1, 2], 0, true])
  yield* heard
  yield* root.call("addmember", ["p", [3], true])
  yield* heard
  yield* bob.call("getPublicList")
  yield* bob.call("joinchat", ["p", false])
  yield* heard
  yield* bob.call("joinchat", ["p", true])
  yield* heard
  yield* alice.call("addmember", ["p", [2], false])
  yield* heard
  yield* perform({ user: UserId(1), device: null }, { _tag: "RenameChat", chat: { gid: "p" }, name: "新名字" })
  yield* heard
  yield* perform({ user: UserId(1), device: null }, { _tag: "DissolveChat", chat: { gid: "p" } })
  yield* heard

  yield* note("new users: named by a push, named by a login, and gathered")
  const users = yield* Users
  const newcomer = { passwordHash: "$plain$e10adc3949ba59abbe56e057f20f883e" }
  yield* users.add([{ account: "carol", realname: "卡罗尔", ...newcomer }])
  yield* heard
  yield* perform({ user: UserId(1), device: null }, { _tag: "AddMembers", chat: { gid: "g" }, members: [UserId(4)] })
  yield* heard
  yield* users.add([{ account: "dave", ...newcomer }])
  const dave = client("dave")
  yield* dave.login("dave")
  yield* dave.listen
  yield* heard
  yield* users.add([{ account: "erin" }])
  yield* users.add([{ account: "frank" }])
  yield* heard
  yield* later
  yield* heard
  yield* dave.call("logout")
  yield* heard

  yield* note("login elsewhere")
  const other = client("other alice")
  yield* other.login("alice")
  yield* other.listen
  yield* later
  yield* alice.ended
  yield* Effect.all([bob.listen, root.listen])

  yield* note("logout")
  yield* other.call("logout")
  yield* Effect.all([bob.listen, root.listen])
  return yield* transcript
})

const file = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-golden-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
).pipe(Effect.map((folder) => join(folder, "parley.db")))

const onSqlite = Layer.unwrap(Effect.map(file, (path) => SqliteStore.layer({ file: path })))

describe("golden frames", () => {
  for (const profile of profileNames) {
    it.effect(`of the profile ${profile}`, (test) =>
      Effect.gen(function* () {
        const text = yield* conversation(profile)
        yield* Effect.promise(() => test.expect(text).toMatchFileSnapshot(`./golden/${profile}.txt`))
      }).pipe(Effect.provide(engineLayerOn(MemoryStore.layer)))
    )
  }
})

/** Sent and received packets of each client; their grouping in frames depends on timing. */
const packetsByClient = (transcript: string): ReadonlyMap<string, ReadonlyArray<string>> => {
  const heard = new Map<string, Array<string>>()
  for (const line of transcript.split("\n")) {
    const [, name = "", text = line] = /^([\w ]+) [<>|] (.*)$/.exec(line) ?? []
    const packets = text.startsWith("[")
      ? (JSON.parse(text) as ReadonlyArray<unknown>).map((one) => JSON.stringify(one))
      : [text]
    heard.set(name, [...(heard.get(name) ?? []), ...packets])
  }
  return heard
}

describe("invariant 10: stores are interchangeable", () => {
  it.effect("the same packets are sent on every store", () =>
    Effect.gen(function* () {
      const [inMemory, onDisk] = yield* Effect.forEach([MemoryStore.layer, onSqlite], (store) =>
        Effect.map(conversation("documented").pipe(Effect.provide(engineLayerOn(store))), packetsByClient)
      )
      assert.deepStrictEqual(onDisk, inMemory)
    })
  )
})
