/** Fake server for a client's connections, and a manual clock. */
import type { Clock, Socket } from "../src/index.ts"

export interface SentFrame {
  readonly module: string
  readonly method: string
  readonly params?: unknown
  readonly sid?: string
  readonly id?: number | ReadonlyArray<number>
}

/** Server end of one connection: records the client's frames and sends others. */
export class Peer implements Socket {
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onclose: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  readonly frames: Array<SentFrame> = []
  /** The client has closed the connection. */
  closed = false

  send(frame: string): void {
    this.frames.push(JSON.parse(frame) as SentFrame)
  }

  close(): void {
    this.closed = true
  }

  get last(): SentFrame | undefined {
    return this.frames.at(-1)
  }

  /** Requests and acknowledgements of the client after its login. */
  get requests(): ReadonlyArray<SentFrame> {
    return this.frames.slice(1)
  }

  open(): void {
    ;(this.onopen as ((event: object) => void) | null)?.({})
  }

  emit(frame: unknown): void {
    ;(this.onmessage as ((event: object) => void) | null)?.({ data: JSON.stringify(frame) })
  }

  disconnect(code = 1006): void {
    ;(this.onclose as ((event: object) => void) | null)?.({ code, reason: "" })
  }

  /** Replies to the oldest request of this method: a success, unless `fields` override it. */
  reply(method: string, fields: object = {}): void {
    this.emit({ module: "chat", method, result: "success", data: null, ...fields })
  }

  push(method: string, data: unknown, id = 2 ** 52): void {
    this.emit([{ id, module: "chat", method, data }])
  }

  message(id: number, fields: object = {}): void {
    const message = { id, gid: `g${id}`, cgid: "chat", user: 2, date: 1, type: "normal", contentType: "text" }
    this.push("message", [{ ...message, content: `m${id}`, ...fields }], id)
  }

  /** Accepts the client as user 1: opens, replies to the login, and pushes the lists. */
  acceptLogin(sid = "sid-1", chats: ReadonlyArray<object> = [CHAT]): void {
    this.open()
    this.reply(this.last?.method ?? "", { sid, data: { id: 1, status: "online" } })
    this.push("userGetList", [USER])
    this.push("getlist", chats)
  }
}

export const USER = { id: 1, account: "ann", realname: "Ann", avatar: "", role: "", dept: 0, status: "online" }
export const CHAT = { id: 7, gid: "chat", name: "", type: "group", createdDate: 5, members: [{ id: 1 }, { id: 2 }] }

/** Records all connections of a client. */
export const fakeNetwork = () => {
  const peers: Array<Peer> = []
  class Connection extends Peer {
    constructor() {
      super()
      peers.push(this)
    }
  }
  return {
    WebSocket: Connection,
    peers,
    /** The newest. */
    get peer(): Peer {
      const peer = peers.at(-1)
      if (peer === undefined) throw new Error("the client has not connected")
      return peer
    }
  }
}

export class ManualClock implements Clock {
  now = 0
  #next = 0
  readonly #timers = new Map<number, { readonly at: number; readonly run: () => void }>()

  readonly setTimeout = (run: () => void, milliseconds: number): number => {
    this.#timers.set(++this.#next, { at: this.now + milliseconds, run })
    return this.#next
  }

  readonly clearTimeout = (timer: unknown): void => void this.#timers.delete(timer as number)

  get pending(): number {
    return this.#timers.size
  }

  /** Advances the time and runs the due timers in order. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).toSorted(([, a], [, b]) => a.at - b.at)[0]
      if (due === undefined) break
      const [timer, { at, run }] = due
      this.#timers.delete(timer)
      this.now = at
      run()
    }
    this.now = end
  }
}

/** Resolves after all pending microtasks. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
