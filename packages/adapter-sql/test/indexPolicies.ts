/** Stores that index their log at other moments than they would by themselves. */
import { DatabaseSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import { once } from "node:events"
import { Effect, type Scope } from "effect"
import { Duplicate, VersionConflict, StorageFailed, type Store, type WriteBatch } from "@parley/core/Store"
import type { EntryId } from "@parley/core/Ids"
import { NO_ENTRY, NO_USER } from "../../core/src/testing/StoreLaws/Law.ts"
import type { DatabaseError } from "@parley/adapter-sql/SqliteStore"
import { GroupCommit, type Committed } from "../src/internal/writer/GroupCommit.ts"
import { IndexScheduler, type IndexPolicy } from "../src/internal/log-index/IndexScheduler.ts"
import { openStore } from "../src/internal/openStore.ts"
import { Statements } from "../src/internal/Statements.ts"
import { Transactions } from "../src/internal/writer/Transactions.ts"
import { written, type FromWriter } from "../src/internal/writer/protocol.ts"
import { pack } from "./pack.ts"
import type { WriterData } from "../src/internal/writer/WriterThread.ts"

/** Only when so many entries are not indexed, but for so many gids, and at the end. */
export const each = (entries: number, gids = 0): IndexPolicy => ({ entries, gids, idle: 2 ** 31 - 1 })

/** At the end, and never before. */
export const NEVER = each(Infinity)

/** A store as any other, with a writer of that pace. */
export const threaded = (
  file: string,
  policy: IndexPolicy
): Effect.Effect<Store["Service"], DatabaseError, Scope.Scope> =>
  openStore(file, (path) =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const worker = new Worker(new URL("../src/internal/writer/WriterThread.ts", import.meta.url), {
          workerData: { file: path, policy } satisfies WriterData
        })
        await once(worker, "message")
        return new GroupCommit(worker)
      }),
      (groupCommit) => Effect.promise(() => groupCommit.close())
    )
  )

const thrown = (cause: unknown): never => {
  throw cause
}

/** The writer's work in this thread, each batch a transaction. */
export class Here {
  readonly transactions: Transactions
  readonly #database: DatabaseSync
  readonly #indexing: IndexScheduler

  constructor(path: string, policy: IndexPolicy) {
    this.#database = new DatabaseSync(path)
    this.#database.exec("PRAGMA foreign_keys = ON")
    this.transactions = new Transactions(new Statements(this.#database))
    this.#indexing = new IndexScheduler(this.transactions, policy, { failed: thrown, rebuilt: thrown })
    this.#indexing.now()
  }

  readonly commit: (batch: WriteBatch) => Committed = (batch) =>
    Effect.suspend((): Committed => {
      const outcome = this.transactions.commit([pack(batch)])
      this.#indexing.afterTransaction()
      if (outcome._tag === "Failed")
        return Effect.fail(new StorageFailed({ operation: "commit", cause: outcome.cause }))
      const refusal = outcome.refused[0]?.[1]
      if (refusal === undefined) {
        let at = 0
        let ended = 0
        return Effect.succeed(
          batch.writes.map((write) =>
            written(
              write,
              () => outcome.numbers[at++] ?? 0,
              () => outcome.ended[ended++] ?? []
            )
          )
        )
      }
      if (refusal._tag === "VersionConflict") return Effect.fail(new VersionConflict(refusal))
      if (refusal._tag === "Duplicate") return Effect.fail(new Duplicate(refusal))
      return Effect.fail(new StorageFailed({ operation: "commit", cause: refusal.cause }))
    })

  readonly find = (gids: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<EntryId>> =>
    Effect.sync(() => this.transactions.find(gids))

  /** How it flushes: 1 is NORMAL, 2 is FULL. */
  get synchronous(): unknown {
    return this.#database.prepare("PRAGMA synchronous").get()?.["synchronous"]
  }

  /** Batches whose transaction fails at its commit, where deferred references are checked. */
  lose(batches: ReadonlyArray<WriteBatch>): FromWriter["_tag"] {
    this.#database.exec("PRAGMA defer_foreign_keys = ON")
    const broken: WriteBatch = {
      expectedVersions: [],
      writes: [{ _tag: "HideMessage", user: NO_USER, message: NO_ENTRY }]
    }
    const { _tag } = this.transactions.commit([...batches, broken])
    // It is off again with the transaction, but what was prepared meanwhile would go on as it was.
    this.#database.exec("PRAGMA defer_foreign_keys = OFF")
    return _tag
  }

  close(): void {
    this.#indexing.end()
    this.#database.close()
  }
}

/** A store that writes in this thread, and its writer. */
export const here = Effect.fnUntraced(function* (file: string, policy: IndexPolicy) {
  let writer: Here | undefined
  const store = yield* openStore(file, (path) =>
    Effect.acquireRelease(
      Effect.sync(() => (writer = new Here(path, policy))),
      (open) => Effect.sync(() => open.close())
    )
  )
  if (writer === undefined) return yield* Effect.die("there is no writer")
  return { store, writer }
})
