/** Both ends of connections for the laws: the transport under test, and the recorded calls. */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { Accept, Connection } from "../ports/Connection.ts"
import { Frame } from "../ports/Frame.ts"

/** A law does not hold. */
export class LawBroken extends Data.TaggedError("LawBroken")<{
  /** Expected and actual behaviour, in one sentence. */
  readonly message: string
}> {}

/** The client's end of a connection, as in another program. */
export interface Client {
  /** Sends one whole frame. */
  readonly send: (text: string) => void
  /** Sends a frame that is not valid UTF-8. */
  readonly sendGarbled: () => void
  /**
   * Sends `bytes` of a frame, beginning it or continuing it, and never its end. Absent for transports whose frames are
   * never partial.
   */
  readonly sendPart?: (bytes: number) => void
  /** Stops reading, so that the server's frames pile up. */
  readonly stopReading: () => void
  /** Ends the connection from the client's side. */
  readonly close: () => void
}

/** Callbacks of the client's end. */
export interface Listener {
  /** One whole frame from the server. */
  readonly frame: (text: string) => void
  /** The connection has ended. May be called repeatedly. */
  readonly ended: () => void
}

/** A transport under test. */
export interface Harness {
  /** Key under which this transport caches a frame's bytes. */
  readonly transport: string
  /** Limits of the connections: bytes of one frame, at least 4 KiB, and buffered bytes, at least eight frames. */
  readonly frame: number
  /** Buffered bytes of a connection, at least eight frames. */
  readonly sendBuffer: number
  /** Opens a connection with `accept` at the server's end. */
  readonly open: (accept: Accept, listener: Listener) => Effect.Effect<Client, unknown, Scope.Scope>
}

/** Fails if the condition is false. */
export const insist = (condition: boolean, message: string): Effect.Effect<void, LawBroken> =>
  condition ? Effect.void : Effect.fail(new LawBroken({ message }))

/** Both ends of one connection, with all recorded calls. */
export interface Pair {
  /** The client's end. */
  readonly client: Client
  /** The server's end. */
  readonly connection: Connection
  /** The next frame at the client, and at the server. */
  readonly atClient: Effect.Effect<string>
  /** The next frame at the server. */
  readonly atServer: Effect.Effect<string>
  /** Waits for the end of the connection at the client. */
  readonly clientEnded: Effect.Effect<void>
  /** Waits for the end of the connection at the server. */
  readonly closed: Effect.Effect<void>
  /** Numbers of recorded calls at both ends, and the sizes that they reported, in bytes. */
  readonly seen: {
    clientFrames: number
    received: number
    invalidUtf8: number
    oversized: Array<number>
    /** Last reported size of an unfinished frame, in bytes. */
    partial: number
    closed: number
    afterClosed: number
  }
}

/** Callbacks of a test at the server's end. */
export interface Reactions {
  /** Called at the server with each frame. */
  readonly receive?: (connection: Connection, frame: string) => void
  /** Called for a frame of more than `limit` bytes. */
  readonly oversized?: (connection: Connection, limit: number) => void
  /** Called with the size of an unfinished frame in bytes. */
  readonly partial?: (bytes: number) => void
}

/** Opens a connection and records the calls at both ends. */
export const open = Effect.fnUntraced(function* (harness: Harness, reactions: Reactions = {}) {
  const clientFrames = yield* Queue.unbounded<string>()
  const serverFrames = yield* Queue.unbounded<string>()
  const clientEnded = yield* Deferred.make<void>()
  const closed = yield* Deferred.make<void>()
  const accepted = yield* Deferred.make<Connection>()
  const seen: Pair["seen"] = {
    clientFrames: 0,
    received: 0,
    invalidUtf8: 0,
    oversized: [],
    partial: 0,
    closed: 0,
    afterClosed: 0
  }
  const client = yield* harness.open(
    (connection) => {
      Deferred.doneUnsafe(accepted, Effect.succeed(connection))
      return {
        receive: (frame) => {
          seen.received += 1
          if (seen.closed > 0) seen.afterClosed += 1
          Queue.offerUnsafe(serverFrames, frame)
          reactions.receive?.(connection, frame)
        },
        invalidUtf8: () => {
          if (seen.closed > 0) seen.afterClosed += 1
          seen.invalidUtf8 += 1
        },
        oversized: (limit) => {
          if (seen.closed > 0) seen.afterClosed += 1
          seen.oversized.push(limit)
          reactions.oversized?.(connection, limit)
        },
        partial: (bytes) => {
          if (seen.closed > 0) seen.afterClosed += 1
          seen.partial = bytes
          reactions.partial?.(bytes)
        },
        closed: () => {
          seen.closed += 1
          Deferred.doneUnsafe(closed, Effect.void)
        }
      }
    },
    {
      frame: (text) => {
        seen.clientFrames += 1
        Queue.offerUnsafe(clientFrames, text)
      },
      ended: () => {
        Deferred.doneUnsafe(clientEnded, Effect.void)
      }
    }
  )
  const pair: Pair = {
    client,
    connection: yield* Deferred.await(accepted),
    atClient: Queue.take(clientFrames),
    atServer: Queue.take(serverFrames),
    clientEnded: Deferred.await(clientEnded),
    closed: Deferred.await(closed),
    seen
  }
  return pair
})

/** Lets the transport finish pending work, by round trips on a separate connection. */
export const settle = Effect.fnUntraced(function* (harness: Harness, rounds = 5) {
  const { atClient, client } = yield* open(harness, { receive: (connection, text) => connection.send(new Frame(text)) })
  for (let round = 0; round < rounds; round++) {
    client.send(`round ${round}`)
    yield* atClient
  }
  client.close()
}, Effect.scoped)

/** Waits until at most `low` bytes are buffered. */
export const drained = (connection: Connection, low: number): Effect.Effect<void> =>
  Effect.callback((resume) => connection.onDrained(low, () => resume(Effect.void)))
