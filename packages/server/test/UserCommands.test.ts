import { assert, describe, it } from "@effect/vitest"
import * as NodePasswords from "@parley/adapter-node/NodePasswords"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { Credentials } from "@parley/core/Credentials"
import { UserId } from "@parley/core/Ids"
import * as Parley from "@parley/core/Parley"
import { Passwords } from "@parley/core/Passwords"
import { Progress } from "@parley/core/Progress"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { executeCommand } from "../src/control/server.ts"
import type { Request } from "../src/control/protocol.ts"
import { jsonOf, tableOf } from "../src/terminal/columns.ts"
import { userCommands } from "../src/users/commands.ts"

/** The engine with its own database. */
const office = Layer.unwrap(
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-users-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    return Parley.layer.pipe(
      Layer.provideMerge(Layer.merge(SqliteStore.layer({ file: join(folder, "parley.db") }), NodePasswords.layer))
    )
  })
)

const run = (line: string, inputs: Request["inputs"] = {}) =>
  Effect.flatMap(Users, (users) => executeCommand(userCommands(users), { words: line.split(" "), inputs }))

const SHORT = "must have at least 8 characters (passwords.minimum)"
const COMMON = "must not be one of the most common passwords (passwords.minimum)"

/** Returns the output of a command as it is printed, of a failure too. */
const say = (line: string, inputs: Request["inputs"] = {}) =>
  Effect.match(run(line, inputs), {
    onFailure: (error) => `no: ${error}`,
    onSuccess: (output) => (typeof output === "string" ? output : tableOf(output))
  })

/** Returns the rows of a list as JSON has them. */
const rowsOf = (line: string) =>
  Effect.map(run(line), (output): unknown => (typeof output === "string" ? output : JSON.parse(jsonOf(output))))

const login = (account: string, password: string) =>
  Effect.gen(function* () {
    const secret = yield* (yield* Credentials).md5Secret(password)
    return yield* (yield* Sessions).login({ account, secret, kind: "token", device: "", address: "127.0.0.1" })
  })

