/**
 * Concurrent logins and logouts over real sockets, in random order; the core's tests of the same name force the orders.
 * No ended session stays valid in any order.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { online, md5, PASSWORD, webSocket } from "./clients.ts"
import { repetitions } from "../../../scripts/repetitions.ts"
import { serveInProcess } from "./inProcess.ts"

const ROUNDS = repetitions(10, 4)

const served = (settings: Readonly<Record<string, string>> = {}) =>
  serveInProcess({ "login.attempts": 1000, ...settings })

const tokenOf = (http: string, account: string) =>
  Effect.promise(async () => {
    const body = JSON.stringify({ account, password: PASSWORD })
    const response = await fetch(`${http}/auth/login`, { method: "POST", headers: JSON_BODY, body })
    return ((await response.json()) as { token: string }).token
  })

const JSON_BODY = { "content-type": "application/json" }

/** Sends a request of an HTTP protocol, which returns 401 for an ended token. */
const status = async (http: string, token: string): Promise<number> =>
  (
    await fetch(`${http}/session/start?token=${token}`, {
      method: "POST",
      headers: JSON_BODY,
      body: '{"To":["carol"]}'
    })
  ).status

const logout = async (http: string, token: string): Promise<number> =>
  (await fetch(`${http}/auth/logout`, { method: "POST", headers: { authorization: `Bearer ${token}` } })).status

describe("sessions on a server", () => {
  it.live("a token is invalid after its logout, with any number of requests in progress", () =>
    Effect.gen(function* () {
      const { http } = yield* served()
      for (let round = 0; round < ROUNDS; round++) {
        const token = yield* tokenOf(http, "alice")
        const requests = () => Array.from({ length: 8 }, () => status(http, token))
        yield* Effect.promise(async () => {
          const before = requests()
          const ending = logout(http, token)
          await Promise.all([...before, ending, ...requests()])
          assert.strictEqual(await ending, 204)
          assert.strictEqual(await status(http, token), 401)
          assert.strictEqual(await logout(http, token), 401)
        })
      }
    }).pipe(Effect.scoped)
  )

  it.live("a sid is invalid after its logout, with any number of connections resuming it", () =>
    Effect.gen(function* () {
      const { http } = yield* served({ sessions: "multi" })
      for (let round = 0; round < ROUNDS; round++) {
        const alice = yield* online(http, "alice")
        const others = yield* Effect.forEach([1, 2, 3, 4], () => webSocket(http), { concurrency: "unbounded" })
        for (const other of others.slice(0, 2)) other.send({ module: "chat", method: "ping", sid: alice.sid() })
        alice.send({ module: "chat", method: "logout", sid: alice.sid() })
        for (const other of others.slice(2)) other.send({ module: "chat", method: "ping", sid: alice.sid() })
        yield* alice.until("the logout", () => alice.answers.some(({ method }) => method === "logout"))
        const late = yield* webSocket(http)
        late.take(alice.sid())
        assert.strictEqual((yield* late.ask("ping")).result, "denied")
        for (const other of others) {
          yield* other.until("an answer", () => other.answers.length > 0)
          if (other.answers[0]?.result === "success") assert.strictEqual((yield* other.untilClosed).code, 4003)
        }
      }
    }).pipe(Effect.scoped)
  )

  it.live("one of simultaneous chat logins remains if one session is allowed", () =>
    Effect.gen(function* () {
      const { http } = yield* served()
      for (let round = 0; round < ROUNDS; round++) {
        const clients = yield* Effect.forEach([1, 2, 3, 4], () => webSocket(http), { concurrency: "unbounded" })
        for (const client of clients) {
          client.send({ module: "chat", method: "login", params: ["bob", md5(PASSWORD), "online"] })
        }
        for (const client of clients) yield* client.until("an answer", () => client.answers.length > 0)
        const sids = clients.map(({ answers }) => answers[0]?.sid ?? "")
        // Over HTTP, where using a sid takes nothing over.
        const statuses = yield* Effect.promise(() => Promise.all(sids.map((sid) => status(http, sid))))
        assert.deepStrictEqual(
          statuses.sort((one, other) => one - other),
          [200, 401, 401, 401]
        )
      }
    }).pipe(Effect.scoped)
  )
})
