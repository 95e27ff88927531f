/** The other end of a client's connections, played by a test, and a clock that stands still until it is moved. */
import type { Clock, Socket } from "../src/index.ts"

export interface Heard {
  readonly module: string
  readonly method: string
  readonly params?: unknown
  readonly sid?: string
  readonly id?: number | ReadonlyArray<number>
}

/** One connection: what the client said, and what is said to it. */
export class Peer implements Socket {
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onclose: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  readonly heard: Array<Heard> = []
  /** The client has hung up. */
  gone = false

  send(frame: string): void {
    this.heard.push(JSON.parse(frame) as Heard)
  }

  close(): void {
    this.gone = true
  }

  get last(): Heard | undefined {
    return this.heard.at(-1)
  }

  /** What the client has asked for or acknowledged, but for the greeting. */
  get asked(): ReadonlyArray<Heard> {
    return this.heard.slice(1)
  }

  open(): void {
    ;(this.onopen as ((event: object) => void) | null)?.({})
  }

  say(frame: unknown): void {
    ;(this.onmessage as ((event: object) => void) | null)?.({ data: JSON.stringify(frame) })
  }

  hangUp(code = 1006): void {
    ;(this.onclose as ((event: object) => void) | null)?.({ code, reason: "" })
  }

  /** Answers the oldest request of this method with success, or as it is said. */
  answer(method: string, fields: object = {}): void {
    this.say({ module: "chat", method, result: "success", data: null, ...fields })
  }

  push(method: string, data: unknown, id = 2 ** 40): void {
    this.say([{ id, module: "chat", method, data }])
  }

  message(id: number, fields: object = {}): void {
    const message = { id, gid: `g${id}`, cgid: "chat", user: 2, date: 1, type: "normal", contentType: "text" }
    this.push("message", [{ ...message, content: `m${id}`, ...fields }], id)
  }

  /** Takes the client in as user 1: opens, answers the greeting, pushes what a login pushes. */
  welcome(sid = "sid-1", chats: ReadonlyArray<object> = [CHAT]): void {
    this.open()
    this.answer(this.last?.method ?? "", { sid, data: { id: 1, status: "online" } })
    this.push("userGetList", [USER])
    this.push("getlist", chats)
  }
}

export const USER = { id: 1, account: "ann", realname: "Ann", avatar: "", role: "", dept: 0, status: "online" }
export const CHAT = { id: 7, gid: "chat", name: "", type: "group", createdDate: 5, members: [{ id: 1 }, { id: 2 }] }

/** All connections that a client makes. */
export const exchange = () => {
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

  /** Time passes, and all that is due happens in its order. */
  pass(milliseconds: number): void {
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

/** Everything that can happen without time or a network has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
