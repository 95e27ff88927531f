/** Whatever comes in, each request and each broken frame has exactly one answer, and the server stays as it is. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { repetitions } from "../../../scripts/repetitions.ts"
import { garbage, type Garbage } from "./fuzzInput.ts"
import { complaintsIn } from "./serverProcess.ts"
import { type Fields, listed, loggedIn, Server, settledMemory, short, type Talk, type Transport } from "./TestClient.ts"

const FRAMES = repetitions(10_000, 3000)
/** Frames after which memory is measured for the first time. */
const WARM = 1000
/** Frames that are sent before their answers are counted. */
const WINDOW = 50
/** Memory at the end, over that after the first frames. */
const GROWTH = 1.1

/** Comes in no garbage, so its answer ends a count. */
const BARRIER = "PiNg"

/** The answers to these frames. */
const answersTo = Effect.fnUntraced(function* (talk: Talk, frames: ReadonlyArray<Garbage>) {
  for (const { bytes } of frames) talk.sendBytes(bytes)
  talk.send({ module: "chat", method: BARRIER, sid: talk.sid })
  const answers: Array<Fields> = []
  for (;;) {
    const [answer] = yield* talk.take(1)
    if (answer === undefined || answer["method"] === BARRIER) return { answers, barrier: answer }
    answers.push(answer)
  }
})

/** What is wrong with an answer, or nothing. */
const complaint = ({ module, method, result, message }: Fields): string | undefined => {
  if (typeof module !== "string" || typeof method !== "string") return "echoes nothing"
  if (result === "success") return undefined
  if (result !== "fail" && result !== "denied") return "has no result"
  if (typeof message !== "string" || message === "") return "does not say why"
  return /server error|storage/i.test(message) ? "speaks of the server" : undefined
}

/** What is wrong with the answers to these frames, or nothing. */
const fault = Effect.fnUntraced(function* (talk: Talk, frames: ReadonlyArray<Garbage>) {
  const { answers, barrier } = yield* answersTo(talk, frames)
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
    const talk = yield* loggedIn("alice", transport)
    const witness = yield* loggedIn("bob")
    const users = new Map(listed(yield* talk.done("userGetList")).map(({ account, id }) => [account, Number(id)]))
    const id = (account: string) => users.get(account) ?? 0
    const room = (yield* talk.done("create", ["room", "Room", "group", [id("bob")]]))["data"] as {
      gid: string
      id: number
    }
    const scene = { alice: id("alice"), bob: id("bob"), carol: id("carol"), dave: id("dave"), room, system: "system" }
    const next = garbage(seed, scene, talk.sid, transport)

    let early = 0
    for (let sent = 0; sent < FRAMES; sent += WINDOW) {
      if (sent === WARM) early = yield* settledMemory(server)
      const frames = Array.from({ length: WINDOW }, next)
      const wrong = yield* fault(talk, frames)
      talk.pushes.length = 0
      witness.pushes.length = 0
      if (wrong === undefined) continue
      for (const frame of frames) {
        const why = yield* fault(talk, [frame])
        if (why !== undefined) assert.fail(`seed ${seed}, ${short(frame.bytes.toString())}: ${why}`)
      }
      assert.fail(`seed ${seed}, frames from ${sent}: ${wrong}`)
    }
    const late = yield* settledMemory(server)
    assert.isAtMost(late, early * GROWTH, `seed ${seed}: from ${early} KiB to ${late} KiB`)
    assert.strictEqual((yield* witness.ask("ping"))["result"], "success")
  })

/** No request causes a warning or an error in the log, or another exit code than 0. */
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
  // A server of its own for each: the first frames are all that it has seen before.
  layer(Server.measured, { excludeTestServices: true })(`garbage over ${transport}`, (it) => {
    it.effect("is answered, and costs no memory", () => withstands(transport, seed))
    it.effect("is never the server's mistake", () => endsWell)
  })
}

layer(Server.patient, { excludeTestServices: true })("garbage", (it) => {
  it.effect("that is no UTF-8 is a broken frame over any transport, and the connection goes on", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* loggedIn("alice"), yield* loggedIn("bob", "tcp")]
      const room = (yield* alice.done("create", { gid: "no-text", name: "n", type: "group", members: [bob.id] }))[
        "data"
      ]
      const { gid } = room as { readonly gid: string }
      yield* bob.pushed("create")
      yield* Effect.all([alice.news, bob.news])
      const history = yield* alice.done("history", [gid])
      /** A message whose content has a byte that is nowhere in UTF-8. */
      const message = (talk: Talk): Buffer => {
        const params = [{ gid: "half", cgid: gid, content: "~" }]
        const bytes = Buffer.from(JSON.stringify({ module: "chat", method: "message", sid: talk.sid, params }))
        bytes[bytes.indexOf("~")] = 0xff
        return bytes
      }
      for (const [talk, kinds] of [
        [alice, ["text", "binary"]],
        [bob, ["text"]]
      ] as const) {
        for (const kind of kinds) {
          for (const bytes of [Buffer.from([0x22, 0xc3, 0x28, 0xff, 0x22]), message(talk)]) {
            talk.sendBytes(bytes, kind)
            assert.deepStrictEqual((yield* talk.take(1))[0], {
              module: "null",
              method: "null",
              result: "fail",
              message: "The frame is not UTF-8."
            })
            assert.strictEqual((yield* talk.ask("ping"))["result"], "success")
          }
        }
      }
      assert.deepStrictEqual(yield* alice.done("history", [gid]), history)
      assert.deepStrictEqual([...(yield* alice.news), ...(yield* bob.news)], [])
    })
  )

  it.effect("is JSON behind one byte order mark and none behind two, over any transport", () =>
    Effect.gen(function* () {
      for (const talk of [yield* loggedIn("alice"), yield* loggedIn("bob", "tcp")]) {
        const ping = JSON.stringify({ module: "chat", method: "ping", sid: talk.sid })
        yield* talk.news
        talk.sendBytes(Buffer.from(`\ufeff${ping}`), "text")
        assert.strictEqual((yield* talk.take(1))[0]?.["result"], "success")
        talk.sendBytes(Buffer.from(`\ufeff\ufeff${ping}`), "text")
        assert.strictEqual((yield* talk.take(1))[0]?.["message"], "The frame is not JSON.")
      }
    })
  )

  it.effect("is never the server's mistake", () => endsWell)
})
