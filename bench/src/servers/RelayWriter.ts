/** The worker of the durable relay: each message is a list of records, stored in one transaction and answered once it is on the disk. */
import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"
import type { Record } from "./RelayStore.ts"

const database = new DatabaseSync(String(workerData))
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY, gid TEXT, cgid TEXT, user INTEGER, date INTEGER, type TEXT, contentType TEXT, content TEXT
  );
  CREATE INDEX messages_by_chat ON messages (cgid, id);
`)
const insert = database.prepare("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)")

parentPort?.on("message", (records: ReadonlyArray<Record>) => {
  database.exec("BEGIN IMMEDIATE")
  for (const { id, gid, cgid, user, date, type, contentType, content } of records) {
    insert.run(id, gid, cgid, user, date, type, contentType, content)
  }
  database.exec("COMMIT")
  parentPort?.postMessage(records.length)
})
