/** Callbacks of two servers on one PostgreSQL: one of them sends at a time. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { createDatabase, execute } from "../../../scripts/postgres/database.ts"
import { share } from "../../../scripts/repetitions.ts"
import {
  ACCOUNT,
  APP_FLAGS,
  chatWithApp,
  contents,
  firstOrder,
  KEY,
  receiver,
  SETTINGS,
  TOKEN
} from "./callbackReceiver.ts"
import { online } from "./clients.ts"
import { folder, run, serve } from "./serverProcess.ts"

/** The address of the server that holds the lease of the app. */
const HOLDER = `SELECT nodes.facts::json->>'address' AS address FROM parley.records
  JOIN parley.nodes ON nodes.node = records.value::json->>'owner' WHERE records.kind = 'lease'`

const holderOf = (database: string) =>
  Effect.promise(() => execute(database, HOLDER)).pipe(
    Effect.map(([row]) => (row as { readonly address: string } | undefined)?.address ?? ""),
    Effect.filterOrFail((address) => address !== ""),
    Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 }),
    Effect.orDie
  )

const textsOf = (name: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `${name} ${index}`)

describe("the callback of an app that two servers serve", () => {
  it.live.each(share(["stopped", "killed"] as const, 2))(
    "gets each message in order from one of them, also when that one is %s",
    (how) =>
      Effect.gen(function* () {
        const database = yield* Effect.promise(() => createDatabase("18"))
        const receiving = yield* receiver
        const settings = Object.entries(SETTINGS).flatMap(([key, value]) => ["--set", `${key}=${value}`])
        const servers = yield* Effect.forEach([yield* folder, yield* folder], (cwd) =>
          serve(cwd, "--demo", "--database", database, ...settings)
        )
        const callback = ["--callback", receiving.url, "--callback-token", TOKEN]
        const flags = [...APP_FLAGS, "--key", KEY.toString("base64"), "--org", "1", ...callback, "--database", database]
        const added = yield* run(yield* folder, ["youdu-app", "add", ...flags])
        assert.deepInclude(added, { code: 0, out: `added app 7/mine of organisation 1, with the user ${ACCOUNT}\n` })
        const address = yield* holderOf(database)
        const holder = servers.find(({ http }) => http === address)
        const other = servers.find(({ http }) => http !== address)
        assert(holder !== undefined && other !== undefined)

        const alice = yield* online(other.http, "alice")
        const gid = yield* chatWithApp(alice)
        const first = textsOf("first", 20)
        yield* alice.say(gid, ...first)
        yield* receiving.until(() => receiving.accepted.length >= first.length)
        assert.deepStrictEqual(contents(receiving.attempts), first)

        const texts = textsOf("second", how === "killed" ? 50 : 20)
        if (how === "killed") {
          yield* Effect.forkChild(
            Effect.andThen(
              receiving.until(() => receiving.accepted.length >= first.length + 10),
              Effect.sync(() => holder.child.kill("SIGKILL"))
            )
          )
        } else {
          holder.child.kill("SIGTERM")
          yield* holder.ended
        }
        yield* alice.say(gid, ...texts)
        const all = [...first, ...texts]
        yield* receiving.until(() => receiving.accepted.at(-1)?.text.content === texts.at(-1))
        assert.deepStrictEqual(firstOrder(receiving.accepted), all)
        // After a kill the one that was accepted, and not noted as such, is sent again.
        assert.isAtMost(receiving.accepted.length, all.length + (how === "killed" ? 1 : 0))
        assert.deepStrictEqual(receiving.problems, [])
      }).pipe(Effect.scoped)
  )
})
