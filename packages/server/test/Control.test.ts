import { assert, describe, it } from "@effect/vitest"
import type { OperatorCommand } from "@parley/core/Dialect"
import { Progress } from "@parley/core/Progress"
import { Deferred, Effect, Fiber } from "effect"
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { controlAddress } from "../src/control/socketPath.ts"
import { sendCommand } from "../src/control/client.ts"
import { serveControl } from "../src/control/server.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-control-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const greet: OperatorCommand = {
  path: ["greet"],
  description: "Greet somebody",
  inputs: [
    { name: "whom", kind: "text", positional: true, required: true, description: "whom to greet" },
    { name: "times", kind: "integer", required: false, description: "how often" }
  ],
  run: (inputs) =>
    inputs["whom"] === "nobody"
      ? Effect.fail("there is no such person")
      : inputs["whom"] === "defect"
        ? Effect.die(new Error("oh no"))
        : Effect.succeed(`hello ${String(inputs["whom"])}\n`.repeat(Number(inputs["times"] ?? 1)).trim())
}

/** Sends one raw line to the socket; returns the line of the reply. */
const raw = (address: string, text: string): Effect.Effect<string> =>
  Effect.callback((resume) => {
    let received = ""
    const socket = connect(address, () => void socket.write(text))
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("utf8")
      if (received.endsWith("\n")) {
        socket.destroy()
        resume(Effect.succeed(received))
      }
    })
  })

describe("Control", () => {
  it.live("sends a command to the serving process, and returns its reply", () =>
    Effect.gen(function* () {
      const address = yield* controlAddress(join(yield* folder, "parley.db"))
      yield* serveControl(address, [greet])
      const ask = (inputs: Record<string, string | number | boolean>, words = ["greet"]) =>
        sendCommand(address, { words, inputs })
      assert.strictEqual(yield* ask({ whom: "世界" }), "hello 世界")
      assert.strictEqual(yield* ask({ whom: "you", times: 2 }), "hello you\nhello you")
      const said = (effect: ReturnType<typeof ask>) =>
        effect.pipe(
          Effect.flip,
          Effect.map((error) => (error._tag === "CommandRefused" ? error.message : error._tag))
        )
      assert.strictEqual(yield* said(ask({ whom: "nobody" })), "there is no such person")
      assert.strictEqual(yield* said(ask({ whom: "defect" })), "internal error: Error: oh no")
      assert.strictEqual(yield* said(ask({})), '"greet" needs whom, whom to greet')
      assert.strictEqual(yield* said(ask({ whom: "you", times: "2" })), '"greet" needs times, how often')
      assert.strictEqual(yield* said(ask({}, ["no", "such"])), 'unknown command "no such"')
    }).pipe(Effect.scoped)
  )

  it.live("reports progress only to clients that request it", () =>
    Effect.gen(function* () {
      const address = yield* controlAddress(join(yield* folder, "parley.db"))
      const work: OperatorCommand = {
        path: ["work"],
        description: "Work",
        inputs: [],
        run: () =>
          Effect.gen(function* () {
            const report = yield* Progress
            // Reports are at least 250 ms apart.
            yield* Effect.sleep("300 millis")
            for (let done = 1; done <= 10; done++) report(done, 10)
            return "done"
          })
      }
      yield* serveControl(address, [work])
      const reports: Array<readonly [number, number]> = []
      const output = yield* sendCommand(address, { words: ["work"], inputs: {} }).pipe(
        Effect.provideService(Progress, (done, total) => reports.push([done, total]))
      )
      assert.strictEqual(output, "done")
      assert.deepStrictEqual(reports, [[1, 10]])
      assert.strictEqual(yield* raw(address, '{"words":["work"],"inputs":{}}\n'), '{"ok":true,"output":"done"}\n')
    }).pipe(Effect.scoped)
  )

  it.live("replies to malformed requests, and continues", () =>
    Effect.gen(function* () {
      const address = yield* controlAddress(join(yield* folder, "parley.db"))
      yield* serveControl(address, [greet])
      assert.strictEqual(yield* raw(address, "{]\n"), '{"error":"the request is malformed"}\n')
      assert.strictEqual(yield* raw(address, '{"words":"greet"}\n'), '{"error":"the request is malformed"}\n')
      assert.strictEqual(
        yield* raw(address, '{"words":["greet"],"inputs":{"whom":"a"}}\n'),
        '{"ok":true,"output":"hello a"}\n'
      )
    }).pipe(Effect.scoped)
  )

  it.live("transfers a request and a reply of megabytes", () =>
    Effect.gen(function* () {
      const address = yield* controlAddress(join(yield* folder, "parley.db"))
      yield* serveControl(address, [greet])
      const whom = "x".repeat(5_000_000)
      assert.strictEqual(yield* sendCommand(address, { words: ["greet"], inputs: { whom } }), `hello ${whom}`)
    }).pipe(Effect.scoped)
  )

  it.live("is accessible to this user only, and removed with its server", () =>
    Effect.gen(function* () {
      const address = yield* controlAddress(join(yield* folder, "parley.db"))
      yield* Effect.gen(function* () {
        yield* serveControl(address, [greet])
        assert.strictEqual(statSync(address).mode & 0o777, 0o600)
      }).pipe(Effect.scoped)
      assert.isFalse(existsSync(address))
      const error = yield* Effect.flip(sendCommand(address, { words: ["greet"], inputs: {} }))
      assert.strictEqual(error._tag, "NoServer")
    }).pipe(Effect.scoped)
  )

  it.live("replaces the socket of a process that died", () =>
    Effect.gen(function* () {
      const address = yield* controlAddress(join(yield* folder, "parley.db"))
      writeFileSync(address, "")
      const error = yield* Effect.flip(sendCommand(address, { words: ["greet"], inputs: {} }))
      assert.strictEqual(error._tag, "NoServer")
      yield* serveControl(address, [greet])
      assert.strictEqual(yield* sendCommand(address, { words: ["greet"], inputs: { whom: "a" } }), "hello a")
    }).pipe(Effect.scoped)
  )

  it.live("lets a command in progress finish before it closes", () =>
    Effect.gen(function* () {
      const address = yield* controlAddress(join(yield* folder, "parley.db"))
      const begun = yield* Deferred.make<void>()
      const mayEnd = yield* Deferred.make<void>()
      const slow: OperatorCommand = {
        path: ["slow"],
        description: "Take its time",
        inputs: [],
        run: () => Deferred.succeed(begun, undefined).pipe(Effect.andThen(Deferred.await(mayEnd)), Effect.as("done"))
      }
      const stop = yield* Deferred.make<void>()
      const server = yield* Effect.forkChild(
        Effect.scoped(serveControl(address, [slow]).pipe(Effect.andThen(Deferred.await(stop))))
      )
      yield* Effect.callback<void>((resume) => {
        const look = () => (existsSync(address) ? resume(Effect.void) : setImmediate(look))
        look()
      })
      const asked = yield* Effect.forkChild(sendCommand(address, { words: ["slow"], inputs: {} }))
      yield* Deferred.await(begun)
      yield* Deferred.succeed(stop, undefined)
      yield* Deferred.succeed(mayEnd, undefined)
      assert.strictEqual(yield* Fiber.join(asked), "done")
      yield* Fiber.join(server)
      assert.isFalse(existsSync(address))
    }).pipe(Effect.scoped)
  )
})

