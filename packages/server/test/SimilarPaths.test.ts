/**
 * A request that begins like a documented path is refused with an error of that protocol. Source: PROTOCOLS, "Bad
 * input"; the shape of a failure in each of the five.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as http from "node:http"
import { serveInProcess } from "./inProcess.ts"

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** Sends paths unchanged; `fetch` would normalise them. */
const ask = (server: string, path: string, method: string, body = "") =>
  Effect.callback<Answer>((resume) => {
    const { hostname, port } = new URL(server)
    http
      .request({ hostname, port, path, method, headers: { "content-length": body.length } }, (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (part: string) => (text += part))
        response.on("end", () =>
          resume(
            Effect.succeed({
              status: response.statusCode ?? 0,
              type: response.headers["content-type"] ?? "",
              body: text
            })
          )
        )
      })
      .end(body)
  })

type Fields = Readonly<Record<string, unknown>>

/** Fields of a failure of each protocol, beside its message. */
const shapes = {
  xuanxuan: ({ message, ...rest }: Fields) => [rest, message],
  spark: ({ message, ...rest }: Fields) => [rest, message],
  hisihi: ({ message, ...rest }: Fields) => [rest, message],
  ha: ({ error, ...rest }: Fields) => [rest, error],
  youdu: ({ errmsg, ...rest }: Fields) => [rest, errmsg]
} as const

const unknown: { readonly [P in keyof typeof shapes]: Fields } = {
  xuanxuan: { module: "null", method: "null", result: "fail" },
  spark: { success: false, error: "not_found" },
  hisihi: { error: "not_found" },
  ha: { code: 1, msg: "不成功", data: null },
  youdu: { errcode: 404 }
}

const LONG = "9".repeat(15_000)

const paths: { readonly [P in keyof typeof shapes]: ReadonlyArray<string> } = {
  xuanxuan: [
    "/attach-upload.json/x",
    "/attach-download-%zz.json",
    "/attach-download-1/2.json",
    "/attach-download-1",
    `/attach-download-${LONG}`,
    "/index.php/x",
    "/index.php/%zz",
    "/ws/x"
  ],
  spark: [
    "/session/start/x",
    "/session/start/%zz",
    "/session/AddMember/1",
    "/message/push/x",
    "/message/push/%zz",
    `/message/remove/${LONG}`
  ],
  hisihi: [
    "/signature/login",
    "/signature/login/",
    "/signature/login/1",
    "/signature/login/1/%zz",
    "/signature/login/1/%",
    "/signature/login/1/%c3%28",
    "/signature/login/1/a/b",
    "/signature//login/%zz/a",
    "/signature/conversion/%zz",
    "/signature/invite/1/a",
    "/signature/kick/1/a/b/c/d",
    `/signature/kick/${LONG}`,
    "/im/group/%zz",
    "/im/group/1/members",
    "/im/group/1/member/2",
    "/im/org/1",
    "/im/org/%zz/contacts"
  ],
  ha: ["/conversation/1", "/conversation/%zz", "/message/1", "/message/%zz", "/message/pushed", `/message/${LONG}`],
  youdu: [
    "/cgi",
    "/cgi/",
    "/cgi/gettokens",
    "/cgi/dept/create",
    "/cgi/gettoken/x",
    "/cgi/gettoken/%zz",
    "/cgi/session/create/1",
    "/cgi/session/get/1",
    `/cgi/session/update/${LONG}`
  ]
}

/** Documented paths, with and without a slash at the end, with unsupported methods. */
const verbs: { readonly [P in keyof typeof shapes]: ReadonlyArray<readonly [method: string, path: string]> } = {
  xuanxuan: [
    ["GET", "/attach-upload.json"],
    ["PUT", "/index.php"],
    ["DELETE", "/attach-download-1.json"],
    ["OPTIONS", "/attach-upload.json"],
    ["GET", "/ws"]
  ],
  spark: [
    ["GET", "/session/start"],
    ["DELETE", "/session/start/"],
    ["PROPFIND", "/message/push"]
  ],
  hisihi: [
    ["POST", "/signature/login/1/a"],
    ["GET", "/im/group/"],
    ["TRACE", "/im/group/1"],
    ["PROPFIND", "/im/org/1/contacts/"]
  ],
  ha: [
    ["GET", "/conversation"],
    ["GET", "/conversation/"],
    ["OPTIONS", "/message"],
    ["TRACE", "/message/"]
  ],
  youdu: [
    ["GET", "/cgi/gettoken"],
    ["GET", "/cgi/gettoken/"],
    ["OPTIONS", "/cgi/session/get"],
    ["TRACE", "/cgi/session/update"]
  ]
}

const protocols = ["xuanxuan", "spark", "hisihi", "ha", "youdu"] as const

describe("a path similar to one of a protocol", () => {
  it.live("is refused in that protocol's form for every method", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess()
      for (const protocol of protocols) {
        for (const path of paths[protocol]) {
          for (const method of ["GET", "POST", "PUT", "DELETE"]) {
            const answer = yield* ask(server.http, path, method, method === "GET" ? "" : '{"a":1}')
            const what = `${method} ${path.slice(0, 60)}`
            assert.strictEqual(answer.status, protocol === "youdu" ? 200 : 404, `${what}: ${answer.body}`)
            assert.match(answer.type, /^application\/json/, what)
            const [shape, words] = shapes[protocol](JSON.parse(answer.body) as Fields)
            assert.deepStrictEqual(shape, unknown[protocol], what)
            assert.match(String(words), /^[A-Z].*\.$/, what)
          }
        }
      }
      assert.strictEqual((yield* ask(server.http, "/healthz", "GET")).status, 200)
    }).pipe(Effect.scoped)
  )

  it.live("is refused in that protocol's form for a wrong method of a documented path", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess()
      for (const protocol of protocols) {
        for (const [method, path] of verbs[protocol]) {
          const answer = yield* ask(server.http, path, method)
          const what = `${method} ${path}: ${answer.body}`
          assert.include([404, 405, 426], answer.status, what)
          const [shape, words] = shapes[protocol](JSON.parse(answer.body) as Fields)
          assert.deepStrictEqual(Object.keys(shape as Fields), Object.keys(unknown[protocol]), what)
          assert.match(String(words), /^\/?[A-Za-z].*\.$/, what)
        }
      }
    }).pipe(Effect.scoped)
  )

  it.live("belongs to no protocol if none has its first segment", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess()
      for (const path of [
        "/",
        "/%zz",
        "/signature",
        "/im",
        "/im/groups",
        "/messages",
        "/session",
        "/cgis/gettoken",
        "/wss"
      ]) {
        assert.deepStrictEqual(yield* ask(server.http, path, "GET"), {
          status: 404,
          type: "application/json; charset=utf-8",
          body: '{"message":"There is nothing at this path."}'
        })
      }
    }).pipe(Effect.scoped)
  )
})
