/** Reasons of failures: the cause, the received value, and the step that a missing value comes from. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { fromFetch, type Options, run } from "../src/index.ts"
import { match } from "../src/match/match.ts"
import { TinyServer } from "./TinyServer.ts"

/** The evidence of each check that did not pass, by its name. */
const failuresOf = async (options: Options) => {
  const { scenarios } = await run({ profile: "all", timing: { reply: 300, close: 300 }, ...options })
  const failed = scenarios.flatMap(({ checks }) => checks.filter(({ evidence }) => evidence !== undefined))
  return new Map(failed.map(({ id, evidence }) => [id.split("#")[1] ?? "", evidence]))
}

/** A server of hisihi with the same response to every request. */
const answering = (status: number, body: string): Options => ({
  protocol: "hisihi",
  target: fromFetch(() => new Response(body, { status }))
})

describe("over HTTP", () => {
  it("a wrong status is the cause, and not the content that is missing with it", async () => {
    const found = await failuresOf({ ...answering(404, "{}"), only: "hisihi/login-signature/documented" })
    expect(found.get("fields")?.reason).toBe("status: expected 200, found 404")
    expect(found.get("signature")?.reason).toBe("not run, because step 1 (fields) did not give signature, time, nonce")
  })

  it("a body that is not JSON is shown", async () => {
    const html = "<h1>It works!</h1>"
    const found = await failuresOf({ ...answering(201, html), only: "hisihi/class-message/documented" })
    expect(found.get("fields")?.reason).toMatch(
      /^the body: expected an object like .*, found no JSON but "<h1>It works!<\/h1>"$/
    )
  })

  it("a computed value is the expected one, and the server's the found one, with its response", async () => {
    const timestamp = "1450166986.392033"
    const signed = { app_id: "2", client_id: "3", timestamp, nonce: "cdXsciFc", signature: "0".repeat(40) }
    const found = await failuresOf({
      ...answering(200, JSON.stringify(signed)),
      only: "hisihi/login-signature/documented"
    })
    expect(found.get("signature")?.reason).toMatch(/^signature: expected "[0-9a-f]{40}", found "0{40}"$/)
    expect(found.get("signature")?.came.join()).toContain(timestamp)
  })

  it("a refusal without an accepted twin names the twin", async () => {
    const refused = JSON.stringify({ error: "not_found", message: "no app" })
    const found = await failuresOf({ ...answering(404, refused), only: "hisihi/login-signature/refused" })
    expect(found.get("unknown-app")?.reason).toContain("the request of accepted, which differs in one thing only")
  })
})

describe("over a connection", () => {
  let server: TinyServer
  beforeAll(async () => {
    server = await new TinyServer().listen()
  })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(() => {
    server.fault = "none"
  })

  const create = () => failuresOf({ target: { http: server.http, ws: server.ws }, only: "xuanxuan/create/group" })

  it("a missing push shows the request that it follows", async () => {
    server.fault = "no-push"
    const missing = (await create()).get("members-hear")
    expect(missing?.reason).toMatch(/^no such push: /)
    expect(missing?.sent.join()).toMatch(/^\(alice\) .*"method":"create"/)
  })

  it("frames that are not JSON are not silence", async () => {
    server.fault = "binary"
    const setup = (await create()).get("setup")
    expect(setup?.reason).toContain("nothing arrived in time but a binary frame")
    expect(setup?.came.join()).toContain("a binary frame")
  })
})

describe("in a list", () => {
  const scope = new Map()
  const texts = (pattern: Parameters<typeof match>[0], value: Parameters<typeof match>[1]) =>
    match(pattern, value, scope).mismatches.map(({ path, expected, found }) => `${path} ${expected} ${found}`)
  const listed = [
    { id: 1, name: "a", type: "group" },
    { id: 2, name: "b", type: "group" }
  ]

  it("the item that is meant is compared, and not the whole list", () => {
    expect(texts({ $contains: [{ type: "group", id: 2, name: "c" }] }, listed)).toEqual(['[1].name "c" "b"'])
    const exactly = [
      { id: 2, name: "c" },
      { id: 1, name: "a" }
    ]
    expect(texts({ $unordered: exactly }, listed)).toEqual(['[1].name "c" "b"'])
  })

  it("without such an item the list is shown", () => {
    const [text = ""] = texts({ $contains: [{ type: "group", id: 3 }] }, listed)
    expect(text).toContain("an item like")
    expect(text).toContain('"name":"a"')
  })
})
