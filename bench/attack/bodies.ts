/**
 * HTTP before login, from one address: request bodies that stop before their last byte, and logins whose password has a
 * megabyte. Prints the memory that a body costs, and how long `GET /healthz` of another client waits beside those logins.
 *
 *     npx pnpm exec node bench/attack/bodies.ts
 *
 * 300 bodies of 1 MiB, then 40 logins at once. About ten seconds. Linux, loopback only.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const BODIES = 300
const BODY = 1024 * 1024
const LOGINS = 40
/** Milliseconds in which the server reads what was sent. */
const SETTLE = 3000

const MAIN = fileURLToPath(new URL("../../packages/server/src/main.ts", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "parley-attack-"))
const server = spawn(
  process.execPath,
  [MAIN, "serve", "--port", "0", "--tcp-port", "off", "--database", "memory:", "--no-demo"],
  { cwd: folder, stdio: ["ignore", "pipe", "ignore"] }
)
const [http = "", port = ""] = await new Promise<ReadonlyArray<string>>((resolve, reject) => {
  let out = ""
  server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)))
  server.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text
    const found = /^listening (http:\S+:(\d+))/m.exec(out)
    if (found !== null) resolve(found.slice(1))
  })
})

/** The server's memory in MB, as Linux counts it. */
const memory = (): number =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))?.[1] ?? 0) / 1024)

const post = async (account: string, password: string): Promise<number> => {
  const init = { method: "POST", headers: { "content-type": "application/json" } }
  const response = await fetch(`${http}/auth/login`, { ...init, body: JSON.stringify({ account, password }) })
  await response.arrayBuffer()
  return response.status
}

await post("nobody", "warm")
const idle = memory()
const sockets: Array<net.Socket> = []
// Read completely before the user is authenticated.
const head = `POST /cgi/gettoken HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: ${BODY}\r\n\r\n`
for (let n = 0; n < BODIES; n++) {
  const socket = net.connect(Number(port), "127.0.0.1")
  socket.on("error", () => {}).resume()
  socket.write(head)
  socket.write(Buffer.alloc(BODY - 1, " "))
  sockets.push(socket)
  if (n % 20 === 0) await sleep(20)
}
await sleep(SETTLE)
const held = memory() - idle
for (const socket of sockets) socket.destroy()
await sleep(SETTLE)

const meanwhile = async (password: string): Promise<string> => {
  let [worst, isOver] = [0, false]
  const other = async (): Promise<void> => {
    while (!isOver) {
      const start = performance.now()
      await (await fetch(`${http}/healthz`)).arrayBuffer()
      worst = Math.max(worst, performance.now() - start)
    }
  }
  const waiting = other()
  // Of accounts of their own, so that the address alone is throttled.
  await Promise.all(Array.from({ length: LOGINS }, (_, n) => post(`nobody${n}-${password.length}`, password)))
  isOver = true
  await waiting
  return `${worst.toFixed(0)} ms`
}
const small = await meanwhile("x")
const large = await meanwhile("x".repeat(BODY - 100))
console.log(
  [
    `${BODIES} unfinished bodies of 1 MiB before login: ${held} MB more memory`,
    `the longest wait of another client beside ${LOGINS} logins with a short password: ${small}`,
    `the longest wait of another client beside ${LOGINS} logins with a password of 1 MB: ${large}`
  ].join("\n")
)
server.kill("SIGKILL")
rmSync(folder, { recursive: true, force: true })
