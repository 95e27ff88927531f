/**
 * A server that is stopped during work that takes longer than any connection lingers: a blocked commit, a slow upload. It
 * accepts nothing new, completes them, and exits with 0; work that never ends is aborted in time.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { readdirSync } from "node:fs"
import * as http from "node:http"
import * as net from "node:net"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { type Client, contents, historyOf, newGid, newGroup, online } from "./clients.ts"
import { complaintsIn, folder, serve } from "./serverProcess.ts"

type Server = Effect.Success<ReturnType<typeof serve>>

/** Longer than a connection lingers without a frame, so that only a wait for the work itself passes the test. */
const LONG = "2500 millis"
/** Maximum milliseconds of the whole stop. */
const PROMISED = 10_000

/** Locks the database against writes, like a disk that hangs. */
const holdDisk = (cwd: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const database = new DatabaseSync(join(cwd, "data/parley.db"), { timeout: 5000 })
      database.exec("BEGIN IMMEDIATE")
      return { release: () => database.exec("ROLLBACK"), close: () => database.close() }
    }),
    ({ close }) => Effect.sync(close)
  )

/** Stops the server; returns its exit code and the elapsed milliseconds. */
const stop = (server: Server) => {
  const before = performance.now()
  server.child.kill("SIGTERM")
  return Effect.map(server.ended, ({ code, err }) => ({ code, err, took: performance.now() - before }))
}

/** Waits until a new connection to this address is refused. */
const untilRefused = (address: string) => {
  const { hostname, port } = new URL(address)
  const attempt = Effect.callback<boolean>((resume) => {
    const socket = net.connect(Number(port), hostname)
    socket.on("error", () => resume(Effect.succeed(true)))
    socket.on("close", () => resume(Effect.succeed(false)))
    socket.on("connect", () => socket.destroy())
  })
  return Effect.repeat(attempt, { until: (refused) => refused })
}

/** Sends a message that is in progress after this: the reply to the frame's first request has arrived. */
const begins = Effect.fnUntraced(function* (client: Client, cgid: string, content: string) {
  const before = client.answers.length
  const sid = client.sid()
  const params = [{ gid: newGid(), cgid, content }]
  client.send([
    { module: "chat", method: "ping", sid },
    { module: "chat", method: "message", sid, params }
  ])
  yield* client.until("the first answer", () => client.answers.length > before)
})

interface Answer {
  readonly status: number
  readonly text: string
}

/** Begins an upload that the server has begun to read. */
const uploading = (server: Server, sid: string, gid: string) =>
  Effect.callback<{ readonly finish: () => void; readonly answer: Promise<Answer> }>((resume) => {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const request = http.request(
      `${server.http}/attach-upload.json?sid=${sid}&gid=${gid}`,
      {
        method: "POST",
        agent: false,
        headers: { "content-type": "multipart/form-data; boundary=b", expect: "100-continue" }
      },
      (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (part: string) => (text += part))
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
      }
    )
    // Aborted: there is no status.
    request.on("error", () => resolve({ status: 0, text: "" }))
    request.once("continue", () => {
      request.write('--b\r\ncontent-disposition: form-data; name="files"; filename="f"\r\n\r\nfirst half, ')
      resume(
        Effect.succeed({
          finish: () => request.end("second half\r\n--b--\r\n"),
          answer: promise
        })
      )
    })
    request.flushHeaders()
  })

describe("a server that is stopped", () => {
  it.live("completes work longer than a connection lingers, stores it, and accepts nothing meanwhile", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd)
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      yield* alice.say(gid, "before")
      const answered = alice.answers.length
      const disk = yield* holdDisk(cwd)
      yield* begins(alice, gid, "under way")
      const stopping = yield* Effect.forkChild(stop(server), { startImmediately: true })
      yield* untilRefused(server.http)
      yield* untilRefused(server.tcp)
      yield* Effect.sleep(LONG)
      assert.strictEqual(alice.answers.length, answered + 1)
      assert.isUndefined(alice.closed())
      disk.release()
      yield* alice.until("the answer", () => alice.answers.length === answered + 2)
      assert.deepInclude(alice.answers.at(-1), { method: "message", result: "success" })
      assert.strictEqual((yield* alice.untilClosed).code, 1001)
      const { code, err, took } = yield* Fiber.join(stopping)
      assert.deepStrictEqual([code, complaintsIn(err)], [0, []])
      assert.isBelow(took, PROMISED)
      const again = yield* serve(cwd)
      const reader = yield* online(again.http, "alice")
      assert.deepStrictEqual(contents(yield* historyOf(reader, gid)), ["before", "under way"])
    }).pipe(Effect.scoped)
  )

  it.live("completes an upload in progress", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd)
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const upload = yield* uploading(server, alice.sid(), gid)
      const stopping = yield* Effect.forkChild(stop(server), { startImmediately: true })
      yield* untilRefused(server.http)
      yield* Effect.sleep(LONG)
      upload.finish()
      const { status, text } = yield* Effect.promise(() => upload.answer)
      assert.strictEqual(status, 200, text)
      const { code, err, took } = yield* Fiber.join(stopping)
      assert.deepStrictEqual([code, complaintsIn(err)], [0, []])
      assert.isBelow(took, PROMISED)
      const again = yield* serve(cwd)
      const reader = yield* online(again.http, "alice")
      const { data } = JSON.parse(text) as { readonly data: ReadonlyArray<{ readonly id: number }> }
      const url = `${again.http}/attach-download-${data[0]?.id}.json?sid=${reader.sid()}`
      assert.strictEqual(yield* Effect.promise(async () => (await fetch(url)).text()), "first half, second half")
    }).pipe(Effect.scoped)
  )

  it.live("aborts a commit and an upload that never end", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd)
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const upload = yield* uploading(server, alice.sid(), gid)
      const answered = alice.answers.length
      const disk = yield* holdDisk(cwd)
      yield* begins(alice, gid, "never")
      const { code, took } = yield* stop(server)
      assert.strictEqual(code, 0)
      assert.isBelow(took, PROMISED)
      // It had its full time.
      assert.isAbove(took, 4000)
      assert.strictEqual((yield* alice.untilClosed).code, 1001)
      assert.strictEqual(alice.answers.length, answered + 1)
      assert.strictEqual((yield* Effect.promise(() => upload.answer)).status, 0)
      disk.release()
      const again = yield* serve(cwd)
      const reader = yield* online(again.http, "alice")
      assert.deepStrictEqual(yield* historyOf(reader, gid), [])
      // The next start leaves nothing of the upload.
      assert.deepStrictEqual(
        readdirSync(join(cwd, "data/files"), { recursive: true, withFileTypes: true }).filter((one) => one.isFile()),
        []
      )
    }).pipe(Effect.scoped)
  )
})
