/** Engine ends and clients that record their events. */
import type { Accept, Connection, Handshake } from "@parley/core/Connection"
import { Frame } from "@parley/core/Frame"
import { Deferred, Effect, Queue } from "effect"

/** An engine end that echoes every frame. */
export const echo: Accept = (connection) => ({
  receive: (frame) => connection.send(new Frame(frame)),
  invalidUtf8: () => connection.send(new Frame("garbled")),
  oversized: (limit) => {
    connection.send(new Frame(`over ${limit}`))
    connection.close(1009, "too large")
  },
  closed: () => {}
})

/** An accept function that records connections and their ends. */
export const observed = Effect.gen(function* () {
  const opened = yield* Queue.unbounded<{ readonly connection: Connection; readonly opening: Handshake }>()
  const closed = yield* Queue.unbounded<number>()
  const accept: Accept = (connection, opening) => {
    const peer = echo(connection, opening)
    Queue.offerUnsafe(opened, { connection, opening })
    return {
      ...peer,
      closed: () => {
        Queue.offerUnsafe(closed, connection.id)
      }
    }
  }
  return { accept, opened: Queue.take(opened), closed: Queue.take(closed) }
})

/** Records the frames of a client. */
export const frames = Effect.gen(function* () {
  const queue = yield* Queue.unbounded<string>()
  const ended = yield* Deferred.make<void>()
  return {
    next: Queue.take(queue),
    ended: Deferred.await(ended),
    listener: {
      frame: (text: string) => {
        Queue.offerUnsafe(queue, text)
      },
      ended: () => {
        Deferred.doneUnsafe(ended, Effect.void)
      }
    }
  }
})
