/** `parley explain permission`, on a running server and on its database without one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"

describe("parley explain permission", () => {
  it.live("prints the decision and the rule that made it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      yield* serve(cwd)
      const explain = (user: string, chat: string, operation: string) =>
        Effect.map(
          runInProcess(cwd, ["explain", "permission", "--user", user, "--chat", chat, "--operation", operation]),
          ({ out, err }) => `${out}${err}`.trim()
        )
      assert.match(yield* explain("admin", "system", "setAdmins"), /^allowed: admin passes every rule of setAdmins/)
      assert.strictEqual(yield* explain("alice", "1", "setAdmins"), "refused: only system administrators")
      assert.strictEqual(yield* explain("alice", "nowhere", "send"), "refused: the chat does not exist")
      assert.match(yield* explain("nobody", "system", "send"), /there is no user nobody/)
      assert.match(yield* explain("alice", "system", "sing"), /unknown operation sing; must be one of see, join/)
    })
  )
})
