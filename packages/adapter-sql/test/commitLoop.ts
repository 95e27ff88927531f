/** A process that commits without end to the database named by its argument, and prints each gid that was answered. */
import { writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import { UserId } from "@parley/core/Ids"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"

const [, , file = ""] = process.argv

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const store = yield* SqliteStore.make({ file })
      const [chat] = yield* store.chatsOf(UserId(1))
      if (chat === undefined) return
      const lane = Effect.fnUntraced(function* (lane: number) {
        for (let n = 0; ; n++) {
          const gid = `${process.pid}/${lane}/${n}`
          yield* store.commit({
            expectedVersions: [],
            writes: [
              {
                _tag: "Append",
                chat,
                by: UserId(1),
                device: null,
                at: n,
                body: { _tag: "Posted", gid, type: "normal", contentType: "text", content: gid, date: n }
              },
              {
                _tag: "MoveCursor",
                cursor: { chat, user: UserId(1), device: `${lane}`, pushed: n, delivered: n, acked: [], read: n }
              }
            ]
          })
          // Straight to the descriptor: what is in a stream's buffer would die with the process.
          writeSync(1, `${gid}\n`)
        }
      })
      yield* Effect.forEach([0, 1, 2, 3, 4, 5, 6, 7], lane, { concurrency: "unbounded" })
    })
  )
)
