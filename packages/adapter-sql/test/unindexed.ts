/** A process that stores three messages in the database named by its argument, indexes nothing, says so, and waits for its end. */
import * as Effect from "effect/Effect"
import { ChatId } from "@parley/core/Ids"
import { appending, newChat, posting, unit } from "@parley/core/testing/StoreLaws/Law"
import { NEVER, threaded } from "./paced.ts"

const [, , file = ""] = process.argv

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const store = yield* threaded(file, NEVER)
      yield* store.commit(unit({ _tag: "CreateChat", chat: newChat("c", []), by: null }))
      for (const gid of ["a", "b", "c"]) yield* store.commit(unit(appending(ChatId(1), null, posting(gid))))
      process.stdout.write("stored\n")
      yield* Effect.never
    })
  )
)
