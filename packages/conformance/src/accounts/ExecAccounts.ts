/** Accounts from a child process in any language: one JSON text on each line, in and out. */
import { type ChildProcess, spawn } from "node:child_process"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { accountFrom, type Accounts, NotPrepared } from "./Accounts.ts"
import { field, isObject, type Json, parse, printable } from "../Json.ts"

/** How long the child may take for one answer, in milliseconds. */
const patience = 10_000
/** How long it may take to end once its input has ended. */
const politeness = 1_000
/** Of its output without the end of a line, and of its errors that are kept; characters. */
const longestLine = 64 * 1024
const mostErrors = 2_000

type Settle = (line: string) => void

class Child {
  private readonly child: ChildProcess
  private readonly waiting: Array<Settle> = []
  private rest = ""
  private errors = ""
  private ended: string | undefined

  constructor(command: string | ReadonlyArray<string>) {
    const [program = "", ...args] = typeof command === "string" ? [command] : command
    // A group of its own, so that what a shell starts ends with it.
    const options = { shell: typeof command === "string", detached: process.platform !== "win32" } as const
    this.child = spawn(program, args, { ...options, stdio: ["pipe", "pipe", "pipe"] })
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.read(text))
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors = (this.errors + text).slice(-mostErrors)
    })
    this.child.stdin?.on("error", () => undefined)
    this.child.on("error", (error) => this.end(error.message))
    this.child.on("close", (code) => this.end(`it ended with ${code ?? "a signal"}`))
  }

  /** Why no answer can come any more. */
  get fault(): string | undefined {
    return this.ended === undefined ? undefined : `${this.ended}${this.errors === "" ? "" : `: ${this.errors.trim()}`}`
  }

  /** Calls back with the next line, or with an empty one when there will be none. */
  ask(message: object, settle: Settle): () => void {
    if (this.ended !== undefined) settle("")
    else {
      this.waiting.push(settle)
      this.child.stdin?.write(`${JSON.stringify(message)}\n`)
    }
    return () => this.kill()
  }

  kill(): void {
    const { pid } = this.child
    if (pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return
    try {
      process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL")
    } catch {
      this.child.kill("SIGKILL")
    }
  }

  leave(): Promise<void> {
    return new Promise((resolve) => {
      if (this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null)
        return resolve()
      const timer = setTimeout(() => this.kill(), politeness)
      this.child.once("close", () => {
        clearTimeout(timer)
        resolve()
      })
      this.child.stdin?.end()
    })
  }

  private read(text: string): void {
    const lines = (this.rest + text).split("\n")
    this.rest = lines.pop() ?? ""
    for (const line of lines) if (line.trim() !== "") this.waiting.shift()?.(line)
    if (this.rest.length <= longestLine) return
    this.rest = ""
    this.end(`it wrote more than ${longestLine} characters without the end of a line`)
    this.kill()
  }

  private end(why: string): void {
    this.ended ??= why
    for (const settle of this.waiting.splice(0)) settle("")
  }
}

const asked = (child: Child, name: string, message: object, time: number): Effect.Effect<Json, NotPrepared> => {
  const failed = (why: string) => new NotPrepared({ message: `${name}: ${why}` })
  return Effect.callback<Json, NotPrepared>((resume) => {
    const give = child.ask(message, (line) => {
      const value = parse(line)
      const error = isObject(value) ? field(value, "error") : undefined
      if (line === "") resume(Effect.fail(failed(child.fault ?? "no answer")))
      else if (!isObject(value)) resume(Effect.fail(failed(`no JSON object: ${printable(line, 200)}`)))
      else if (error !== undefined) resume(Effect.fail(failed(`answered the error ${JSON.stringify(error)}`)))
      else resume(Effect.succeed(value))
    })
    return Effect.sync(give)
  }).pipe(
    Effect.timeoutOrElse({
      duration: time,
      orElse: () => Effect.fail(failed(`no answer within ${time} ms`))
    })
  )
}

/**
 * A command, as words or as a line for the shell, that answers each line with one line, in order:
 *
 * - `{"ask": "actor", "name": "alice", "role": "user"}` → `{"id": 3, "account": "…", "password": "…", "token": "…"}`
 * - `{"ask": "reset"}` → `{}`, before the first actor, where `reset` is on
 * - `{"ask": "expire", "token": "…"}` → `{}`
 *
 * `{"error": "why"}` means that the target is not prepared, or with `expire` that it cannot. Its input ends with the run; what it writes to stderr is shown
 * where it fails.
 */
export const execAccounts = (
  command: string | ReadonlyArray<string>,
  options?: { readonly reset?: boolean; readonly patience?: number }
): Accounts => {
  const time = options?.patience ?? patience
  const name = typeof command === "string" ? command : command.join(" ")
  const opened: Effect.Effect<Child, NotPrepared, EffectScope.Scope> = Effect.acquireRelease(
    Effect.try({
      try: () => new Child(command),
      catch: (cause) =>
        new NotPrepared({ message: `${name}: ${cause instanceof Error ? cause.message : String(cause)}` })
    }),
    (child) => Effect.promise(() => child.leave())
  )
  return opened.pipe(
    Effect.map((child) => {
      const ask = (message: object) => asked(child, name, message, time)
      return {
        actor: (actor, role) =>
          ask({ ask: "actor", name: actor, role }).pipe(Effect.flatMap((answer) => accountFrom(answer, name))),
        ...(options?.reset === true ? { reset: Effect.asVoid(ask({ ask: "reset" })) } : {}),
        expiry: (token) => Effect.asVoid(ask({ ask: "expire", token }))
      }
    })
  )
}
