/** `/metrics` of a running server. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { request } from "node:http"
import { newGroup, online } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"
import { parseMetrics } from "./metricsFormat.ts"

interface Answer {
  readonly status: number
  readonly body: string
}

const get = (port: number, path: string, headers: Readonly<Record<string, string>> = {}, method = "GET") =>
  Effect.callback<Answer>((resume) => {
    request({ host: "127.0.0.1", port, path, headers, method }, (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (text: string) => (body += text))
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, body })))
    })
      .on("error", (cause) => resume(Effect.die(cause)))
      .end()
  })

/** Returns the values by series. Fails for a line that is neither a comment nor a sample. */
const samplesOf = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text
      .trimEnd()
      .split("\n")
      .filter((line) => !line.startsWith("# "))
      .map((line) => {
        const [, series = "", value = ""] = /^([a-z0-9_]+(?:\{[a-z]+="[^"]*"\})?) ([0-9.e+-]+)$/.exec(line) ?? []
        assert.notStrictEqual(series, "", line)
        return [series, Number(value)]
      })
  )

describe("/metrics", () => {
  it.live("counts connections, sessions, failed logins and commits", () =>
    Effect.gen(function* () {
      const { http, metrics } = yield* serveInProcess({ metricsPort: 0 })
      assert(metrics !== undefined)
      const read = Effect.map(get(metrics.port, "/metrics"), ({ body }) => samplesOf(body))
      const before = yield* read
      assert.strictEqual(before.get("parley_connections"), 0)
      assert.strictEqual(before.get("parley_sessions"), 0)
      const alice = yield* online(http, "alice")
      const failed = yield* Effect.promise(() =>
        fetch(`${http}/auth/login`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ account: "bob", password: "wrong" })
        })
      )
      assert.strictEqual(failed.status >= 400, true)
      yield* newGroup(alice, "bob")
      const after = yield* read
      const growth = (series: string): number => (after.get(series) ?? NaN) - (before.get(series) ?? NaN)
      assert.strictEqual(after.get("parley_connections"), 1)
      assert.strictEqual(after.get("parley_sessions"), 1)
      assert.strictEqual(growth("parley_connections_accepted_total"), 1)
      assert.strictEqual(growth('parley_login_failures_total{reason="WrongPassword"}'), 1)
      assert.isAtLeast(growth('parley_commits_total{result="Success"}'), 1)
      assert.isAtLeast(growth("parley_commit_writes_total"), 1)
      assert.isAtLeast(growth("parley_commit_seconds_count"), 1)
      assert.strictEqual(after.get('parley_commit_seconds_bucket{le="+Inf"}'), after.get("parley_commit_seconds_count"))
      assert.strictEqual(after.get("parley_storage_working"), 1)
      assert.isAbove(after.get("process_resident_memory_bytes") ?? 0, 1e6)
    }).pipe(Effect.scoped)
  )

  it.live("keeps to the text format of Prometheus", () =>
    Effect.gen(function* () {
      const { http, metrics } = yield* serveInProcess({ metricsPort: 0 })
      assert(metrics !== undefined)
      const read = Effect.map(get(metrics.port, "/metrics"), ({ body }) => body)
      const before = parseMetrics(yield* read)
      yield* newGroup(yield* online(http, "alice"), "bob")
      const after = parseMetrics(yield* read)
      assert.deepStrictEqual([...after.keys()], [...before.keys()])
      for (const [name, { series }] of after)
        assert.sameMembers([...series.keys()], [...(before.get(name)?.series.keys() ?? [])])
    }).pipe(Effect.scoped)
  )

  it.live("has the metrics of the table in docs/operating.md", () =>
    Effect.gen(function* () {
      const { metrics } = yield* serveInProcess({ metricsPort: 0 })
      assert(metrics !== undefined)
      const { body } = yield* get(metrics.port, "/metrics")
      const served = [...body.matchAll(/^# HELP ([a-z0-9_]+) (.*)\n# TYPE \1 ([a-z]+)$/gm)]
      const page = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8")
      const rows = [...page.matchAll(/^\| `([a-z0-9_]+)` +\| (counter|gauge|histogram) +\| (.*?) +\|$/gm)]
      assert.deepStrictEqual(
        rows.map(([, name, type, help]) => [name, type, help]),
        served.map(([, name, help, type]) => [name, type, help])
      )
    }).pipe(Effect.scoped)
  )

  it.live("is off by default, and on its own port for this machine's names only", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* serveInProcess()).metrics, undefined)
      const { http, metrics } = yield* serveInProcess({ metricsPort: 0 })
      assert(metrics !== undefined)
      assert.strictEqual(metrics.host, "127.0.0.1")
      assert.strictEqual((yield* get(Number(new URL(http).port), "/metrics")).status, 404)
      assert.strictEqual((yield* get(metrics.port, "/metrics", { host: "evil.example" })).status, 403)
      assert.strictEqual((yield* get(metrics.port, "/metrics", { host: `localhost:${metrics.port}` })).status, 200)
      assert.strictEqual((yield* get(metrics.port, "/")).status, 404)
      assert.strictEqual((yield* get(metrics.port, "/metrics", {}, "POST")).status, 405)
    }).pipe(Effect.scoped)
  )
})
