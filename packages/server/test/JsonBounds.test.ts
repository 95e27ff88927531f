/**
 * Invariant 7, everything is bounded: values and levels of JSON. The bound itself is accepted; one more is refused with an
 * error of the protocol, and the connection stays usable.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { folder, serve } from "./serverProcess.ts"
import { type Fields, first, loggedIn, Server } from "./TestClient.ts"

/** As in docs/security.md. */
const VALUES = 131_072
const TEXT = 4
const KEY = 7
const LEVELS = 128

const server = Layer.effect(
  Server,
  Effect.gen(function* () {
    const cwd = yield* folder
    return { cwd, ...(yield* serve(cwd, "--database", "memory:", "--demo")) }
  })
)

const post = (address: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body
    })
    const text = await response.text()
    return { status: response.status, json: JSON.parse(text) as Fields, text }
  })

/** Returns the counted values of an object without nested ones, excluding itself. */
const sizeOf = (json: object): number => {
  const of = (value: unknown): number =>
    typeof value === "string" ? TEXT : Array.isArray(value) ? value.reduce((sum: number, item) => sum + of(item), 1) : 1
  return Object.values(json).reduce((sum: number, value) => sum + KEY + of(value), 0)
}

/** Returns a last member of an object at the bound, or one over it with the expected error. */
const padding = (more: 0 | 1, size: number) => {
  const values = VALUES - 1 - size - KEY - 1 + more
  const members = Math.floor(values / (KEY + 1)) - 1
  const items = values - (KEY + 1) * (members + 1)
  const pairs = Array.from({ length: members }, (_, index) => `"k${index}":0`)
  const texts = Math.floor(values / TEXT)
  const numbers = (count: number) => Array.from({ length: count }, () => "0")
  const levels = LEVELS - 1 + more
  const over = `has more than ${VALUES} values, where a string counts as ${TEXT} and a key as ${KEY}`
  return [
    ["members", `"pad":{${pairs.join(",")},"items":[${numbers(items).join(",")}]}`, over],
    ["numbers", `"pad":[${numbers(values).join(",")}]`, over],
    [
      "texts",
      `"pad":[${[...Array.from({ length: texts }, () => '"x"'), ...numbers(values - TEXT * texts)].join(",")}]`,
      over
    ],
    [
      "levels",
      `"pad":${"[".repeat(levels)}${" ".repeat(16 * 1024)}${"]".repeat(levels)}`,
      `has more than ${LEVELS} levels`
    ]
  ] as const
}

const withPadding = (json: object, pad: string): string => `${JSON.stringify(json).slice(0, -1)},${pad}}`

layer(server, { excludeTestServices: true })("invariant 7:", (it) => {
  for (const transport of ["websocket", "tcp"] as const) {
    it.effect(`values and levels of a frame are bounded (${transport})`, () =>
      Effect.gen(function* () {
        const alice = yield* loggedIn("alice", transport)
        const ping = { module: "chat", method: "ping", sid: alice.sid }
        for (const [what, pad] of padding(0, sizeOf(ping))) {
          alice.send(withPadding(ping, pad))
          assert.include(first(yield* alice.take(1)), { method: "ping", result: "success" }, what)
        }
        for (const [, pad, problem] of padding(1, sizeOf(ping))) {
          alice.send(withPadding(ping, pad))
          assert.deepStrictEqual(first(yield* alice.take(1)), {
            module: "null",
            method: "null",
            result: "fail",
            message: `The frame ${problem}.`
          })
        }
        assert.strictEqual((yield* alice.ask("ping"))["result"], "success")
      })
    )
  }

  it.effect("values and levels of a body are bounded", () =>
    Effect.gen(function* () {
      const { http } = yield* Server
      const bob = yield* loggedIn("bob")
      const token = (account: string) =>
        Effect.map(
          post(`${http}/auth/login`, JSON.stringify({ account, password: "123456" })),
          ({ json }) => json["token"] as string
        )
      const [alice, admin] = [yield* token("alice"), yield* token("admin")]
      const keys = { "x-ha-key": "ha-demo", "x-ha-session": alice }
      const group = { group_name: "g", member_client_ids: "bob", organization_id: 3, conversion_id: "5638b5d2" }
      const requests = [
        [
          "spark",
          `/session/start?token=${alice}`,
          {},
          { To: ["bob"] },
          200,
          (message: string) => ({ success: false, error: "too_large", message })
        ],
        ["hisihi", "/im/group", {}, group, 201, (message: string) => ({ error: "too_large", message })],
        [
          "ha",
          "/conversation",
          keys,
          { passiveuser: bob.id, time: "1700000000000" },
          200,
          (error: string) => ({ code: 1, msg: "不成功", error, data: null })
        ],
        [
          "youdu",
          `/cgi/session/create?accessToken=${admin}`,
          {},
          { title: "t", creator: "alice", member: ["bob", "carol"] },
          200,
          (errmsg: string) => ({ errcode: 413, errmsg })
        ]
      ] as const
      for (const [protocol, path, headers, json, status, refusal] of requests) {
        for (const [what, pad] of padding(0, sizeOf(json))) {
          const fits = yield* post(http + path, withPadding(json, pad), headers)
          assert.strictEqual(fits.status, status, `${protocol}, ${what}: ${fits.text}`)
        }
        for (const [, pad, problem] of padding(1, sizeOf(json))) {
          const over = yield* post(http + path, withPadding(json, pad), headers)
          const message = `The body ${problem}.`
          assert.deepStrictEqual([over.status, over.json], [413, refusal(message)], protocol)
        }
      }
    })
  )

  it.effect("JSON in a field of a form is bounded", () =>
    Effect.gen(function* () {
      const { http } = yield* Server
      const form = { "content-type": "application/x-www-form-urlencoded" }
      const { json } = yield* post(`${http}/auth/login`, JSON.stringify({ account: "alice", password: "123456" }))
      const token = String(json["token"])
      const started = yield* post(`${http}/session/start?token=${token}`, JSON.stringify({ To: ["bob", "carol"] }))
      const edit = (data: string) =>
        post(
          `${http}/session/Edit?token=${token}`,
          new URLSearchParams({ SessionId: String(started.json["SessionId"]), Data: data }).toString(),
          form
        )
      const nothing = 0
      for (const [what, pad] of padding(0, nothing)) {
        const { json: read } = yield* edit(`{${pad}}`)
        // Empty levels are not a large value.
        if (what === "levels") assert.include(read, { SessionId: started.json["SessionId"] })
        else assert.include(read, { error: "invalid_parameter", message: "Data.pad must have at most 4096 bytes." })
      }
      for (const [, pad, problem] of padding(1, nothing)) {
        const over = yield* edit(`{${pad}}`)
        const message = `The body has JSON in Data that ${problem}.`
        assert.deepStrictEqual([over.status, over.json], [413, { success: false, error: "too_large", message }])
      }
    })
  )

  it.effect("a login over HTTP refuses a body large enough to be slow", () =>
    Effect.gen(function* () {
      const { http } = yield* Server
      const login = { account: "alice", password: "123456" }
      const levels = (16 * 1024 - JSON.stringify(login).length - ',"pad":'.length) / 2
      const deep = (count: number) => withPadding(login, `"pad":${"[".repeat(count)}${"]".repeat(count)}`)
      assert.strictEqual((yield* post(`${http}/auth/login`, deep(Math.floor(levels)))).status, 200)
      const over = yield* post(`${http}/auth/login`, deep(Math.floor(levels) + 1))
      assert.deepStrictEqual([over.status, over.json], [413, { error: "Invalid", message: "body is too large." }])
    })
  )
})
