/** Commits in a worker what has gathered while the last commit was on its way to the disk. */
import { Worker } from "node:worker_threads"

export interface Record {
  readonly id: number
  readonly gid: string
  readonly cgid: string
  readonly user: number
  readonly date: number
  readonly type: string
  readonly contentType: string
  readonly content: string
}

export class RelayStore<From> {
  readonly #worker: Worker
  #gathered: Array<{ readonly from: From; readonly record: Record }> = []
  #committing: Array<{ readonly from: From; readonly record: Record }> = []
  #armed = false

  /** `stored` is called once the record is on the disk. */
  constructor(file: string, stored: (from: From, record: Record) => void) {
    this.#worker = new Worker(new URL("RelayWriter.ts", import.meta.url), { workerData: file })
    this.#worker.on("message", () => {
      const done = this.#committing
      this.#committing = []
      this.#commit()
      for (const { from, record } of done) stored(from, record)
    })
  }

  add(from: From, record: Record): void {
    this.#gathered.push({ from, record })
    if (this.#armed || this.#committing.length > 0) return
    this.#armed = true
    setImmediate(() => {
      this.#armed = false
      if (this.#committing.length === 0) this.#commit()
    })
  }

  #commit(): void {
    if (this.#gathered.length === 0) return
    this.#committing = this.#gathered
    this.#gathered = []
    this.#worker.postMessage(this.#committing.map(({ record }) => record))
  }
}
