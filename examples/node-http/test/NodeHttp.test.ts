import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { cookie, example } from "./Conversation.ts"

example(
  "node:http",
  { server: new URL("../src/server.ts", import.meta.url), at: "/im", own: "", session: cookie },
  (running) => {
    it("takes its cookie for a login on the WebSocket too, but not from a foreign page", async () => {
      const { http, signIn } = running()
      const mine = await signIn("ann", "tea")
      const open = async (headers: Readonly<Record<string, string>>) => {
        const { WebSocket } = await import("ws")
        const socket = new WebSocket(`${http.replace("http", "ws")}/im/ws`, { headers })
        return new Promise<string>((resolve) => {
          socket.on("open", () =>
            socket.send(JSON.stringify({ module: "chat", method: "login", params: { account: "ann" } }))
          )
          socket.once("message", (data: Buffer) => {
            socket.close()
            resolve(data.toString())
          })
          socket.on("error", (error) => resolve(error.message))
        })
      }
      assert.include(await open(mine), '"result":"success"')
      assert.include(await open({ ...mine, origin: http }), '"result":"success"')
      assert.match(await open({ ...mine, origin: "https://evil.example" }), /403/)
    })
  }
)

const TEN_LINES = new URL("../src/ten-lines.ts", import.meta.url)

describe("the ten lines of the README", () => {
  it("are a program that runs, and sends a message", async () => {
    const program = spawn(process.execPath, [fileURLToPath(TEN_LINES)], { env: { ...process.env, PORT: "0" } })
    const http = await new Promise<string>((resolve, reject) => {
      program.stdout.on("data", (chunk: Buffer) => {
        const [, port] = /port: (\d+)/.exec(chunk.toString()) ?? []
        if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
      })
      program.once("exit", (code) => reject(new Error(`it ended with ${code}`)))
    })
    assert.strictEqual(await (await fetch(http)).text(), "Your own page.\n")
    const { connect } = await import("@parley/client")
    const ben = await connect({ url: `${http}/ws`, account: "ben", password: "correct-horse-7" })
    const content = await new Promise((resolve) => ben.on("message", (message) => resolve(message.content)))
    assert.strictEqual(content, "Hello, Ben")
    ben.close()
    program.kill("SIGKILL")
  })

  it.each(["README.md", "README.zh-CN.md"])("are what %s shows, and no more than ten", (name) => {
    const lines = readFileSync(TEN_LINES, "utf8").trimEnd()
    assert.isAtMost(lines.split("\n").length, 10)
    const readme = readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8")
    assert.include(readme, `\`\`\`ts\n${lines}\n\`\`\`\n`)
  })
})
