/**
 * No request blocks the event loop for long: measures the longest stretch of synchronous work for the largest requests of
 * each protocol. The bound is 20 ms on the machine of `CALIBRATION` below, and scales with slower ones. A longer stretch is
 * measured again, since a garbage collection or another process may fall into it.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { connect } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { WebSocket } from "ws"
import { folder, start } from "./serverProcess.ts"
import { MEMBERS, sidOf, upTo, fill } from "./largeDatabase.ts"
import { MIB, KINDS, frames } from "./largestFrames.ts"

const RULE = 20
const ATTEMPTS = 20
/** Milliseconds of the fixed piece of work in `fixtures/delays.mjs`. */
const CALIBRATION = 0.8

class Server extends Context.Service<
  Server,
  {
    readonly http: string
    /** Runs an effect and returns the longest stretch meanwhile, in ms. */
    readonly longest: <E>(work: Effect.Effect<unknown, E>) => Effect.Effect<number, E>
    /** Returns the milliseconds of a fixed piece of work in the server's main thread. */
    readonly calibration: Effect.Effect<number>
  }
>()("test/Server") {
  static readonly layer = Layer.effect(
    Server,
    Effect.gen(function* () {
      const cwd = yield* folder
      yield* fill(join(cwd, "parley.db"))
      const probe = join(cwd, "delays.sock")
      const limits = ["costPerSecond", "costBurst"].flatMap((name) => ["--set", `limits.${name}=1000000000`])
      const { until } = yield* start(
        cwd,
        ["serve", "--no-demo", "--port", "0", "--tcp-port", "off", "--database", "sqlite:parley.db", ...limits],
        {
          PARLEY_TEST_DELAYS: probe,
          NODE_OPTIONS: `--import ${fileURLToPath(new URL("fixtures/delays.mjs", import.meta.url))}`
        }
      )
      const [, http = ""] = /(http:\S+)/.exec(yield* until(/^listening /)) ?? []
      const ask = (line: string) =>
        Effect.callback<number>((resume) => {
          let text = ""
          const socket = connect(probe)
          socket.end(line)
          socket.setEncoding("utf8").on("data", (some) => (text += String(some)))
          socket.on("close", () => resume(Effect.succeed(Number(text))))
        })
      const read = ask("")
      return {
        http,
        longest: (work) => Effect.andThen(read, Effect.andThen(work, read)),
        calibration: ask("calibrate\n")
      }
    })
  )
}

/** Sends a frame as this user, and waits for this many frames with a `result`. */
const frame = (http: string, user: number, json: (sid: string) => string, answers: number) =>
  Effect.callback<void>((resume) => {
    const sid = `chat-${sidOf(user)}`
    const ws = new WebSocket(`${http.replace("http:", "ws:")}/ws`, { perMessageDeflate: false })
    let lists = 0
    let came = 0
    ws.on("open", () => ws.send(JSON.stringify({ module: "chat", method: "ping", sid })))
    ws.on("message", (data: Buffer) => {
      const beginning = data.subarray(0, 300).toString()
      if (beginning.startsWith("[")) {
        // A resumed session begins with two lists.
        if (/"(userGetList|getlist)"/.test(beginning) && ++lists === 2) ws.send(json(sid))
      } else if (/"result":"/.test(beginning) && lists === 2) {
        // A request of messages may be refused with a line for each of a hundred.
        if (!beginning.includes('"success"')) assert.isBelow(data.length, 4 * SMALL)
        if (++came < answers) return
        ws.terminate()
        resume(Effect.void)
      }
    })
    ws.on("error", () => resume(Effect.die(new Error("the connection broke off"))))
    ws.on("close", () => resume(Effect.die(new Error(`the server closed after ${came} answers`))))
  })

const http = (
  address: string,
  method: string,
  path: string,
  body?: string,
  headers: Readonly<Record<string, string>> = {}
) =>
  Effect.promise(async () => {
    const response = await fetch(address + path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { body })
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    return { status: response.status, bytes: bytes.length, beginning: bytes.subarray(0, 200).toString() }
  })

/** Maximum bytes of a refusal. */
const SMALL = 8192

const figures: Array<readonly [description: string, milliseconds: number]> = []

/** Runs an effect again while it takes too long, and checks the shortest of the longest stretches. */
const judge = Effect.fnUntraced(function* (
  description: string,
  work: Effect.Effect<unknown>,
  attempts: number = ATTEMPTS
): Effect.fn.Return<void, never, Server> {
  const { longest, calibration } = yield* Server
  let best = Infinity
  for (let attempt = 0; attempt < attempts && best >= RULE; attempt++) {
    const milliseconds = yield* longest(work)
    const slowness = milliseconds < RULE ? 1 : Math.max(1, (yield* calibration) / CALIBRATION)
    best = Math.min(best, milliseconds / slowness)
  }
  figures.push([description, best])
  assert.isBelow(best, RULE, description)
})

