/**
 * Counts the source files of `packages/*` which a warm message enters, by V8 precise coverage of the main thread:
 * `npx pnpm bench:files [--list]`. One connected recipient, whose push is awaited; acknowledgements are left out.
 */
import { createHash, randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { Session } from "node:inspector/promises"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { createParley } from "@parley/adapter-node"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { dial, type Line } from "../generator/Line.ts"

const PASSWORD = "correct-horse-7"
/** Messages before the first one that is measured. */
const WARM_UP = 200
/** A file counts if it is entered in each round: timers that fall into one of them do not. */
const ROUNDS = 10

const packages = pathToFileURL(join(import.meta.dirname, "../../../packages/")).href

/** Collects the text frames of one connection. */
class Client {
  readonly #waiting: Array<{ readonly wanted: (text: string) => boolean; readonly resolve: (text: string) => void }> =
    []
  line: Line | undefined

  static async connect(port: number): Promise<Client> {
    const client = new Client()
    const received = (bytes: Buffer): void => client.#receive(bytes.toString("utf8"))
    client.line = await dial(port, "/ws", { received, closed: () => {} })
    return client
  }

  send(text: string): void {
    this.line?.send(text)
  }

  until(wanted: (text: string) => boolean): Promise<string> {
    return new Promise((resolve) => this.#waiting.push({ wanted, resolve }))
  }

  #receive(text: string): void {
    const found = this.#waiting.findIndex(({ wanted }) => wanted(text))
    if (found >= 0) this.#waiting.splice(found, 1)[0]?.resolve(text)
  }
}

interface LoginReply {
  readonly sid: string
  readonly data: { readonly id: number }
}

const login = async (client: Client, account: string): Promise<LoginReply> => {
  const secret = createHash("md5").update(PASSWORD).digest("hex")
  const replied = client.until((text) => text.includes('"login"') && text.includes('"sid"'))
  client.send(JSON.stringify({ module: "chat", method: "login", params: { account, password: secret } }))
  return JSON.parse(await replied) as LoginReply
}

/** Sends one message; resolves once it is answered and pushed. */
type Send = () => Promise<void>

/** The files that `send` enters, by their path below `packages/`. */
const filesEntered = async (session: Session, send: Send): Promise<ReadonlySet<string>> => {
  for (let nth = 0; nth < WARM_UP; nth++) await send()
  let entered: Set<string> | undefined
  for (let round = 0; round < ROUNDS; round++) {
    // Taking the coverage resets its counters.
    await session.post("Profiler.takePreciseCoverage")
    await send()
    const { result } = await session.post("Profiler.takePreciseCoverage")
    const files = new Set<string>()
    for (const { url, functions } of result) {
      const isCalled = functions.some(({ ranges }) => ranges.some(({ count }) => count > 0))
      if (isCalled && url.startsWith(packages) && url.includes("/src/")) files.add(url.slice(packages.length))
    }
    entered = entered === undefined ? files : new Set([...entered].filter((file) => files.has(file)))
  }
  return entered ?? new Set()
}

const folder = mkdtempSync(join(tmpdir(), "parley-coverage-"))
const parley = await createParley({
  store: SqliteStore.layer({ file: join(folder, "parley.db") }),
  dialects: [xuanxuan, ha],
  // Messages are sent faster than a user may.
  settings: { "limits.costPerSecond": 1_000_000, "limits.costBurst": 1_000_000 }
})
const server = createServer((request, response) => parley.node(request, response))
parley.attach(server)
const session = new Session()
try {
  for (const account of ["ann", "ben"]) await parley.users.add({ account, password: PASSWORD })
  await parley.operate("ha-key add", { key: "coverage" })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const [ann, ben] = [await Client.connect(port), await Client.connect(port)]
  const sender = await login(ann, "ann")
  const recipient = await login(ben, "ben")

  const token = await parley.openSession("ann")
  const post = async (path: string, body: object): Promise<{ readonly [field: string]: unknown }> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-ha-key": "coverage", "x-ha-session": token },
      body: JSON.stringify(body)
    })
    const text = await response.text()
    const { data } = JSON.parse(text) as { readonly data: { readonly [field: string]: unknown } | null }
    if (data === null) throw new Error(text)
    return data
  }
  const { conversationid } = await post("/conversation", {
    passiveuser: recipient.data.id,
    time: String(Date.now())
  })

  const gid = randomUUID()
  const created = ann.until((text) => text.includes(gid))
  const create = { gid, name: "coverage", type: "group", members: [recipient.data.id] }
  ann.send(JSON.stringify({ module: "chat", method: "create", sid: sender.sid, params: create }))
  await created

  const overXuanxuan: Send = async () => {
    const content = randomUUID()
    const isIt = (text: string): boolean => text.includes(content)
    const done = Promise.all([ann.until(isIt), ben.until(isIt)])
    const message = { gid: content, cgid: gid, type: "normal", contentType: "text", content, date: 0, user: "" }
    const params = { messages: [message] }
    ann.send(JSON.stringify({ module: "chat", method: "message", sid: sender.sid, params }))
    await done
  }
  const overHa: Send = async () => {
    const content = randomUUID()
    const pushed = ben.until((text) => text.includes(content))
    await post("/message", { conversationid, type: -1, content, time: String(Date.now()) })
    await pushed
  }

  session.connect()
  await session.post("Profiler.enable")
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false })
  const sends: ReadonlyArray<readonly [string, Send]> = [
    ["xuanxuan", overXuanxuan],
    ["ha", overHa]
  ]
  for (const [protocol, send] of sends) {
    const files = await filesEntered(session, send)
    console.log(`${protocol}: a warm message enters ${files.size} files`)
    if (process.argv.includes("--list")) for (const file of [...files].sort()) console.log(`  ${file}`)
  }
} finally {
  session.disconnect()
  server.close()
  server.closeAllConnections()
  await parley.close()
  rmSync(folder, { recursive: true, force: true })
}
