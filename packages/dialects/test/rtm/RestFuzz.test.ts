/** Random requests of app servers, from a fixed seed: each is answered by a JSON document, and none by an internal error. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { repetitions } from "../../../../scripts/repetitions.ts"
import { type RtmServer, startServer } from "./harness.ts"
import { KEY, query, restOf } from "./restClient.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const SEED = 20_261_201

/** Numbers from 0 to below 1; mulberry32. */
const randomOf = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

const FIELDS = [
  "name",
  "m",
  "c",
  "unique",
  "tr",
  "attr",
  "attr.key",
  "client_ids",
  "from_client",
  "message",
  "timestamp",
  "transient",
  "push_data",
  "mention_all",
  "mention_client_ids",
  "reason",
  "objectId",
  "__proto__",
  "constructor"
]
const PARAMETERS = [
  "where",
  "order",
  "skip",
  "limit",
  "count",
  "msgid",
  "timestamp",
  "till_msgid",
  "till_timestamp",
  "include_start",
  "reversed",
  "from_client",
  "next",
  "conv_id",
  "session_token"
]

describe("random requests of app servers", () => {
  it("are answered", async () => {
    await server.parley.operate("rtm-app add", { id: "fuzz", key: KEY, "all-users": true })
    const rest = restOf(server, "fuzz")
    const prepare = async () => {
      const { json } = await rest("POST", "conversations", { name: "Fuzz", m: ["f-a", "f-b"] })
      const sent = await rest("POST", `conversations/${json.objectId}/messages`, { from_client: "f-a", message: "x" })
      return { id: json.objectId, message: sent.json["msg-id"], time: sent.json.timestamp }
    }
    let present = await prepare()
    const random = randomOf(SEED)
    const pick = <A>(values: ReadonlyArray<A>): A => values[Math.floor(random() * values.length)] as A
    const name = () => pick(["f-a", "f-b", "f-new", "two words", "", "é", present.id, present.message])
    const value = (depth: number): unknown => {
      switch (Math.floor(random() * (depth > 2 ? 7 : 9))) {
        case 0:
          return null
        case 1:
          return random() < 0.5
        case 2:
          return pick([0, -1, 1, 1.5, 1e300, present.time])
        case 3:
        case 4:
          return name()
        case 5:
          return "\uD800"
        case 6:
          return "x".repeat(Math.floor(random() * 3000))
        case 7:
          return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1))
        default:
          return object(FIELDS, depth + 1)
      }
    }
    const object = (keys: ReadonlyArray<string>, depth: number): Record<string, unknown> =>
      Object.fromEntries(
        Array.from({ length: Math.floor(random() * 4) }, () => [
          pick([...keys, "$ne", "$in", "$regex", "__op"]),
          value(depth)
        ])
      )
    const conversation = (): string => `conversations/${pick([present.id, present.id, "x", "0".repeat(24)])}`
    const message = (): string => `${conversation()}/messages/${pick([present.message, "x", "0".repeat(16)])}`
    const paths: ReadonlyArray<() => string> = [
      () => "conversations",
      conversation,
      () => `${conversation()}/${pick(["members", "mutes", "permanent-silenceds", "blacklists", "messages"])}`,
      message,
      () => `${message()}/recall`,
      () => `clients/${pick(["check-online", "sign", "f-a/unread-count", "f-a/kick", "nobody/kick", "%ff/kick"])}`
    ]
    const statuses = new Map<number, number>()
    for (let count = 0; count < repetitions(3000, 300); count++) {
      const method = pick(["GET", "POST", "PUT", "DELETE"])
      const path = pick(paths)() + (random() < 0.4 ? query(object(PARAMETERS, 0)) : "")
      const body = method === "GET" ? undefined : object(FIELDS, 0)
      const reply = await rest(method, path, body)
      const shown = `${method} ${path} ${JSON.stringify(body)}`
      assert.include([200, 400, 401, 403, 404, 405, 413, 429], reply.status, shown)
      if (reply.status !== 200) assert.isString(reply.json.error, shown)
      // Dissolved, or without a member of the app.
      if (method === "DELETE" && reply.status === 200) present = await prepare()
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1)
    }
    assert.isAbove(statuses.get(200) ?? 0, 0)
    assert.isAbove(statuses.get(400) ?? 0, 0)
  }, 60_000)
})
