/**
 * One commit at a time, beside a bare INSERT of one row and an empty statement, by turns: `lone.ts <URL> <milliseconds>` prints medians
 * as JSON. INSERT and statement have a connection of their own to the same server.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Effect, Redacted } from "effect"
import { postgres } from "../commits/paths.ts"
import { spread } from "../Spread.ts"

/** Turns before they count. */
const WARM_UP = 50

export interface LoneSeen {
  /** Milliseconds, medians. */
  readonly commit: number
  readonly insert: number
  readonly roundTrip: number
}

const TABLE = "CREATE TABLE IF NOT EXISTS bench_rows (id bigserial PRIMARY KEY, gid text, chat bigint, content text)"
const INSERT = "INSERT INTO bench_rows (gid, chat, content) VALUES ('gid', 7, repeat('x', 200))"

const [, , url = "", milliseconds = "1000"] = process.argv

const path = await postgres(url)
const commit = (): Promise<void> => new Promise((resolve) => path.append(resolve))

const seen = await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* PgConnection.make({ url: Redacted.make(url) })
      const run = (sql: string) => Effect.asVoid(connection.query(sql, [], false))
      yield* run(TABLE)
      const steps = [Effect.promise(commit), run(INSERT), run("SELECT 1")]
      const times: ReadonlyArray<Array<number>> = steps.map(() => [])
      const end = performance.now() + Number(milliseconds)
      for (let turn = 0; turn < WARM_UP * 2 || performance.now() < end; turn++) {
        for (const [index, step] of steps.entries()) {
          const begin = performance.now()
          yield* step
          if (turn >= WARM_UP) times[index]?.push(performance.now() - begin)
        }
      }
      const [commits = Number.NaN, insert = Number.NaN, roundTrip = Number.NaN] = times.map((all) => spread(all).median)
      return { commit: commits, insert, roundTrip }
    })
  )
)
await path.close()
console.log(JSON.stringify(seen))
