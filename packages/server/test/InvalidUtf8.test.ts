/** A body with invalid UTF-8 is refused with an error of its protocol, instead of being stored with question marks. */
import { describe, expect, it } from "vitest"
import { Effect } from "effect"
import { gzipSync } from "node:zlib"
import { serveInProcess } from "./inProcess.ts"

/** JSON whose text contains a byte that cannot begin a character. */
const invalidUtf8 = Uint8Array.from([
  ...new TextEncoder().encode('{"title":"'),
  0xff,
  ...new TextEncoder().encode('"}')
])

const requests = (token: string): ReadonlyArray<readonly [path: string, words: string]> => [
  [`/session/start?token=${token}`, "message"],
  ["/im/group", "message"],
  ["/conversation", "error"],
  [`/cgi/session/create?accessToken=${token}`, "errmsg"]
]

describe("a body with invalid UTF-8", () => {
  it("is refused by every protocol that has bodies", async () => {
    const found = await Effect.gen(function* () {
      const { http } = yield* serveInProcess()
      const post = (path: string, body: string | Uint8Array<ArrayBuffer>, session = "") =>
        Effect.promise(async () => {
          const headers = { "content-type": "application/json", "x-ha-key": "ha-demo", "x-ha-session": session }
          const answer = await fetch(http + path, { method: "POST", body, headers })
          return (await answer.json()) as Readonly<Record<string, unknown>>
        })
      const { token } = yield* post("/auth/login", JSON.stringify({ account: "admin", password: "123456" }))
      // Its only error for an invalid body.
      const login = yield* post("/auth/login", invalidUtf8)
      expect(login["error"]).toBe("Invalid")
      return yield* Effect.forEach(requests(String(token)), ([path, words]) =>
        Effect.map(post(path, invalidUtf8, String(token)), (json) => String(json[words]))
      )
    }).pipe(Effect.scoped, Effect.runPromise)
    expect(found).toEqual(requests("").map(() => expect.stringContaining("is not UTF-8")))
  })
})

describe("a login's body in an unsupported form", () => {
  it("is refused with 415, not as invalid JSON", async () => {
    const json = JSON.stringify({ account: "alice", password: "123456" })
    const form = new FormData()
    form.set("account", "alice")
    const found = await Effect.gen(function* () {
      const { http } = yield* serveInProcess()
      const login = (body: BodyInit, headers: Readonly<Record<string, string>>) =>
        Effect.promise(async () => {
          const answer = await fetch(`${http}/auth/login`, { method: "POST", body, headers })
          const { message } = (await answer.json()) as { readonly message?: string }
          return [answer.status, message]
        })
      const type = { "content-type": "application/json" }
      return [
        yield* login(Uint8Array.from(gzipSync(json)), { ...type, "content-encoding": "gzip" }),
        yield* login(form, {}),
        // Some clients declare it, although it is not a coding.
        yield* login(json, { ...type, "content-encoding": "UTF-8" })
      ]
    }).pipe(Effect.scoped, Effect.runPromise)
    expect(found).toEqual([
      [415, "body has the Content-Encoding gzip, which is not supported."],
      [415, "body is multipart/form-data; only JSON is supported."],
      [200, undefined]
    ])
  })
})
