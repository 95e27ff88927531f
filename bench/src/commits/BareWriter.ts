/**
 * The least that a durable commit path can be: rows are gathered while the last transaction is being committed, and one
 * statement writes each. No uniqueness, no versions, no rules.
 */
import { Worker } from "node:worker_threads"

const WRITER = `
  const { DatabaseSync } = require("node:sqlite")
  const { parentPort, workerData } = require("node:worker_threads")
  const db = new DatabaseSync(workerData)
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
  db.exec("CREATE TABLE message (id INTEGER PRIMARY KEY, gid TEXT, chat INTEGER, author INTEGER, date INTEGER, type TEXT, content_type TEXT, content TEXT)")
  db.exec("CREATE INDEX message_chat ON message (chat, id)")
  const insert = db.prepare("INSERT INTO message (gid, chat, author, date, type, content_type, content) VALUES (?, ?, ?, ?, ?, ?, ?)")
  const [begin, commit] = [db.prepare("BEGIN IMMEDIATE"), db.prepare("COMMIT")]
  parentPort.on("message", (rows) => {
    if (rows === null) { db.close(); parentPort.close(); return }
    begin.run()
    for (const row of rows) insert.run(...row)
    commit.run()
    parentPort.postMessage(rows.length)
  })
  parentPort.postMessage(0)
`

export type Row = readonly [
  gid: string,
  chat: number,
  author: number,
  date: number,
  type: string,
  contentType: string,
  content: string
]

export class BareWriter {
  readonly #worker: Worker
  #waiting: Array<{ readonly row: Row; readonly done: () => void }> = []
  #inFlight: ReadonlyArray<{ readonly row: Row; readonly done: () => void }> = []
  #armed = false

  static async open(file: string): Promise<BareWriter> {
    const worker = new Worker(WRITER, { eval: true, workerData: file })
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject))
    return new BareWriter(worker)
  }

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on("message", () => {
      const done = this.#inFlight
      this.#inFlight = []
      this.#next()
      for (const one of done) one.done()
    })
  }

  append(row: Row, done: () => void): void {
    this.#waiting.push({ row, done })
    if (this.#armed || this.#inFlight.length > 0) return
    this.#armed = true
    setImmediate(() => {
      this.#armed = false
      this.#next()
    })
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#worker.once("exit", resolve))
    this.#worker.postMessage(null)
    await ended
  }

  #next(): void {
    if (this.#inFlight.length > 0 || this.#waiting.length === 0) return
    this.#inFlight = this.#waiting
    this.#waiting = []
    this.#worker.postMessage(this.#inFlight.map(({ row }) => row))
  }
}
