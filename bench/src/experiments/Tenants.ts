/**
 * Users of 100 tenants of 1,000 log in at once, where everybody sees the users of the own organisation only: the list of
 * users of a login is as large as the tenant. Beside it a server of one tenant alone, whose lists are as large.
 */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import type { Experiment, Found } from "../Experiment.ts"
import type { StormSeen, User } from "../generator/Plan.ts"
import { accountsOf, copyDatabase, importUsers, removeDatabase, serve } from "../Prepared.ts"
import { ratio } from "../Ratio.ts"
import { generate, type Setting } from "../Rounds.ts"
import { onDatabase, sessionsFor } from "../Seed.ts"
import { three } from "../Spread.ts"

interface Sizes {
  readonly tenants: number
  /** Users of each. */
  readonly users: number
  /** Users who log in. */
  readonly logins: number
}

const sizesOf = (quick: boolean): Sizes =>
  quick ? { tenants: 5, users: 20, logins: 10 } : { tenants: 100, users: 1000, logins: 1000 }

interface Place {
  readonly file: string
  readonly users: ReadonlyArray<User>
}

/** Makes a database of tenants, whose users are created in turns; every tenant has as many logins. */
const make = async ({ folder }: Setting, name: string, { tenants, users, logins }: Sizes): Promise<Place> => {
  const own = join(folder, "tenants")
  mkdirSync(own, { recursive: true })
  const file = join(own, `${name}.db`)
  const accounts = accountsOf(tenants * users)
  await importUsers(file, accounts.length, (index) => (index % tenants) + 1)
  return { file, users: (await onDatabase(file, (store) => sessionsFor(store, accounts, logins))).slice(0, logins) }
}

const logIn = async ({ file, users }: Place, run: string, ...args: ReadonlyArray<string>): Promise<StormSeen> => {
  const copy = `${file}-${run}`
  copyDatabase(file, copy)
  const serving = await serve(0, copy, [], args)
  try {
    return await generate({ task: "storm", users, owed: 0 }, serving)
  } finally {
    await serving.program.stop()
    removeDatabase(copy)
  }
}

export const tenants: Experiment = {
  name: "tenants",
  description: "1,000 logins in 100 tenants of 1,000 users, beside a single tenant",
  play: async (setting): Promise<Found> => {
    const sizes = sizesOf(setting.quick)
    const many = await make(setting, "many", sizes)
    const single = await make(setting, "single", { ...sizes, tenants: 1, logins: Math.min(sizes.logins, sizes.users) })
    const [all, one]: readonly [Array<StormSeen>, Array<StormSeen>] = [[], []]
    for (let round = 1; round <= setting.rounds; round++) {
      all.push(await logIn(many, "all", "--visibility", "organisation"))
      one.push(await logIn(single, "one"))
      const seen = all.at(-1)
      setting.tell(`${round} tenants ${seen?.seconds.toFixed(2)} s, ${((seen?.bytes ?? 0) / 1e6).toFixed(1)} MB`)
    }
    const kilobytes = ({ bytes }: StormSeen, { users }: Place): number => bytes / users.length / 1000
    const row = (name: string, seen: ReadonlyArray<StormSeen>, place: Place): ReadonlyArray<string> => [
      name,
      three(
        seen.map(({ seconds }) => seconds),
        2
      ),
      three(
        seen.map(({ cpu }) => cpu / 1e6),
        2
      ),
      three(
        seen.map((each) => kilobytes(each, place)),
        1
      ),
      three(
        seen.map(({ peak }) => peak / 1000),
        0
      )
    ]
    return {
      ratios: ratio(
        "tenants: bytes of a login in one of many tenants / in the only one",
        1.1,
        all.map((each, round) => {
          const beside = one[round]
          return beside === undefined ? Number.NaN : kilobytes(each, many) / kilobytes(beside, single)
        })
      ),
      tables: [
        {
          title: `${many.users.length} logins in ${sizes.tenants} tenants of ${sizes.users} users`,
          head: ["server", "seconds", "seconds of server CPU", "kB sent per login", "peak MB of memory"],
          body: [
            row(`${sizes.tenants} tenants, \`--visibility organisation\``, all, many),
            row("one tenant", one, single)
          ],
          note: "Each resumes a session and gets its lists of users and chats. Both lists name the users of its tenant only."
        }
      ],
      missing: [...all, ...one]
        .filter(({ missing, lost }) => missing + lost > 0)
        .map(({ missing, lost }) => `tenants: ${missing} logins without lists, ${lost} connections lost`)
    }
  }
}
