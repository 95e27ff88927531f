/**
 * Two floods of logins against a started server, from one loopback address: wrong passwords on 600 connections, and 400
 * pipelined `POST /auth/login` on one connection. Prints how many passwords were evaluated, and how long the first correct
 * login of another user at another address waited meanwhile. Needs a system where all of 127.0.0.0/8 is loopback (Linux).
 *
 *     node bench/attack/logins.ts
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { createServer, request } from "node:http"
import { type AddressInfo, connect } from "node:net"
import { fileURLToPath } from "node:url"
import { createParley } from "@parley/adapter-node"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"

const PARALLEL = 600
const PIPELINED = 400
const ATTACKER = "127.0.0.2"
const VICTIM = "127.0.0.3"
const PASSWORD = "plum-tractor-46"
/** Milliseconds after which a flood counts as stuck. */
const DEADLINE = 120_000

interface Login {
  readonly account: string
  readonly password: string
}

const serve = async (): Promise<void> => {
  const parley = await createParley({ store: MemoryStore.layer, dialects: [], login: true, log: () => undefined })
  await parley.users.add({ account: "victim", password: PASSWORD })
  const server = createServer((req, res) => parley.node(req, res))
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
}

/** Status of one login, and its time in milliseconds. */
const login = (port: number, localAddress: string, body: Login): Promise<{ status: number; ms: number }> =>
  new Promise((resolve, reject) => {
    const start = performance.now()
    const headers = { "content-type": "application/json" }
    const options = { host: "127.0.0.1", port, localAddress, method: "POST", path: "/auth/login", headers }
    request({ ...options, agent: false }, (response) => {
      response.resume()
      response.on("end", () => resolve({ status: response.statusCode ?? 0, ms: performance.now() - start }))
    })
      .on("error", reject)
      .end(JSON.stringify(body))
  })

/** Statuses of logins that are written to one connection at once. */
const pipeline = async (port: number, bodies: ReadonlyArray<Login>): Promise<ReadonlyArray<number>> => {
  const socket = connect({ host: "127.0.0.1", port, localAddress: ATTACKER })
  let text = ""
  let statuses: ReadonlyArray<number> = []
  const done = new Promise<void>((resolve, reject) => {
    socket.setEncoding("utf8").on("data", (part: string) => {
      text += part
      statuses = Array.from(text.matchAll(/HTTP\/1\.1 (\d+) /g), ([, status]) => Number(status))
      if (statuses.length === bodies.length) resolve()
    })
    socket.on("error", reject).on("close", resolve)
  })
  await once(socket, "connect")
  socket.write(
    bodies
      .map((body) => JSON.stringify(body))
      .map(
        (body) =>
          `POST /auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
      )
      .join("")
  )
  await done
  socket.destroy()
  return statuses
}

const report = (what: string, statuses: ReadonlyArray<number>, victim: { status: number; ms: number }): void => {
  const counts = Object.entries(Object.groupBy(statuses, String)).map(([status, all]) => `${all?.length} × ${status}`)
  const evaluated = statuses.filter((status) => status === 401 || status === 200).length
  console.log(
    `${what}: ${evaluated} of ${statuses.length} evaluated (${counts.join(", ")}); another user's correct login: ${victim.status} after ${victim.ms.toFixed(0)} ms`
  )
}

const guesses = (count: number): ReadonlyArray<Login> =>
  Array.from({ length: count }, (_, index) => ({ account: `guess${index}`, password: "wrong" }))

/** Runs `flood` against a server of its own, so that failures that were counted before do not matter. */
const against = async (flood: (port: number) => Promise<void>): Promise<void> => {
  const child = fork(fileURLToPath(import.meta.url), ["serve"])
  try {
    const [port] = (await once(child, "message")) as [number]
    await flood(port)
  } finally {
    child.kill()
  }
}

/** The victim's login, begun while the flood is under way. */
const meanwhile = async (port: number): Promise<{ status: number; ms: number }> => {
  await new Promise((resolve) => setTimeout(resolve, 100))
  return login(port, VICTIM, { account: "victim", password: PASSWORD })
}

const attack = async (): Promise<void> => {
  await against(async (port) => {
    const { status, ms } = await login(port, VICTIM, { account: "victim", password: PASSWORD })
    console.log(`without a flood: a correct login: ${status} after ${ms.toFixed(0)} ms`)
  })
  await against(async (port) => {
    const flood = Promise.all(guesses(PARALLEL).map((body) => login(port, ATTACKER, body)))
    const victim = await meanwhile(port)
    const statuses = (await flood).map(({ status }) => status)
    report(`${PARALLEL} in parallel`, statuses, victim)
  })
  await against(async (port) => {
    const flood = pipeline(port, guesses(PIPELINED))
    const victim = await meanwhile(port)
    report(`${PIPELINED} pipelined on one connection`, await flood, victim)
  })
}

if (process.argv[2] === "serve") await serve()
else {
  setTimeout(() => {
    console.error("the server did not finish in time")
    process.exit(1)
  }, DEADLINE).unref()
  await attack()
}
