/** A running server whose log cannot be written: it continues, and reports the number of lost lines later. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { serverBundle } from "../../../scripts/serverBundle.ts"
import { folder } from "./serverProcess.ts"

const SERVE = [
  await serverBundle(),
  "serve",
  "--port",
  "0",
  "--tcp-port",
  "off",
  "--database",
  "memory:",
  "--set",
  "login.attempts=100000"
]

/** Starts a server with redirected output; returns it with its address. */
const redirected = (redirection: string) =>
  Effect.gen(function* () {
    const cwd = yield* folder
    const command = [process.execPath, ...SERVE].map((word) => `'${word}'`).join(" ")
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => spawn("bash", ["-c", `exec ${command} ${redirection}`], { cwd })),
      (one) => Effect.sync(() => one.kill("SIGKILL"))
    )
    let out = ""
    const http = yield* Effect.callback<string, Error>((resume) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        out += text
        const [, url] = /^listening (http:\S+)\n/.exec(out) ?? []
        if (url !== undefined) resume(Effect.succeed(url))
      })
      child.once("exit", (code) => resume(Effect.fail(new Error(`it ended with ${code}`))))
    })
    const ended = Effect.callback<number | null>((resume) => {
      child.once("exit", (code) => resume(Effect.succeed(code)))
      child.kill("SIGTERM")
    })
    return { child, http, ended }
  })

/** Makes failed logins of different accounts; each is a line of the log. */
const fail = (http: string, logins: number) =>
  Effect.promise(async () => {
    for (let i = 0; i < logins; i++) {
      const body = JSON.stringify({ account: `nobody${i}`, password: "wrong" })
      const headers = { "content-type": "application/json" }
      const { status } = await fetch(`${http}/auth/login`, { method: "POST", headers, body })
      assert.strictEqual(status, 401)
    }
    assert.strictEqual((await fetch(`${http}/healthz`)).status, 200)
  })

describe("a server whose log cannot be written", () => {
  for (const [name, redirection] of [
    ["is closed", "2>&-"],
    ["is a full disk", "2>/dev/full"],
    ["is a pipe whose reader is gone", "2> >(exit 0)"],
    ["is a pipe that is not read", "2> >(sleep 60)"]
  ] as const) {
    it.live(`continues when standard error ${name}`, () =>
      Effect.gen(function* () {
        const { http, ended } = yield* redirected(redirection)
        yield* fail(http, 3)
        assert.strictEqual(yield* ended, 0)
      }).pipe(Effect.scoped)
    )
  }

  it.live("continues when the reader of both outputs is closed", () =>
    Effect.gen(function* () {
      const { child, http, ended } = yield* redirected("")
      child.stdout.destroy()
      child.stderr.destroy()
      yield* fail(http, 3)
      assert.strictEqual(yield* ended, 0)
    }).pipe(Effect.scoped)
  )
})
