/** Starts the product as its README does, with a receiver of its webhook, and logs users in. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { createHmac } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { BrowserContext, Page } from "playwright-core"

const folder = fileURLToPath(new URL("..", import.meta.url))
const SECRET = "of the test"

/** Builds the page as the script `build` of its package does. */
export const buildPage = (outdir: string) =>
  promisify(execFile)(process.execPath, ["build.ts", outdir], { cwd: folder, timeout: 60_000 })

/** A service that refuses the first request, and then accepts all that are signed. */
const startReceiver = async () => {
  const contents: Array<string> = []
  let requests = 0
  let isWrong = false
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = ""
    for await (const chunk of request) body += String(chunk)
    if (++requests === 1) return void response.writeHead(500).end()
    const time = String(request.headers["webhook-time"])
    const signature = `sha256=${createHmac("sha256", SECRET).update(`${time}.${body}`).digest("hex")}`
    if (request.headers["webhook-signature"] !== signature) isWrong = true
    contents.push((JSON.parse(body) as { content: string }).content)
    response.end()
    server.emit("received")
  }
  const server = createServer((request, response) => void receive(request, response))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Contents of the messages, in the order of their arrival. */
    contents,
    isSigned: () => !isWrong,
    /** Resolves once `count` messages have arrived. */
    until: async (count: number): Promise<void> => {
      while (contents.length < count) await once(server, "received", { signal: AbortSignal.timeout(60_000) })
    },
    close: () => server.close()
  }
}

/** Starts it on SQLite, or on a PostgreSQL database. */
export const startProduct = async (databaseUrl?: string) => {
  const data = mkdtempSync(join(tmpdir(), "parley-product-"))
  const receiver = await startReceiver()
  let program: ChildProcess | undefined
  let port = "0"
  const start = async (): Promise<void> => {
    const env = {
      ...process.env,
      PORT: port,
      DATA: data,
      WEBHOOK_URL: receiver.url,
      WEBHOOK_SECRET: SECRET,
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl })
    }
    const child = spawn(process.execPath, [join(folder, "src/server.ts")], { cwd: data, env, stdio: "pipe" })
    program = child
    let out = ""
    port = await new Promise<string>((resolve, reject) => {
      const onText = (chunk: Buffer): void => {
        out += chunk.toString()
        const [, found] = /ready .*port: (\d+)/.exec(out) ?? []
        if (found !== undefined) resolve(found)
      }
      child.stdout.on("data", onText)
      child.stderr.on("data", onText)
      child.once("close", () => reject(new Error(`it ended: ${out}`)))
    })
  }
  const stop = async (): Promise<void> => {
    const closed = program === undefined ? undefined : once(program, "close")
    program?.kill("SIGTERM")
    await closed
  }
  await start()
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    receiver,
    start,
    stop,
    /** Folder of the database, and of the screenshots. */
    data,
    end: async (): Promise<void> => {
      await stop()
      receiver.close()
      if (process.env["KEEP_SCREENSHOTS"] === undefined) rmSync(data, { recursive: true, force: true })
    },
    /** Opens the page in a context, and logs in if it has no session. */
    open: async (context: BrowserContext, login?: string): Promise<Page> => {
      const page = await context.newPage()
      await page.goto(url)
      if (login !== undefined) {
        await page.getByLabel("Name").fill(login)
        await page.getByLabel("Password").fill("chat")
        await page.getByRole("button", { name: "Log in" }).click()
      }
      await page.getByRole("list", { name: "Colleagues" }).waitFor()
      return page
    }
  }
}
