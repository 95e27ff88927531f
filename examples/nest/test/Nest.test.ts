import { assert, it } from "vitest"
import { example } from "../../node-http/test/Conversation.ts"
import { compiled } from "./compiled.ts"

example(
  "Nest",
  {
    server: compiled("test"),
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
