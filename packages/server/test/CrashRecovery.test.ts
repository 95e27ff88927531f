/** A server that is killed or stopped keeps all acknowledged writes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import {
  type Client,
  contents,
  desktop,
  historyOf,
  md5,
  type Message,
  newGid,
  newGroup,
  online,
  PASSWORD,
  webSocket
} from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { complaintsIn, folder, serve } from "./serverProcess.ts"

/** Kills the server without any chance to clean up, like a crash of the machine. */
const kill = ({ child, ended }: Effect.Success<ReturnType<typeof serve>>) =>
  Effect.suspend(() => {
    child.kill("SIGKILL")
    return ended
  })

/** The database, of which no server makes good what a kill has left, keeps its invariants. */
const isWhole = (cwd: string) =>
  Effect.map(runInProcess(cwd, ["db", "check"]), ({ code, out }) => assert.strictEqual(code, 0, out))

describe("a server that is killed", () => {
  it.live("has all acknowledged writes after its restart", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const first = yield* serve(cwd)
      const alice = yield* online(first.http, "alice")
      const bob = yield* online(first.http, "bob")
      const gid = yield* newGroup(alice, "bob", "carol")
      const answered: Array<Message> = []
      for (let turn = 0; turn < 10; turn++) {
        answered.push(...(yield* alice.say(gid, `alice ${turn}`)), ...(yield* bob.say(gid, `bob ${turn}`)))
      }
      yield* kill(first)
      yield* isWhole(cwd)
      yield* alice.untilClosed

      const second = yield* serve(cwd)
      const carol = yield* online(second.http, "carol")
      // Sessions of connected users are still valid; bob has acknowledged nothing.
      const bobAgain = yield* webSocket(second.http)
      bobAgain.take(bob.sid())
      const [last] = yield* bobAgain.say(gid, "the end")
      assert(last)
      yield* carol.untilMessage("the end")
      assert.deepStrictEqual(carol.delivered, [...answered, last])
      yield* bobAgain.untilMessage("alice 9")
      assert.deepStrictEqual(
        contents(bobAgain.delivered),
        contents(answered).filter((text) => text.startsWith("alice"))
      )
      assert.deepStrictEqual(yield* historyOf(carol, gid), [...answered, last])

      carol.acknowledge(carol.packets)
      yield* carol.ask("ping")
      yield* carol.leave
      yield* stop(second)
      // Acknowledgements survive a stop, and repeated requests are detected after any restart.
      const third = yield* serve(cwd)
      const aliceAgain = yield* online(third.http, "alice")
      const [repeated] = yield* aliceAgain.get<ReadonlyArray<Message>>("message", [
        { gid: answered[0]?.gid, cgid: gid, content: "alice 0" }
      ])
      assert.deepStrictEqual(repeated, answered[0])
      const carolAgain = yield* online(third.http, "carol")
      yield* aliceAgain.say(gid, "after the end")
      yield* carolAgain.untilMessage("after the end")
      assert.deepStrictEqual(contents(carolAgain.delivered), ["after the end"])
    }).pipe(Effect.scoped)
  )

  it.live("does not redeliver packets acknowledged before the connection was closed", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      // Maximum delay of acknowledgements on open connections.
      const first = yield* serve(cwd, "--set", "acknowledge.delay=1000")
      const alice = yield* online(first.http, "alice")
      const bob = yield* online(first.http, "bob")
      const carol = yield* online(first.http, "carol")
      const gid = yield* newGroup(alice, "bob", "carol")
      yield* alice.say(gid, "a", "b", "c")
      yield* bob.untilMessage("c")
      yield* carol.untilMessage("c")
      carol.acknowledge(carol.packets)
      bob.acknowledge(bob.packets.slice(0, 1))
      yield* Effect.all([bob.leave, carol.leave], { concurrency: "unbounded" })
      const isHere = (account: string) =>
        Effect.map(alice.get<ReadonlyArray<{ account: string; status: string }>>("userGetList"), (users) =>
          users.some((user) => user.account === account && user.status !== "offline")
        )
      while ((yield* isHere("bob")) || (yield* isHere("carol"))) yield* Effect.yieldNow
      // Later commits have later replies.
      yield* alice.say(gid, "d")
      yield* kill(first)
      yield* isWhole(cwd)
      const second = yield* serve(cwd)
      const aliceAgain = yield* online(second.http, "alice")
      const [bobAgain, carolAgain] = [yield* online(second.http, "bob"), yield* online(second.http, "carol")]
      yield* aliceAgain.say(gid, "the end")
      yield* Effect.all([bobAgain.untilMessage("the end"), carolAgain.untilMessage("the end")])
      assert.deepStrictEqual(contents(carolAgain.delivered), ["d", "the end"])
      assert.deepStrictEqual(contents(bobAgain.delivered), ["b", "c", "d", "the end"])
    }).pipe(Effect.scoped)
  )

  it.live("redelivers at most the last acknowledged packets, and always all unacknowledged ones", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const first = yield* serve(cwd, "--set", "acknowledge.delay=0")
      const alice = yield* online(first.http, "alice")
      const carol = yield* online(first.http, "carol")
      const gid = yield* newGroup(alice, "bob", "carol")
      yield* alice.say(gid, "a", "b", "c", "d", "e", "f")
      yield* carol.untilMessage("f")
      carol.acknowledge([carol.packets[1] ?? 0, carol.packets[4] ?? 0])
      yield* carol.ask("ping")
      // Cursors are written behind, but before later commits: this reply shows that they are stored.
      yield* alice.say(gid, "g", "h")
      yield* carol.untilMessage("h")
      yield* kill(first)
      yield* isWhole(cwd)
      const second = yield* serve(cwd)
      const aliceAgain = yield* online(second.http, "alice")
      const carolAgain = yield* online(second.http, "carol")
      yield* aliceAgain.say(gid, "the end")
      yield* carolAgain.untilMessage("the end")
      assert.deepStrictEqual(contents(carolAgain.delivered), ["a", "c", "d", "f", "g", "h", "the end"])
    }).pipe(Effect.scoped)
  )
})

