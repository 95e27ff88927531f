/** How an embedder's hooks are called: bounded in time, and those after a command never in anybody's way. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { Command } from "../model/Command.ts"
import { type HookContext, type HookedCommand, Hooks, type Result } from "../ports/Hooks.ts"
import { type Refused, refuse } from "../model/Refused.ts"

/** Commands that wait to be told, at most. */
const WAITING = 10_000
/** Milliseconds that a hook may take, unless it says otherwise. */
const DEFAULT_TIMEOUT = 5000
/** Milliseconds for what still waits to be told when the engine ends. */
const FINISH = 5000

export interface HookRunner {
  /** Asks before, does the work with what the hook leaves of the command, tells after. */
  readonly run: <C extends HookedCommand, A, E>(
    command: C,
    context: HookContext,
    work: (command: C) => Effect.Effect<A, E>,
    replyOf: (done: A) => unknown
  ) => Effect.Effect<A, E | Refused>
}

/** Undefined where there are no hooks: then commands do not pass here at all. */
export const makeHookRunner: Effect.Effect<HookRunner | undefined, never, Scope.Scope> = Effect.gen(function* () {
  const { before, after, timeout = DEFAULT_TIMEOUT } = yield* Hooks
  if (before === undefined && after === undefined) return undefined
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const waiting: Array<() => Effect.Effect<void, unknown>> = []
  const idle = yield* Latch.make(true)
  let telling = false
  let teller: Fiber.Fiber<void> | undefined
  let dropped = 0

  const bounded = <A>(call: () => Effect.Effect<A, unknown>): Effect.Effect<Exit.Exit<A, unknown>> =>
    Effect.exit(Effect.timeout(Effect.interruptible(Effect.suspend(call)), timeout))

  const tellAll = Effect.gen(function* () {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const told = yield* bounded(next)
      if (Exit.isFailure(told)) yield* Effect.logError("a hook after a command failed", told.cause)
      if (dropped > 0) {
        yield* Effect.logError(`${dropped} commands were not told to the hook after them: ${WAITING} wait already`)
        dropped = 0
      }
    }
    telling = false
    idle.openUnsafe()
  })

  const tell = (command: HookedCommand, result: Result, context: HookContext): void => {
    if (after === undefined) return
    if (waiting.length >= WAITING) {
      dropped++
      return
    }
    waiting.push(() => after(command, result, context))
    if (telling) return
    telling = true
    idle.closeUnsafe()
    teller = fork(tellAll)
  }

  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.timeoutOption(idle.await, FINISH),
      Effect.suspend(() => (teller === undefined ? Effect.void : Fiber.interrupt(teller)))
    )
  )

  const ask = Effect.fnUntraced(function* <C extends HookedCommand>(
    command: C,
    context: HookContext
  ): Effect.fn.Return<C, Refused> {
    if (before === undefined) return command
    const asked = yield* bounded(() => before(command, context))
    if (Exit.isFailure(asked)) {
      yield* Effect.logError(`the hook before ${command._tag} failed`, asked.cause)
      return yield* refuse({ _tag: "Unavailable" })
    }
    const verdict = asked.value
    if (verdict === undefined) return command
    if (verdict._tag === "Rewrite") return rewritten(command, verdict.contents)
    const { code, message } = verdict
    return yield* refuse({ _tag: "Rejected", ...(code !== undefined && { code }), message })
  })

  return {
    run: (command, context, work, replyOf) => {
      let last = command
      return ask(command, context).pipe(
        Effect.flatMap((left) => {
          last = left
          return work(left)
        }),
        Effect.tap((done) => Effect.sync(() => tell(last, { _tag: "Done", reply: replyOf(done) }, context))),
        Effect.tapError((failed) =>
          Effect.sync(() => {
            if (isRefused(failed)) tell(last, { _tag: "Refused", reason: failed.reason }, context)
          })
        )
      )
    }
  }
})

const isRefused = (failed: unknown): failed is Refused =>
  typeof failed === "object" && failed !== null && "_tag" in failed && failed._tag === "Refused"

/** Only what messages say can be changed: who sends what to whom stays as it was asked for. */
const rewritten = <C extends HookedCommand>(command: C, contents: ReadonlyArray<string | undefined>): C => {
  if (command._tag !== "SendMessages") return command
  const sent: Extract<Command, { _tag: "SendMessages" }> = command
  const messages = sent.messages.map((draft, index) => ({ ...draft, content: contents[index] ?? draft.content }))
  return { ...command, messages }
}
