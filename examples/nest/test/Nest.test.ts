import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, it } from "vitest"
import { example } from "../../node-http/test/Conversation.ts"

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Compiles the decorators. Types are checked by `npx pnpm run types`. */
const compiled = (): URL => {
  const tsc = path("../../../node_modules/typescript/bin/tsc")
  const flags = ["--noCheck", "--noResolve", "--composite", "false", "--outDir", path("../dist/test")]
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", path(".."), ...flags], { encoding: "utf8" })
  assert.strictEqual(status, 0, stdout)
  return new URL("../dist/test/main.js", import.meta.url)
}

example(
  "Nest",
  {
    server: compiled(),
    at: "/api/im",
    own: "/api",
    session: async (answer) => {
      const { token } = (await answer.json()) as { readonly token: string }
      return { "x-user-token": token }
    }
  },
  (running) => {
    it("takes the token in a WebSocket's URL, where browsers can put it", async () => {
      const { http, signIn } = running()
      const token = (await signIn("ann", "tea"))["x-user-token"] ?? ""
      const socket = new WebSocket(`${http.replace("http", "ws")}/api/im/ws?access_token=${token}`)
      const answer = new Promise<string>((resolve) =>
        socket.addEventListener("message", ({ data }) => resolve(String(data)), { once: true })
      )
      await new Promise((resolve) => socket.addEventListener("open", resolve))
      socket.send(JSON.stringify({ module: "chat", method: "login", params: { account: "ann" } }))
      assert.deepInclude(JSON.parse(await answer) as object, { method: "login", result: "success" })
      socket.close()
    })

    it("injects the Parley instance into a provider, which hears the messages of all protocols", async () => {
      const statistics = await running().own("/statistics")
      assert.deepStrictEqual(await statistics.json(), { messages: 2 })
    })
  }
)
