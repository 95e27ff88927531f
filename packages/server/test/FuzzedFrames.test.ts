/** Fuzzing: each request and each broken frame gets exactly one reply, and the server's memory stays constant. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { repetitions } from "../../../scripts/repetitions.ts"
import { garbage, type Garbage } from "./fuzzInput.ts"
import { complaintsIn } from "./serverProcess.ts"
import {
  type Fields,
  listed,
  loggedIn,
  Server,
  settledMemory,
  short,
  type TestClient,
  type Transport
} from "./TestClient.ts"

const FRAMES = repetitions(10_000, 1500)
/** Number of frames before the first measurement of memory. */
const WARM = 1000
/** Number of frames that are sent before their replies are counted. */
const WINDOW = 50
/** Maximum growth of memory after the first frames. */
const GROWTH = 1.1

/** Never generated, so its reply ends a count. */
const BARRIER = "PiNg"

/** Returns the replies to these frames. */
const answersTo = Effect.fnUntraced(function* (client: TestClient, frames: ReadonlyArray<Garbage>) {
  for (const { bytes } of frames) client.sendBytes(bytes)
  client.send({ module: "chat", method: BARRIER, sid: client.sid })
  const answers: Array<Fields> = []
  for (;;) {
    const [answer] = yield* client.take(1)
    if (answer === undefined || answer["method"] === BARRIER) return { answers, barrier: answer }
    answers.push(answer)
  }
})

/** Returns the problem of a reply; undefined if there is none. */
const complaint = ({ module, method, result, message }: Fields): string | undefined => {
  if (typeof module !== "string" || typeof method !== "string") return "echoes nothing"
  if (result === "success") return undefined
  if (result !== "fail" && result !== "denied") return "has no result"
  if (typeof message !== "string" || message === "") return "does not say why"
  return /server error|storage/i.test(message) ? "names the server" : undefined
}

/** Returns the problem of the replies to these frames; undefined if there is none. */
const fault = Effect.fnUntraced(function* (client: TestClient, frames: ReadonlyArray<Garbage>) {
  const { answers, barrier } = yield* answersTo(client, frames)
  const owed = frames.reduce((sum, frame) => sum + frame.answers, 0)
  if (answers.length !== owed) return `${answers.length} answers instead of ${owed}`
  for (const answer of answers) {
    const wrong = complaint(answer)
    if (wrong !== undefined) return `${wrong}: ${short(answer)}`
  }
  return barrier?.["result"] === "success" ? undefined : `then ${short(barrier)}`
})

const withstands = (transport: Transport, seed: number) =>
  Effect.gen(function* () {
    const server = yield* Server
    const client = yield* loggedIn("alice", transport)
    const witness = yield* loggedIn("bob")
    const users = new Map(listed(yield* client.done("userGetList")).map(({ account, id }) => [account, Number(id)]))
    const id = (account: string) => users.get(account) ?? 0
    const room = (yield* client.done("create", ["room", "Room", "group", [id("bob")]]))["data"] as {
      gid: string
      id: number
    }
    const subjects = {
      alice: id("alice"),
      bob: id("bob"),
      carol: id("carol"),
      dave: id("dave"),
      room,
      system: "system"
    }
    const next = garbage(seed, subjects, client.sid, transport)

    let early = 0
    for (let sent = 0; sent < FRAMES; sent += WINDOW) {
      if (sent === WARM) early = yield* settledMemory(server)
      const frames = Array.from({ length: WINDOW }, next)
      const wrong = yield* fault(client, frames)
      client.pushes.length = 0
      witness.pushes.length = 0
      if (wrong === undefined) continue
      for (const frame of frames) {
        const why = yield* fault(client, [frame])
        if (why !== undefined) assert.fail(`seed ${seed}, ${short(frame.bytes.toString())}: ${why}`)
      }
      assert.fail(`seed ${seed}, frames from ${sent}: ${wrong}`)
    }
    const late = yield* settledMemory(server)
    assert.isAtMost(late, early * GROWTH, `seed ${seed}: from ${early} KiB to ${late} KiB`)
    assert.strictEqual((yield* witness.ask("ping"))["result"], "success")
  })

/** Checks that the log has no warning or error, and that the exit code is 0. */
const endsWell = Effect.gen(function* () {
  const { child, ended } = yield* Server
  child.kill("SIGTERM")
  const { code, out, err } = yield* ended
  assert.deepStrictEqual([code, complaintsIn(err)], [0, []])
  assert.deepStrictEqual(
    out.split("\n").filter((line) => !/^(listening .*|collected|)$/.test(line)),
    []
  )
})

for (const [transport, seed] of [
  ["websocket", 20_261],
  ["tcp", 20_262]
] as const) {
  // Each has its own server, which has received only the first frames before.
  layer(Server.measured, { excludeTestServices: true })(`fuzzed frames over ${transport}`, (it) => {
    it.effect("get replies, in constant memory", () => withstands(transport, seed))
    it.effect("never cause an internal error", () => endsWell)
  })
}

layer(Server.patient, { excludeTestServices: true })("fuzzed frames", (it) => {
  it.effect("with invalid UTF-8 are broken frames over any transport, and the connection stays open", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* loggedIn("alice"), yield* loggedIn("bob", "tcp")]
      const room = (yield* alice.done("create", { gid: "no-text", name: "n", type: "group", members: [bob.id] }))[
        "data"
      ]
      const { gid } = room as { readonly gid: string }
      yield* bob.pushed("create")
      yield* Effect.all([alice.news, bob.news])
      const history = yield* alice.done("history", [gid])
      /** A message whose content has a byte that UTF-8 never contains. */
      const message = (client: TestClient): Buffer => {
        const params = [{ gid: "half", cgid: gid, content: "~" }]
        const bytes = Buffer.from(JSON.stringify({ module: "chat", method: "message", sid: client.sid, params }))
        bytes[bytes.indexOf("~")] = 0xff
        return bytes
      }
      for (const [client, kinds] of [
        [alice, ["text", "binary"]],
        [bob, ["text"]]
      ] as const) {
        for (const kind of kinds) {
          for (const bytes of [Buffer.from([0x22, 0xc3, 0x28, 0xff, 0x22]), message(client)]) {
            client.sendBytes(bytes, kind)
            assert.deepStrictEqual((yield* client.take(1))[0], {
              module: "null",
              method: "null",
              result: "fail",
              message: "The frame is not UTF-8."
            })
            assert.strictEqual((yield* client.ask("ping"))["result"], "success")
          }
        }
      }
      assert.deepStrictEqual(yield* alice.done("history", [gid]), history)
      assert.deepStrictEqual([...(yield* alice.news), ...(yield* bob.news)], [])
    })
  )

  it.effect("may begin with one byte order mark, but not with two, over any transport", () =>
    Effect.gen(function* () {
      for (const client of [yield* loggedIn("alice"), yield* loggedIn("bob", "tcp")]) {
        const ping = JSON.stringify({ module: "chat", method: "ping", sid: client.sid })
        yield* client.news
        client.sendBytes(Buffer.from(`\ufeff${ping}`), "text")
        assert.strictEqual((yield* client.take(1))[0]?.["result"], "success")
        client.sendBytes(Buffer.from(`\ufeff\ufeff${ping}`), "text")
        assert.strictEqual((yield* client.take(1))[0]?.["message"], "The frame is not JSON.")
      }
    })
  )

  it.effect("never cause an internal error", () => endsWell)
})
