/**
 * Slots of requests held for ever, from one address: 50 POSTs whose body never ends where `limits.requests` is 50, then ten
 * downloads that are not read where it is 10. Prints how many logins of another user at another address were refused in
 * 45 seconds of each. Needs a system where all of 127.0.0.0/8 is loopback (Linux).
 *
 *     npx pnpm exec node bench/attack/slots.ts [checkout]
 *
 * `checkout` is the folder of another checkout of Parley, with its dependencies installed. Two minutes. Loopback only.
 */
import { request } from "node:http"
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { checkout, post, tokenOf } from "../src/Checkout.ts"

const BODIES = 50
const DOWNLOADS = 10
/** Bytes of the file, more than what the kernel takes for a connection. */
const FILE = 40 * 1024 * 1024
const SECONDS = 45
const ATTACKER = "127.0.0.2"
const VICTIM = "127.0.0.3"

const { serve, discard } = checkout(process.argv[2])

/** Sockets of the attacker that send this, and read no more than the first part of the response. */
const hold = (port: number, count: number, text: string): ReadonlyArray<Socket> =>
  Array.from({ length: count }, () => {
    const socket = connect({ host: "127.0.0.1", port, localAddress: ATTACKER })
    socket.on("error", () => {}).once("data", () => socket.pause())
    socket.write(text)
    return socket
  })

/** Status of a login of another user. */
const login = (port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" }
    const options = { host: "127.0.0.1", port, localAddress: VICTIM, method: "POST", path: "/auth/login", headers }
    request({ ...options, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0))
    })
      .on("error", reject)
      .end(JSON.stringify({ account: "bob", password: "123456" }))
  })

const watch = async (what: string, port: number): Promise<void> => {
  const statuses: Array<number> = []
  for (let second = 0; second < SECONDS; second++) {
    await sleep(1000)
    statuses.push(await login(port))
  }
  const refused = statuses.filter((status) => status === 503).length
  console.log(
    `${what}: ${refused} of ${SECONDS} logins of another user answered 503 in as many seconds, the last one ${statuses.at(-1)}`
  )
}

const bodies = async (): Promise<void> => {
  const { program, port } = await serve("--set", `limits.requests=${BODIES}`)
  const head = "POST /auth/login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
  const sockets = hold(port, BODIES, `${head}content-length: 100\r\n\r\n{`)
  await watch(`${BODIES} bodies that never end`, port)
  for (const socket of sockets) socket.destroy()
  await program.stop()
}

const downloads = async (): Promise<void> => {
  const { http, port } = await serve("--set", `limits.requests=${DOWNLOADS}`)
  const token = await tokenOf(http, "alice")
  const { body } = await post(`${http}/session/start?token=${token}`, { To: ["bob"] })
  const form = new FormData()
  form.set("gid", String(body["SessionId"]))
  form.append("files", new Blob([Buffer.alloc(FILE)]), "large.bin")
  const uploaded = await (await fetch(`${http}/attach-upload.json?sid=${token}`, { method: "POST", body: form })).text()
  const id = /"id":(\d+)/.exec(uploaded)?.[1]
  if (id === undefined) throw new Error(uploaded)
  hold(port, DOWNLOADS, `GET /attach-download-${id}.json?sid=${token} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)
  await watch(`${DOWNLOADS} downloads that are not read`, port)
}

try {
  await bodies()
  await downloads()
} finally {
  discard()
}
process.exit()