describe("commands for users", () => {
  it.live("add, list, change and disable users", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* say("user add", { account: "alice", password: "one-horse-1" }), "added alice with id 1")
      assert.strictEqual(
        yield* say("user add", { account: "bob", password: "x-horse-0", realname: "Bob", admin: true, org: 7 }),
        "added bob with id 2"
      )
      assert.strictEqual(
        yield* say("user list"),
        [
          "id  account  realname  role  admin  org  disabled",
          "1   alice    alice",
          "2   bob      Bob             admin  7"
        ].join("\n")
      )

      const { session } = yield* login("alice", "one-horse-1")
      const isLive = Effect.map((yield* Sessions).resume(session.token), (found) => found !== undefined)
      assert.isTrue(yield* isLive)
      assert.strictEqual(
        yield* say("user passwd", { account: "alice", password: "two-horse-2" }),
        "alice has a new password"
      )
      assert.isFalse(yield* isLive)
      assert.strictEqual((yield* Effect.flip(login("alice", "one-horse-1"))).reason._tag, "WrongPassword")
      yield* login("alice", "two-horse-2")

      assert.strictEqual(yield* say("user disable", { account: "alice" }), "alice is disabled")
      assert.strictEqual((yield* Effect.flip(login("alice", "two-horse-2"))).reason._tag, "WrongPassword")
      const facts = { realname: "Bob", role: "", admin: true, org: 7, disabled: false }
      assert.deepStrictEqual(yield* rowsOf("user list"), [
        { id: 1, account: "alice", realname: "alice", role: "", admin: false, org: null, disabled: true },
        { id: 2, account: "bob", ...facts }
      ])
      assert.strictEqual(yield* say("user enable", { account: "alice" }), "alice is enabled")
      yield* login("alice", "two-horse-2")
    }).pipe(Effect.provide(office))
  )

  it.live("report errors in one sentence", () =>
    Effect.gen(function* () {
      yield* run("user add", { account: "alice", password: "one-horse-1" })
      const refused: ReadonlyArray<readonly [string, Request["inputs"], string]> = [
        ["user add", { account: "alice", password: "plum-tractor" }, "account alice exists already"],
        ["user add", { account: "bob" }, "password must not be empty"],
        ["user add", { account: "bob", password: "p" }, `password ${SHORT}`],
        ["user add", { account: "bob", password: "password1" }, `password ${COMMON}`],
        ["user add", { account: "", password: "p" }, "account must not be empty"],
        ["user passwd", { account: "alice", password: "" }, "password must not be empty"],
        ["user passwd", { account: "alice", password: "p" }, `password ${SHORT}`],
        ["user passwd", { account: "alice", password: "password1" }, `password ${COMMON}`],
        ["user passwd", { account: "bob", password: "plum-tractor" }, "there is no user bob"],
        ["user disable", { account: "bob" }, "there is no user bob"],
        ["user enable", { account: "bob" }, "there is no user bob"]
      ]
      for (const [line, inputs, text] of refused) assert.strictEqual(yield* say(line, inputs), `no: ${text}`)
    }).pipe(Effect.provide(office))
  )

  it.live("import a file completely or not at all", () =>
    Effect.gen(function* () {
      yield* run("user add", { account: "bob", password: "x-horse-0" })
      const file = "account,password,admin\nalice,horse-of-a,true\nbob,horse-of-b,\ncarol,horse-of-c,\n"
      assert.strictEqual(yield* say("user import", { file }), "no: line 3: account bob exists already")
      assert.strictEqual((yield* (yield* Users).list).length, 1)
      assert.strictEqual(
        yield* say("user import", { file: "account,password\nbob,p\na b,horse-of-p\n" }),
        `no: line 2: account bob exists already\nline 2: password ${SHORT}\nline 3: account must not contain white space, control characters, ',', ':', '/' or '&'`
      )
      assert.strictEqual((yield* (yield* Users).list).length, 1)

      assert.strictEqual(yield* say("user import", { file: file.replace("bob,horse-of-b,\n", "") }), "added 2 users")
      const { user } = yield* login("alice", "horse-of-a")
      assert.isTrue(user.admin)
      assert.strictEqual(yield* say("user import", { file: "account,password\ndave,horse-of-d\n" }), "added 1 user")
    }).pipe(Effect.provide(office))
  )

  it.live("report progress of an import while passwords are hashed", () =>
    Effect.gen(function* () {
      const reports: Array<readonly [number, number]> = []
      const file = `account,password\n${Array.from({ length: 12 }, (_, n) => `u${n},secret-${n}`).join("\n")}\n`
      yield* run("user import", { file }).pipe(
        Effect.provideService(Progress, (done, total) => reports.push([done, total]))
      )
      assert.deepStrictEqual(
        reports,
        Array.from({ length: 12 }, (_, n) => [n + 1, 12])
      )
    }).pipe(Effect.provide(office))
  )

  it.live("escape control characters in lists", () =>
    Effect.gen(function* () {
      yield* (yield* Users).add([{ account: "eve", realname: "\u001B[2J\u009B1m\nbob  admin\u202E" }])
      assert.include(yield* say("user list"), "\\u001b[2J\\u009b1m\\u000abob  admin\\u202e")
      assert.strictEqual((yield* say("user list")).split("\n").length, 2)
    }).pipe(Effect.provide(office))
  )

  it.live("import accounts without a password", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* say("user import", { file: "account,password\nalice,\nbob,horse-of-b\n" }),
        'added 2 users; 1 of them without a password: they cannot log in with one before "user passwd"'
      )
      assert.strictEqual((yield* Effect.flip(login("alice", ""))).reason._tag, "WrongPassword")
      yield* login("bob", "horse-of-b")
      yield* run("user passwd", { account: "alice", password: "later-horse" })
      assert.strictEqual((yield* login("alice", "later-horse")).user.account, "alice")
    }).pipe(Effect.provide(office))
  )

  it.live("import external hashes of the password's md5", () =>
    Effect.gen(function* () {
      const { hash } = yield* Passwords
      const made = yield* hash(yield* (yield* Credentials).md5Secret("secret"))
      const file = `account,password-hash\nalice,"${made}"\nbob,"${made}"\n`
      assert.strictEqual(yield* say("user import", { file }), "added 2 users")
      yield* login("alice", "secret")
      yield* login("bob", "secret")
      assert.strictEqual((yield* Effect.flip(login("alice", made))).reason._tag, "WrongPassword")
      const { password } = yield* Store
      assert.strictEqual(yield* password((yield* (yield* Users).list)[0]?.id ?? UserId(0)), made)
    }).pipe(Effect.provide(office))
  )

  it.live("use a different salt for each user with the same password", () =>
    Effect.gen(function* () {
      const file = "account,password\nalice,same-horse-1\nbob,same-horse-1\n"
      assert.strictEqual(yield* say("user import", { file }), "added 2 users")
      const store = yield* Store
      const ids = (yield* (yield* Users).list).map(({ id }) => id)
      const [alice, bob] = yield* Effect.forEach(ids, store.password)
      assert.notStrictEqual(alice, bob)
      yield* login("alice", "same-horse-1")
      yield* login("bob", "same-horse-1")
    }).pipe(Effect.provide(office))
  )

  it.live("import five thousand accounts in one request, in order", () =>
    Effect.gen(function* () {
      const file = ["account,password", ...Array.from({ length: 5000 }, (_, n) => `user${n},`)].join("\n")
      assert.include(yield* say("user import", { file }), "added 5000 users")
      const users = yield* (yield* Users).list
      assert.deepStrictEqual(
        users.map(({ account }) => account),
        Array.from({ length: 5000 }, (_, n) => `user${n}`)
      )
    }).pipe(Effect.provide(office))
  )
})
