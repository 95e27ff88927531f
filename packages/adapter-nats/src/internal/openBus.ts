/** Keeps a connection to NATS while the bus is open. */
import { Bus } from "@parley/core/Bus"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Connection, Forbidden } from "./Connection.ts"
import { describeServers, type Servers } from "./servers.ts"

/** Maximum size of a packet in bytes; a larger entry is read from the store by those who need it. */
const MAX_BYTES = 256 * 1024
/** Milliseconds before the first attempt to connect again; twice as many before each further one, up to the maximum. */
const FIRST_PAUSE = 100
const MAX_PAUSE = 2_000
/** The same after a missing permission, which only an operator can give. */
const FORBIDDEN_PAUSE = 30_000

/** Waits by the clock of the machine, which NATS has too, whatever the clock of the engine. */
const pause = (milliseconds: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), milliseconds)
    return Effect.sync(() => clearTimeout(timer))
  })

/** Returns the error message without a full stop. */
const errorText = (cause: unknown): string => {
  // Node reports attempts to several addresses of one name as an `AggregateError` without a message.
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause
  return (first instanceof Error && first.message !== "" ? first.message : String(first)).replace(/\.$/, "")
}

/** Opens the bus until the scope closes; it connects in the background. */
export const openBus = Effect.fnUntraced(function* (
  servers: Servers,
  subject: string
): Effect.fn.Return<Bus["Service"], never, Scope.Scope> {
  const bus = describeServers(servers)
  const listeners = new Set<(packet: string) => void>()
  const received = (packet: string): void => {
    for (const listener of listeners) listener(packet)
  }
  let connection: Connection | undefined
  let failures = 0
  /** The reason that was logged last; undefined while connected. */
  let reported: string | undefined

  const connected = Effect.suspend(() => {
    failures = 0
    reported = undefined
    return Effect.annotateLogs(Effect.logInfo("bus connected"), { bus })
  })
  /** Logs each reason once, not each attempt. */
  const disconnected = (cause: unknown): Effect.Effect<void> => {
    const reason = cause === undefined ? "the server closed the connection" : errorText(cause)
    if (reason === reported) return Effect.void
    reported = reason
    return Effect.annotateLogs(
      Effect.logWarning("bus disconnected: changes reach other nodes up to 2 s later, by the database"),
      { bus, reason }
    )
  }

  /** Connects; an attempt that is interrupted ends by itself. */
  const open = Effect.callback<Connection, unknown>((resume) => {
    let isInterrupted = false
    Connection.open(servers, subject, received).then(
      (opened) => {
        if (isInterrupted) return void opened.end()
        connection = opened
        resume(Effect.succeed(opened))
      },
      (cause: unknown) => resume(Effect.fail(cause))
    )
    return Effect.sync(() => {
      isInterrupted = true
    })
  })
  const close = Effect.suspend(() => {
    const closing = connection
    connection = undefined
    return closing === undefined ? Effect.void : Effect.promise(() => closing.end())
  })
  /** One connection until it ends; returns the reason. */
  const use = Effect.ensuring(
    Effect.flatMap(open, (opened) =>
      Effect.andThen(
        connected,
        Effect.promise(() => opened.ended)
      )
    ),
    close
  )
  const follow = Effect.gen(function* () {
    for (;;) {
      const cause = yield* Effect.match(use, { onSuccess: (reason) => reason, onFailure: (reason) => reason })
      yield* disconnected(cause)
      const wait = cause instanceof Forbidden ? FORBIDDEN_PAUSE : Math.min(FIRST_PAUSE * 2 ** failures++, MAX_PAUSE)
      // Nodes that lost the same server come back one after the other.
      yield* pause(wait * (0.75 + Math.random() / 2))
    }
  })
  yield* Effect.forkScoped(follow)

  return Bus.of({
    get maxBytes() {
      return Math.min(MAX_BYTES, connection?.maxBytes ?? MAX_BYTES)
    },
    publish: (packet) => connection?.publish(packet),
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    isConnected: () => connection !== undefined
  })
})
