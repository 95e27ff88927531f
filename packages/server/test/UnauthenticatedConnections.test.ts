/**
 * Without a session every method is denied; malformed frames and unknown methods get an error. The connection stays open
 * unless a frame exceeds the limit. Source: PROTOCOLS, "Bad input", "sid", "Frames".
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { bareMethods, draftOf, HUGE, methodsOf, named, type Subjects } from "./MethodTable.ts"
import { Harness } from "./harness.ts"
import { connect, type Fields, first, loggedIn, Server, type TestClient } from "./TestClient.ts"

layer(Harness.layer.pipe(Layer.provideMerge(Server.patient)), { excludeTestServices: true })(
  "without a session",
  (it) => {
    const everything = (subjects: Subjects): ReadonlyArray<Fields> => [
      ...methodsOf(subjects).map(({ module, method, params }) => ({ module, method, params: named(params) })),
      { module: "chat", method: "message", params: [named(draftOf(subjects))] },
      ...bareMethods.map((method) => ({ module: "chat", method })),
      { module: "chat", method: "message", id: 1 },
      { module: "chat", method: "no-such-method", params: {} }
    ]

    it.effect("every method is denied with a missing, malformed, ended or another user's sid", () =>
      Effect.gen(function* () {
        const subjects = yield* Harness
        const { as, witness, seen } = subjects
        const before = JSON.stringify(yield* as.alice.askAll(seen))
        const gone = yield* loggedIn("erin")
        const dead = gone.sid
        yield* gone.done("logout")
        yield* witness.news
        yield* as.alice.news

        const unauthenticated = yield* connect()
        const sids = [
          undefined,
          null,
          "",
          "x",
          5,
          true,
          [],
          {},
          [as.alice.sid],
          { sid: as.alice.sid },
          HUGE.slice(1000),
          dead
        ]
        const check = Effect.fnUntraced(function* (client: TestClient, sid: unknown) {
          for (const request of everything(subjects)) {
            const [answer] = yield* client.askAll([{ ...request, sid }])
            const { module, method, result, message } = answer ?? {}
            assert.deepStrictEqual(
              { module, method, result },
              {
                module: request["module"],
                method: request["method"],
                result: "denied"
              }
            )
            assert.isNotEmpty(message)
          }
        })
        // Frames of unauthenticated connections may have 64 KiB.
        const short = sids.map((sid) => (typeof sid === "string" ? sid.slice(0, 60_000) : sid))
        for (const sid of short) yield* check(unauthenticated, sid)
        for (const sid of [...sids, as.admin.sid]) yield* check(as.alice, sid)
        yield* check(gone, dead)

        assert.strictEqual(JSON.stringify(yield* as.alice.askAll(seen)), before)
        assert.deepStrictEqual([...(yield* witness.news), ...(yield* as.alice.news)], [])
        assert.deepStrictEqual(unauthenticated.pushes, [])
      })
    )

    it.effect("each broken frame gets one error packet, and the connection stays open", () =>
      Effect.gen(function* () {
        const { as } = yield* Harness
        const requests = [
          null,
          5,
          "x",
          true,
          [],
          {},
          { module: "chat" },
          { method: "ping" },
          { module: 1, method: "ping" }
        ]
        for (const transport of ["websocket", "tcp"] as const) {
          const client = yield* connect(transport)
          const whole = requests.filter((request) => !Array.isArray(request)).map((request) => JSON.stringify(request))
          for (const frame of [
            ...whole,
            "{",
            "[1,",
            "nul",
            "'x'",
            '{"module":"chat","method":"ping"}}',
            "\u0001",
            "["
          ]) {
            client.send(frame)
            const { message, ...rest } = first(yield* client.take(1))
            assert.deepStrictEqual(rest, { module: "null", method: "null", result: "fail" }, frame)
            assert.isNotEmpty(message)
          }
          client.send("[]")
          client.send([...requests, { module: "chat", method: "ping" }])
          const answers = yield* client.take(requests.length + 1)
          assert.deepStrictEqual(
            answers.map(({ module, result }) => `${String(module)} ${String(result)}`),
            [...requests.map(() => "null fail"), "chat denied"]
          )
          client.send(Array.from({ length: 1001 }, () => ({ module: "chat", method: "ping" })))
          assert.include(first(yield* client.take(1)), { module: "null", result: "fail" })
          assert.strictEqual((yield* client.ask("ping"))["result"], "denied")
        }
        assert.strictEqual((yield* as.alice.ask("ping"))["result"], "success")
      })
    )

    it.effect("a frame at the limit is read; one over it gets an error, and ends the connection", () =>
      Effect.gen(function* () {
        const erin = (transport: "websocket" | "tcp") => loggedIn("erin", transport)
        for (const [open, limit] of [
          [connect, 64 * 1024],
          [erin, 1024 * 1024]
        ] as const) {
          for (const transport of ["websocket", "tcp"] as const) {
            const client = yield* open(transport)
            const ping = (bytes: number) => {
              const frame = { module: "chat", method: "ping", fill: "" }
              return JSON.stringify({ ...frame, fill: "x".repeat(bytes - JSON.stringify(frame).length) })
            }
            client.send(ping(limit))
            assert.include(first(yield* client.take(1)), { method: "ping", result: "denied" })
            // The limit counts bytes, not characters.
            client.send(ping(limit - 1).replace("xx", "字x"))
            const over = first(yield* client.take(1))
            assert.deepInclude(over, { module: "null", method: "null", result: "fail" })
            assert.include(String(over["message"]), String(limit))
            assert.strictEqual(yield* client.end, transport === "tcp" ? 1005 : 1009)
          }
        }
      })
    )

    it.effect("an unknown method is refused by name", () =>
      Effect.gen(function* () {
        const { as } = yield* Harness
        for (const [module, method] of [
          ["chat", "nothing"],
          ["nothing", "login"],
          ["", ""],
          ["chat/login", ""],
          ["chat", "__proto__"],
          ["__proto__", "constructor"]
        ]) {
          const answer = yield* as.alice.ask(method ?? "", {}, { module })
          assert.deepInclude(answer, { module, method, result: "fail" })
          assert.include(String(answer["message"]), "method")
        }
      })
    )
  }
)
