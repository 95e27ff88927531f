/**
 * Queue of frames to write to a socket. The frames of one turn leave in one write, at its end: with many recipients and
 * small frames, writes dominate the cost.
 */
import { atEndOfTurn } from "@parley/core/EndOfTurn"
import type { FrameParts } from "@parley/core/Frame"
import type { Writable } from "node:stream"

/** Maximum bytes of frames that are copied into one buffer; larger amounts use a vectored write. */
const COPY_LIMIT = 64 * 1024

/** Maximum bytes of large frames written in one tick: the system call copies them. */
const MAX_TICK_BYTES = 4 * 1024 * 1024
/** Maximum bytes of one connection in one step; the next step follows once they are written. */
const STEP_BYTES = 1024 * 1024

/** Minimum size of a reply that is exempt from the limit; the number of smaller ones is bounded by the frames in process. */
const LARGE_REPLY = 16 * 1024

/** Queues above `COPY_LIMIT`, which are flushed after the others. */
let large: Array<WriteQueue> = []
const flushLarge = (): void => {
  const writeQueues = large
  large = []
  let written = 0
  for (const [index, writeQueue] of writeQueues.entries()) {
    if (written >= MAX_TICK_BYTES) {
      for (const left of writeQueues.slice(index)) flushLater(left)
      return
    }
    written += writeQueue.flush(STEP_BYTES)
  }
}
const flushLater = (writeQueue: WriteQueue): void => {
  if (large.push(writeQueue) === 1) setImmediate(flushLarge)
}

/** Written last; its callback reports that all before it is written. */
const EMPTY = new Uint8Array(0)

interface DrainWaiter {
  readonly low: number
  readonly callback: () => void
}

/** The connection that owns the queue. */
export interface WriteTarget {
  readonly socket: Writable
  /** Whether the socket may still be written to. */
  readonly writable: () => boolean
  /** Called once when a frame exceeds the limit; the queue is closed and empty by then. */
  readonly overflowed: () => void
}

export class WriteQueue {
  readonly #owner: WriteTarget
  readonly #limit: number
  #waiting: Array<Uint8Array> = []
  #bytes = 0
  /** Bytes exempt from the limit: large replies, and frames larger than the limit itself. */
  #exempt = 0
  #open = true
  #drainWaiters: Array<DrainWaiter> = []
  /** Callback of writes. Created on first use, to save memory of idle connections. */
  #onWritten: (() => void) | undefined
  /** Whether a step of a large frame is being written. */
  #stepping = false

  /** `limit`: maximum queued bytes, beside large replies and frames larger than the limit. */
  constructor(owner: WriteTarget, limit: number) {
    this.#owner = owner
    this.#limit = limit
  }

  /** Queues a frame. `isReply`: exempt from the limit if large. */
  send(bytes: Uint8Array, isReply = false): void {
    if (!this.#admit(bytes.length, isReply)) return
    if (this.#waiting.push(bytes) === 1) this.#schedule()
  }

  /** Queues a frame in parts, without copies. */
  sendParts({ all, length }: FrameParts, isReply = false): void {
    if (!this.#admit(length, isReply)) return
    if (this.#waiting.length === 0) this.#schedule()
    for (const part of all) this.#waiting.push(part)
  }

  #schedule(): void {
    if (this.#stepping) return
    if (this.#bytes > COPY_LIMIT) flushLater(this)
    else atEndOfTurn(this)
  }

  /** See `EndOfTurn`. */
  endTurn(): void {
    if (this.#bytes > COPY_LIMIT) flushLater(this)
    else this.flush()
  }

  /** Accounts for a frame of `length` bytes; drops a connection over its limit. */
  #admit(length: number, isReply: boolean): boolean {
    if (!this.#open || !this.#owner.writable()) return false
    const limit = this.#limit
    if (this.#exempt > 0) this.#exempt = Math.min(this.#exempt, this.buffered())
    if (this.buffered() > limit + this.#exempt) {
      // The operating system may have room for frames of this tick.
      this.flush()
      if (this.buffered() > limit + this.#exempt) {
        this.end()
        this.#owner.overflowed()
        return false
      }
    }
    if (isReply ? length >= LARGE_REPLY : length > limit && this.#exempt === 0) this.#exempt += length
    this.#bytes += length
    return true
  }

  buffered(): number {
    const { socket } = this.#owner
    return this.#bytes + (socket.destroyed ? 0 : socket.writableLength)
  }

  /** Whether a sender waits for the queue to drain. */
  get hasDrainWaiters(): boolean {
    return this.#drainWaiters.length > 0
  }

  onDrained(low: number, callback: () => void): void {
    // Writes without drain waiters pass no callback; it would dominate the cost.
    const { socket } = this.#owner
    this.#onWritten ??= () => this.#notifyDrained()
    if (this.#drainWaiters.push({ low, callback }) === 1 && socket.writableLength > 0 && this.#owner.writable()) {
      socket.write(EMPTY, this.#onWritten)
    }
    // Not before this call returns, so that senders that continue in the callback do not grow the stack.
    queueMicrotask(this.#onWritten)
  }

  /**
   * Writes the queue; of more than `step` bytes, whole parts of about `step` bytes now and the rest when these are written.
   * Returns the number of bytes written.
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
    let [bytes, parts] = [0, 0]
    socket.cork()
    for (const part of this.#waiting) {
      if (bytes >= step) break
      bytes += part.length
      parts++
      this.#write(part)
    }
    this.#waiting = this.#waiting.slice(parts)
    this.#bytes -= bytes
    this.#stepping = true
    socket.write(EMPTY, () => {
      this.#stepping = false
      this.#notifyDrained()
      if (this.#waiting.length > 0) this.#schedule()
    })
    socket.uncork()
    return bytes
  }

  #write(bytes: Uint8Array): void {
    const { socket } = this.#owner
    if (this.#drainWaiters.length === 0) socket.write(bytes)
    else socket.write(bytes, this.#onWritten)
  }

  /** Writes the queue and accepts no more frames. */
  close(): void {
    if (!this.#open) return
    this.flush()
    this.#open = false
  }

  /** Drops the queue of a closed connection and calls all drain waiters. */
  end(): void {
    this.#open = false
    this.#waiting = []
    this.#bytes = 0
    const waiters = this.#drainWaiters
    this.#drainWaiters = []
    for (const waiter of waiters) queueMicrotask(waiter.callback)
  }

  #notifyDrained(): void {
    if (this.#drainWaiters.length === 0) return
    const buffered = this.buffered()
    const reached = this.#drainWaiters.filter((waiter) => buffered <= waiter.low)
    if (reached.length === 0) return
    this.#drainWaiters = this.#drainWaiters.filter((waiter) => buffered > waiter.low)
    for (const waiter of reached) waiter.callback()
  }
}
