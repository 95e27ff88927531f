/** The 1.0 desktop client through the proxy of `docs/protocols/xuanxuan-desktop.md`: both ports for HTTP, and raw TCP. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { freePort } from "../../../scripts/freePort.ts"
import { isFull } from "../../../scripts/repetitions.ts"
import { newGid } from "./clients.ts"
import { desktopClient } from "./desktop/client.ts"
import { configuration, upload } from "./desktop/http.ts"
import { nginx, nginxProgram, proxyInProcess } from "./desktop/proxies.ts"
import { serveInProcess } from "./inProcess.ts"
import { folder, run, serve } from "./serverProcess.ts"

const PASSWORD = "a-password-of-their-own"

/** More than nginx accepts without the page's `client_max_body_size`. */
const PICTURE = "图".repeat(1_000_000)

const port = (address: string): number => Number(new URL(address).port)

/** nginx is not on npm: `npx pnpm test` also runs without it, `npx pnpm test:full` requires it. */
const PROXIES =
  isFull || typeof nginxProgram() !== "string"
    ? [{ name: "nginx, configured as the page says,", start: nginx }]
    : [{ name: "a proxy in this process (nginx is not installed)", start: proxyInProcess }]

describe.each(PROXIES)("the 1.0 desktop client through $name", ({ start }) => {
  it.live("asks for the configuration, logs in, uploads and downloads", () =>
    Effect.gen(function* () {
      const [first, second, tcp] = yield* Effect.promise(() => Promise.all([freePort(), freePort(), freePort()]))
      const cwd = yield* folder
      const server = yield* serve(
        cwd,
        "--no-demo",
        "--host",
        "0.0.0.0",
        "--trusted-proxies",
        "loopback",
        "--set",
        `xuanxuan.tcpAddress=127.0.0.1:${tcp}`
      )
      const users = ["alice", "bob"].map((account) => `${account},${PASSWORD}`)
      writeFileSync(join(cwd, "users.csv"), ["account,password", ...users, ""].join("\n"))
      assert.strictEqual((yield* run(cwd, ["user", "import", "users.csv"])).out, "added 2 users\n")
      yield* start({ http: [first, second], tcp, server: { http: port(server.http), tcp: port(server.tcp) } })

      // Each version has another port in the address that its user enters.
      const addresses = [`http://127.0.0.1:${first}`, `http://localhost:${second}`] as const
      const [alice, bob] = yield* Effect.forEach(addresses, (address, index) =>
        Effect.gen(function* () {
          const config = yield* configuration(address)
          assert.deepInclude(config, { ip: "127.0.0.1", port: tcp, requestType: "PATH_INFO", sessionName: "sid" })
          const client = yield* desktopClient(`tcp://${config.ip}:${config.port}`, 1400)
          yield* client.login(["alice", "bob"][index] ?? "", PASSWORD)
          assert.isUndefined(client.reading.loginFailure)
          return client
        })
      )
      if (alice === undefined || bob === undefined) throw new Error("two clients are connected")

      const gid = newGid()
      alice.send("create", [gid, "室", "group", [...alice.reading.users.keys()], 0, true])
      yield* bob.until("the group", ({ chats }) => chats.has(gid))
      const { data } = yield* upload(addresses[0], alice.reading.sid, gid, "截图.png", PICTURE)
      const [uploaded] = data as ReadonlyArray<{ readonly id: number; readonly title: string }>
      assert.strictEqual(uploaded?.title, "截图.png")
      const sent = newGid()
      const content = JSON.stringify({ name: "截图.png", size: 3_000_000, send: true, type: "image/png", ...uploaded })
      alice.send("message", [[{ gid: sent, cgid: gid, type: "normal", contentType: "image", content }]])
      yield* bob.until("the image", ({ messages }) => messages.has(sent))
      const download = `${addresses[1]}/attach-download-${uploaded?.id}.json?sid=${bob.reading.sid}`
      const downloaded = yield* Effect.promise(async () => (await fetch(download)).text())
      assert.isTrue(downloaded === PICTURE)
      assert.deepStrictEqual([...alice.reading.problems, ...bob.reading.problems], [])
    }).pipe(Effect.scoped)
  )

  it.live("is told the host that its user has entered, where raw TCP has no address of its own", () =>
    Effect.gen(function* () {
      const [first, second, tcp] = yield* Effect.promise(() => Promise.all([freePort(), freePort(), freePort()]))
      const server = yield* serveInProcess({ host: "0.0.0.0", demo: "false" })
      yield* start({ http: [first, second], tcp, server: { http: port(server.http), tcp: port(server.tcp) } })
      for (const [address, ip] of [
        [`http://127.0.0.1:${first}`, "127.0.0.1"],
        [`http://localhost:${second}`, "localhost"]
      ] as const)
        assert.deepInclude(yield* configuration(address), { ip, port: port(server.tcp) })
    }).pipe(Effect.scoped)
  )
})
