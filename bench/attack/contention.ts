/**
 * Many requests against one message or one chat, at once. Prints how often a picture came back after its recall, how often
 * a recall was pushed, what was refused as busy, and how long 1,000 concurrent changes of one chat take beside as many one
 * by one, on SQLite and in memory.
 *
 *     npx pnpm exec node bench/attack/contention.ts
 *
 * About ten seconds. Loopback only.
 */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { createEngine, type EngineOptions } from "@parley/core"
import { WebSocket } from "ws"

const MAIN = fileURLToPath(new URL("../../packages/server/src/main.ts", import.meta.url))
const PASSWORD = "123456"
const ROUNDS = 40
const CHANGES = 1000
/** Maximum time to wait for pushes, in ms. */
const PUSH_TIMEOUT = 20_000

type Fields = { readonly [name: string]: unknown }

const folder = mkdtempSync(join(tmpdir(), "parley-attack-"))
const server = spawn(process.execPath, [MAIN, "serve", "--port", "0", "--tcp-port", "0", "--demo"], {
  cwd: folder,
  stdio: ["ignore", "pipe", "ignore"]
})
const http = await new Promise<string>((resolve, reject) => {
  let out = ""
  server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)))
  server.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text
    const found = /^listening (http:\S+)/m.exec(out)
    if (found?.[1] !== undefined) resolve(found[1])
  })
})

const post = async (path: string, body: unknown): Promise<Fields> => {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
  return (await (await fetch(`${http}${path}`, init)).json()) as Fields
}

const tokenOf = async (account: string): Promise<string> =>
  String((await post("/auth/login", { account, password: PASSWORD }))["token"])

/** A chat client: what it was answered, and what was pushed to it of messages. */
const client = async (account: string) => {
  const answers: Array<Fields> = []
  const pushed: Array<{ readonly gid: string; readonly content: string }> = []
  const users = new Map<string, number>()
  const socket = new WebSocket(`${http.replace("http:", "ws:")}/ws`)
  await new Promise((resolve) => socket.once("open", resolve))
  socket.on("message", (data: Buffer) => {
    for (const packet of [JSON.parse(data.toString())].flat() as ReadonlyArray<Fields>) {
      if (packet["result"] !== undefined) answers.push(packet)
      else if (packet["method"] === "message") pushed.push(...(packet["data"] as typeof pushed))
      if (packet["method"] === "userGetList") {
        for (const one of packet["data"] as ReadonlyArray<Fields>) users.set(String(one["account"]), Number(one["id"]))
      }
    }
  })
  const until = async (there: () => boolean): Promise<void> => {
    for (const end = Date.now() + PUSH_TIMEOUT; !there() && Date.now() < end;) await sleep(2)
    if (!there()) throw new Error(`${account} waited in vain; the last answer: ${JSON.stringify(answers.at(-1))}`)
  }
  const md5 = createHash("md5").update(PASSWORD).digest("hex")
  socket.send(JSON.stringify({ module: "chat", method: "login", params: [account, md5, "online"] }))
  await until(() => answers.length > 0 && users.size > 0)
  const sid = answers[0]?.["sid"]
  const request = (method: string, params: unknown): Fields => ({ module: "chat", method, sid, params })
  const send = (frame: unknown): void => socket.send(JSON.stringify(frame))
  const ask = async (method: string, params: unknown): Promise<Fields> => {
    const index = answers.length
    send(request(method, params))
    await until(() => answers.length > index)
    return answers[index] ?? {}
  }
  return { answers, pushed, users, until, request, send, ask, close: () => socket.terminate() }
}

const refusedIn = (answers: ReadonlyArray<Fields>): number =>
  answers.filter(({ result }) => result !== "success").length

