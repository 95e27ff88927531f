/**
 * What a connection has yet to send. Frames of one turn of the event loop leave in one write: with many recipients and
 * many small frames, writes are what a server spends its time on.
 */
import type { FrameParts } from "@parley/core/Frame"
import type { Writable } from "node:stream"

/** Up to here, frames of one turn are copied together; larger ones are handed over as they are, in one vectored write. */
const COPY_LIMIT = 64 * 1024

/** Bytes of large frames handed to the operating system in one turn: it takes milliseconds to copy them. */
const TURN = 4 * 1024 * 1024
/** Bytes of one connection's among them; the rest follows when they are taken. */
const STEP = 1024 * 1024

/** Answers of fewer bytes are no reason to keep account: no more of them wait than frames that are in work. */
const LARGE = 16 * 1024

/** One timer for all outboxes that got something in this turn. */
let due: Array<WriteQueue> = []
/** Outboxes with much to write, which wait until the others have written theirs. */
let large: Array<WriteQueue> = []
const flushDue = (): void => {
  const writeQueues = due
  due = []
  for (const writeQueue of writeQueues) {
    if (writeQueue.waiting > COPY_LIMIT) large.push(writeQueue)
    else writeQueue.flush()
  }
  if (large.length > 0) flushLarge()
}
const flushLarge = (): void => {
  const writeQueues = large
  large = []
  let written = 0
  for (const [index, writeQueue] of writeQueues.entries()) {
    if (written >= TURN) {
      large = writeQueues.slice(index)
      if (due.length === 0) setImmediate(flushDue)
      return
    }
    written += writeQueue.flush(STEP)
  }
}
const flushAtEndOfTurn = (writeQueue: WriteQueue): void => {
  if (due.push(writeQueue) === 1) setImmediate(flushDue)
}

/** Written behind everything else, so that its end is theirs. */
const NOTHING = new Uint8Array(0)

interface DrainWaiter {
  readonly low: number
  readonly callback: () => void
}

/** The connection whose outbox it is. */
export interface WriteTarget {
  readonly socket: Writable
  /** Whether the socket may still be written to. */
  readonly writable: () => boolean
  /** Called once, when a frame is sent while more than that waits. The outbox is closed and empty by then. */
  readonly overflowed: () => void
}

export class WriteQueue {
  readonly #owner: WriteTarget
  readonly #limit: number
  #waiting: Array<Uint8Array> = []
  #bytes = 0
  /** What may wait beside the limit: large answers, and frames larger than the limit, for which no reader could be fast enough. */
  #exempt = 0
  #open = true
  #drainWaiters: Array<DrainWaiter> = []
  /** Made when it is first needed: an idle connection should not cost one. */
  #writtenBytes: (() => void) | undefined
  /** The socket has a step of a large frame, and calls back when it is taken. */
  #stepping = false

  /** `limit`: bytes that may wait, beside answers, and frames that are larger than this by themselves. */
  constructor(owner: WriteTarget, limit: number) {
    this.#owner = owner
    this.#limit = limit
  }

