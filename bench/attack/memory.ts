/**
 * Memory before login: connections of one address that never log in fill a server with frames that wait. Prints the
 * server's peak memory, and whether it is alive and lets a user in afterwards.
 *
 *     node bench/attack/memory.ts [--large]
 *
 * Small, the default: a heap of 512 MB, 12 connections that send a login, 300 that send a login and 66 lines of 900 KB.
 * Large: Node's own heap, 1,500 and 90 connections. All logins leave together, so that the password hashes keep the frames
 * behind them waiting. Both end after 40 seconds. Loopback only.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const LARGE = process.argv.includes("--large")
const LOGINS = LARGE ? 1500 : 12
const FLOODS = LARGE ? 90 : 300
const LINES = 66
const LINE = 900 * 1000
const SECONDS = 40

const MAIN = fileURLToPath(new URL("../../packages/server/src/main.ts", import.meta.url))
/** Of accounts of their own, so that none is refused before its hash. */
const login = (n: number): string =>
  `${JSON.stringify({ module: "chat", method: "login", params: [`nobody${n}`, "0".repeat(32), "online"] })}\n`

const folder = mkdtempSync(join(tmpdir(), "parley-attack-"))
const server = spawn(
  process.execPath,
  [
    ...(LARGE ? [] : ["--max-old-space-size=512"]),
    MAIN,
    "serve",
    "--port",
    "0",
    "--tcp-port",
    "0",
    "--database",
    "memory:",
    "--demo"
  ],
  { cwd: folder, stdio: ["ignore", "pipe", "pipe"] }
)
let [out, err] = ["", ""]
let ended: string | undefined
server.stderr.setEncoding("utf8").on("data", (text: string) => (err = (err + text).slice(-20_000)))
server.on("exit", (code, signal) => (ended = signal ?? String(code)))
const [, http = "", port = ""] = await new Promise<RegExpExecArray>((resolve, reject) => {
  server.on("exit", () => reject(new Error(err)))
  server.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text
    const found = /^listening (http:\S+) tcp:\/\/\S+:(\d+)/m.exec(out)
    if (found !== null) resolve(found)
  })
})

/** The server's peak memory in MB, as Linux counts it. */
const peak = (): number => {
  try {
    const status = readFileSync(`/proc/${server.pid}/status`, "utf8")
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}

const start = performance.now()
const seconds = (): string => ((performance.now() - start) / 1000).toFixed(1)
let [most, closed] = [peak(), 0]
const sockets: Array<net.Socket> = []
const line = `${"x".repeat(LINE)}\n`
for (let n = 0; n < LOGINS + FLOODS; n++) {
  const socket = net.connect(Number(port), "127.0.0.1")
  socket.on("error", () => {})
  socket.on("close", () => closed++)
  socket.resume()
  sockets.push(socket)
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve))
}
for (const [n, socket] of sockets.entries()) socket.write(login(n))
const flood = (socket: net.Socket): void => {
  let sent = 0
  const more = (): void => {
    while (sent < LINES && !socket.destroyed) {
      sent++
      if (!socket.write(line)) return void socket.once("drain", more)
    }
  }
  more()
}
for (const socket of sockets.slice(0, FLOODS)) flood(socket)
let diedAt: string | undefined
while (performance.now() - start < SECONDS * 1000) {
  await new Promise((resolve) => setTimeout(resolve, 100))
  most = Math.max(most, peak())
  if (ended !== undefined) {
    diedAt = seconds()
    break
  }
}
const dropped = closed
for (const socket of sockets) socket.destroy()

const enter = async (): Promise<string> => {
  const response = await fetch(`${http}/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ account: "alice", password: "123456" }),
    signal: AbortSignal.timeout(30_000)
  })
  return `${response.status} in ${((performance.now() - before) / 1000).toFixed(1)} s`
}
const before = performance.now()
const after = diedAt === undefined ? await enter().catch(String) : "none"
console.log(
  [
    `${LOGINS} logins and ${FLOODS} floods of ${LINES} × ${LINE / 1000} KB from one address${LARGE ? "" : ", heap of 512 MB"}`,
    `peak memory: ${most} MB`,
    diedAt === undefined ? `survived ${SECONDS} s` : `died after ${diedAt} s (${ended})`,
    `connections closed by the server: ${dropped}`,
    `a user's login afterwards: ${after}`
  ].join("\n")
)
server.kill("SIGKILL")
rmSync(folder, { recursive: true, force: true })
