/** The server's log and audit log, without secrets; and signals that do not end it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync, renameSync, statSync } from "node:fs"
import { request } from "node:http"
import { join } from "node:path"
import { desktop, md5, webSocket } from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"

interface Line {
  readonly message: string
  readonly level: string
  readonly annotations: Readonly<Record<string, unknown>>
}

const linesOf = (text: string): ReadonlyArray<Line> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line)

const PASSWORD = "the secret of alice, in plain"
const WRONG = "a wrong secret, in plain"
const TOKEN = "a-token-of-nobody-4711"

/** Returns the status and body of a request; `path` may contain a query. */
const ask = (
  http: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string
) =>
  Effect.callback<{ readonly status: number; readonly text: string }>((resume) => {
    const sent = request(http + path, { method, headers }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (part: string) => (text += part))
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
    })
    sent.end(body)
  })

const login = (http: string, account: string, password: string) =>
  ask(http, "POST", "/auth/login", { "content-type": "application/json" }, JSON.stringify({ account, password }))

/** Waits until a file or text is as expected; signals and files take a moment. */
const until = (what: string, there: () => boolean) =>
  Effect.gen(function* () {
    for (let tries = 0; !there(); tries++) {
      if (tries > 400) assert.fail(`it did not come to this: ${what}`)
      yield* Effect.sleep(25)
    }
  })

describe("the log of a running server", () => {
  it.live("contains failed logins with account and address, operator commands, and no secret or query", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const secret = "configured-token-0123456789-abcdefgh"
      const server = yield* serve(cwd, "--no-demo", "--audit-log", "audit.log", "--set", `youdu.token=${secret}`)
      const { http, tcp } = server
      assert.strictEqual((yield* runInProcess(cwd, ["user", "add", "alice", "--password", PASSWORD])).code, 0)
      assert.strictEqual((yield* runInProcess(cwd, ["ha-key", "add", "the-key-of-ha"])).code, 0)
      const answer = yield* login(http, "alice", PASSWORD)
      assert.strictEqual(answer.status, 200)
      const { token } = JSON.parse(answer.text) as { readonly token: string }
      for (let i = 0; i < 5; i++) assert.strictEqual((yield* login(http, "alice", WRONG)).status, 401)
      assert.strictEqual((yield* login(http, "nobody\u001b[2J", WRONG)).status, 401)
      const client = yield* desktop(tcp)
      assert.strictEqual((yield* client.ask("login", ["alice", md5(WRONG), "online"])).result, "fail")
      yield* webSocket(http, `?token=${TOKEN}`)
      for (const path of ["/session/list", "/message", "/cgi/youdu/session/get", "/attach-download.json", "/nothing"]) {
        for (const shown of [token, TOKEN, secret]) {
          const headers = { authorization: `Bearer ${shown}`, "x-ha-key": "the-key-of-ha", "x-ha-session": shown }
          yield* ask(http, "GET", `${path}?token=${shown}&accessToken=${shown}&sid=${shown}`, headers)
          yield* ask(http, "POST", `${path}?token=${shown}&accessToken=${shown}`, headers, `{"token":"${shown}"`)
        }
      }
      assert.strictEqual(
        (yield* runInProcess(cwd, ["user", "passwd", "alice", "--password", `${PASSWORD}, new`])).code,
        0
      )
      assert.strictEqual((yield* runInProcess(cwd, ["user", "list"])).code, 0)
      server.child.kill("SIGTERM")
      const { code, err } = yield* server.ended
      assert.strictEqual(code, 0)

      const log = linesOf(err)
      const failed = log.filter(({ message }) => message === "login failed")
      const ofAlice = failed.filter(({ annotations }) => annotations["account"] === "alice")
      assert.deepInclude(ofAlice[0]?.annotations, { address: "127.0.0.1", reason: "WrongPassword" })
      assert.strictEqual(ofAlice.length, 2, "one at once, one with the count of the rest")
      assert.strictEqual(ofAlice[1]?.annotations["count"], 5)
      assert.isTrue(failed.some(({ annotations }) => annotations["account"] === "nobody?[2J"))

      const written = readFileSync(join(cwd, "audit.log"), "utf8")
      assert.strictEqual(statSync(join(cwd, "audit.log")).mode & 0o777, 0o600)
      const acts = linesOf(written).filter(({ annotations }) => annotations["audit"] === "operator")
      assert.deepStrictEqual(
        acts.map(({ annotations }) => [annotations["command"], annotations["account"]]),
        [
          ["user add", "alice"],
          ["ha-key add", undefined],
          ["user passwd", "alice"]
        ]
      )
      for (const one of [PASSWORD, WRONG, md5(PASSWORD), md5(WRONG), token, TOKEN, secret, "the-key-of-ha"]) {
        assert.notInclude(err, one)
        assert.notInclude(written, one)
      }
      assert.notMatch(err, /[?&](token|accessToken|sid)=/)
    }).pipe(Effect.scoped)
  )
})

describe("signals", () => {
  it.live("SIGHUP reopens the audit log, SIGUSR1 opens no debugger, SIGPIPE has no effect", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const server = yield* serve(cwd, "--no-demo", "--audit-log", "audit.log")
      assert.strictEqual((yield* runInProcess(cwd, ["user", "add", "alice", "--password", PASSWORD])).code, 0)
      yield* until("one line", () => readFileSync(join(cwd, "audit.log"), "utf8").endsWith("\n"))
      renameSync(join(cwd, "audit.log"), join(cwd, "audit.log.1"))
      server.child.kill("SIGHUP")
      yield* until("a new file", () => existsSync(join(cwd, "audit.log")))
      for (const signal of ["SIGUSR1", "SIGPIPE", "SIGHUP"] as const) server.child.kill(signal)
      assert.strictEqual((yield* runInProcess(cwd, ["user", "disable", "alice"])).code, 0)
      yield* until("a line in it", () => readFileSync(join(cwd, "audit.log"), "utf8").includes("user disable"))
      assert.notInclude(readFileSync(join(cwd, "audit.log.1"), "utf8"), "user disable")
      assert.strictEqual((yield* ask(server.http, "GET", "/healthz")).status, 200)
      server.child.kill("SIGTERM")
      const { code, err } = yield* server.ended
      assert.strictEqual(code, 0)
      assert.notInclude(err, "Debugger listening")
      assert.isAtLeast(linesOf(err).filter(({ message }) => message === "reloading").length, 1)
    }).pipe(Effect.scoped)
  )

  it.live("a command without a server is in the audit log too, and logs nothing else", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const environment = { PARLEY_AUDIT_LOG: "audit.log" }
      const added = yield* runInProcess(cwd, ["user", "add", "alice", "--create", "--password", PASSWORD], environment)
      assert.deepStrictEqual([added.code, added.err], [0, ""])
      assert.strictEqual(linesOf(readFileSync(join(cwd, "audit.log"), "utf8"))[0]?.annotations["command"], "user add")
      const none = yield* runInProcess(cwd, ["user", "disable", "alice"], {
        PARLEY_AUDIT_LOG: "no/such/folder/audit.log"
      })
      assert.strictEqual(none.code, 1)
      assert.match(none.err, /^parley: the audit log no\/such\/folder\/audit\.log cannot be opened: [^\n]*\n$/)
    }).pipe(Effect.scoped)
  )
})
