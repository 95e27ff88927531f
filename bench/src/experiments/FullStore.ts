/**
 * A database that has been in use for long: 100,000 users, as many groups of three, ten messages in each. It is kept in the
 * temporary folder from one run of the benchmark to the next, since it takes a minute to make.
 */
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { accountsOf, copyDatabase, importUsers, type Prepared, preparedOf } from "../Prepared.ts"
import type { Setting } from "../Rounds.ts"
import { makeGroups, onDatabase, say, sessionsFor } from "../Seed.ts"

export interface Sizes {
  readonly users: number
  readonly chats: number
  readonly messages: number
}

export const sizesOf = (quick: boolean): Sizes =>
  quick ? { users: 300, chats: 100, messages: 1000 } : { users: 100_000, chats: 100_000, messages: 1_000_000 }

/** Members of each group. */
const MEMBERS = 3
/** The first users are left out of the groups: they are those who connect, and are owed nothing. */
const FREE = 250

const SCHEMA = fileURLToPath(new URL("../../../packages/adapter-sql/src/internal/schema.ts", import.meta.url))

/** File of the prepared store; another schema is another file. */
const cacheOf = ({ users, chats, messages }: Sizes): string => {
  const schema = createHash("sha256").update(readFileSync(SCHEMA)).digest("hex").slice(0, 8)
  return join(tmpdir(), "parley-bench-cache", `${users}-${chats}-${messages}-${schema}.db`)
}

const make = async (file: string, { users, chats, messages }: Sizes): Promise<void> => {
  await importUsers(file, users)
  await onDatabase(file, async (store) => {
    const sessions = await sessionsFor(store, accountsOf(users), 0)
    const groups = Array.from({ length: chats }, (_, index) => ({
      gid: `stored-${index}`,
      members: Array.from({ length: MEMBERS }, (_, nth) => {
        const user = sessions[FREE + ((index * MEMBERS + nth) % (users - FREE))]
        if (user === undefined) throw new Error("there are too few users")
        return user
      })
    }))
    const ids = await makeGroups(store, groups)
    const places = ids.map((chat, index) => ({ chat, by: groups[index]?.members[0]?.id ?? 0 }))
    await say(store, places, Math.round(messages / chats))
  })
}

/** A copy of it for this run, in which the first `online` users have a session. */
export const fullStore = async ({ folder, quick, tell }: Setting, online: number): Promise<Prepared> => {
  const sizes = sizesOf(quick)
  const cache = cacheOf(sizes)
  if (!existsSync(cache)) {
    tell(`making a database of ${sizes.messages} messages, kept as ${cache}`)
    mkdirSync(join(cache, ".."), { recursive: true })
    const unfinished = `${cache}.${process.pid}`
    await make(unfinished, sizes)
    renameSync(unfinished, cache)
  }
  const own = join(folder, "full")
  mkdirSync(own, { recursive: true })
  const file = join(own, "full.db")
  copyDatabase(cache, file)
  const users = await onDatabase(file, (store) => sessionsFor(store, accountsOf(sizes.users), Math.min(online, FREE)))
  return preparedOf(file, users)
}
