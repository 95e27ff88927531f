/** Responses larger than a connection's send buffer reach a client that reads them. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { folder, serve } from "../../server/test/serverProcess.ts"
import { connect, type State } from "../src/index.ts"

const MESSAGES = 7000
const BATCH = 100

it.live("six concurrent histories of 7,000 messages arrive over one connection", () =>
  Effect.gen(function* () {
    const { http } = yield* serve(yield* folder, "--demo")
    const states: Array<State> = []
    const parley = yield* Effect.acquireRelease(
      Effect.promise(() =>
        connect({ url: http, account: "alice", password: "123456", onState: (state) => states.push(state) })
      ),
      (client) => Effect.sync(() => client.close())
    )
    yield* Effect.promise(async () => {
      const chat = await parley.create({ name: "large", members: [] })
      for (let sent = 0; sent < MESSAGES; sent += BATCH) {
        const batch = Array.from({ length: BATCH }, (_, index) => ({
          chat,
          content: `${sent + index} ${"x".repeat(300)}`
        }))
        await parley.sendAll(batch)
      }
      const histories = await Promise.all(Array.from({ length: 6 }, () => parley.history(chat, { size: MESSAGES })))
      for (const { messages } of histories) {
        assert.strictEqual(messages.length, MESSAGES)
        assert.match(messages.at(-1)?.content ?? "", /^0 x/)
      }
    })
    assert.deepStrictEqual(states.slice(states.indexOf("online")), ["online"])
  })
)
