/** The example as a newcomer runs it: a process, its own page, and two users who talk. */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const SERVER = fileURLToPath(new URL("../src/server.ts", import.meta.url))
const README = fileURLToPath(new URL("../../../README.md", import.meta.url))
const README_ZH = fileURLToPath(new URL("../../../README.zh-CN.md", import.meta.url))

const program = spawn(process.execPath, [SERVER], { env: { ...process.env, PORT: "0" } })
let port = 0

beforeAll(async () => {
  port = await new Promise<number>((resolve, reject) => {
    let out = ""
    program.stdout.on("data", (chunk) => {
      out += String(chunk)
      const found = /port: (\d+)/.exec(out)
      if (found !== null) resolve(Number(found[1]))
    })
    program.on("exit", () => reject(new Error(`it ended: ${out}`)))
  })
})
afterAll(() => {
  program.kill("SIGKILL")
})

interface Packet {
  readonly method: string
  readonly result?: string
  readonly sid: string
  readonly data: ReadonlyArray<{ readonly content: string }>
}

/** A user on a WebSocket of their own. */
const user = async (account: string) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  await new Promise((resolve) => socket.addEventListener("open", resolve))
  const heard: Array<Packet> = []
  const waiting = new Set<() => void>()
  socket.addEventListener("message", ({ data }) => {
    heard.push(...([JSON.parse(String(data))] as ReadonlyArray<Packet | ReadonlyArray<Packet>>).flat())
    for (const look of waiting) look()
  })
  const hear = (wanted: (packet: Packet) => boolean): Promise<Packet> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = heard.find(wanted)
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  let sid: string | undefined
  const ask = (method: string, params: unknown): Promise<Packet> => {
    socket.send(JSON.stringify({ module: "chat", method, params, sid }))
    return hear((packet) => packet.method === method && packet.result !== undefined)
  }
  sid = (await ask("login", [account, createHash("md5").update("123456").digest("hex"), "online"])).sid
  return { ask, hear }
}

describe("the example for node:http", () => {
  it("serves its own page beside the conversations", async () => {
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("Your own page.\n")
    const config = (await (await fetch(`http://127.0.0.1:${port}/index.php?mode=getconfig`)).json()) as object
    expect(config).toMatchObject({ sessionName: "sid" })
  })

  it("lets its users talk", async () => {
    const ann = await user("ann")
    const ben = await user("ben")
    await ann.ask("create", ["hello", "Hello", "group", [{ id: 2 }]])
    const sent = await ann.ask("message", [{ gid: "m1", cgid: "hello", content: "Hello, Ben" }])
    expect(sent.result).toBe("success")
    const push = await ben.hear((packet) => packet.method === "message")
    expect(push.data[0]?.content).toBe("Hello, Ben")
  })

  it.each([README, README_ZH])("is what %s shows", (readme) => {
    const [, embedding = ""] = readFileSync(SERVER, "utf8").split("// The rest is the embedding.\n")
    const lines = embedding.split("\n").filter((line) => line.trim() !== "")
    const shown = readFileSync(readme, "utf8")
    for (const line of lines) expect(shown).toContain(line)
  })
})
