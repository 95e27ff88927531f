/** A node whose PostgreSQL stops, while another node goes on with it. */
import { assert, describe, it } from "@effect/vitest"
import * as PgNodes from "@parley/adapter-postgres/PgNodes"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import { createEngine, ParleyError } from "@parley/core"
import { Effect, Schedule } from "effect"
import { startProxy } from "../../adapter-postgres/test/proxy.ts"
import { createDatabase } from "../../../scripts/postgres/database.ts"
import { share } from "../../../scripts/repetitions.ts"
import { contents, desktop, historyOf, md5, newGid, newGroup, online, PASSWORD } from "./clients.ts"
import { folder, serve } from "./serverProcess.ts"

const post = (url: string, body: unknown) =>
  Effect.promise(async () => {
    const headers = { "content-type": "application/json" }
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
    return [response.status, (await response.json()) as Record<string, unknown>] as const
  })

const readiness = (http: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${http}/readyz`)
    return [response.status, await response.json()] as const
  })

/** Waits until `/readyz` has this status and body. */
const untilReady = (http: string, ...expected: readonly [status: number, body: string]) =>
  readiness(http).pipe(
    Effect.filterOrFail(([status, body]) => status === expected[0] && body.status === expected[1]),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 }),
    Effect.orDie
  )

const until = (isDone: () => boolean) =>
  Effect.sync(isDone).pipe(
    Effect.filterOrFail((done) => done),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 }),
    Effect.orDie
  )

const engine = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() => createEngine({ store: PgStore.layer({ url }), nodes: PgNodes.layer({ url }) })),
    (opened) => Effect.promise(() => opened.close())
  )

const codeOf = (call: () => Promise<unknown>) =>
  Effect.promise(() =>
    call().then(
      () => undefined,
      (error: unknown) => (error instanceof ParleyError ? error.code : error)
    )
  )

describe("a node whose database does not reply", () => {
  it.live.each(share(["until it refuses requests", "until it has closed its connections"] as const, 2))(
    "%s: serves again by itself, with what others have changed",
    (how) =>
      Effect.gen(function* () {
        const url = yield* Effect.promise(() => createDatabase("18"))
        const proxy = yield* startProxy(url)
        const server = yield* serve(yield* folder, "--demo", "--database", proxy.url)
        const [other, embedded] = [yield* engine(url), yield* engine(proxy.url)]
        const alice = yield* online(server.http, "alice")
        const dave = yield* desktop(server.tcp)
        yield* dave.get("login", { account: "dave", password: md5(PASSWORD) })
        const gid = yield* newGroup(alice, "bob", "dave")
        yield* alice.say(gid, "before")
        const [, login] = yield* post(`${server.http}/auth/login`, { account: "carol", password: PASSWORD })
        const start = post(`${server.http}/session/start?token=${String(login["token"])}`, { To: ["bob"] })
        assert.strictEqual((yield* start)[0], 200)
        yield* untilReady(server.http, 200, "ready")
        yield* Effect.promise(() => embedded.as("bob").chat({ gid }))
        assert.strictEqual(embedded.storage, "working")

        proxy.freeze()
        yield* Effect.promise(async () => {
          await other.as("bob").send({ gid }, "meanwhile")
          await other.as("alice").kick({ gid }, ["dave"])
          await other.users.setDisabled("carol", true)
        })
        yield* untilReady(server.http, 503, "storage unreachable")
        for (const [method, params] of [
          ["history", { gid, recPerPage: 10, pageID: 1 }],
          ["userGetList", []],
          ["message", [{ gid: newGid(), cgid: gid, content: "lost" }]]
        ] as const) {
          const { message, result } = yield* alice.ask(method, params)
          assert.deepStrictEqual([method, result, message], [method, "fail", "The storage does not respond; retry."])
        }
        const [refused, { error }] = yield* start
        assert.deepStrictEqual([refused, error], [503, "unavailable"])
        yield* until(() => embedded.storage === "unreachable")
        assert.strictEqual(yield* codeOf(() => embedded.as("bob").chat({ gid })), "Unavailable")
        if (how === "until it has closed its connections") {
          assert.strictEqual((yield* alice.untilClosed).code, 1001)
          yield* dave.untilClosed
        }

        proxy.thaw()
        yield* untilReady(server.http, 200, "ready")
        yield* until(() => embedded.storage === "working")
        assert.isUndefined(yield* codeOf(() => embedded.as("bob").chat({ gid })))
        const again = alice.closed() === undefined ? alice : yield* online(server.http, "alice")
        yield* again.say(gid, "after")
        assert.deepStrictEqual(contents(yield* historyOf(again, gid)), ["before", "meanwhile", "after"])
        yield* again.untilMessage("meanwhile")
        assert.notInclude(contents(dave.delivered), "after")
        assert.strictEqual((yield* start)[0], 401)
      }).pipe(Effect.scoped)
  )
})
