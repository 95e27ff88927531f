/** Uploads and downloads over HTTP. Source: seeds/002, "上传文件", "下载文件"; PROTOCOLS, "Files over HTTP". */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync } from "node:fs"
import { connect, first, listed, loggedIn, Server, short } from "./TestClient.ts"
import { type Answered, bytes, field, file, form, FORM, json, refusal, request, room } from "./rawHttp.ts"

layer(Server.bridged, { excludeTestServices: true })("files", (it) => {
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
      const ranged = yield* range("bytes=0-3", "HEAD")
      assert.deepStrictEqual(shown(ranged), [200, undefined, ""])
      assert.strictEqual(ranged.headers["content-length"], "20")
      assert.strictEqual((yield* download(999_999, { method: "HEAD" })).status, 404)

      const empty = first(listed(json(yield* upload(form(field("gid", "room"), file("empty", []))))))
      const nothing = yield* download(empty["id"])
      assert.deepStrictEqual(shown(nothing), [200, undefined, ""])
      assert.strictEqual(nothing.headers["content-length"], "0")
      assert.strictEqual((yield* download(empty["id"], { headers: { range: "bytes=0-" } })).status, 416)
      assert.strictEqual((yield* download(empty["id"], { headers: { range: "bytes=-1" } })).status, 200)
    })
  )

  it.effect("have a validator, for browsers that resume a download or have a cached copy", () =>
    Effect.gen(function* () {
      const { base, alice, upload, download } = yield* room
      const send = Effect.suspend(() =>
        Effect.map(upload(form(field("gid", "room"), file("digits.txt", ["0123456789"]))), (answer) =>
          first(listed(json(answer)))
        )
      )
      const { id } = yield* send
      const { headers } = yield* download(id)
      const etag = String(headers.etag)
      assert.match(etag, /^"[0-9a-z-]+"$/)
      assert.strictEqual((yield* download(id)).headers.etag, etag)
      assert.notStrictEqual((yield* download((yield* send)["id"])).headers.etag, etag)
      assert.strictEqual(headers["cache-control"], "private, no-cache")

      const range = "bytes=4-"
      const table: ReadonlyArray<readonly [Readonly<Record<string, string>>, number, string]> = [
        [{ range, "if-range": etag }, 206, "456789"],
        [{ range, "if-range": '"other"' }, 200, "0123456789"],
        [{ range, "if-range": `W/${etag}` }, 200, "0123456789"],
        [{ range, "if-range": "Sun, 29 Nov 2026 10:00:00 GMT" }, 200, "0123456789"],
        [{ range: "bytes=99-", "if-range": '"other"' }, 200, "0123456789"],
        [{ "if-none-match": etag }, 304, ""],
        [{ "if-none-match": `"other", W/${etag}` }, 304, ""],
        [{ "if-none-match": "*" }, 304, ""],
        [{ "if-none-match": etag, range }, 304, ""],
        [{ "if-none-match": '"other"', range }, 206, "456789"],
        [{ "if-match": etag, range }, 206, "456789"],
        [{ "if-match": "*" }, 200, "0123456789"]
      ]
      for (const [asked, status, body] of table) {
        const answer = yield* download(id, { headers: asked })
        assert.deepStrictEqual([answer.status, answer.body.toString()], [status, body], JSON.stringify(asked))
        assert.strictEqual(answer.headers.etag, etag)
      }
      assert.strictEqual((yield* download(id, { method: "HEAD", headers: { "if-none-match": etag } })).status, 304)
      for (const other of ['"other"', `W/${etag}`]) {
        const answer = yield* download(id, { headers: { "if-match": other } })
        assert.deepStrictEqual(refusal("download", answer), { status: 412, result: "fail" })
      }
      const head = yield* request(`${base}/index.php?m=attach&f=download&fileID=${String(id)}&sid=${alice.sid}`, {
        method: "HEAD"
      })
      assert.deepStrictEqual([head.status, head.headers["content-length"], head.headers.etag], [200, "10", etag])
    })
  )

  it.effect("are not found after their message is recalled, through any protocol and any form of its content", () =>
    Effect.gen(function* () {
      const { base, alice, bob, upload, download } = yield* room
      const names: ReadonlyArray<(id: string) => string> = [
        (id) => JSON.stringify({ id: Number(id), name: "a.txt", size: 1 }),
        (id) => JSON.stringify({ url: `${base}/attach-download-${id}.json?sid=x` }),
        (id) => `/index.php?m=attach&f=download&fileID=${id}`
      ]
      for (const [index, name] of names.entries()) {
        const id = String(first(listed(json(yield* upload(form(field("gid", "room"), file("a.txt", ["a"]))))))["id"])
        const gid = `recalled-${index}`
        yield* alice.done("message", [{ gid, cgid: "room", contentType: "file", content: name(id) }])
        assert.strictEqual((yield* download(id, {}, bob.sid)).status, 200)
        const { token } = json(
          yield* request(`${base}/auth/login`, {
            method: "POST",
            body: [JSON.stringify({ account: "alice", password: "123456" })]
          })
        )
        const removed = yield* request(`${base}/message/remove?token=${String(token)}`, {
          method: "POST",
          body: [JSON.stringify({ SessionId: "room", MessageId: gid })]
        })
        assert.deepStrictEqual([removed.status, json(removed)], [200, { success: true }])
        for (const sid of [alice.sid, bob.sid]) {
          for (const method of ["GET", "HEAD"]) {
            assert.strictEqual((yield* download(id, { method }, sid)).status, 404)
            const other = `${base}/index.php?m=attach&f=download&fileID=${id}&sid=${sid}`
            assert.strictEqual((yield* request(other, { method })).status, 404)
          }
        }
        const left = listed(yield* alice.done("getList", ["room"], { module: "attach" })).map((one) =>
          String(one["id"])
        )
        assert.notInclude(left, id)
      }
    })
  )

  it.effect("and logins list the allowed methods of their paths", () =>
    Effect.gen(function* () {
      const { base } = yield* room
      const paths: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
        ["/attach-upload.json", ["POST"]],
        ["/attach-download-1.json", ["GET", "HEAD"]],
        ["/index.php", ["GET", "HEAD", "POST"]],
        ["/auth/login", ["POST"]],
        ["/auth/logout", ["POST"]]
      ]
      for (const [path, allowed] of paths) {
        for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].filter(
          (one) => !allowed.includes(one)
        )) {
          const answer = yield* request(`${base}${path}`, { method })
          assert.strictEqual(answer.status, 405, `${method} ${path}`)
          assert.include(String(answer.headers.allow), allowed.join(", ").replace("GET, HEAD", "GET"))
        }
      }
      const options = yield* request(`${base}/auth/login`, { method: "OPTIONS" })
      assert.deepStrictEqual([options.status, options.headers.allow], [204, "POST, OPTIONS"])
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

  it.effect("accept the chat's gid before or after the files or in the query, and both field names", () =>
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

  it.effect("have a title without a path, and are served as attachments", () =>
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
        [`${"x".repeat(300)}.txt`, `${"x".repeat(251)}.txt`],
        [`${"报".repeat(300)}.txt`, `${"报".repeat(83)}.txt`],
        ['a\\"b.txt', 'a"b.txt'],
        ["\u{1f468}\u200d\u{1f469}\u200d\u{1f467}.jpg", "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}.jpg"],
        ["نامه\u200cای.txt", "نامه\u200cای.txt"],
        [
          "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}.png",
          "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}.png"
        ],
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

  it.effect("are found by the 1.0 client's first request", () =>
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
