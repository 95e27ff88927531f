/** Handlers of signals that do not stop a server. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

const ignore = (): void => {}

/** For the rest of the process: without its last listener, the signal would end the process at a write to a closed pipe. */
const ignoreSigpipe = Effect.sync(() => {
  if (!process.listeners("SIGPIPE").includes(ignore)) process.on("SIGPIPE", ignore)
})

/**
 * Until the scope closes: SIGHUP runs `reload`; SIGPIPE and SIGUSR1 are ignored. Without a listener for SIGUSR1, Node would
 * open its debugger to every program on the machine.
 */
export const handleSignals = (reload: Effect.Effect<void>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const listeners: ReadonlyArray<readonly [NodeJS.Signals, () => void]> = [
      ["SIGHUP", () => fork(Effect.andThen(Effect.logInfo("reloading"), reload))],
      ["SIGUSR1", ignore]
    ]
    yield* ignoreSigpipe
    for (const [signal, listener] of listeners) {
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on(signal, listener)),
        () => Effect.sync(() => process.off(signal, listener))
      )
    }
  })
