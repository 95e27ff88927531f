/** A session ends on every connection, and a client that disconnects during its login leaves nothing behind. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { md5, newGroup, online, PASSWORD, webSocket } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"
import { folder, serve } from "./serverProcess.ts"

describe("a session that ends", () => {
  it.live("by POST /auth/logout closes its connection", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess()
      const alice = yield* online(http, "alice")
      const bob = yield* online(http, "bob")
      yield* newGroup(alice, "bob")
      const { status } = yield* Effect.promise(() =>
        fetch(`${http}/auth/logout`, { method: "POST", headers: { authorization: `Bearer ${bob.sid()}` } })
      )
      assert.strictEqual(status, 204)
      assert.strictEqual((yield* bob.untilClosed).code, 4003)
      const users = (yield* alice.ask("userGetList")).data as ReadonlyArray<{ account: string; status: string }>
      assert.strictEqual(users.find(({ account }) => account === "bob")?.status, "offline")
    }).pipe(Effect.scoped)
  )

  it.live("by a logout on another connection closes this one, with several sessions allowed", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess({ sessions: "multi" })
      const first = yield* online(http, "alice")
      const second = yield* webSocket(http)
      second.take(first.sid())
      yield* second.ask("ping")
      assert.strictEqual((yield* second.ask("logout")).result, "success")
      assert.strictEqual((yield* first.untilClosed).code, 4003)
      assert.isUndefined(second.closed())
    }).pipe(Effect.scoped)
  )

  it.live("by a login on its own connection is invalid, even with several sessions allowed", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess({ sessions: "multi" })
      const alice = yield* online(http, "alice")
      const before = alice.sid()
      assert.strictEqual((yield* alice.ask("login", ["alice", md5(PASSWORD), "online"])).result, "success")
      const other = yield* webSocket(http)
      other.take(before)
      assert.strictEqual((yield* other.ask("ping")).result, "denied")
    }).pipe(Effect.scoped)
  )
})

describe("a client that disconnects during its login", () => {
  it.live("is not online, is not pushed to others, and logs no error", () =>
    Effect.gen(function* () {
      const { http, child } = yield* serve(yield* folder, "--database", "memory:", "--demo")
      let log = ""
      child.stderr?.on("data", (chunk) => {
        log += String(chunk)
      })
      const alice = yield* online(http, "alice")
      for (let index = 0; index < 10; index++) {
        const carol = yield* webSocket(http)
        carol.send({ module: "chat", method: "login", params: ["carol", md5(PASSWORD), "online"] })
        carol.drop()
      }
      // Logins run concurrently: this one, begun after them, hashes as long as they do.
      yield* online(http, "dave")
      const users = (yield* alice.ask("userGetList")).data as ReadonlyArray<{ account: string; status: string }>
      assert.strictEqual(users.find(({ account }) => account === "carol")?.status, "offline")
      const heard = alice.pushes("login").map(({ data }) => data as { account: string; status: string })
      assert.deepStrictEqual(
        heard.filter(({ status }) => status === "offline"),
        []
      )
      assert.notInclude(log, "failed unexpectedly")
    }).pipe(Effect.scoped)
  )
})

describe("refused messages", () => {
  it.live("are each listed, including malformed ones", () =>
    Effect.gen(function* () {
      const { http } = yield* serveInProcess()
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const refused = yield* alice.ask("message", [
        { gid: "a", cgid: gid, content: "fine" },
        { gid: "b", cgid: gid, content: "x", user: 99 },
        { gid: "c", cgid: gid, content: "x", date: "yesterday" },
        { gid: 5, cgid: gid, content: "x" }
      ])
      assert.strictEqual(refused.result, "fail")
      const listed = refused.data as ReadonlyArray<{ gid: string; cgid: string; message: string }>
      assert.deepStrictEqual(
        listed.map((one) => [one.gid, one.cgid]),
        [
          ["b", gid],
          ["c", gid],
          ["", gid]
        ]
      )
      assert.match(listed[1]?.message ?? "", /date/)
      assert.match(refused.message ?? "", /user/)
    }).pipe(Effect.scoped)
  )
})
