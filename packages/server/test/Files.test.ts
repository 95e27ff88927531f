/** Files over HTTP, in and out. Source: seeds/002, "上传文件", "下载文件"; PROTOCOLS, "Files over HTTP". */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, watch } from "node:fs"
import * as http from "node:http"
import { join } from "node:path"
import { Dice } from "./Noise.ts"
import { connect, type Fields, fields, first, listed, loggedIn, Server, short } from "./Talk.ts"

const CRLF = "\r\n"
const BOUNDARY = "----------------------------parley"
const FORM = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` }

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Iterable<Uint8Array | string>
  /** Breaks off after this many pieces of the body. */
  readonly cutAfter?: number
}

interface Answered {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

const CUT: Answered = { status: 0, headers: {}, body: Buffer.alloc(0) }

/** One request. */
const request = (url: string, { method = "GET", headers = {}, body = [], cutAfter }: Asked = {}) =>
  Effect.callback<Answered>((resume) => {
    const kept: Array<Buffer> = []
    let answered = false
    const outgoing = http.request(url, { method, headers, agent: false }, (incoming) => {
      answered = true
      incoming.on("data", (bytes: Buffer) => kept.push(bytes))
      incoming.on("end", () =>
        resume(
          Effect.succeed({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(kept)
          })
        )
      )
      incoming.on("error", (error) => resume(Effect.die(error)))
    })
    outgoing.on("error", (error) => {
      if (cutAfter !== undefined) resume(Effect.succeed(CUT))
      // Whoever is refused early may find the line closed behind the answer.
      else if (!answered) resume(Effect.die(error))
    })
    const pieces = body[Symbol.iterator]()
    let sent = 0
    const pump = (): void => {
      for (;;) {
        if (sent++ === cutAfter) {
          outgoing.destroy()
          return
        }
        const next = pieces.next()
        if (next.done === true) {
          outgoing.end()
          return
        }
        if (!outgoing.write(next.value)) {
          outgoing.once("drain", pump)
          return
        }
      }
    }
    pump()
  })

const json = ({ body }: Answered): Fields => fields(JSON.parse(body.toString("utf8")))

const field = (name: string, value: string): Array<string> => [
  `--${BOUNDARY}${CRLF}content-disposition: form-data; name="${name}"${CRLF}${CRLF}${value}${CRLF}`
]

function* file(name: string, content: Iterable<Uint8Array | string>, part = "files"): Iterable<Uint8Array | string> {
  yield `--${BOUNDARY}${CRLF}content-disposition: form-data; name="${part}"; filename="${name}"${CRLF}`
  yield `content-type: application/octet-stream${CRLF}${CRLF}`
  yield* content
  yield CRLF
}

function* form(...parts: ReadonlyArray<Iterable<Uint8Array | string>>): Iterable<Uint8Array | string> {
  for (const part of parts) yield* part
  yield `--${BOUNDARY}--${CRLF}`
}

const CHUNK = 64 * 1024

/** Bytes that are the same for the same seed. */
function* bytes(seed: number, size: number): Iterable<Uint8Array> {
  const dice = new Dice(seed)
  const block = Uint8Array.from({ length: CHUNK }, () => dice.below(256))
  for (let left = size; left > 0; left -= CHUNK) {
    block[0] = dice.below(256)
    yield Uint8Array.from(block.subarray(0, Math.min(left, CHUNK)))
  }
}

/** All files below a folder. */
const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []))

/** Alice in a room with bob, and carol in one of her own. */
const room = Effect.gen(function* () {
  const { http: base, cwd } = yield* Server
  const alice = yield* loggedIn("alice")
  const bob = yield* loggedIn("bob")
  const carol = yield* loggedIn("carol")
  yield* alice.done("create", ["room", "Room", "group", [bob.id]])
  yield* carol.done("create", ["foreign", "Foreign", "group", []])
  const upload = (body: Iterable<Uint8Array | string>, more: Asked = {}, path = "/attach-upload.json") =>
    request(`${base}${path}${path.includes("?") ? "&" : "?"}sid=${alice.sid}`, {
      method: "POST",
      headers: FORM,
      body,
      ...more
    })
  const download = (id: unknown, more: Asked = {}, sid = alice.sid) =>
    request(`${base}/attach-download-${String(id)}.json?sid=${sid}`, more)
  const kept = Effect.sync(() => filesBelow(join(cwd, "data/files")))
  return { base, cwd, alice, bob, carol, upload, download, kept }
})

const refusal = (method: string, answer: Answered): Fields => {
  const { module, method: echoed, result, message, ...more } = json(answer)
  assert.deepStrictEqual({ module, method: echoed, more }, { module: "attach", method, more: {} })
  assert.isNotEmpty(message)
  return { status: answer.status, result }
}

layer(Server.layer(), { excludeTestServices: true })("files", (it) => {
  it.effect("are served whole, by range, and by HEAD", () =>
    Effect.gen(function* () {
      const { upload, download } = yield* room
      const content = Buffer.from("0123456789abcdefghij")
      const { id } = first(listed(json(yield* upload(form(field("gid", "room"), file("digits.txt", [content]))))))
      const range = (value: string, method = "GET") => download(id, { method, headers: { range: value } })
      const shown = ({ status, headers, body }: Answered) => [status, headers["content-range"], body.toString()]
      const all = String(content)

      const whole = yield* download(id)
      assert.deepStrictEqual(shown(whole), [200, undefined, all])
      assert.strictEqual(whole.headers["accept-ranges"], "bytes")
      assert.strictEqual(whole.headers["content-length"], "20")
      assert.strictEqual(whole.headers["x-content-type-options"], "nosniff")
      assert.match(String(whole.headers["content-disposition"]), /^attachment; filename="digits\.txt"/)

      assert.deepStrictEqual(shown(yield* range("bytes=0-3")), [206, "bytes 0-3/20", "0123"])
      assert.deepStrictEqual(shown(yield* range("bytes=18-")), [206, "bytes 18-19/20", "ij"])
      assert.deepStrictEqual(shown(yield* range("bytes=18-99")), [206, "bytes 18-19/20", "ij"])
      assert.deepStrictEqual(shown(yield* range("bytes=-5")), [206, "bytes 15-19/20", "fghij"])
      assert.deepStrictEqual(shown(yield* range("bytes=-99")), [206, "bytes 0-19/20", all])
      for (const other of ["bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=x", "bytes=-", "bytes 0-1"]) {
        assert.deepStrictEqual(shown(yield* range(other)), [200, undefined, all], other)
      }
      for (const beyond of ["bytes=20-", "bytes=99-100", "bytes=-0", `bytes=${"9".repeat(400)}-`]) {
        const answer = yield* range(beyond)
        assert.deepStrictEqual(refusal("download", answer), { status: 416, result: "fail" }, beyond)
        assert.strictEqual(answer.headers["content-range"], "bytes */20")
      }

      const head = yield* download(id, { method: "HEAD" })
      assert.deepStrictEqual(shown(head), [200, undefined, ""])
      assert.strictEqual(head.headers["content-length"], "20")
      assert.strictEqual(head.headers["content-disposition"], whole.headers["content-disposition"])
      assert.deepStrictEqual(shown(yield* range("bytes=0-3", "HEAD")), [206, "bytes 0-3/20", ""])
      assert.strictEqual((yield* download(999_999, { method: "HEAD" })).status, 404)

      const empty = first(listed(json(yield* upload(form(field("gid", "room"), file("empty", []))))))
      const nothing = yield* download(empty["id"])
      assert.deepStrictEqual(shown(nothing), [200, undefined, ""])
      assert.strictEqual(nothing.headers["content-length"], "0")
      assert.strictEqual((yield* download(empty["id"], { headers: { range: "bytes=0-" } })).status, 416)
    })
  )

  it.effect("are authorised by sid in the query, in a cookie, or as a bearer token", () =>
    Effect.gen(function* () {
      const { base, alice, bob, upload } = yield* room
      const { id } = first(listed(json(yield* upload(form(field("gid", "room"), file("a.txt", ["a"]))))))
      const ways = (sid: string): ReadonlyArray<readonly [string, Record<string, string>]> => [
        [`sid=${sid}`, {}],
        [`x=1&sid=${encodeURIComponent(sid)}&y`, {}],
        ["", { cookie: `theme=dark; sid=${sid}` }],
        ["", { authorization: `Bearer ${sid}` }],
        ["", { authorization: `bearer ${sid}` }]
      ]
      for (const [query, headers] of [...ways(alice.sid), ...ways(bob.sid)]) {
        for (const path of [
          `/attach-download-${String(id)}.json?`,
          `/index.php?m=attach&f=download&fileID=${String(id)}&`
        ]) {
          const answer = yield* request(`${base}${path}${query}`, { headers })
          assert.deepStrictEqual([answer.status, String(answer.body)], [200, "a"], `${path}${query} ${short(headers)}`)
        }
        for (const path of ["/attach-upload.json?", "/index.php?m=attach&f=upload&"]) {
          const body = form(field("gid", "room"), file("b.txt", ["b"]))
          const answer = yield* request(`${base}${path}${query}`, {
            method: "POST",
            headers: { ...FORM, ...headers },
            body
          })
          assert.strictEqual(answer.status, 200, `${path}${query} ${short(headers)}`)
        }
      }
      const gone = yield* loggedIn("erin")
      yield* gone.done("logout")
      const large = () => form(field("gid", "room"), file("large", bytes(4, 5 * 1024 * 1024)))
      for (const [query, headers] of [
        ["", {}],
        ["sid=", {}],
        ["", { authorization: "Basic x" }],
        ...ways("x"),
        ...ways(gone.sid)
      ] as const) {
        const denied = { status: 401, result: "denied" }
        const down = yield* request(`${base}/attach-download-${String(id)}.json?${query}`, { headers })
        assert.deepStrictEqual(refusal("download", down), denied)
        const up = yield* request(`${base}/attach-upload.json?${query}`, {
          method: "POST",
          headers: { ...FORM, ...headers },
          body: large()
        })
        assert.deepStrictEqual(refusal("upload", up), denied)
      }
    })
  )

  it.effect("take the chat's gid before the files, behind them, or from the query, and files of either name", () =>
    Effect.gen(function* () {
      const { alice, upload } = yield* room
      const one = () => file("one.txt", ["1"])
      const two = () => file("two.txt", ["22"], "files[]")
      const other = () => file("other.txt", ["333"], "avatar")
      const gid = field("gid", "room")
      const answers = [
        yield* upload(form(gid, one(), two())),
        yield* upload(form(one(), other(), two(), gid)),
        yield* upload(form(field("x", "y"), one(), gid, two(), field("z", ""))),
        yield* upload(form(one(), two()), {}, "/attach-upload.json?gid=room"),
        yield* upload(form(two(), one()), {}, "/index.php?gid=room&m=attach&f=upload")
      ]
      for (const answer of answers) {
        const { module, method, result } = json(answer)
        assert.deepStrictEqual([answer.status, module, method, result], [200, "attach", "upload", "success"])
        assert.deepStrictEqual(new Set(listed(json(answer)).map(({ title }) => title)), new Set(["one.txt", "two.txt"]))
      }
      const uploaded = answers.flatMap((answer) => listed(json(answer)))
      const files = listed(yield* alice.done("getList", ["room"], { module: "attach" }))
      for (const { id, title } of uploaded) {
        const size = title === "one.txt" ? 1 : 2
        assert.deepStrictEqual(
          files.filter((one) => one["id"] === id),
          [{ id, title, size, addedBy: alice.id }]
        )
      }
    })
  )

  it.effect("have a title that is no path, whatever they were called, and come as attachments", () =>
    Effect.gen(function* () {
      const { alice, upload, download, kept, cwd } = yield* room
      const names: ReadonlyArray<readonly [string, string]> = [
        ["../../../etc/passwd", "passwd"],
        ["..\\\\..\\\\boot.ini", "boot.ini"],
        ["C:\\\\Users\\\\a b.txt", "a b.txt"],
        ["..", "file"],
        [".", "file"],
        ["", "file"],
        ["/", "file"],
        [".htaccess", ".htaccess"],
        ["报告 (最终版).docx", "报告 (最终版).docx"],
        ["😀.png", "😀.png"],
        ["a\u202egnp.exe", "agnp.exe"],
        ["tab\tstop.txt", "tabstop.txt"],
        [`${"x".repeat(300)}.txt`, "x".repeat(200)],
        ["<script>alert(1)</script>.html", "script>.html"],
        ["a;b=c,d'e.txt", "a;b=c,d'e.txt"],
        ["100%25.txt", "100%25.txt"]
      ]
      const before = (yield* kept).length
      for (const [name, title] of names) {
        const answer = yield* upload(form(field("gid", "room"), file(name, ["x"])))
        assert.strictEqual(answer.status, 200, short(name))
        const one = first(listed(json(answer)))
        assert.strictEqual(one["title"], title, short(name))
        const { headers } = yield* download(one["id"])
        const disposition = String(headers["content-disposition"])
        assert.match(disposition, /^attachment; filename="[^"\\/]*"; filename\*=UTF-8''[\w.!#$&+^`|~%-]+$/)
        assert.strictEqual(decodeURIComponent(disposition.split("UTF-8''")[1] ?? ""), title)
        assert.strictEqual(headers["content-type"], "application/octet-stream")
      }
      assert.strictEqual((yield* kept).length, before + names.length)
      for (const name of yield* kept) assert.match(name, /^[0-9a-f]{32}$/)
      assert.deepStrictEqual(readdirSync(cwd), ["data"])
      const titles = listed(yield* alice.done("getList", ["room"], { module: "attach" })).map(({ title }) => title)
      for (const [, title] of names) assert.include(titles, title)
    })
  )

  it.effect("of a chat of others are not there", () =>
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

      // Who leaves the chat loses its files.
      const bob = yield* loggedIn("bob")
      const mine = first(listed(json(yield* upload(form(field("gid", "room"), content())))))
      assert.strictEqual((yield* download(mine["id"], {}, bob.sid)).status, 200)
      yield* bob.done("joinchat", ["room", false])
      assert.strictEqual((yield* download(mine["id"], {}, bob.sid)).status, 404)
      yield* alice.done("addmember", ["room", [bob.id]])
    })
  )

  it.effect("with a bad id are refused as a request or as missing, never as a mistake of the server", () =>
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

  it.effect("in a form that is none are refused, and leave nothing behind", () =>
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
        ["a part without a name", form(gid, [`--${BOUNDARY}${CRLF}${CRLF}x${CRLF}`])],
        ["too many", form(gid, ...Array.from({ length: 21 }, (_, n) => file(`${n}.txt`, ["x"])))]
      ]
      for (const [says, body, asked] of bad) {
        const answer = yield* upload(body, asked)
        assert.deepStrictEqual([says, refusal("upload", answer)], [says, { status: 400, result: "fail" }])
      }
      assert.deepStrictEqual(yield* kept, before)
      assert.deepStrictEqual(listed(yield* alice.done("getList", ["room"], { module: "attach" })), listedBefore)
    })
  )

  it.effect("that break off in the middle leave nothing behind", () =>
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

  it.effect("are found by what the 1.0 client asks first", () =>
    Effect.gen(function* () {
      const { http: base, tcp } = yield* Server
      const { hostname, port } = new URL(tcp)
      const ask = Effect.map(request(`${base}/index.php?mode=getconfig`), json)
      const { sessionID, rand, ...rest } = yield* ask
      assert.deepStrictEqual(rest, {
        version: "1.0.0",
        requestType: "PATH_INFO",
        pathType: "clean",
        sessionName: "sid",
        expiredTime: 86400,
        ip: hostname,
        port: Number(port)
      })
      assert.match(String(sessionID), /^[0-9a-f]{32}$/)
      assert.isTrue(Number.isInteger(rand))
      assert.notStrictEqual((yield* ask)["sessionID"], sessionID)
      assert.strictEqual((yield* (yield* connect("tcp")).ask("ping"))["result"], "denied")
    })
  )
})

const LIMIT = 300_000
layer(Server.layer("--set", `limits.file=${LIMIT}`), { excludeTestServices: true })("the limit of a file", (it) => {
  it.effect("is allowed; one byte more is refused, and so is much more", () =>
    Effect.gen(function* () {
      const { base, alice, upload, kept } = yield* room
      const gid = field("gid", "room")
      assert.strictEqual((yield* upload(form(gid, file("limit", bytes(1, LIMIT))))).status, 200)
      const before = yield* kept
      for (const size of [LIMIT + 1, 40 * LIMIT]) {
        const large = () => file("large", bytes(2, size))
        const forms = [form(gid, large()), form(large(), gid), form(gid, file("small", ["x"]), large())]
        for (const body of forms) {
          const answer = yield* upload(body)
          assert.deepStrictEqual(refusal("upload", answer), { status: 413, result: "fail" })
          assert.include(String(json(answer)["message"]), String(LIMIT))
        }
      }
      assert.deepStrictEqual(yield* kept, before)
      assert.strictEqual(listed(yield* alice.done("getList", ["room"], { module: "attach" })).length, 1)
      assert.strictEqual((yield* request(`${base}/index.php?mode=getconfig`)).status, 200)
    })
  )
})
