/**
 * The writing connection, in a separate thread, so that no other work waits for the disk. It receives lists of batches;
 * one list is one transaction.
 */
import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData, type MessagePort } from "node:worker_threads"
import type { EntryId } from "@parley/core/Ids"
import { errorText } from "../sqliteError.ts"
import { IndexScheduler, type IndexEvents, DEFAULT_POLICY, type IndexPolicy } from "../log-index/IndexScheduler.ts"
import { type Displaced, displacedText, OpenFiles } from "../OpenFiles.ts"
import { Statements } from "../Statements.ts"
import { Transactions } from "./Transactions.ts"
import { type FromWriter, type ToWriter, unpack } from "./protocol.ts"

/** Milliseconds to wait for another process on the database: a backup, an operator's tool. */
const BUSY_TIMEOUT = 10_000
/** Milliseconds of one such wait; between two of them the thread can be terminated. */
const LOCK_WAIT = 100
/** Milliseconds between two checks of the database's files while idle. */
const IDLE_CHECK = 500
/** A transaction is preceded by a check of the files if the last one is older than this, in milliseconds. */
const MAX_CHECK_AGE = 50

/** The thread's input: the database's path, optionally with an index policy. */
export type WriterData = string | { readonly file: string; readonly policy: IndexPolicy }

const warn = (text: string): void => process.emitWarning(text, { type: "ParleyWarning", code: "PARLEY_LOG_INDEX" })

/** Reported as warnings: no batch failed, so no caller receives an error. */
const indexEvents: IndexEvents = {
  failed: (cause) =>
    warn(
      `The log could not be indexed: ${errorText(cause)}. No data is lost; it will be retried, and reads are slower until then.`
    ),
  rebuilt: (inconsistency) =>
    warn(
      `The log's indexes contradicted the log: ${errorText(inconsistency)}. They were rebuilt; the log itself is unchanged.`
    )
}

/** Checkpoints committed data into the database file if it is still in place, so that a crash cannot lose it. */
const checkpoint = (database: DatabaseSync, { isMain }: Displaced): void => {
  if (isMain) return
  try {
    database.exec("PRAGMA wal_checkpoint(PASSIVE)")
  } catch {
    // The last connection to close retries it.
  }
}

const findMessages = (find: () => ReadonlyArray<EntryId>): FromWriter => {
  try {
    return { _tag: "Found", ids: find() }
  } catch (cause) {
    return { _tag: "NotFound", cause }
  }
}

const serve = (port: MessagePort, file: string, policy: IndexPolicy): void => {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
  // FULL: acknowledged data survives a power cut.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
  // Gids are random, so each lookup reads its own page of their index. 64 MiB cache the pages of about four million
  // messages, and 4,000 pages (16 MiB) between checkpoints merge many changes of a page into one write.
  database.exec("PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864")
  database.exec(`PRAGMA busy_timeout = ${LOCK_WAIT}`)
  const writer = new Transactions(new Statements(database), BUSY_TIMEOUT)
  const indexing = new IndexScheduler(writer, policy, indexEvents)
  indexing.now()
  // This read creates the write-ahead log's files, if nothing else has created them.
  database.prepare("PRAGMA schema_version").get()
  const files = new OpenFiles(file)
  const displaced = (found: Displaced, isReply: boolean): void => {
    if (!isStopped) {
      isStopped = true
      clearInterval(idle)
      indexing.stop()
      checkpoint(database, found)
    }
    port.postMessage({ _tag: "Displaced", message: displacedText(found), isReply } satisfies FromWriter)
  }
  let isStopped = false
  const idle = setInterval(() => {
    const found = files.checkOlderThan(IDLE_CHECK / 2)
    if (found !== undefined) displaced(found, false)
  }, IDLE_CHECK).unref()

  port.on("message", (message: ToWriter) => {
    if (message._tag === "Commit") {
      const before = files.checkOlderThan(MAX_CHECK_AGE)
      if (before !== undefined) return displaced(before, true)
      const outcome = writer.commit(unpack(message.contents))
      // Checked before the reply: acknowledged data is in the file at the path.
      const after = files.check()
      if (after !== undefined) return displaced(after, true)
      port.postMessage(outcome)
      return indexing.afterTransaction()
    }
    if (message._tag === "Find") {
      return port.postMessage(findMessages(() => writer.find(message.gids)))
    }
    clearInterval(idle)
    if (!isStopped) indexing.end()
    database.close()
    port.close()
  })
  port.postMessage({ _tag: "Ready" } satisfies FromWriter)
}

if (parentPort !== null) {
  const data = workerData as WriterData
  if (typeof data === "string") serve(parentPort, data, DEFAULT_POLICY)
  else serve(parentPort, data.file, data.policy)
}
