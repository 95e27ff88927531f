/**
 * Invariant 7, everything is bounded: connections, sessions, their buffers, and concurrent requests. The content of one
 * request is in `Bounds.test.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as http from "node:http"
import * as net from "node:net"
import { contents, desktop, md5, newGid, newGroup, online, PASSWORD, webSocket } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"

const CROWDED = {
  module: "null",
  method: "null",
  result: "fail",
  message: "Too many connections; retry later."
}

const tokenOf = (server: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${server}/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ account: "alice", password: PASSWORD })
    })
    return ((await response.json()) as { readonly token: string }).token
  })

const start = (server: string, token: string) =>
  Effect.promise(async () => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: '{"To":["bob"]}' }
    return (await fetch(`${server}/session/start?token=${token}`, init)).status
  })

describe("invariant 7:", () => {
  it.live("connections are bounded, over all transports together", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess({ "limits.connections": 3 })
      const alice = yield* online(server.http, "alice")
      const bob = yield* desktop(server.tcp)
      yield* bob.get("login", ["bob", md5(PASSWORD), "online"])
      const stranger = yield* webSocket(server.http)
      for (const [open, code] of [
        [webSocket(server.http), 1013],
        [desktop(server.tcp), 0]
      ] as const) {
        const fourth = yield* open
        assert.strictEqual((yield* fourth.untilClosed).code, code)
        assert.deepStrictEqual(fourth.received, [CROWDED])
      }
      for (const client of [alice, bob]) yield* client.get("ping")
      assert.strictEqual((yield* stranger.ask("ping")).result, "denied")
      // A closed connection makes room for another.
      yield* stranger.leave
      const next = yield* webSocket(server.http)
      assert.strictEqual((yield* next.ask("ping")).result, "denied")
    }).pipe(Effect.scoped)
  )

  it.live("unauthenticated connections are bounded: the longest idle one is closed", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess({ "limits.connections": 10 })
      const alice = yield* online(server.http, "alice")
      const first = yield* webSocket(server.http)
      const second = yield* desktop(server.tcp)
      for (const stranger of [first, second]) assert.strictEqual((yield* stranger.ask("ping")).result, "denied")
      const third = yield* webSocket(server.http)
      assert.strictEqual((yield* third.ask("ping")).result, "denied")
      assert.strictEqual((yield* first.untilClosed).code, 1013)
      assert.deepStrictEqual(first.received.at(-1), CROWDED)
      // A login makes a connection authenticated; a logout reverts that.
      yield* third.get("login", { account: "bob", password: md5(PASSWORD) })
      const fourth = yield* webSocket(server.http)
      assert.strictEqual((yield* fourth.ask("ping")).result, "denied")
      yield* third.get("logout")
      yield* second.untilClosed
      assert.deepStrictEqual(second.received.at(-1), CROWDED)
      for (const client of [alice]) yield* client.get("ping")
      for (const client of [third, fourth]) assert.strictEqual((yield* client.ask("ping")).result, "denied")
    }).pipe(Effect.scoped)
  )

  it.live("the sockets of a port are bounded", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess({ "limits.connections": 2, "limits.requests": 1, "limits.share": 100 })
      const socket = (address: string) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const { hostname, port } = new URL(address)
            const one = net.connect(Number(port), hostname)
            one.on("error", () => {})
            return { one, closed: new Promise<void>((resolve) => one.once("close", () => resolve())) }
          }),
          ({ one }) => Effect.sync(() => one.destroy())
        )
      // One for each connection, and two for HTTP.
      for (const [address, most] of [
        [server.http, 4],
        [server.tcp, 2]
      ] as const) {
        const open = yield* Effect.forEach(Array.from({ length: most }), () => socket(address))
        const one = yield* socket(address)
        one.one.resume()
        yield* Effect.promise(() => one.closed)
        assert.isFalse(open.some((each) => each.one.destroyed))
      }
    }).pipe(Effect.scoped)
  )

  it.live("the sessions of a user are bounded for each kind: the least recently used one ends", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess({ "limits.sessionsPerUser": 3, "login.attempts": 1000 })
      const tokens: Array<string> = []
      for (let count = 0; count < 3; count++) tokens.push(yield* tokenOf(server.http))
      for (const token of tokens) assert.strictEqual(yield* start(server.http, token), 200)
      tokens.push(yield* tokenOf(server.http))
      const statuses = yield* Effect.forEach(tokens, (token) => start(server.http, token))
      assert.deepStrictEqual(statuses, [401, 200, 200, 200])
      // Chat sessions and tokens do not end each other.
      const alice = yield* online(server.http, "alice")
      assert.strictEqual(yield* start(server.http, tokens[1] ?? ""), 200)
      for (let count = 0; count < 100; count++) yield* tokenOf(server.http)
      assert.strictEqual(yield* start(server.http, tokens[1] ?? ""), 401)
      assert.strictEqual((yield* alice.ask("ping")).result, "success")
      const other = yield* webSocket(server.http)
      other.take(alice.sid())
      assert.strictEqual((yield* other.ask("ping")).result, "success")
    }).pipe(Effect.scoped)
  )

  it.live("out-of-order acknowledgements are bounded: packets beyond the bound are delivered again", () =>
    Effect.gen(function* () {
      const MOST = 1024
      const server = yield* serveInProcess()
      const alice = yield* online(server.http, "alice")
      const bob = yield* online(server.http, "bob")
      const gid = yield* newGroup(alice, "bob")
      const texts = Array.from({ length: MOST + 2 }, (_, index) => `m${index}`)
      for (let from = 0; from < texts.length; from += 100) {
        const drafts = texts.slice(from, from + 100).map((content) => ({ gid: newGid(), cgid: gid, content }))
        yield* alice.get("message", drafts)
      }
      yield* bob.untilMessage(texts.at(-1) ?? "")
      // Never the first, so that the others are recorded one by one.
      bob.acknowledge(bob.packets.slice(1, MOST + 1))
      yield* bob.get("ping")
      yield* bob.leave
      const again = yield* online(server.http, "bob")
      yield* alice.say(gid, "end")
      yield* again.untilMessage("end")
      assert.deepStrictEqual(contents(again.delivered), ["m0", `m${MOST + 1}`, "end"])
      again.acknowledge(again.packets.slice(1))
      yield* again.get("ping")
      yield* again.leave
      const third = yield* online(server.http, "bob")
      yield* alice.say(gid, "end again")
      yield* third.untilMessage("end again")
      // One over the bound was not recorded: it is delivered again, as are all after it.
      assert.deepStrictEqual(contents(third.delivered), ["m0", `m${MOST + 1}`, "end", "end again"])
    }).pipe(Effect.scoped)
  )

  it.live("waiting frames are bounded, and none is lost", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess()
      for (const client of [yield* online(server.http, "alice"), yield* desktop(server.tcp)]) {
        const before = client.answers.length
        for (let id = 0; id < 2000; id++) client.send({ module: "chat", method: `m${id}`, sid: client.sid() })
        yield* client.until("all answers", () => client.answers.length === before + 2000)
        assert.deepStrictEqual(
          client.answers.slice(before).map(({ method }) => method),
          Array.from({ length: 2000 }, (_, id) => `m${id}`)
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live("the send buffer of a client that does not read is bounded, and no message is lost", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess({ "limits.sendBuffer": 65_536 })
      const alice = yield* online(server.http, "alice")
      const bob = yield* online(server.http, "bob")
      const gid = yield* newGroup(alice, "bob")
      bob.stopReading()
      const isHere = Effect.map(
        alice.get<ReadonlyArray<{ readonly account: string; readonly status: string }>>("userGetList"),
        (users) => users.find(({ account }) => account === "bob")?.status !== "offline"
      )
      const texts: Array<string> = []
      while (yield* isHere) {
        const more = Array.from({ length: 10 }, (_, index) => `${texts.length + index}:`.padEnd(60_000, "x"))
        yield* alice.say(gid, ...more)
        texts.push(...more)
        assert.isBelow(texts.length, 1000)
      }
      assert.isAbove(texts.length, 1)
      const again = yield* online(server.http, "bob")
      yield* again.untilMessage(texts.at(-1) ?? "")
      assert.deepStrictEqual(contents(again.delivered), texts)
    }).pipe(Effect.scoped)
  )
})

/** A multipart upload in progress until it is finished; `answer` is the status and the body. */
const uploading = (server: string, sid: string, gid: string) => {
  const { promise, resolve, reject } = Promise.withResolvers<readonly [number, string]>()
  const request = http.request(
    `${server}/attach-upload.json?sid=${sid}&gid=${gid}`,
    { method: "POST", headers: { "content-type": "multipart/form-data; boundary=b" }, agent: false },
    (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (part: string) => (text += part))
      response.on("end", () => resolve([response.statusCode ?? 0, text]))
    }
  )
  request.on("error", reject)
  request.write('--b\r\ncontent-disposition: form-data; name="files"; filename="f"\r\n\r\n')
  return {
    request,
    send: (bytes: string) => request.write(bytes),
    finish: () => request.end("\r\n--b--\r\n"),
    answer: Effect.promise(() => promise)
  }
}

