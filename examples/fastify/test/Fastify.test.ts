import { assert, it } from "vitest"
import { example } from "../../node-http/test/Conversation.ts"

example(
  "Fastify",
  {
    server: new URL("../src/server.ts", import.meta.url),
    at: "/im",
    own: "",
    session: async (answer) => {
      const { token } = (await answer.json()) as { readonly token: string }
      return { authorization: `Bearer ${token}` }
    }
  },
  (running) => {
    it("has an app that uses a third protocol", async () => {
      const { http, signIn, chat } = running()
      const ann = await signIn("ann", "tea")
      const client = await chat(await signIn("ben", "coffee"))
      const ben = [...client.users.values()].find(({ account }) => account === "ben")?.id
      client.close()
      const list = (key: string) =>
        fetch(`${http}/im/conversation`, {
          method: "POST",
          headers: { ...ann, "content-type": "application/json", "x-ha-key": key },
          body: JSON.stringify({ passiveuser: ben, time: "1700000000000" })
        }).then((answer) => answer.json() as Promise<{ readonly code: number }>)
      assert.strictEqual((await list("our-app")).code, 0)
      assert.notStrictEqual((await list("their-app")).code, 0)
    })
  }
)
