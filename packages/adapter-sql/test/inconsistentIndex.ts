/**
 * A process that stores messages in the database named by its argument while an index contradicts the log, and
 * prints the gids of the log.
 */
import { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import { ChatId } from "@parley/core/Ids"
import { appending, newChat, posting, batch } from "../../core/src/testing/StoreLaws/Law.ts"
import { each, threaded } from "./indexPolicies.ts"

const [, , file = ""] = process.argv

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const store = yield* threaded(file, each(3))
      const post = (gid: string) => store.commit(batch(appending(ChatId(1), null, posting(gid))))
      yield* store.commit(batch({ _tag: "CreateChat", chat: newChat("c", []), by: null }))
      yield* post("a")
      const other = new DatabaseSync(file)
      other.exec("INSERT INTO log_by_chat VALUES (1, 2, 77)")
      other.close()
      for (const gid of ["b", "c", "d"]) yield* post(gid)
      const log = yield* store.entries([{ chat: ChatId(1), after: 1, limit: 10 }])
      console.log(log.map(({ body }) => (body._tag === "Posted" ? body.gid : body._tag)).join())
    })
  )
)
