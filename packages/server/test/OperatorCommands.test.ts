/** Operator commands for users and sessions, on a running server and on a database without one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { contents, historyOf, idsOf, newGroup, online, webSocket } from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"

interface Listed {
  readonly gid: string
  readonly members?: ReadonlyArray<{ readonly id: number }>
  readonly owner?: number
  readonly admins?: string
}

const audits = (err: string, act: string): ReadonlyArray<string> =>
  err.split("\n").filter((line) => line.includes(`audit: ${act}`))

describe("operator commands for users and sessions", () => {
  it.live("take effect at once on a running server, and are in the audit log", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--demo")
      const operate = (...args: ReadonlyArray<string>) => runInProcess(cwd, args)
      const bob = yield* online(server.http, "bob")

      // A new name is pushed to online users.
      assert.deepInclude(yield* operate("user", "rename", "alice", "Alice Liddell"), {
        code: 0,
        out: "renamed alice to Alice Liddell\n"
      })
      yield* bob.until("the new name", () =>
        bob
          .pushes("userchangename")
          .concat(bob.pushes("userChangeName"))
          .some(({ data }) => JSON.stringify(data).includes("Alice Liddell"))
      )
      assert.include((yield* operate("user", "list")).out, "Alice Liddell")
      assert.deepInclude(yield* operate("user", "rename", "alice", " "), { code: 1 })
      assert.deepInclude(yield* operate("user", "rename", "alice", "a\u001b[2J\nb"), {
        out: "renamed alice to a\\u001b[2J\\u000ab\n"
      })
      assert.deepInclude(yield* operate("user", "rename", "nobody", "x"), { code: 1 })

      // The administrator's rights end at once, even on an open connection.
      const admin = yield* online(server.http, "admin")
      const others = { account: "bob" }
      assert.strictEqual((yield* admin.ask("settings", others)).result, "success")
      assert.deepInclude(yield* operate("user", "admin", "admin", "off"), {
        out: "admin is not a system administrator\n"
      })
      assert.strictEqual((yield* admin.ask("settings", others)).result, "fail")
      yield* operate("user", "admin", "admin", "on")
      assert.strictEqual((yield* admin.ask("settings", others)).result, "success")
      assert.include(
        (yield* operate("user", "admin", "admin", "maybe")).err,
        "the second argument must be on or off, not"
      )

      // Sessions are listed without their tokens, and ended one by one or all.
      const carol = yield* online(server.http, "carol")
      const listed = yield* operate("session", "list", "--user", "carol")
      const id = /^carol +([0-9a-f]{16}) +chat .*connected$/m.exec(listed.out)?.[1] ?? ""
      assert.notStrictEqual(id, "", listed.out)
      assert.notInclude(listed.out, carol.sid())
      assert.notInclude(listed.out, "bob")
      assert.include((yield* operate("session", "list")).out, "bob")
      assert.deepInclude(yield* operate("session", "end", "bob", id), { code: 1 })
      assert.deepInclude(yield* operate("session", "end", "carol", id), {
        code: 0,
        out: `ended session ${id} of carol\n`
      })
      assert.strictEqual((yield* carol.untilClosed).code, 4003)
      const again = yield* online(server.http, "carol")
      assert.deepInclude(yield* operate("session", "end", "carol"), { out: "ended 1 session of carol\n" })
      yield* again.untilClosed
      assert.include((yield* operate("session", "end", "nobody")).err, "there is no user nobody")
      assert.deepInclude(yield* operate("user", "add", "frank", "--password", "12345678"), { code: 1 })

      // The database is copied to a new file, which is a database too.
      const copied = yield* operate("backup", "copy.db")
      assert.match(copied.out, /copy\.db has \d+\.\d MiB\n$/)
      assert.deepInclude(yield* operate("backup", "copy.db"), { code: 1 })
      assert.include((yield* operate("user", "list", "--database", "sqlite:copy.db")).out, "carol")

      // The database is verified while the server uses it, and the copy.
      const whole = yield* operate("db", "check")
      assert.match(whole.out, /: \d+ users, .*; no violations\n$/)
      assert.deepInclude(whole, { code: 0, err: "" })
      assert.deepInclude(yield* operate("db", "check", "--database", "sqlite:copy.db"), { code: 0 })
      const damaged = new DatabaseSync(join(cwd, "copy.db"))
      damaged.exec("UPDATE log SET posted = posted + 1 WHERE id = (SELECT max(id) FROM log)")
      damaged.close()
      const found = yield* operate("db", "check", "--database", "sqlite:copy.db")
      assert.match(
        found.out,
        /^log, chat \d+: entry \d+ counts \d+ messages, and the log has \d+\n.*; violations: 1\n$/
      )
      assert.deepInclude(found, { code: 1, err: "parley: the database violates its invariants (1)\n" })
      const asJson = yield* operate("db", "check", "--json", "--database", "sqlite:copy.db")
      const json = JSON.parse(asJson.out) as { database: string; count: number; findings: ReadonlyArray<object> }
      assert.deepInclude(json, { database: "sqlite:copy.db", count: 1 })
      assert.deepInclude(json.findings[0], { part: "log", user: null })
      assert.strictEqual(asJson.code, 1)
      const none = yield* operate("db", "check", "--database", "sqlite:none.db")
      assert.match(none.err, /none\.db cannot be verified: there is no such file\.\n$/)
      assert.isFalse(existsSync(join(cwd, "none.db")))
      assert.match((yield* operate("db", "check", "--database", "memory:")).err, /a database in memory cannot/)

      server.child.kill("SIGTERM")
      const { err } = yield* server.ended
      assert.isNotEmpty(audits(err, "operator").filter((line) => line.includes("copy.db")))
      for (const act of ["user.rename", "user.admin", "session.end", "sessions.end"]) {
        assert.isNotEmpty(audits(err, act), act)
      }
      assert.isFalse(
        audits(err, 'operator"').some((line) => /user (rename|admin)/.test(JSON.stringify(line))),
        "these write their own line"
      )
      for (const act of [/user rename.*nobody/, /user admin.*admin/, /session end.*nobody/, /user add.*frank/]) {
        assert.lengthOf(
          audits(err, "operator.failed").filter((line) => act.test(line)),
          1,
          `${String(act)} did not happen`
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live("delete a user: removed from every list and group, the account free, the messages kept", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--demo")
      const alice = yield* online(server.http, "alice")
      const bob = yield* online(server.http, "bob")
      const aliceId = idsOf(alice).get("alice") ?? 0
      const group = yield* newGroup(alice, "bob", "carol")
      yield* alice.say(group, "from alice")
      yield* bob.untilMessage("from alice")

      assert.deepInclude(yield* runInProcess(cwd, ["user", "delete", "alice"]), {
        code: 0,
        out: `alice is removed; the messages of user ${aliceId} stay\n`
      })
      yield* alice.untilClosed
      // Online users get that she left the group, and her erased name.
      yield* bob.until("the group without her", () =>
        bob.received.some(
          ({ result, data }) =>
            result === undefined &&
            (Array.isArray(data) ? data : [data]).some((one) => {
              const { gid, members } = (one ?? {}) as Listed
              return gid === group && members !== undefined && !members.some(({ id }) => id === aliceId)
            })
        )
      )
      yield* bob.until("the name that is blanked", () =>
        bob.received.some(({ data }) => JSON.stringify(data ?? null).includes(`removed:${aliceId}`))
      )
      const users = yield* bob.get<ReadonlyArray<{ readonly id: number; readonly account: string }>>("userGetList")
      assert.notInclude(
        users.map(({ account }) => account),
        "alice"
      )
      assert.isFalse(users.some(({ id }) => id === aliceId))
      assert.notInclude((yield* runInProcess(cwd, ["user", "list"])).out, "alice")
      const history = yield* historyOf(bob, group)
      assert.deepStrictEqual(contents(history), ["from alice"])
      assert.strictEqual(history[0]?.user, aliceId)
      // The group has a new owner, with an owner's rights.
      assert.strictEqual((yield* bob.ask("changename", { gid: group, name: "ours" })).result, "success")
      // She cannot be added to another group, and the account cannot log in.
      const addition = { gid: group, members: [{ id: aliceId }], join: true }
      assert.strictEqual((yield* bob.ask("addmember", addition)).result, "fail")
      for (const account of ["alice", `removed:${aliceId}`]) {
        const unauthenticated = yield* webSocket(server.http)
        const login = { account, password: "e10adc3949ba59abbe56e057f20f883e" }
        assert.notStrictEqual((yield* unauthenticated.ask("login", login)).result, "success")
      }
      // The account is free; its next user is another one.
      const added = yield* runInProcess(cwd, ["user", "add", "alice", "--password", "another long secret"])
      assert.match(added.out, /^added alice with id \d+\n$/)
      assert.notInclude(added.out, `id ${aliceId}\n`)
      assert.deepInclude(yield* runInProcess(cwd, ["user", "delete", `removed:${aliceId}`]), { code: 1 })

      server.child.kill("SIGTERM")
      assert.isNotEmpty(audits((yield* server.ended).err, "user.delete"))
      // The same on a database without a server.
      assert.deepInclude(yield* runInProcess(cwd, ["user", "delete", "bob"]), { code: 0 })
      const list = (yield* runInProcess(cwd, ["user", "list"])).out
      assert.notInclude(list, "bob")
      assert.notInclude(list, "removed:")
      assert.deepInclude(yield* runInProcess(cwd, ["user", "delete", "bob"]), { code: 1 })
    }).pipe(Effect.scoped)
  )
})
