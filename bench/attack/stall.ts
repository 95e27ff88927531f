/**
 * One user against all others: a frame of 200 lists of 100,000 users, and 500 logins among 50,000 users. Prints the worst
 * wait of another client, which asks for nothing but a `ping` at a time, and the peak memory of the server.
 *
 *   npx pnpm exec node bench/attack/stall.ts
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import type { Write } from "@parley/core/Store"
import { Effect } from "effect"
import { dial } from "../src/generator/Line.ts"
import type { User } from "../src/generator/Plan.ts"
import { peakOf } from "../src/generator/ProcessUse.ts"
import { converse } from "../src/generator/XuanxuanClient.ts"
import { accountsOf, serve } from "../src/Prepared.ts"
import { onDatabase, sessionsFor } from "../src/Seed.ts"

/** Requests for the list of users, in one frame. */
const LISTS = 200
/** Connections that log in at once. */
const LOGINS = 500
/** Time without a result after which an attack ends, in ms. */
const IDLE_TIMEOUT = 60_000
/** Milliseconds between two requests of the innocent client. */
const PAUSE = 5
const BATCH = 2000

interface Attack {
  readonly name: "lists" | "logins"
  readonly port: number
  readonly sids: ReadonlyArray<string>
}

/** Result of an attack. */
interface Report {
  readonly seconds: number
  readonly done: number
  readonly refused: number
  readonly lost: number
  readonly bytes: number
}

/** Runs in a thread of its own, so that reading hundreds of megabytes is not what the innocent client waits for. */
const attack = async ({ name, port, sids }: Attack): Promise<Report> => {
  const start = performance.now()
  const wanted = name === "lists" ? LISTS : sids.length
  let [done, refused, lost, bytes, last] = [0, 0, 0, 0, start]
  const count = (what: "done" | "refused", length: number): void => {
    if (what === "done") done++
    else refused++
    bytes += length
    last = performance.now()
  }
  const isUserList = (beginning: Buffer): boolean => beginning.includes("userGetList")
  const handlers = {
    // Lists are discarded on arrival.
    shouldRead: (beginning: Buffer) => !isUserList(beginning) || beginning.includes('"fail"'),
    skipped: (length: number) => count("done", length),
    received: (frame: Buffer) => {
      if (isUserList(frame)) count(frame.includes('"fail"') ? "refused" : "done", frame.length)
      else bytes += frame.length
    },
    closed: () => lost++
  }
  const own = name === "lists" ? sids.slice(0, 1) : sids
  const lines = await Promise.all(own.map(() => dial(port, "/ws", handlers)))
  for (const [index, line] of lines.entries()) {
    const request = (method: string) => ({ module: "chat", method, sid: own[index] })
    // A connection of its own resumes the session with its first request.
    const frame = name === "lists" ? Array.from({ length: LISTS }, () => request("userGetList")) : request("ping")
    line.send(JSON.stringify(frame))
  }
  // The list that follows a login is one more.
  const all = name === "lists" ? wanted + 1 : wanted
  while (done + refused < all && lost === 0 && performance.now() - last < IDLE_TIMEOUT) await sleep(10)
  return { seconds: (last - start) / 1000, done, refused, lost, bytes }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`

const play = async (name: Attack["name"], file: string, users: ReadonlyArray<User>): Promise<void> => {
  const { program, port } = await serve(undefined, file)
  const [innocent, ...attackers] = users.map(({ sid }) => sid)
  const { line, ask, until } = await converse(port, () => {})
  const greeted = until("getlist")
  await ask("ping", undefined, innocent)
  await greeted
  await sleep(500)
  const peak = peakOf(program.pid)
  let worst = 0
  let over = false
  const waits = (async () => {
    while (!over) {
      const start = performance.now()
      await ask("ping", undefined, innocent)
      worst = Math.max(worst, performance.now() - start)
      await sleep(PAUSE)
    }
  })()
  const report = await new Promise<Report>((resolve, reject) => {
    const workerData: Attack = { name, port, sids: attackers }
    const worker = new Worker(new URL(import.meta.url), { workerData })
    worker.on("message", resolve).on("error", reject)
  })
  over = true
  await waits
  line.destroy()
  const { seconds, done, refused, lost, bytes } = report
  console.log(
    `${name}: ${done} lists, ${refused} refused, ${lost} connections lost, ${mebibytes(bytes)} in ${seconds.toFixed(1)} s;` +
      ` an innocent client waited up to ${Math.round(worst)} ms; peak memory ${mebibytes(peak() * 1024)}`
  )
  await program.stop()
}

/** A database of `count` users, the first `online` of whom have a session. */
const prepare = (file: string, count: number, online: number): Promise<ReadonlyArray<User>> =>
  onDatabase(file, async (store) => {
    const accounts = accountsOf(count)
    for (let from = 0; from < count; from += BATCH) {
      const writes = accounts.slice(from, from + BATCH).map((account): Write => ({
        _tag: "CreateUser",
        user: {
          account,
          realname: account,
          avatar: "",
          role: "",
          dept: 0,
          admin: false,
          organisation: null,
          disabled: false,
          createdAt: Date.now(),
          password: null
        }
      }))
      await Effect.runPromise(store.commit({ expectedVersions: [], writes }))
    }
    return (await sessionsFor(store, accounts, online)).slice(0, online)
  })

if (isMainThread) {
  const folder = mkdtempSync(join(tmpdir(), "parley-stall-"))
  try {
    const many = join(folder, "many.db")
    await play("lists", many, await prepare(many, 100_000, 2))
    const some = join(folder, "some.db")
    await play("logins", some, await prepare(some, 50_000, LOGINS + 1))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
} else parentPort?.postMessage(await attack(workerData as Attack))
