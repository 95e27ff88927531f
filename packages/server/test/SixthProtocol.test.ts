/** Invariant 1: a sixth protocol is one new folder, with its route, command, setting and records; no other file changes. */
import { assert, describe, it } from "@effect/vitest"
import { createHash } from "node:crypto"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { folder, run, SOURCES, start } from "./serverProcess.ts"

const PIGEON = fileURLToPath(new URL("./fixtures/pigeon", import.meta.url))
const environment = { PARLEY_DIALECTS: `xuanxuan,${PIGEON}` }

/** Reads frames of a WebSocket one by one. */
const dial = (url: string) =>
  Effect.promise(async () => {
    const socket = new WebSocket(url)
    const frames: Array<string> = []
    const waiting: Array<(frame: string) => void> = []
    socket.addEventListener("message", ({ data }) => {
      const next = waiting.shift()
      if (next === undefined) frames.push(String(data))
      else next(String(data))
    })
    await new Promise((resolve) => socket.addEventListener("open", resolve))
    return {
      say: (text: string) => socket.send(text),
      hear: Effect.promise(
        () =>
          new Promise<string>((resolve) => {
            const frame = frames.shift()
            if (frame === undefined) waiting.push(resolve)
            else resolve(frame)
          })
      )
    }
  })

describe("a sixth protocol in a folder of its own", () => {
  it.live("is served beside the others, with the same chats", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* start(
        cwd,
        ["serve", "--demo", "--port", "0", "--tcp-port", "off", "--set", "pigeon.letter=20"],
        environment,
        SOURCES
      )
      const http = (yield* server.until(/^listening /)).split(" ")[1] ?? ""
      const ws = http.replace("http:", "ws:")
      const login = (account: string) =>
        Effect.promise(async () => {
          const body = JSON.stringify({ account, password: "123456" })
          const answer = await fetch(`${http}/auth/login`, {
            method: "POST",
            body,
            headers: { "content-type": "application/json" }
          })
          return ((await answer.json()) as { readonly token: string }).token
        })
      const flights = Effect.promise(async () => (await fetch(`${http}/pigeon/flights`)).json())

      const alice = yield* dial(`${ws}/ws`)
      const password = createHash("md5").update("123456").digest("hex")
      alice.say(JSON.stringify({ module: "chat", method: "login", params: ["alice", password, "online"] }))
      const { sid } = JSON.parse(yield* alice.hear) as { readonly sid: string }
      // The pushes of a login may come in one frame or in several.
      yield* Effect.repeat(alice.hear, { until: (frame) => frame.includes('"method":"getlist"') })
      alice.say(JSON.stringify({ module: "chat", method: "create", params: ["loft", "Loft", "group", [4]], sid }))
      yield* alice.hear

      const bob = yield* dial(`${ws}/pigeon`)
      bob.say(`fly loft hello`)
      assert.match(yield* bob.hear, /^no/)
      bob.say(`home ${yield* login("bob")}`)
      assert.strictEqual(yield* bob.hear, "home")
      bob.say("fly loft hello")
      assert.strictEqual(yield* bob.hear, "flown 1")
      assert.match(yield* alice.hear, /"content":"hello"/)
      bob.say(`fly loft ${"x".repeat(21)}`)
      assert.strictEqual(yield* bob.hear, "no: the letter is too long")
      bob.say("fly nowhere hello")
      assert.strictEqual(yield* bob.hear, "no: MessagesRefused")
      assert.deepStrictEqual(yield* flights, { flights: 1 })

      const [message] = [{ gid: "m1", cgid: "loft", content: "hi" }]
      alice.say(JSON.stringify({ module: "chat", method: "message", params: [message], sid }))
      assert.strictEqual(yield* bob.hear, "coo loft hi")

      const { out, code } = yield* run(cwd, ["pigeon", "reset", "--from", "41"], "", environment, SOURCES)
      assert.deepStrictEqual([code, out.trim()], [0, "counting anew"])
      assert.deepStrictEqual(yield* flights, { flights: 41 })
    })
  )

  it.live("that does not exist is reported in one line", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { code, err } = yield* run(cwd, ["serve"], "", { PARLEY_DIALECTS: "morse" })
      assert.notStrictEqual(code, 0)
      assert.match(err, /^parley: there is no protocol morse; there are .*xuanxuan.*\n$/)
    })
  )
})
