import { assert, it } from "vitest"
import { cookie, example } from "../../node-http/test/Conversation.ts"

example(
  "Hono",
  { server: new URL("../src/server.ts", import.meta.url), at: "/im", own: "", session: cookie },
  (running) => {
    it("trusts no cookie that it has not signed", async () => {
      const { signIn, own, spark } = running()
      const { cookie: signed = "" } = await signIn("ann", "tea")
      const forged = { cookie: signed.replace(/user=[^.]+/, "user=00000000-0000-4000-8000-000000000000") }
      assert.notStrictEqual(forged.cookie, signed)
      assert.strictEqual((await own("/unread", forged)).status, 401)
      assert.include(await spark("/session/start", forged, { To: ["ben"] }), { status: 401 })
    })
  }
)
