/** A process that holds the database named by its argument until it is killed. */
import * as Effect from "effect/Effect"
import * as DatabaseLock from "../src/internal/DatabaseLock.ts"

const [, , file = ""] = process.argv

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      yield* DatabaseLock.acquire(file)
      process.stdout.write("held\n")
      setInterval(() => {}, 1 << 30)
      yield* Effect.never
    })
  )
)