describe("invariant 7:", () => {
  const ways = ["limits.transfers", "limits.requests"] as const
  for (const key of ways) {
    it.live(`concurrent HTTP requests are bounded (${key})`, () =>
      Effect.gen(function* () {
        const server = yield* serveInProcess({ [key]: 2, "limits.share": 100 })
        const alice = yield* online(server.http, "alice")
        const gid = yield* newGroup(alice, "bob")
        const upload = () => uploading(server.http, alice.sid(), gid)
        const refused = (answer: readonly [number, string]) => {
          assert.strictEqual(answer[0], 503)
          assert.match(answer[1], /^\{.*"message":"Too many .* in flight; retry later\."\}$/)
        }
        const [first, second] = [upload(), upload()]
        // A refused third one shows that both have begun.
        for (;;) {
          const third = upload()
          third.finish()
          const answer = yield* third.answer
          if (answer[0] === 200) continue
          refused(answer)
          break
        }
        first.send("one")
        first.finish()
        assert.strictEqual((yield* first.answer)[0], 200)
        const next = upload()
        next.send("next")
        next.finish()
        assert.strictEqual((yield* next.answer)[0], 200)
        // An aborted one makes room too.
        second.request.destroy()
        yield* Effect.ignore(Effect.tryPromise(() => Effect.runPromise(second.answer)))
        for (let count = 0; count < 5; count++) {
          const more = upload()
          more.send("more")
          more.finish()
          assert.strictEqual((yield* more.answer)[0], 200)
        }
      }).pipe(Effect.scoped)
    )
  }

  it.live("downloads count until they are read or aborted", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess({ "limits.transfers": 2, "limits.share": 100 })
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const large = uploading(server.http, alice.sid(), gid)
      // More than the network buffers for a client that does not read.
      large.send("x".repeat(30 * 1024 * 1024))
      large.finish()
      const { data } = JSON.parse((yield* large.answer)[1]) as { readonly data: ReadonlyArray<{ readonly id: number }> }
      const path = `/attach-download-${data[0]?.id}.json?sid=${alice.sid()}`
      const download = Effect.callback<http.IncomingMessage>((resume) => {
        http.get(server.http + path, { agent: false }, (response) => resume(Effect.succeed(response)))
      })
      /** Returns the number of received bytes. */
      const read = (response: http.IncomingMessage) =>
        Effect.callback<number>((resume) => {
          let size = 0
          response.on("data", (bytes: Buffer) => (size += bytes.length))
          response.on("end", () => resume(Effect.succeed(size)))
        })
      const [first, second] = [yield* download, yield* download]
      assert.deepStrictEqual([first.statusCode, second.statusCode], [200, 200])
      for (let count = 0; count < 3; count++) {
        const third = yield* download
        assert.strictEqual(third.statusCode, 503)
        yield* read(third)
      }
      assert.strictEqual(yield* read(first), 30 * 1024 * 1024)
      const next = yield* download
      assert.strictEqual(next.statusCode, 200)
      second.destroy()
      next.destroy()
      // The server notices it a moment later.
      for (;;) {
        const more = yield* download
        const size = yield* read(more)
        if (more.statusCode === 503) continue
        assert.strictEqual(size, 30 * 1024 * 1024)
        break
      }
    }).pipe(Effect.scoped)
  )

  it.live("the size of files and their number in an upload are bounded", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess({ "limits.file": 1000 })
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const send = (...sizes: ReadonlyArray<number>) =>
        Effect.promise(async () => {
          const form = new FormData()
          form.append("gid", gid)
          for (const size of sizes) form.append("files", new Blob(["x".repeat(size)]), "f.txt")
          const response = await fetch(`${server.http}/attach-upload.json?sid=${alice.sid()}`, {
            method: "POST",
            body: form
          })
          return [response.status, ((await response.json()) as { readonly message?: string }).message] as const
        })
      assert.deepStrictEqual(yield* send(1000, 1000), [200, undefined])
      assert.deepStrictEqual(yield* send(1001), [413, "A file may have at most 1000 bytes."])
      assert.deepStrictEqual(yield* send(...Array.from({ length: 20 }, () => 1)), [200, undefined])
      const [status, message] = yield* send(...Array.from({ length: 21 }, () => 1))
      assert.strictEqual(status, 400)
      assert.match(String(message), /files must be at most 20/)
    }).pipe(Effect.scoped)
  )
})
