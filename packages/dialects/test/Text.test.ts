/** Text that is not UTF-8, forms in every encoding that clients use, and compressed bodies, over HTTP. */
import { assert, describe, it } from "@effect/vitest"
import { Sessions } from "@parley/core/Sessions"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { connect } from "node:net"
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import { engine, served } from "./serveDialect.ts"

const FORM = "application/x-www-form-urlencoded"
const MULTIPART = "multipart/form-data; boundary=b"

const fixture = Effect.gen(function* () {
  const [alice] = yield* (yield* Users).add([{ account: "alice", admin: true }, { account: "bob" }])
  if (alice === undefined) return yield* Effect.die("no people")
  const { http } = yield* served
  const { token } = yield* (yield* Sessions).issue(alice.id, "token")
  const post = (path: string, body: string | Uint8Array, headers: Readonly<Record<string, string>>, method = "POST") =>
    Effect.promise(async () => {
      const response = await fetch(`${http}${path}`, {
        method,
        headers: { "x-ha-key": "ha-demo", "x-ha-session": token, authorization: `Bearer ${token}`, ...headers },
        body: typeof body === "string" ? Buffer.from(body, "latin1") : Buffer.from(body)
      })
      return { status: response.status, json: (await response.json()) as Readonly<Record<string, unknown>> }
    })
  const started = yield* post(`/session/start?token=${token}`, JSON.stringify({ To: ["bob"] }), {})
  const session = String(started.json["SessionId"])
  return { http, token, session, post, push: `/message/push?token=${token}` }
})

const test = <A, E, R>(work: Effect.Effect<A, E, R>) => work.pipe(Effect.scoped, Effect.provide(engine))

const utf8 = (text: string): string => Buffer.from(text).toString("latin1")
const field = (name: string, value: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

describe("a form", () => {
  it.live("is read by the URL Standard, as multipart and compressed", () =>
    test(
      Effect.gen(function* () {
        const { session, post, push, http, token } = yield* fixture
        const form = (content: string): string => `SessionId=${session}&Type=0&Content=${content}`
        const parts = (content: string): string =>
          `${field("SessionId", session)}${field("Type", "0")}${field("Content", content)}--b--\r\n`
        const simple = { "content-type": FORM }
        const coded = (coding: string) => ({ ...simple, "content-encoding": coding })
        const sent: ReadonlyArray<readonly [string | Uint8Array, Readonly<Record<string, string>>, string]> = [
          [form("100%+sure%21"), simple, "100% sure!"],
          [form("%E4%B8%AD"), simple, "中"],
          [parts(utf8("100% 中+")), { "content-type": MULTIPART }, "100% 中+"],
          [gzipSync(form("gzip")), coded("gzip"), "gzip"],
          [gzipSync(form("x-gzip")), coded("X-Gzip"), "x-gzip"],
          [deflateSync(form("deflate")), coded("deflate"), "deflate"],
          [brotliCompressSync(form("br")), coded("br"), "br"],
          [gzipSync(parts("both")), { "content-type": MULTIPART, "content-encoding": "gzip" }, "both"],
          [
            gzipSync(JSON.stringify({ SessionId: session, Type: 0, Content: "json" })),
            { "content-encoding": "gzip" },
            "json"
          ],
          [form("no%20coding"), coded("UTF-8"), "no coding"]
        ]
        for (const [body, headers, content] of sent) {
          assert.deepInclude(yield* post(push, body, headers), { status: 200 }, content)
        }
        const listed = yield* Effect.promise(() =>
          fetch(`${http}/cgi/session/get?accessToken=${token}&sessionId=${session}`)
        )
        assert.strictEqual(listed.status, 200)
      })
    )
  )

  it.live("that is not UTF-8, has a wrong content type, or is too large is refused in the protocol's shape", () =>
    test(
      Effect.gen(function* () {
        const { session, post, push } = yield* fixture
        const form = `SessionId=${session}&Type=0&Content=`
        const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024))
        const cases: ReadonlyArray<readonly [string | Uint8Array, string, string | undefined, number, string, string]> =
          [
            [
              `${form}%D6%D0%CE%C4`,
              FORM,
              undefined,
              400,
              "invalid_parameter",
              "The body is not UTF-8 once it is decoded."
            ],
            [`${form}\xd6\xd0`, FORM, undefined, 400, "invalid_parameter", "The body is not UTF-8."],
            [
              `${field("SessionId", session)}${field("Content", "\xd6\xd0")}--b--`,
              MULTIPART,
              undefined,
              400,
              "invalid_parameter",
              "The body is a form whose part 2 (Content) is not UTF-8."
            ],
            [
              field("a", "b"),
              MULTIPART,
              undefined,
              400,
              "invalid_parameter",
              "The body is a form that ends before its last boundary."
            ],
            [bomb, FORM, "gzip", 413, "too_large", "The body is too large."],
            [bomb, MULTIPART, "gzip", 413, "too_large", "The body is too large."],
            ["plain", FORM, "gzip", 400, "invalid_parameter", "The body is not valid gzip."],
            [gzipSync(form).subarray(0, 20), FORM, "gzip", 400, "invalid_parameter", "The body is not valid gzip."],
            [
              form,
              FORM,
              "zstd",
              415,
              "unsupported_media_type",
              "The body has the Content-Encoding zstd, which is not supported."
            ],
            [
              gzipSync(gzipSync(form)),
              FORM,
              "gzip, gzip",
              415,
              "unsupported_media_type",
              "The body has the Content-Encoding gzip, gzip, which is not supported."
            ]
          ]
        for (const [body, type, coding, status, error, message] of cases) {
          const reply = yield* post(push, body, {
            "content-type": type,
            ...(coding !== undefined && { "content-encoding": coding })
          })
          assert.deepStrictEqual(reply, { status, json: { success: false, error, message } })
        }
      })
    )
  )

  it.live("that is multipart or compressed is refused with 415 by protocols with JSON only", () =>
    test(
      Effect.gen(function* () {
        const { post, token } = yield* fixture
        const parts = "The body is multipart/form-data; only JSON is supported."
        const coded = "The body has the Content-Encoding gzip, which is not supported."
        const json = gzipSync("{}")
        const form = `${field("a", "b")}--b--`
        const ha = { code: 1, msg: "不成功", data: null }
        for (const path of ["/conversation", "/message"]) {
          assert.deepStrictEqual(yield* post(path, form, { "content-type": MULTIPART }), {
            status: 415,
            json: { ...ha, error: parts }
          })
          assert.deepStrictEqual(yield* post(path, json, { "content-encoding": "gzip" }), {
            status: 415,
            json: { ...ha, error: coded }
          })
        }
        for (const path of ["/cgi/gettoken", `/cgi/session/create?accessToken=${token}`]) {
          assert.deepStrictEqual(yield* post(path, form, { "content-type": MULTIPART }), {
            status: 415,
            json: { errcode: 415, errmsg: parts }
          })
          assert.deepStrictEqual(yield* post(path, json, { "content-encoding": "gzip" }), {
            status: 415,
            json: { errcode: 415, errmsg: coded }
          })
        }
        const upload = yield* post(`/attach-upload.json?sid=${token}`, gzipSync(form), {
          "content-type": MULTIPART,
          "content-encoding": "gzip"
        })
        assert.deepInclude(upload, { status: 415 })
      })
    )
  )
})

