import type { ParleyError } from "@parley/client"
import { assert, it } from "vitest"
import { isFull } from "../../../scripts/repetitions.ts"
import { cookie, example, type Example } from "../../node-http/test/Conversation.ts"

example(
  "express-session and Passport",
  { server: new URL("../src/express-session.ts", import.meta.url), at: "/im", own: "", session: cookie },
  (running) => {
    it("ends the chat of a user who logs out", async () => {
      const { http, signIn, chat } = running()
      const mine = await signIn("ann", "tea")
      const client = await chat(mine)
      const ended = new Promise<ParleyError | undefined>((resolve) =>
        client.on("state", ({ state, error }) => (state === "ended" ? resolve(error) : undefined))
      )
      await fetch(`${http}/logout`, { method: "POST", headers: mine })
      assert.include(await ended, { code: "login" })
    })
  }
)

/** As a page of better-auth's `baseURL` sends it. */
const json = (body: object): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", origin: "http://localhost:3000" },
  body: JSON.stringify(body)
})

/** better-auth demands passwords of 8 characters. */
const credentials = (login: string, password: string) => ({
  email: `${login}@example.com`,
  name: login,
  password: `${password} `.repeat(4)
})

const betterAuth: Example = {
  server: new URL("../src/better-auth.ts", import.meta.url),
  at: "/im",
  own: "",
  session: cookie,
  accountOf: (login) => `${login}@example.com`,
  login: async (http, login, password) => {
    const right = credentials(login, login === "ann" ? "tea" : "coffee")
    // Once is enough; a second time is refused.
    await (await fetch(`${http}/api/auth/sign-up/email`, json(right))).text()
    return fetch(`${http}/api/auth/sign-in/email`, json(credentials(login, password)))
  }
}
// Its modules take seconds to load.
if (isFull) example("better-auth", betterAuth)