/** Stops the server; returns its exit code and the elapsed milliseconds. */
const stop = (server: Effect.Success<ReturnType<typeof serve>>) =>
  Effect.gen(function* () {
    const before = performance.now()
    server.child.kill("SIGTERM")
    const ended = yield* server.ended
    return { ...ended, took: performance.now() - before }
  })

describe("a server that is stopped", () => {
  it.live("completes the request in progress, closes WebSockets with 1001, and exits with 0", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd)
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const idle = yield* online(server.http, "bob")
      const overTcp = yield* desktop(server.tcp)
      yield* overTcp.get("login", ["dave", md5(PASSWORD), "online"])
      // One frame is one unit of work: its first reply shows that it is in progress.
      const guest = yield* webSocket(server.http)
      guest.send([
        { module: "chat", method: "ping" },
        { module: "chat", method: "login", params: { account: "carol", password: md5(PASSWORD) } }
      ])
      const requests = Array.from({ length: 100 }, (_, index) => ({
        module: "chat",
        method: "message",
        sid: alice.sid(),
        params: [{ gid: newGid(), cgid: gid, content: `under way ${index}` }]
      }))
      const before = alice.answers.length
      alice.send(requests)
      yield* Effect.all(
        [
          guest.until("the first answer", () => guest.answers.length >= 1),
          alice.until("the first answer", () => alice.answers.length > before)
        ],
        { concurrency: 2 }
      )
      const { code, took, err } = yield* stop(server)
      assert.deepStrictEqual([code, complaintsIn(err)], [0, []])
      assert.isBelow(took, 10_000)
      for (const client of [alice, idle, guest]) assert.strictEqual((yield* client.untilClosed).code, 1001)
      yield* overTcp.untilClosed
      assert.deepStrictEqual(
        guest.answers.map(({ method, result }) => `${method} ${result ?? ""}`),
        ["ping denied", "login success"]
      )
      const answers = alice.answers.slice(before)
      assert.deepStrictEqual(
        answers.map(({ result }) => result),
        requests.map(() => "success")
      )
      const again = yield* serve(cwd)
      const reader = yield* online(again.http, "alice")
      assert.deepStrictEqual(
        yield* historyOf(reader, gid),
        answers.flatMap(({ data }) => data as ReadonlyArray<Message>)
      )
    }).pipe(Effect.scoped)
  )

  it.live("stores no request without a reply, of requests sent one by one", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd)
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const before = alice.answers.length
      for (let index = 0; index < 1000; index++) {
        const params = [{ gid: newGid(), cgid: gid, content: `one by one ${index}` }]
        alice.send({ module: "chat", method: "message", sid: alice.sid(), params })
      }
      yield* alice.until("some answers", () => alice.answers.length >= before + 10)
      const { code } = yield* stop(server)
      assert.strictEqual(code, 0)
      assert.strictEqual((yield* alice.untilClosed).code, 1001)
      const answered = alice.answers.slice(before).flatMap(({ data }) => data as ReadonlyArray<Message>)
      assert.deepStrictEqual(
        contents(answered),
        answered.map((_, index) => `one by one ${index}`)
      )
      const again = yield* serve(cwd)
      const bob = yield* online(again.http, "bob")
      assert.deepStrictEqual(yield* historyOf(bob, gid), answered)
    }).pipe(Effect.scoped)
  )

  it.live("exits in time with clients that do not read or disconnect", () =>
    Effect.gen(function* () {
      const server = yield* serve(yield* folder, "--database", "memory:", "--demo")
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob", "carol")
      const deaf: ReadonlyArray<Client> = [
        yield* online(server.http, "bob"),
        yield* desktop(server.tcp),
        yield* webSocket(server.http)
      ]
      yield* deaf[1]?.get("login", ["carol", md5(PASSWORD), "online"]) ?? Effect.void
      for (const client of deaf) client.stopReading()
      yield* alice.say(gid, ...Array.from({ length: 100 }, () => "x".repeat(60_000)))
      const { code, took } = yield* stop(server)
      assert.strictEqual(code, 0)
      assert.isBelow(took, 10_000)
    }).pipe(Effect.scoped)
  )

  it.live("prints one line if its database or its port is in use", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd)
      const alice = yield* online(server.http, "alice")
      const second = yield* runInProcess(cwd, ["serve", "--port", "0", "--tcp-port", "0"])
      assert.deepStrictEqual([second.code, second.out], [1, ""])
      assert.match(second.err, /^parley: [^\n]*parley\.db[^\n]*\n$/)
      for (const taken of ["http", "tcp"] as const) {
        const { port } = new URL(server[taken])
        const ports = { http: "0", tcp: "0", [taken]: port }
        const other = yield* runInProcess(yield* folder, ["serve", "--port", ports.http, "--tcp-port", ports.tcp])
        assert.deepStrictEqual([other.code, other.out], [1, ""])
        assert.match(other.err, new RegExp(`^parley: [^\\n]*\\b${port}\\b[^\\n]*\\n$`))
      }
      // The refused server has not disturbed the running one.
      yield* alice.get("ping")
      assert.isNotEmpty(readFileSync(join(cwd, "data/parley.db")))
    }).pipe(Effect.scoped)
  )
})