describe("text that is not UTF-8", () => {
  it.live("is refused in queries, in every protocol", () =>
    test(
      Effect.gen(function* () {
        const { post, token, http } = yield* fixture
        const sentence = "The query is not UTF-8 once it is decoded."
        const shapes: ReadonlyArray<readonly [string, string, unknown]> = [
          [
            "POST",
            `/session/start?token=${token}&x=%FF`,
            { success: false, error: "invalid_parameter", message: sentence }
          ],
          ["GET", "/message?conversationid=%D6", { code: 1, msg: "不成功", data: null, error: sentence }],
          ["GET", "/im/org/2/groups?page=%FF", { error: "invalid_parameter", message: sentence }],
          ["GET", `/cgi/session/get?accessToken=${token}&sessionId=%FF`, { errcode: 400, errmsg: sentence }],
          [
            "GET",
            `/index.php?m=attach&f=download&fileID=%FF&sid=${token}`,
            { module: "null", method: "null", result: "fail", message: sentence }
          ]
        ]
        for (const [method, path, json] of shapes) {
          const reply =
            method === "POST"
              ? yield* post(path, "{}", {})
              : yield* Effect.promise(async () => {
                  const headers = { "x-ha-key": "ha-demo", "x-ha-session": token, authorization: `Bearer ${token}` }
                  const response = await fetch(`${http}${path}`, { headers })
                  return { status: response.status, json: (await response.json()) as unknown }
                })
          assert.deepStrictEqual(reply, { status: 400, json }, path)
        }
      })
    )
  )

  it.live("is refused in paths, encoded or not", () =>
    test(
      Effect.gen(function* () {
        const { http, token } = yield* fixture
        const raw = (target: string): Effect.Effect<string> =>
          Effect.promise(
            () =>
              new Promise((resolve, reject) => {
                const socket = connect(Number(new URL(http).port), "127.0.0.1", () => {
                  const head = `Host: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`
                  socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\n${head}`, "latin1"))
                })
                let text = ""
                socket.setEncoding("latin1").on("data", (part: string) => (text += part))
                socket.on("end", () => resolve(Buffer.from(text, "latin1").toString())).on("error", reject)
              })
          )
        assert.match(yield* raw("/signature/login/1/%FF"), /^HTTP\/1.1 404 /)
        assert.match(yield* raw("/signature/login/1/%D6%D0"), /^HTTP\/1.1 404 /)
        assert.match(yield* raw("/signature/login/1/\xd6\xd0"), /^HTTP\/1.1 400 /)
        assert.match(yield* raw("/im/org/2/groups?page=\xff"), /^HTTP\/1.1 400 /)
      })
    )
  )
})
