/**
 * A process that stores three messages in the database named by its argument, prints a line, and waits to be killed. The
 * other arguments are the index policy's entries and gids.
 */
import * as Effect from "effect/Effect"
import { ChatId } from "@parley/core/Ids"
import { appending, newChat, posting, batch } from "../../core/src/testing/StoreLaws/Law.ts"
import { each, threaded } from "./indexPolicies.ts"

const [, , file = "", entries = "", gids = ""] = process.argv

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const store = yield* threaded(file, each(Number(entries), Number(gids)))
      yield* store.commit(batch({ _tag: "CreateChat", chat: newChat("c", []), by: null }))
      for (const gid of ["a", "b", "c"]) yield* store.commit(batch(appending(ChatId(1), null, posting(gid))))
      // It is asked behind the last message, and what that has to be indexed.
      yield* store.messagesByGid(["a"])
      process.stdout.write("stored\n")
      yield* Effect.never
    })
  )
)
