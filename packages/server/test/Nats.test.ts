/** Several servers on one PostgreSQL database, with NATS as their bus. */
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Schedule } from "effect"
import { makeNats, missingNats } from "../../../scripts/nats/server.ts"
import { createDatabase } from "../../../scripts/postgres/database.ts"
import { contents, newGroup, online } from "./clients.ts"
import { complaintsIn, folder, run, serve } from "./serverProcess.ts"

/** Texts that no node of this version sends. */
const garbage: ReadonlyArray<string> = [
  "",
  "{",
  "[1]",
  '{"format":99,"node":"x","number":1,"notices":[]}',
  '{"format":1,"node":"y","number":1,"notices":[null]}',
  '{"format":1,"node":"y","number":2,"notices":[{"_tag":"Entry","version":1,"entry":{}}]}',
  '{"format":1,"node":"y","number":3,"notices":[{"_tag":"Status","user":{},"status":1}]}'
]

const readiness = (http: string) =>
  Effect.promise(async () => (await fetch(`${http}/readyz`)).json() as Promise<{ status: string; bus?: string }>)

/** Waits until `/readyz` has this state of the bus. */
const untilBus = (http: string, state: string) =>
  readiness(http).pipe(
    Effect.filterOrFail(({ bus, status }) => bus === state && status === "ready"),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 }),
    Effect.orDie
  )

it("nats-server is installed, for the tests of servers with a bus", ({ skip }) => {
  skip(missingNats !== undefined, missingNats)
  assert.isUndefined(missingNats)
})

describe.runIf(missingNats === undefined)("servers with NATS as their bus", () => {
  it.live("hear each other by the database while it is down or refuses them, and by NATS otherwise", () =>
    Effect.gen(function* () {
      const nats = yield* Effect.acquireRelease(
        Effect.promise(() => makeNats()),
        (server) => Effect.promise(() => server.remove())
      )
      const database = yield* Effect.promise(() => createDatabase("18"))
      const options = ["--database", database, "--bus", nats.url("parley:s3cr3t")]
      const one = yield* serve(yield* folder, "--demo", ...options)
      const other = yield* serve(yield* folder, "--demo", ...options)
      const untilAll = (state: string) =>
        Effect.forEach([one, other], ({ http }) => untilBus(http, state), { discard: true })
      const startNats = (password: string) =>
        Effect.promise(() => nats.start(`authorization: { user: "parley", password: "${password}" }`))
      const alice = yield* online(one.http, "alice")
      const bob = yield* online(other.http, "bob")
      const gid = yield* newGroup(alice, "bob")
      const sent: Array<string> = []
      const send = Effect.fnUntraced(function* (text: string) {
        sent.push(text)
        yield* alice.say(gid, text)
        yield* bob.untilMessage(text)
      })
      yield* untilAll("disconnected")
      yield* send("before NATS")

      for (const time of ["first", "second"]) {
        yield* startNats("s3cr3t")
        yield* untilAll("connected")
        const stranger = yield* Effect.promise(() =>
          connect({ servers: `127.0.0.1:${nats.port}`, user: "parley", pass: "s3cr3t" })
        )
        const packets: Array<{ readonly subject: string; readonly text: string }> = []
        stranger.subscribe("parley.packets.*", {
          callback: (_, message) => void packets.push({ subject: message.subject, text: message.string() })
        })
        yield* Effect.promise(() => stranger.flush())
        yield* send(`by NATS, ${time} time`)
        // The packet may reach the other node first.
        yield* Effect.promise(async () => {
          while (!packets.some(({ text }) => text.includes(`by NATS, ${time} time`))) await stranger.flush()
        })
        const [{ subject } = { subject: "" }] = packets
        for (const text of garbage) stranger.publish(subject, text)
        yield* send(`after garbage, ${time} time`)
        yield* Effect.promise(() => stranger.close())
        yield* Effect.promise(() => nats.kill())
        yield* untilAll("disconnected")
        yield* send(`by the database, ${time} time`)
      }
      yield* startNats("another")
      yield* send("refused by NATS")
      assert.deepStrictEqual(contents(bob.delivered), sent)

      for (const { child, ended } of [one, other]) {
        child.kill("SIGTERM")
        const { code, err } = yield* ended
        assert.strictEqual(code, 0)
        assert.include(err, `"bus":"nats://127.0.0.1:${nats.port}"`)
        assert.match(err, /bus connected/)
        assert.isFalse(err.includes("s3cr3t"))
        assert.deepStrictEqual(
          complaintsIn(err).filter((line) => !line.includes("bus disconnected")),
          []
        )
      }
    }).pipe(Effect.scoped)
  )
})

describe("the option --bus", () => {
  it.live("is refused without a database that nodes share, without its password", () =>
    Effect.gen(function* () {
      const refused = yield* run(yield* folder, ["serve", "--bus", "nats://me:s3cr3t@127.0.0.1"])
      const line = "parley: bus needs a database that several nodes share: postgres://…"
      assert.deepStrictEqual([refused.code, refused.err.trimEnd()], [1, line])
    }).pipe(Effect.scoped)
  )
})
