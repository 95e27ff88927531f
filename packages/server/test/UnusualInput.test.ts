/**
 * Unusual but valid input keeps its meaning and is returned unchanged: other spellings, flags, text and dates; and
 * acknowledgements of unknown packets have no effect. Source: seeds/002, "API"; PROTOCOLS, "Params".
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { UNKNOWN_USER } from "./MethodTable.ts"
import { fields, first, listed, loggedIn, Server, short } from "./TestClient.ts"

layer(Server.patient, { excludeTestServices: true })("every method", (it) => {
  it.effect("accepts the document's other spelling of public, and flags as numbers and digits", () =>
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      for (const [index, flag] of [true, 1, "1"].entries()) {
        const make = (name: string) =>
          alice.done("create", { gid: `${name} ${index}`, type: "group", members: [], [name]: flag })
        assert.deepInclude(fields((yield* make("pulic"))["data"]), { public: true })
        assert.deepInclude(fields((yield* make("public"))["data"]), { public: true })
      }
      for (const flag of [false, 0, "0"]) {
        const hidden = yield* alice.done("changepublic", { gid: "pulic 0", public: flag })
        assert.deepStrictEqual(hidden["data"], { gid: "pulic 0", public: false })
        const star = yield* alice.done("star", ["pulic 0", flag])
        assert.deepStrictEqual(star["data"], { gid: "pulic 0", star: false })
      }
    })
  )

  it.effect("returns unusual text unchanged", () =>
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      const bob = yield* loggedIn("bob")
      const gid = "odd \u0000 😀 __proto__"
      yield* alice.done("create", { gid, name: "a\u0000b\u2028", members: [bob.id] })
      yield* bob.news
      const contents = [
        " ",
        "a\u0000b",
        "\u0000",
        "😀字\u2028\ufeff",
        "x".repeat(65_536),
        "字".repeat(21_845),
        "$ALL",
        "null"
      ]
      for (const [index, content] of contents.entries()) {
        const message = { gid: `odd-${index}\u0000`, cgid: gid, content }
        const stored = first(listed(yield* alice.done("message", [message])))
        assert.deepInclude(stored, message)
        assert.deepStrictEqual(listed(yield* alice.done("message", [message])), [stored])
        assert.deepStrictEqual(first(yield* bob.news)["data"], [stored])
        const history = yield* bob.done("history", { gid, recPerPage: 1, pageID: 1 })
        assert.deepStrictEqual(listed(history), [stored])
      }
      const empty = yield* alice.ask("message", [{ gid: "odd-empty", cgid: gid, content: "" }])
      assert.include(JSON.stringify(empty), "content must not be empty.")
      const chat = listed(yield* alice.done("getList")).find((one) => one["gid"] === gid)
      assert.deepInclude(chat, { name: "a\u0000b\u2028" })

      const file = { "a\u0000": ["字", 1.5, null, true, { __proto__: 1 }], toString: "x" }
      const draft = { gid: "odd-file", cgid: gid, contentType: "file", content: file }
      const stored = first(listed(yield* alice.done("message", [draft])))
      assert.strictEqual(stored["content"], JSON.stringify(file))
      const settings = JSON.parse('{"__proto__":{"x":1},"\\ud83d\\ude00":"\\u0000","a":[[[]]],"n":1e-7}') as unknown
      assert.deepStrictEqual((yield* alice.done("settings", { account: "alice", settings }))["data"], settings)
      assert.deepStrictEqual((yield* alice.done("settings", ["alice"]))["data"], settings)
      const half = yield* alice.ask("settings", { account: "alice", settings: { a: "\ud800" } })
      assert.strictEqual(half["result"], "fail", "half a surrogate pair is no text")
      assert.deepStrictEqual((yield* alice.done("settings", ["alice"]))["data"], settings)
    })
  )

  it.effect("stores a date in whole seconds, for every accepted form", () =>
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      const dates: ReadonlyArray<readonly [unknown, number]> = [
        [1, 1],
        [1_446_773_418, 1_446_773_418],
        [1_446_773_418.75, 1_446_773_418],
        [1_446_773_418.0001, 1_446_773_418],
        [0.0001, 0],
        [1_446_773_418_999, 1_446_773_418],
        [1_446_773_418_999.5, 1_446_773_418],
        [100_000_000_000, 100_000_000]
      ]
      yield* alice.done("create", { gid: "dates", members: [] })
      for (const [index, [date, seconds]] of dates.entries()) {
        const message = { gid: `date-${index}`, cgid: "dates", content: "x", date }
        assert.strictEqual(first(listed(yield* alice.done("message", [message])))["date"], seconds, short(date))
      }
      const history = listed(yield* alice.done("history", ["dates"])).map((one) => one["date"])
      assert.deepStrictEqual(history, dates.map(([, seconds]) => seconds).reverse())
    })
  )

  it.effect("ignores acknowledgements of unknown packets, and replies to malformed ones", () =>
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      const base = { module: "chat", method: "message", sid: alice.sid }
      const many = Array.from({ length: 100_000 }, (_, index) => 1_000_000 + index)
      for (const id of [0, -1, UNKNOWN_USER, Number.MAX_SAFE_INTEGER, [], [1, 1, 1], many]) alice.send({ ...base, id })
      assert.strictEqual((yield* alice.ask("ping"))["result"], "success")
      for (const id of ["1", true, {}, 1.5, [1, "2"], [null], [[1]]]) {
        alice.send({ ...base, id })
        const answer = first(yield* alice.take(1))
        assert.deepInclude(answer, { module: "chat", method: "message", result: "fail" }, short(id))
        assert.include(String(answer["message"]), "id")
      }
    })
  )
})
