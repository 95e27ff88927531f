/**
 * Storage that is taken away under a server: 20 messages after the files of its database were deleted, then messages for
 * ten seconds on a full disk (a bound of the size of its files, by `prlimit`). Prints how many were answered as stored, how
 * many of them are in the database after a restart, the status of `/readyz`, and how often the log has one line.
 *
 *     npx pnpm exec node bench/attack/storage.ts [checkout]
 *
 * `checkout` is the folder of another checkout of Parley, with its dependencies installed. Half a minute. Linux, loopback only.
 */
import { execFileSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync, rmSync, statSync } from "node:fs"
import { type Checkout, checkout, post, type Server, tokenOf } from "../src/Checkout.ts"

const MESSAGES = 20
const SECONDS = 10

/** A session of alice and bob, and what sends a message to it: whether it was answered as stored. */
const talk = async ({ http }: Server) => {
  const token = await tokenOf(http, "alice")
  const { body } = await post(`${http}/session/start?token=${token}`, { To: ["bob"] })
  const SessionId = body["SessionId"]
  return async (Content: string): Promise<boolean> =>
    (await post(`${http}/message/push?token=${token}`, { SessionId, Type: 0, Content })).status === 200
}

const readiness = async ({ http }: Server): Promise<number> => (await fetch(`${http}/readyz`)).status

/** Different messages of the form `gone-1.` whose text is in the files of the database. */
const stored = (database: string): number => {
  const files = ["", "-wal"].map((end) => database + end).filter((file) => existsSync(file))
  return new Set(files.flatMap((file) => readFileSync(file, "latin1").match(/gone-\d+\./g) ?? [])).size
}

const killed = async ({ program }: Server): Promise<void> => {
  const exit = once(program.child, "exit")
  program.child.kill("SIGKILL")
  await exit
}

/** The highest number of lines that are equal but for their time. */
const mostEqual = (log: string): number => {
  const counts = new Map<string, number>()
  for (const line of log.split("\n")) {
    const key = line.replace(/"timestamp":"[^"]*"|"fiberId":"[^"]*"/g, "").slice(0, 300)
    if (line !== "") counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}

const deleted = async ({ database, serve }: Checkout): Promise<void> => {
  const server = await serve()
  const say = await talk(server)
  await say("before")
  for (const end of ["", "-wal", "-shm"]) rmSync(database + end)
  let answered = 0
  for (let n = 0; n < MESSAGES; n++) if (await say(`gone-${n}.`)) answered++
  const ready = await readiness(server)
  await killed(server)
  const again = await serve()
  const found = stored(database)
  await killed(again)
  console.log(
    `${MESSAGES} messages after the database's files were deleted: ${answered} answered as stored, ${found} there after a restart; /readyz ${ready}`
  )
}

const full = async ({ database, serve }: Checkout): Promise<void> => {
  const server = await serve()
  const say = await talk(server)
  await say("before")
  const { size } = statSync(`${database}-wal`)
  execFileSync("prlimit", ["--pid", String(server.program.pid), `--fsize=${size}:`])
  let refused = 0
  const end = Date.now() + SECONDS * 1000
  while (Date.now() < end) if (!(await say(`full ${"x".repeat(2000)}`))) refused++
  const ready = await readiness(server)
  console.log(
    `a full disk for ${SECONDS} s: ${refused} messages refused, ${mostEqual(server.log())} equal lines in the log; /readyz ${ready}`
  )
}

const parley = checkout(process.argv[2])
try {
  await deleted(parley)
  await full(parley)
} finally {
  parley.discard()
}
