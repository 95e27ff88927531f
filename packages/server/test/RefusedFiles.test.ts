/**
 * Refused and aborted uploads leave nothing behind. Source: seeds/002, "上传文件", "下载文件"; PROTOCOLS, "Files
 * over HTTP", "Existence is not leaked".
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { watch } from "node:fs"
import { join } from "node:path"
import { first, listed, loggedIn, Server } from "./TestClient.ts"
import {
  type Asked,
  BOUNDARY,
  bytes,
  CRLF,
  CUT,
  field,
  file,
  filesBelow,
  form,
  FORM,
  json,
  refusal,
  request,
  room
} from "./rawHttp.ts"

layer(Server.layer(), { excludeTestServices: true })("files", (it) => {
  it.effect("of a chat of other users are not found", () =>
    Effect.gen(function* () {
      const { base, alice, carol, upload, download, kept } = yield* room
      const body = form(field("gid", "foreign"), file("a.txt", ["a"]))
      const up = yield* request(`${base}/attach-upload.json?sid=${carol.sid}`, { method: "POST", headers: FORM, body })
      const { id } = first(listed(json(up)))
      const before = yield* kept
      const none = yield* download(999_999)
      assert.deepStrictEqual(refusal("download", none), { status: 404, result: "fail" })
      const foreign = yield* download(id)
      assert.deepStrictEqual([foreign.status, String(foreign.body)], [none.status, String(none.body)])

      const content = () => file("b.txt", bytes(5, 300_000))
      const refused: Array<string> = []
      for (const gid of ["foreign", "no-such-chat", ""]) {
        for (const answer of [
          yield* upload(form(field("gid", gid), content())),
          yield* upload(form(content(), field("gid", gid))),
          yield* upload(form(content()), {}, `/attach-upload.json?gid=${gid}`),
          yield* upload(form(field("gid", "room"), content(), field("gid", gid))),
          yield* upload(form(field("gid", gid), content(), field("gid", "room")))
        ]) {
          assert.deepStrictEqual(refusal("upload", answer), { status: 404, result: "fail" }, gid)
          refused.push(String(answer.body))
        }
      }
      assert.strictEqual(new Set(refused).size, 1)
      assert.deepStrictEqual(yield* kept, before)
      assert.strictEqual((yield* alice.ask("getList", ["foreign"], { module: "attach" }))["result"], "fail")

      // A user who leaves the chat loses access to its files.
      const bob = yield* loggedIn("bob")
      const mine = first(listed(json(yield* upload(form(field("gid", "room"), content())))))
      assert.strictEqual((yield* download(mine["id"], {}, bob.sid)).status, 200)
      yield* bob.done("joinchat", ["room", false])
      assert.strictEqual((yield* download(mine["id"], {}, bob.sid)).status, 404)
      yield* alice.done("addmember", ["room", [bob.id]])
    })
  )

  it.effect("with a bad id are a bad request or not found, never an internal error", () =>
    Effect.gen(function* () {
      const { base, alice, download } = yield* room
      for (const id of [
        "0",
        "-1",
        "x",
        "1e3",
        "1.5",
        "",
        "%00",
        "..%2f..%2fetc%2fpasswd",
        "9".repeat(30),
        "__proto__"
      ]) {
        const answer = yield* download(id)
        assert.include([400, 404], answer.status, id)
        assert.strictEqual(json(answer)["result"], "fail", id)
        const other = yield* request(`${base}/index.php?m=attach&f=download&fileID=${id}&sid=${alice.sid}`)
        assert.deepStrictEqual(refusal("download", other), { status: 400, result: "fail" }, id)
      }
      for (const path of ["/index.php", "/index.php?m=attach", "/index.php?m=attach&f=no", "/index.php?mode=no"]) {
        const answer = yield* request(`${base}${path}`)
        assert.deepStrictEqual([answer.status, json(answer)["result"]], [404, "fail"], path)
      }
    })
  )

  it.effect("in a malformed form are refused, and leave nothing behind", () =>
    Effect.gen(function* () {
      const { alice, upload, kept } = yield* room
      const before = yield* kept
      const listedBefore = listed(yield* alice.done("getList", ["room"], { module: "attach" }))
      const type = (value: string): Asked => ({ headers: { "content-type": value } })
      const gid = field("gid", "room")
      const one = () => file("a.txt", bytes(6, 200_000))
      const bad: ReadonlyArray<readonly [string, Iterable<Uint8Array | string>, Asked?]> = [
        ["no form", ["hello"], type("text/plain")],
        ["JSON", ['{"gid":"room","files":[]}'], type("application/json")],
        ["another form", ["gid=room"], type("application/x-www-form-urlencoded")],
        ["no boundary", form(gid, one()), type("multipart/form-data")],
        ["another boundary", form(gid, one()), type("multipart/form-data; boundary=other")],
        ["nothing", []],
        ["noise", bytes(7, 1000)],
        ["no end", [...gid, ...one()]],
        ["cut in a head", [...gid, `--${BOUNDARY}${CRLF}content-dispo`]],
        ["no files", form(gid)],
        ["no gid", form(one())],
        ["files that are none", form(gid, field("files", "text"))],
        ["a file input that was left empty", form(gid, file("", []))],
        ["a name that is not UTF-8", form(gid, [Buffer.from([...file("\xd6\xd0.txt", ["x"])].join(""), "latin1")])],
        ["a part without a name", form(gid, [`--${BOUNDARY}${CRLF}${CRLF}x${CRLF}`])],
        ["too many", form(gid, ...Array.from({ length: 21 }, (_, n) => file(`${n}.txt`, ["x"])))]
      ]
      for (const [description, body, asked] of bad) {
        const answer = yield* upload(body, asked)
        assert.deepStrictEqual([description, refusal("upload", answer)], [description, { status: 400, result: "fail" }])
      }
      assert.deepStrictEqual(yield* kept, before)
      assert.deepStrictEqual(listed(yield* alice.done("getList", ["room"], { module: "attach" })), listedBefore)
    })
  )

  it.effect("whose upload is aborted leave nothing behind", () =>
    Effect.gen(function* () {
      const { alice, cwd, upload, kept } = yield* room
      const before = yield* kept
      const left = Effect.callback<ReadonlyArray<string>>((resume) => {
        const watcher = watch(join(cwd, "data/files"), { recursive: true }, () => look())
        const look = () => {
          const files = filesBelow(join(cwd, "data/files"))
          if (files.length > before.length + 1) return
          watcher.close()
          resume(Effect.succeed(files))
        }
        look()
        return Effect.sync(() => watcher.close())
      })
      for (const after of [3, 5, 40]) {
        const body = form(field("gid", "room"), file("a", ["x"]), file("large", bytes(8, 10 * 1024 * 1024)))
        assert.strictEqual(yield* upload(body, { cutAfter: after }), CUT)
      }
      assert.strictEqual((yield* upload(form(field("gid", "room"), file("b", ["x"])))).status, 200)
      assert.strictEqual((yield* left).length, before.length + 1)
      const titles = listed(yield* alice.done("getList", ["room"], { module: "attach" })).map(({ title }) => title)
      assert.notInclude(titles, "large")
      assert.notInclude(titles, "a")
    })
  )
})

const MAX_FILE = 300_000
layer(Server.layer("--set", `limits.file=${MAX_FILE}`), { excludeTestServices: true })("the limit of a file", (it) => {
  it.effect("is inclusive; one byte more is refused, and much more too", () =>
    Effect.gen(function* () {
      const { base, alice, upload, kept } = yield* room
      const gid = field("gid", "room")
      assert.strictEqual((yield* upload(form(gid, file("limit", bytes(1, MAX_FILE))))).status, 200)
      const before = yield* kept
      for (const size of [MAX_FILE + 1, 40 * MAX_FILE]) {
        const large = () => file("large", bytes(2, size))
        const forms = [form(gid, large()), form(large(), gid), form(gid, file("small", ["x"]), large())]
        for (const body of forms) {
          const answer = yield* upload(body)
          assert.deepStrictEqual(refusal("upload", answer), { status: 413, result: "fail" })
          assert.include(String(json(answer)["message"]), String(MAX_FILE))
        }
      }
      assert.deepStrictEqual(yield* kept, before)
      assert.strictEqual(listed(yield* alice.done("getList", ["room"], { module: "attach" })).length, 1)
      assert.strictEqual((yield* request(`${base}/index.php?mode=getconfig`)).status, 200)
    })
  )
})