const overSockets = async (): Promise<void> => {
  const token = await tokenOf("alice")
  const started = await post(`/session/start?token=${token}`, { To: ["bob", "carol"] })
  const cgid = String(started["SessionId"])
  const remove = (MessageId: string) => post(`/message/remove?token=${token}`, { SessionId: cgid, MessageId })
  const [alice, bob, carol] = [await client("alice"), await client("bob"), await client("carol")]
  const seen = (gid: string) => bob.pushed.filter((one) => one.gid === gid).map(({ content }) => content)
  const marked = async (gid: string): Promise<void> => {
    await alice.ask("message", [{ gid, cgid, content: gid }])
    await bob.until(() => seen(gid).length > 0)
  }

  let [back, doubled] = [0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    const gid = `picture ${round}`
    const image = (url: string) => [{ gid, cgid, contentType: "image", content: JSON.stringify({ url }) }]
    await alice.ask("message", image("before"))
    await Promise.all([alice.ask("message", image("after")), remove(gid)])
    await marked(`end of ${gid}`)
    if (seen(gid).at(-1) !== "") back++
  }
  for (let round = 0; round < 10; round++) {
    const gid = `regretted ${round}`
    await marked(gid)
    await Promise.all([remove(gid), remove(gid), remove(gid)])
    await marked(`end of ${gid}`)
    if (seen(gid).length > 2) doubled++
  }
  console.log(`a recalled picture came back: ${back} of ${ROUNDS} rounds`)
  console.log(`three recalls at once were pushed more than once: ${doubled} of 10 rounds`)

  const admin = await tokenOf("admin")
  const session = (name: string, body: Fields) => post(`/cgi/session/${name}?accessToken=${admin}`, body)
  const member = ["admin", "alice", "bob"]
  const { sessionId } = await session("create", { title: "none", creator: "admin", type: null, member })
  const updates = await Promise.all(
    Array.from({ length: 50 }, (_, n) => session("update", { sessionId, title: `title ${n}`, opUser: "admin" }))
  )
  console.log(`50 updates of one Youdu session: ${updates.filter(({ errcode }) => errcode !== 0).length} refused`)

  for (const talkers of [[bob], [bob, carol]]) {
    let refused = 0
    for (let round = 0; round < 10; round++) {
      const before = [alice, ...talkers].map(({ answers }) => answers.length)
      const members = [{ id: alice.users.get("dave") }]
      alice.send(
        Array.from({ length: 50 }, (_, n) =>
          alice.request("addmember", { gid: cgid, members, join: (n + round) % 2 === 0 })
        )
      )
      for (const [index, talker] of talkers.entries()) {
        for (let n = 0; n < 10; n++) {
          const gid = `${talkers.length}/${index}/${round}/${n}`
          talker.send(talker.request("message", [{ gid, cgid, content: "x" }]))
        }
      }
      for (const [index, one] of [alice, ...talkers].entries()) {
        const from = before[index] ?? 0
        await one.until(() => one.answers.length >= from + (index === 0 ? 50 : 10))
        if (index > 0) refused += refusedIn(one.answers.slice(from))
      }
    }
    console.log(
      `messages beside changes, ${talkers.length} busy connections: ${refused} of ${talkers.length * 100} refused`
    )
  }
  for (const one of [alice, bob, carol]) one.close()
}

const changes = async (name: string, store: EngineOptions["store"]): Promise<void> => {
  await using engine = await createEngine({ store })
  await engine.users.addAll(["ann", "ben"].map((account) => ({ account })))
  const ann = engine.as("ann")
  const group = await ann.createGroup({ name: "none", members: ["ben"] })
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    await work()
    return performance.now() - start
  }
  const names = (what: string) => Array.from({ length: CHANGES }, (_, n) => `${what} ${n}`)
  for (const one of names("warm")) await ann.rename(group, one)
  let refused = 0
  const ratios: Array<number> = []
  for (let round = 0; round < 3; round++) {
    const oneByOne = await timed(async () => {
      for (const one of names(`one by one ${round}`)) await ann.rename(group, one)
    })
    const together = await timed(async () => {
      const outcomes = await Promise.allSettled(names(`at once ${round}`).map((one) => ann.rename(group, one)))
      refused += outcomes.filter(({ status }) => status === "rejected").length
    })
    ratios.push(together / oneByOne)
  }
  const shown = ratios.map((ratio) => ratio.toFixed(2)).join(", ")
  console.log(`${CHANGES} changes at once ${name}: ${shown} × the time of one by one; ${refused} refused in 3 rounds`)
}

try {
  await overSockets()
  await changes("on SQLite", SqliteStore.layer({ file: join(folder, "changes.db") }))
  await changes("in memory", MemoryStore.layer)
} finally {
  server.removeAllListeners("exit")
  server.kill("SIGKILL")
  rmSync(folder, { recursive: true, force: true })
}
