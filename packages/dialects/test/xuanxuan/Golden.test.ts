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
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { profileNames } from "../../src/xuanxuan/profiles.ts"
import { engineLayerOn, stage } from "./Transcript.ts"

const conversation = Effect.fnUntraced(function* (profile: (typeof profileNames)[number]) {
  const { client, note, transcript } = yield* stage(profile)
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
  yield* alice.ask("userGetlist")
  yield* alice.ask("getList")

  yield* note("userChangeName, userChangeStatus")
  yield* alice.ask("userChangeName", { name: "Alice 字" })
  yield* heard
  yield* alice.ask("userChangeStatus", ["away"])
  yield* heard

  yield* note("create: a group, the same again, a pair")
  yield* later
  const group = { gid: "g", name: "Group", type: "group", members: [{ id: 2 }], subject: 0, pulic: true }
  yield* alice.ask("create", group)
  yield* heard
  yield* alice.ask("create", ["g", "Other", "group", []])
  yield* bob.ask("create", { gid: "", type: "one2one", members: [{ id: 1 }] })
  yield* heard

  yield* note("joinchat")
  yield* later
  yield* bob.ask("joinchat", { gid: "g", join: false })
  yield* heard
  yield* bob.ask("joinchat", { gid: "g" })
  yield* heard

  yield* note("changename")
  yield* alice.ask("changename", { id: 2, name: "Named by id" })
  yield* heard
  yield* alice.ask("changename", ["g", "Named by gid"])
  yield* heard

  yield* note("star, hide, mute")
  yield* alice.ask("star", { gid: "g" })
  yield* alice.ask("hide", { gid: "g", hide: true })
  yield* alice.ask("hide", ["g", 0])
  yield* alice.ask("mute", ["g", "1"])
  yield* alice.ask("getList")

  yield* note("addmember")
  yield* alice.ask("addmember", { gid: "g", members: [3] })
  yield* heard
  yield* alice.ask("addmember", ["g", [{ id: 3 }], false])
  yield* heard

  yield* note("message: texts, an image that follows its placeholder, a broadcast")
  yield* later
  const text = { gid: "m1", cgid: "g", user: 1, type: "normal", contentType: "text", content: 'Hello "字" 😀\n' }
  yield* alice.ask("message", [text, { gid: "m2", cgid: "g", date: 1446773400, content: "dated" }])
  yield* heard
  yield* alice.ask("message", [{ gid: "m3", cgid: "g", contentType: "image", content: { type: "placeholder" } }])
  yield* heard
  yield* alice.ask("message", [{ gid: "m3", cgid: "g", contentType: "image", content: '{"id":5}' }])
  yield* heard
  yield* alice.ask("message", { gid: "m4", cgid: "g", type: "broadcast", content: "To everybody" })
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
  yield* alice.ask("history", { gid: "g" })
  yield* alice.ask("history", ["g", 2, 3, 0, true])

  yield* note("members")
  yield* alice.ask("members", { gid: "g" })

  yield* note("changepublic, getPublicList")
  yield* alice.ask("changepublic", { gid: "g", public: false })
  yield* heard
  yield* alice.ask("changepublic", ["g"])
  yield* heard
  yield* alice.ask("getPublicList")

  yield* note("setCommitters, setAdmin")
  yield* alice.ask("setCommitters", { gid: "g", committers: [{ id: 2 }, { id: 1 }] })
  yield* heard
  yield* alice.ask("setCommitters", ["g", "$ADMINS"])
  yield* heard
  yield* root.login("root")
  yield* heard
  yield* root.ask("setAdmin", { gid: "system", admins: [{ id: 1 }] })
  yield* heard

  yield* note("settings, attach/getList, ping")
  yield* alice.ask("settings", { account: "alice", settings: { theme: "dark" } })
  yield* alice.ask("settings", { account: "alice" })
  yield* alice.ask("settings", ["root"])
  yield* alice.ask("getList", { gid: "g" }, "attach")
  yield* alice.ask("ping")

  yield* note("refusals")
  yield* alice.ask("members", { gid: "nowhere" })
  yield* alice.ask("members", { gid: 5 })
  yield* alice.ask("CREATE", ["1&2", "", "group", []])
  yield* alice.ask("addmember", ["g", [9, 10]])
  yield* alice.ask("history", ["g", -1])
  yield* bob.ask("message", [
    { gid: "r1", cgid: "g", content: "not by committers" },
    { gid: "r2", cgid: "nowhere", content: "x" }
  ])
  yield* alice.ask("nothing")
  yield* alice.say('{"module":"chat","method":"getList","sid":"x"}')
  yield* client("stranger").say('{"module":"chat","method":"login","params":["alice","x"]}')
  yield* alice.say("{")
  yield* alice.say('[null,[],{},{"module":"chat"}]', 4)

  yield* note("offline packets, and which of them come again")
  yield* alice.ask("setCommitters", ["g", ""])
  yield* bob.ask("logout")
  yield* alice.ask("message", [
    { gid: "m5", cgid: "g", content: "one" },
    { gid: "m6", cgid: "g", content: "two" }
  ])
  yield* alice.listen
  yield* bob.login("bob")
  yield* heard
  yield* bob.acknowledge(26)
  yield* bob.ask("logout")
  yield* bob.login("bob")
  yield* heard

  yield* note("login elsewhere")
  const other = client("other alice")
  yield* other.login("alice")
  yield* other.listen
  yield* later
  yield* alice.ended
  yield* Effect.all([bob.listen, root.listen])

  yield* note("logout")
  yield* other.ask("logout")
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
