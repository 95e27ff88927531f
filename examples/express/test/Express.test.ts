import { assert, it } from "vitest"
import { cookie, example, nextContent } from "../../node-http/test/Conversation.ts"

example(
  "Express",
  { server: new URL("../src/server.ts", import.meta.url), at: "/im", own: "", session: cookie },
  (running) => {
    it("has another WebSocket library on another path", async () => {
      const { http, signIn, chat, spark } = running()
      const ticker = new WebSocket(`${http.replace("http", "ws")}/ticker`)
      const ticked = new Promise<string>((resolve) =>
        ticker.addEventListener("message", ({ data }) => resolve(String(data)))
      )
      assert.strictEqual(await ticked, "ticking")
      const [ann, ben] = [await signIn("ann", "tea"), await signIn("ben", "coffee")]
      const client = await chat(ben)
      const heard = nextContent(client)
      const { SessionId } = await spark("/session/start", ann, { To: ["ben"] })
      await spark("/message/push", ann, { SessionId, Type: 0, Content: "beside the ticker" })
      assert.strictEqual(await heard, "beside the ticker")
      client.close()
      ticker.close()
    })
  }
)
