/**
 * The one connection that writes, in a thread of its own, so that no other work waits for the disk. It takes units in
 * lists; one list is one transaction.
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

/** Milliseconds to wait for somebody outside who looks at the database just now: a backup, an operator's tool. */
const BUSY_TIMEOUT = 10_000
/** Milliseconds of one such wait. Between two of them this thread can be ended: a process must not have to wait for it. */
const LOCK_WAIT = 100
/** Milliseconds between two looks at the database's files while nothing is written. */
const IDLE_CHECK = 500
/** Milliseconds after which the files are looked at before a transaction, too: one that comes sooner follows a look. */
const FRESH = 50

/** What the thread is started with: the database's path, or that and another pace. */
export type WriterData = string | { readonly file: string; readonly policy: IndexPolicy }

const warn = (text: string): void => process.emitWarning(text, { type: "ParleyWarning", code: "PARLEY_LOG_INDEX" })

/** There is nobody whose unit failed, so nobody could be answered. */
const indexEvents: IndexEvents = {
  failed: (cause) =>
    warn(
      `The log could not be indexed: ${errorText(cause)}. Nothing is lost, and it is tried again; until then reading is slower.`
    ),
  rebuilt: (odds) =>
    warn(
      `The log's indexes were at odds with it: ${errorText(odds)}. They were made anew; the log itself is as it was.`
    )
}

/** Brings what was committed into the database file, where that is still in its place, so that a crash loses none of it. */
const checkpoint = (database: DatabaseSync, { isMain }: Displaced): void => {
  if (isMain) return
  try {
    database.exec("PRAGMA wal_checkpoint(PASSIVE)")
  } catch {
    // The last connection to close tries it again.
  }
}

const finding = (find: () => ReadonlyArray<EntryId>): FromWriter => {
  try {
    return { _tag: "Found", ids: find() }
  } catch (cause) {
    return { _tag: "NotFound", cause }
  }
}

const serve = (port: MessagePort, file: string, policy: IndexPolicy): void => {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
  // FULL: whoever was answered survives a power cut.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
  // Gids come in no order, so looking for one reads a page of its own in their index. 64 MiB keep those pages at hand (of
  // about four million messages), and 4,000 pages (16 MiB) between checkpoints let many changes of a page become one write.
  database.exec("PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864")
  database.exec(`PRAGMA busy_timeout = ${LOCK_WAIT}`)
  const writing = new Transactions(new Statements(database), BUSY_TIMEOUT)
  const indexing = new IndexScheduler(writing, policy, indexEvents)
  indexing.now()
  // The files beside the database are made by the first read at the latest.
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
      const before = files.checkOlderThan(FRESH)
      if (before !== undefined) return displaced(before, true)
      const outcome = writing.commit(unpack(message.parcel))
      // Before it is answered: what is answered is in the file at the path.
      const after = files.check()
      if (after !== undefined) return displaced(after, true)
      port.postMessage(outcome)
      return indexing.answered()
    }
    if (message._tag === "Find") {
      return port.postMessage(finding(() => writing.find(message.gids)))
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
