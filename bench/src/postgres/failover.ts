/** Commits without a pause while the primary is killed and its synchronous standby promoted. */
import { setTimeout as sleep } from "node:timers/promises"
import { toBatch } from "@parley/core/Store"
import { Effect, Result } from "effect"
import { startCluster } from "../../../scripts/postgres/cluster.ts"
import { execute } from "../../../scripts/postgres/database.ts"
import { postgres } from "../commits/paths.ts"

/** Milliseconds before and after the failover. */
const BEFORE = 500
const AFTER = 1_500
/** Concurrent senders, each with one message at a time. */
const SENDERS = 16
/** Milliseconds before a message is sent again. */
const RETRY = 20
const STREAMING = "SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"

export interface FailoverSeen {
  /** Milliseconds from the kill to the end of the promotion. */
  readonly promotion: number
  /** Longest time between two answers, in milliseconds. */
  readonly gap: number
  readonly answered: number
  /** Answered messages that are not in the store afterwards. */
  readonly lost: number
}

export const failover = async (): Promise<FailoverSeen> => {
  const primary = await startCluster("18")
  const standby = await primary.startStandby()
  try {
    const admin = primary.url("postgres")
    await execute(admin, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
    while ((await execute(admin, STREAMING)).length === 0) await sleep(20)
    const url = `postgres://postgres@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres`
    const { close, message, store } = await postgres(url)
    const answers: Array<{ readonly gid: string; readonly at: number }> = []
    let isGoing = true
    const sender = async (): Promise<void> => {
      while (isGoing) {
        const append = message()
        for (;;) {
          const outcome = await Effect.runPromise(Effect.result(store.commit(toBatch(append))))
          // A duplicate was stored by an attempt whose reply was lost.
          if (Result.isSuccess(outcome) || outcome.failure._tag === "Duplicate") break
          await sleep(RETRY)
        }
        answers.push({ gid: append.body.gid, at: performance.now() })
      }
    }
    const senders = Promise.all(Array.from({ length: SENDERS }, sender))
    await sleep(BEFORE)
    const killed = performance.now()
    await primary.kill()
    await execute(standby.url("postgres"), "SELECT pg_promote()")
    const promotion = performance.now() - killed
    await sleep(AFTER)
    isGoing = false
    await senders
    const times = answers.map(({ at }) => at).toSorted((a, b) => a - b)
    const gap = Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at)))
    const found = await Effect.runPromise(store.messagesByGid(answers.map(({ gid }) => gid)))
    await close()
    return { promotion, gap, answered: answers.length, lost: answers.length - found.length }
  } finally {
    await standby.remove()
    await primary.remove()
  }
}
