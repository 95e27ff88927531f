/** Whatever comes in, each request and each broken frame has exactly one answer, and the server stays as it is. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { garbage, type Garbage } from "./Noise.ts"
import { type Fields, listed, loggedIn, residentMemory, Server, short, type Talk, type Transport } from "./Talk.ts"

const FRAMES = 10_000
/** Frames that are sent before their answers are counted. */
const WINDOW = 50
/** Growth from the end of the first tenth to the end. */
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
  return /mistake|storage/.test(message) ? "speaks of the server" : undefined
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

layer(Server.patient, { excludeTestServices: true })("garbage", (it) => {
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
      // The collector works in strokes: what counts is how low the last ones get.
      let late = Number.POSITIVE_INFINITY
      for (let sent = 0; sent < FRAMES; sent += WINDOW) {
        if (sent === FRAMES / 10) early = residentMemory(server)
        const frames = Array.from({ length: WINDOW }, next)
        const wrong = yield* fault(talk, frames)
        talk.pushes.length = 0
        witness.pushes.length = 0
        if (sent >= (FRAMES * 9) / 10) late = Math.min(late, residentMemory(server))
        if (wrong === undefined) continue
        for (const frame of frames) {
          const why = yield* fault(talk, [frame])
          if (why !== undefined) assert.fail(`seed ${seed}, ${short(frame.bytes.toString())}: ${why}`)
        }
        assert.fail(`seed ${seed}, frames from ${sent}: ${wrong}`)
      }
      assert.isAtMost(late, early * GROWTH, `seed ${seed}: from ${early} KiB to ${late} KiB`)
      assert.strictEqual((yield* witness.ask("ping"))["result"], "success")
    })

  it.effect("over WebSocket is answered, and costs no memory", () => withstands("websocket", 20_261))
  it.effect("over TCP is answered, and costs no memory", () => withstands("tcp", 20_262))

  it.effect("that is called text and is no UTF-8 ends its own WebSocket, and is a broken frame of TCP", () =>
    Effect.gen(function* () {
      const noText = Buffer.from([0x22, 0xc3, 0x28, 0xff, 0x22])
      const [alice, bob, carol] = [yield* loggedIn("alice"), yield* loggedIn("bob", "tcp"), yield* loggedIn("carol")]
      alice.sendBytes(noText, "text")
      assert.strictEqual(yield* alice.end, 1007)
      bob.sendBytes(noText)
      assert.include((yield* bob.take(1))[0], { module: "null", method: "null", result: "fail" })
      for (const talk of [bob, carol]) assert.strictEqual((yield* talk.ask("ping"))["result"], "success")
    })
  )

  it.effect("is never the server's mistake", () =>
    Effect.gen(function* () {
      const { child, ended } = yield* Server
      child.kill("SIGTERM")
      const { code, out, err } = yield* ended
      assert.deepStrictEqual({ code, err }, { code: 0, err: "" })
      assert.strictEqual(out.split("\n").length, 2, short(out))
    })
  )
})