describe("the control socket's address", () => {
  it.live("is beside the database, and the same for all paths to it", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const address = yield* controlAddress(join(path, "parley.db"))
      assert.strictEqual(address, join(path, "parley.db.sock"))
      symlinkSync(path, join(path, "link"))
      assert.strictEqual(yield* controlAddress(join(path, "link", "parley.db")), address)
      assert.strictEqual(yield* controlAddress(join(path, ".", "x", "..", "parley.db")), address)
    }).pipe(Effect.scoped)
  )

  it.live("is a short name in a private folder if the path is too long", () =>
    Effect.gen(function* () {
      const temporary = yield* Effect.acquireRelease(
        Effect.map(folder, (path) => ({ path, before: process.env["TMPDIR"] })),
        ({ before }) =>
          Effect.sync(() => {
            if (before === undefined) delete process.env["TMPDIR"]
            else process.env["TMPDIR"] = before
          })
      )
      process.env["TMPDIR"] = temporary.path
      const long = join(temporary.path, "d".repeat(100), "parley.db")
      const address = yield* controlAddress(long)
      assert.isBelow(Buffer.byteLength(address), 101)
      const own = join(temporary.path, `parley-${userInfo().uid}`)
      assert.isTrue(address.startsWith(`${own}/`))
      assert.strictEqual(statSync(own).mode & 0o777, 0o700)
      assert.notStrictEqual(yield* controlAddress(`${long}2`), address)
      chmodSync(own, 0o755)
      const refused = yield* Effect.flip(controlAddress(long))
      assert.strictEqual(refused.message, `${own} must be a folder that only this user can enter`)
    }).pipe(Effect.scoped)
  )
})
