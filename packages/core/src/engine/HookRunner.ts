/** Calls an embedder's hooks: with a timeout, and the hooks after a command without delaying requests. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { logThrottled } from "../logging/LogThrottle.ts"
import type { Command } from "../model/Command.ts"
import { shown } from "../model/shown.ts"
import { type HookContext, type HookedCommand, Hooks, type Result } from "../ports/Hooks.ts"
import { type Refused, refuse } from "../model/Refused.ts"

/** Maximum number of queued calls after commands. */
const MAX_QUEUED = 10_000
/** Default timeout of a hook in milliseconds. */
const DEFAULT_TIMEOUT_MS = 5000
/** Milliseconds for queued calls when the engine ends. */
const FINISH_TIMEOUT_MS = 5000

export interface HookRunner {
  /** Calls the hook before, runs the work with the command that the hook allows, and calls the hook after. */
  readonly run: <C extends HookedCommand, A, E>(
    command: C,
    context: HookContext,
    work: (command: C) => Effect.Effect<A, E>,
    replyOf: (done: A) => unknown
  ) => Effect.Effect<A, E | Refused>
}

/** Undefined without hooks: commands then bypass the runner. */
export const makeHookRunner: Effect.Effect<HookRunner | undefined, never, Scope.Scope> = Effect.gen(function* () {
  const { before, after, timeout = DEFAULT_TIMEOUT_MS } = yield* Hooks
  if (before === undefined && after === undefined) return undefined
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const queue: Array<() => Effect.Effect<void, unknown>> = []
  const idle = yield* Latch.make(true)
  let isRunning = false
  let runner: Fiber.Fiber<void> | undefined
  let dropped = 0

  const withTimeout = <A>(call: () => Effect.Effect<A, unknown>): Effect.Effect<Exit.Exit<A, unknown>> =>
    Effect.exit(Effect.timeout(Effect.interruptible(Effect.suspend(call)), timeout))

  const runQueue = Effect.gen(function* () {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const exit = yield* withTimeout(next)
      if (Exit.isFailure(exit)) yield* Effect.logError("hooks.after failed", exit.cause)
      if (dropped > 0) {
        yield* Effect.logError(`dropped ${dropped} calls of hooks.after: ${MAX_QUEUED} are queued`)
        dropped = 0
      }
    }
    isRunning = false
    idle.openUnsafe()
  })

  const enqueue = (command: HookedCommand, result: Result, context: HookContext): void => {
    if (after === undefined) return
    if (queue.length >= MAX_QUEUED) {
      dropped++
      return
    }
    queue.push(() => after(command, result, context))
    if (isRunning) return
    isRunning = true
    idle.closeUnsafe()
    runner = fork(runQueue)
  }

  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.timeoutOption(idle.await, FINISH_TIMEOUT_MS),
      Effect.suspend(() => (runner === undefined ? Effect.void : Fiber.interrupt(runner)))
    )
  )

  const runBefore = Effect.fnUntraced(function* <C extends HookedCommand>(
    command: C,
    context: HookContext
  ): Effect.fn.Return<C, Refused> {
    if (before === undefined) return command
    const exit = yield* withTimeout(() => before(command, context))
    if (Exit.isFailure(exit)) {
      const line = Cause.isTimeoutError(Cause.squash(exit.cause))
        ? `hooks.before took longer than hooks.timeout (${timeout} ms) for ${command._tag}`
        : `hooks.before failed for ${command._tag}`
      yield* Effect.logError(line, exit.cause)
      return yield* refuse({ _tag: "Unavailable" })
    }
    const verdict = exit.value
    if (verdict === undefined) return command
    const problem = verdictProblem(verdict)
    if (problem !== undefined) {
      yield* logThrottled({
        key: `verdict ${command._tag}`,
        level: "Error",
        message: `hooks.before returned no verdict for ${command._tag}: it ${problem}`
      })
      return yield* refuse({ _tag: "Unavailable" })
    }
    if (verdict._tag === "Rewrite") return rewritten(command, verdict.contents)
    const { code, message } = verdict
    return yield* refuse({ _tag: "Rejected", ...(code !== undefined && { code }), message })
  })

  return {
    run: (command, context, work, replyOf) => {
      let allowed = command
      return runBefore(command, context).pipe(
        Effect.flatMap((allowedCommand) => {
          allowed = allowedCommand
          return work(allowedCommand)
        }),
        Effect.tap((done) => Effect.sync(() => enqueue(allowed, { _tag: "Done", reply: replyOf(done) }, context))),
        Effect.tapError((failed) =>
          Effect.sync(() => {
            if (isRefused(failed)) enqueue(allowed, { _tag: "Refused", reason: failed.reason }, context)
          })
        )
      )
    }
  }
})

/** Returns why a host's value is not a verdict, as words after "it", or undefined. */
const verdictProblem = (verdict: unknown): string | undefined => {
  const ACCEPTED = 'must be nothing, { _tag: "Reject", message } or { _tag: "Rewrite", contents }'
  if (typeof verdict !== "object" || verdict === null || !("_tag" in verdict))
    return `${ACCEPTED}, not ${shown(verdict)}`
  if (verdict._tag === "Reject") {
    const message: unknown = Reflect.get(verdict, "message")
    return typeof message === "string" ? undefined : `must have a message that is a string, not ${shown(message)}`
  }
  if (verdict._tag !== "Rewrite") return `${ACCEPTED}, not one with the _tag ${shown(verdict._tag)}`
  const contents: unknown = Reflect.get(verdict, "contents")
  // A text would be a list of its characters.
  if (!Array.isArray(contents)) return `must have contents that are a list, not ${shown(contents)}`
  const other: unknown = contents.find(
    (content) => typeof content !== "string" && content !== undefined && content !== null
  )
  return other === undefined ? undefined : `must have contents that are strings or undefined, not ${shown(other)}`
}

const isRefused = (failed: unknown): failed is Refused =>
  typeof failed === "object" && failed !== null && "_tag" in failed && failed._tag === "Refused"

/** Only contents of messages can be rewritten; sender, recipients and messages stay as requested. */
const rewritten = <C extends HookedCommand>(command: C, contents: ReadonlyArray<string | undefined>): C => {
  if (command._tag === "EditMessage" || command._tag === "SendTransient") {
    return { ...command, content: contents[0] ?? command.content }
  }
  if (command._tag !== "SendMessages") return command
  const sent: Extract<Command, { _tag: "SendMessages" }> = command
  const messages = sent.messages.map((draft, index) => ({ ...draft, content: contents[index] ?? draft.content }))
  return { ...command, messages }
}