  /** `asked`: an answer, which a client that reads gets whatever its size. */
  send(bytes: Uint8Array, asked = false): void {
    if (!this.#admits(bytes.length, asked)) return
    if (this.#waiting.push(bytes) === 1 && !this.#stepping) flushAtEndOfTurn(this)
  }

  /** The same for one frame in several parts, none of which is copied. */
  sendParts({ all, length }: FrameParts, asked = false): void {
    if (!this.#admits(length, asked)) return
    if (this.#waiting.length === 0 && !this.#stepping) flushAtEndOfTurn(this)
    for (const part of all) this.#waiting.push(part)
  }

  /** Makes room for a frame of `length` bytes, or ends the connection that has taken too little of what it was sent. */
  #admits(length: number, asked: boolean): boolean {
    if (!this.#open || !this.#owner.writable()) return false
    const limit = this.#limit
    if (this.#exempt > 0) this.#exempt = Math.min(this.#exempt, this.buffered())
    if (this.buffered() > limit + this.#exempt) {
      // The operating system may have room for what only waits for the end of the turn.
      this.flush()
      if (this.buffered() > limit + this.#exempt) {
        this.end()
        this.#owner.overflowed()
        return false
      }
    }
    if (asked ? length >= LARGE : length > limit && this.#exempt === 0) this.#exempt += length
    this.#bytes += length
    return true
  }

  /** Bytes that wait for the end of this turn. */
  get waiting(): number {
    return this.#bytes
  }

  buffered(): number {
    const { socket } = this.#owner
    return this.#bytes + (socket.destroyed ? 0 : socket.writableLength)
  }

  /** Whether somebody waits until the client has taken what was sent. */
  get hasDrainWaiters(): boolean {
    return this.#drainWaiters.length > 0
  }

  onDrained(low: number, callback: () => void): void {
    // What was written while nobody watched tells nothing: a call back for each write would cost more than all else here.
    const { socket } = this.#owner
    this.#writtenBytes ??= () => this.#notifyDrained()
    if (this.#drainWaiters.push({ low, callback }) === 1 && socket.writableLength > 0 && this.#owner.writable()) {
      socket.write(NOTHING, this.#writtenBytes)
    }
    // Never before this call returns, so that a sender that goes on from its callback cannot grow the stack.
    queueMicrotask(this.#writtenBytes)
  }

  /**
   * Hands over what waits; of more than `step` bytes, whole parts of about so many now, and the others when those are taken.
   * Returns how many bytes that were.
   */
  flush(step = Infinity): number {
    const waiting = this.#waiting
    if (waiting.length === 0 || (this.#stepping && step < Infinity)) return 0
    if (this.#bytes > step && this.#owner.writable()) return this.#writeStep(step)
    const bytes = this.#bytes
    this.#waiting = []
    this.#bytes = 0
    const { socket } = this.#owner
    if (!this.#owner.writable()) {
      this.#notifyDrained()
      return 0
    }
    if (waiting.length === 1) {
      for (const one of waiting) this.#write(one)
    } else if (bytes <= COPY_LIMIT) {
      this.#write(Buffer.concat(waiting, bytes))
    } else {
      socket.cork()
      for (const one of waiting) this.#write(one)
      socket.uncork()
    }
    return bytes
  }

  #writeStep(step: number): number {
    const { socket } = this.#owner
    let [handed, parts] = [0, 0]
    socket.cork()
    for (const part of this.#waiting) {
      if (handed >= step) break
      handed += part.length
      parts++
      this.#write(part)
    }
    this.#waiting = this.#waiting.slice(parts)
    this.#bytes -= handed
    this.#stepping = true
    socket.write(NOTHING, () => {
      this.#stepping = false
      this.#notifyDrained()
      if (this.#waiting.length > 0) flushAtEndOfTurn(this)
    })
    socket.uncork()
    return handed
  }

  #write(bytes: Uint8Array): void {
    const { socket } = this.#owner
    if (this.#drainWaiters.length === 0) socket.write(bytes)
    else socket.write(bytes, this.#writtenBytes)
  }

  /** Hands over what waits, and takes nothing more. */
  close(): void {
    if (!this.#open) return
    this.flush()
    this.#open = false
  }

  /** The connection is gone: forgets what waits, and lets nobody wait for it. */
  end(): void {
    this.#open = false
    this.#waiting = []
    this.#bytes = 0
    const watchers = this.#drainWaiters
    this.#drainWaiters = []
    for (const watcher of watchers) queueMicrotask(watcher.callback)
  }

  #notifyDrained(): void {
    if (this.#drainWaiters.length === 0) return
    const buffered = this.buffered()
    const reached = this.#drainWaiters.filter((watcher) => buffered <= watcher.low)
    if (reached.length === 0) return
    this.#drainWaiters = this.#drainWaiters.filter((watcher) => buffered > watcher.low)
    for (const watcher of reached) watcher.callback()
  }
}
