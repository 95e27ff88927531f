/** A client that reads gets all requested data at once: its own replies do not count as a slow reader's backlog. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { desktop, md5, newGid, newGroup, online, PASSWORD } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"

/** Approximate size of a whole history in bytes: many times the send buffer. */
const MESSAGES = 100
const CONTENT = "x".repeat(10_000)

describe("a client that reads", () => {
  it.live("gets five whole histories requested at once, over every transport, in one frame or several", () =>
    Effect.gen(function* () {
      const server = yield* serveInProcess({ "limits.sendBuffer": 65_536 })
      const alice = yield* online(server.http, "alice")
      const gid = yield* newGroup(alice, "bob")
      const drafts = Array.from({ length: MESSAGES }, () => ({ gid: newGid(), cgid: gid, content: CONTENT }))
      yield* alice.get("message", drafts)
      const bob = yield* desktop(server.tcp)
      yield* bob.get("login", ["bob", md5(PASSWORD), "online"])
      for (const client of [alice, bob]) {
        const before = client.answers.length
        const history = { module: "chat", method: "history", sid: client.sid(), params: [gid] }
        for (let n = 0; n < 5; n++) client.send(history)
        client.send(Array.from({ length: 5 }, () => history))
        client.send({ module: "chat", method: "ping", sid: client.sid() })
        yield* client.until("all answers", () => client.answers.length === before + 11)
        const sizes = client.answers
          .slice(before)
          .map(({ method, data }) => (method === "history" && Array.isArray(data) ? data.length : method))
        assert.deepStrictEqual(sizes, [...Array.from({ length: 10 }, () => MESSAGES), "ping"])
      }
    }).pipe(Effect.scoped)
  )
})
