/** Creates a session for each new connection. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { Broadcaster } from "../delivery/Broadcaster.ts"
import { networkOf } from "../ports/ClientAddress.ts"
import type { Connection, Rejection } from "../ports/Connection.ts"
import { ConnectionLimiter } from "../limits/ConnectionLimiter.ts"
import { Engine } from "../engine/Engine.ts"
import { Hub } from "../delivery/Hub.ts"
import { InputBudget } from "../limits/InputBudget.ts"
import { LogThrottle } from "../logging/LogThrottle.ts"
import { CursorStore } from "../delivery/CursorStore.ts"
import { type Requests, ClientSession, type SessionContext } from "./ClientSession.ts"
import { Settings } from "../ports/Settings.ts"
import { Store } from "../ports/Store.ts"
import type { Serializer } from "../delivery/Serializer.ts"

type Requirements = Engine | Hub | Broadcaster | CursorStore | Store

/** Creates a session for each connection of a transport. */
export class Acceptor extends Context.Service<
  Acceptor,
  {
    /** Returns the session of a new connection. */
    readonly accept: (connection: Connection, serializer: Serializer, requests: Requests) => ClientSession
    /** Runs work that follows a connection's end, in a fiber of its own; nothing once the engine finishes. */
    readonly run: (work: Effect.Effect<void>) => void
    /** Counts of connections since the start. */
    readonly connections: {
      /** Open connections. */
      readonly open: number
      /** All connections, also those that were rejected at once. */
      readonly accepted: number
      /** Connections that the engine closed, by reason. */
      readonly rejected: Readonly<Record<Rejection["_tag"], number>>
    }
    /** Client input in memory; hosts count the bodies of HTTP requests in it. */
    readonly input: InputBudget
    /** Stops accepting frames, and waits until the running ones are answered. */
    readonly finish: Effect.Effect<void>
  }
>()("@parley/core/Acceptor") {
  /** The service on the engine of the same scope. */
  static readonly layer: Layer.Layer<Acceptor, never, Requirements> = Layer.effect(
    Acceptor,
    Effect.gen(function* () {
      const engine = yield* Engine
      const hub = yield* Hub
      const broadcast = yield* Broadcaster
      const cursors = yield* CursorStore
      const store = yield* Store
      const settings = yield* Settings
      const throttle = yield* LogThrottle
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      let running = 0
      let isFinishing = false
      const idle = yield* Latch.make(true)

      const run = (effect: Effect.Effect<void>, done?: () => void): void => {
        const fiber = fork(effect)
        fiber.addObserver((exit) => {
          if (Exit.isFailure(exit)) fork(Effect.logError("a session's work failed", exit.cause))
          done?.()
        })
      }
      const begin = (): boolean => {
        if (isFinishing) return false
        if (running++ === 0) idle.closeUnsafe()
        return true
      }
      const ended = (): void => {
        if (--running === 0) idle.openUnsafe()
      }
      const work = (effect: Effect.Effect<void>, done: () => void): void => {
        if (!begin()) return
        run(effect, () => {
          ended()
          done()
        })
      }

      const clock = yield* Clock.Clock
      /** Runs while there are unauthenticated connections. */
      let expiryFiber: Fiber.Fiber<void> | undefined
      let isExpiring = false
      const expire: Effect.Effect<void> = Effect.suspend(() => {
        const left = limiter.expire()
        isExpiring = left !== undefined
        return left === undefined ? Effect.void : Effect.andThen(Effect.sleep(left), expire)
      })
      const limiter = new ConnectionLimiter(settings, {
        now: () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n),
        onWaiting: () => {
          if (isExpiring) return
          isExpiring = true
          expiryFiber = fork(expire)
        }
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => expiryFiber?.interruptUnsafe()))
      const input = new InputBudget(settings)
      let accepted = 0
      const rejected: Record<Rejection["_tag"], number> = {
        TooManyConnections: 0,
        TooManyOfAddress: 0,
        LoginDeadline: 0,
        InputExhausted: 0,
        HttpRequest: 0
      }
      const context: SessionContext = {
        limiter,
        input,
        engine,
        hub,
        broadcast,
        cursors,
        store,
        chats: engine.context.chats,
        settings,
        run,
        work,
        begin,
        ended,
        logRejection: ({ address, connection }, tag, reason) => {
          rejected[tag]++
          const message = "a connection was closed"
          const details = { reason, address, connection: connection.id }
          throttle.note({ key: `${message} ${reason} ${networkOf(address)}`, level: "Info", message, details })
        }
      }
      return Acceptor.of({
        connections: {
          get open() {
            return limiter.size
          },
          get accepted() {
            return accepted
          },
          rejected
        },
        input,
        run: (after) => work(after, () => {}),
        accept: (connection, serializer, requests) => {
          accepted++
          const session = new ClientSession(connection, serializer, requests, context)
          limiter.add(session)
          return session
        },
        finish: Effect.suspend(() => {
          isFinishing = true
          return idle.await
        })
      })
    })
  )
}