layer(Server.layer, { excludeTestServices: true, timeout: "2 minutes" })("the event loop is not blocked", (test) => {
  describe("for a client of xuanxuan", () => {
    for (const [index, [description, json, answers]] of frames.entries()) {
      test.effect(description, () =>
        Effect.gen(function* () {
          const { http: address } = yield* Server
          // The first login reads all users from storage, later ones from memory.
          yield* judge(description, frame(address, index + 1, json, answers), index === 0 ? 1 : ATTEMPTS)
        })
      )
    }
  })

  describe("for a client of the protocols over HTTP", () => {
    const token = `token-${sidOf(1)}`
    const bearer = { authorization: `Bearer ${token}` }
    const ha = { "x-ha-key": "ha-test", "x-ha-session": token }
    const accounts = upTo(MEMBERS).map((id) => `user${id}`)
    const loginOf = (password: string) => JSON.stringify({ account: "user1", password })
    const requests: ReadonlyArray<
      readonly [
        description: string,
        method: string,
        path: string,
        body?: string | undefined,
        headers?: Readonly<Record<string, string>>
      ]
    > = [
      ["a login with a password of 1 MB", "POST", "/auth/login", loginOf("x".repeat(MIB - 100))],
      ["a login with a password of 16 KB", "POST", "/auth/login", loginOf("密".repeat(5000))],
      ["spark: a session of 1,000", "POST", `/session/start?token=${token}`, JSON.stringify({ To: accounts })],
      [
        "spark: a form of 60,000 names",
        "POST",
        `/session/start?token=${token}`,
        upTo(60_000)
          .map((id) => `To[${id}]=a`)
          .join("&"),
        { "content-type": "application/x-www-form-urlencoded" }
      ],
      [
        "spark: 60,000 attributes",
        "POST",
        `/session/Edit?token=${token}`,
        JSON.stringify({ SessionId: "large", Data: Object.fromEntries(upTo(60_000).map((id) => [`k${id}`, "v"])) })
      ],
      [
        "spark: deep JSON",
        "POST",
        `/session/start?token=${token}`,
        `{"To":${"[".repeat(500_000)}${"]".repeat(500_000)}}`
      ],
      [
        "spark: 10,000 attributes",
        "POST",
        `/session/Edit?token=${token}`,
        JSON.stringify({ SessionId: "large", Data: Object.fromEntries(upTo(10_000).map((id) => [`k${id}`, "v"])) })
      ],
      [
        "spark: objects of 14,000 kinds",
        "POST",
        `/session/Edit?token=${token}`,
        JSON.stringify({ SessionId: "large", Data: { KINDS } })
      ],
      [
        "spark: objects of 14,000 kinds in a form",
        "POST",
        `/session/Edit?token=${token}`,
        new URLSearchParams({ SessionId: "large", Data: JSON.stringify({ KINDS }) }).toString(),
        { "content-type": "application/x-www-form-urlencoded" }
      ],
      [
        "spark: 32,000 accounts",
        "POST",
        `/session/start?token=${token}`,
        JSON.stringify({ To: upTo(32_000).map(String) })
      ],
      ["hisihi: all contacts", "GET", "/im/org/2/contacts", undefined, bearer],
      [
        "hisihi: very many members",
        "POST",
        "/im/group",
        JSON.stringify({
          group_name: "g",
          organization_id: 2,
          conversion_id: "c",
          member_client_ids: "a:".repeat(450_000)
        }),
        bearer
      ],
      [
        "ha: a late page of a conversation",
        "GET",
        "/message?conversationid=-100000002&start=9000&limit=100",
        undefined,
        ha
      ],
      ["ha: a page of pictures", "GET", "/message?conversationid=-100000004&limit=60", undefined, ha],
      [
        "ha: wide JSON",
        "POST",
        "/message",
        JSON.stringify(Object.fromEntries(upTo(60_000).map((id) => [`k${id}`, "v"]))),
        ha
      ],
      [
        "hisihi: objects of 14,000 kinds",
        "POST",
        "/im/group",
        JSON.stringify({ group_name: KINDS, organization_id: 2, conversion_id: "c", member_client_ids: "user2" }),
        bearer
      ],
      ["ha: objects of 14,000 kinds", "POST", "/message", JSON.stringify({ conversationid: KINDS }), ha],
      [
        "youdu: objects of 14,000 kinds",
        "POST",
        `/cgi/session/create?accessToken=${token}`,
        JSON.stringify({ title: KINDS, creator: "user1", member: ["user1"], type: "multi" })
      ],
      [
        "youdu: 16,000 fields",
        "POST",
        `/cgi/session/create?accessToken=${token}`,
        JSON.stringify(Object.fromEntries(upTo(16_000).map((id) => [`k${id}`, 1])))
      ],
      [
        "youdu: a session of 1,000",
        "POST",
        `/cgi/session/create?accessToken=${token}`,
        JSON.stringify({ title: "t", creator: "user1", member: accounts, type: "multi" })
      ],
      [
        "youdu: very many members",
        "POST",
        `/cgi/session/create?accessToken=${token}`,
        JSON.stringify({
          title: "t",
          creator: "user1",
          member: Array.from({ length: 32_000 }, () => "a"),
          type: "multi"
        })
      ],
      ["youdu: all users", "GET", `/cgi/user/list?accessToken=${token}`],
      ["youdu: a group of 1,000", "GET", `/cgi/group/info?accessToken=${token}&id=large`]
    ]
    for (const [description, method, path, body, headers] of requests) {
      test.effect(description, () =>
        Effect.gen(function* () {
          const { http: address } = yield* Server
          const request = http(address, method, path, body, headers)
          const answered = Effect.map(request, ({ status, bytes, beginning }) => {
            assert.notStrictEqual(status, 401, description)
            if (method === "GET") assert.strictEqual(status, 200, beginning)
            if (status !== 200) assert.isBelow(bytes, SMALL, description)
          })
          yield* judge(description, answered)
        })
      )
    }
  })

  test.effect("the figures are printed", () =>
    Effect.sync(() => {
      for (const [description, milliseconds] of figures)
        console.log(`${milliseconds.toFixed(1).padStart(7)} ms  ${description}`)
    })
  )
})
