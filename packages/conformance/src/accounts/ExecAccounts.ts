/** Accounts from a child process in any language, by JSON lines on its standard input and output. */
import { type ChildProcess, spawn } from "node:child_process"
import * as Effect from "effect/Effect"
import type * as EffectScope from "effect/Scope"
import { accountFrom, type Accounts, NotPrepared } from "./Accounts.ts"
import { field, isObject, type Json, parse, printable } from "../Json.ts"

/** The timeout of one response, in milliseconds. */
const timeout = 10_000
/** Milliseconds that the process may take to exit after its input has ended. */
const exitTimeout = 1_000
/** The largest output line, and the part of its standard error that is kept; in characters. */
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
    // A separate process group, so that the shell's children are killed with it.
    const options = { shell: typeof command === "string", detached: process.platform !== "win32" } as const
    this.child = spawn(program, args, { ...options, stdio: ["pipe", "pipe", "pipe"] })
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.read(text))
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors = (this.errors + text).slice(-mostErrors)
    })
    this.child.stdin?.on("error", () => undefined)
    this.child.on("error", (error) => this.end(error.message))
    this.child.on("close", (code) => this.end(`ended with ${code ?? "a signal"}`))
  }

  /** The reason why no further response can arrive. */
  get fault(): string | undefined {
    return this.ended === undefined ? undefined : `${this.ended}${this.errors === "" ? "" : `: ${this.errors.trim()}`}`
  }

  /** Calls back with the next line, or with an empty one if the process has ended. */
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
      const timer = setTimeout(() => this.kill(), exitTimeout)
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
    this.end(`wrote more than ${longestLine} characters without a line end`)
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
      if (line === "") resume(Effect.fail(failed(child.fault ?? "no response")))
      else if (!isObject(value)) resume(Effect.fail(failed(`not a JSON object: ${printable(line, 200)}`)))
      else if (error !== undefined) resume(Effect.fail(failed(`returned the error ${JSON.stringify(error)}`)))
      else resume(Effect.succeed(value))
    })
    return Effect.sync(give)
  }).pipe(
    Effect.timeoutOrElse({
      duration: time,
      orElse: () => Effect.fail(failed(`no response within ${time} ms`))
    })
  )
}

/**
 * Accounts from a command, as words or as a shell command line. It reads requests as JSON lines and writes one line for
 * each, in order:
 *
 * - `{"ask": "actor", "name": "alice", "role": "user"}` → `{"id": 3, "account": "…", "password": "…", "token": "…"}`
 * - `{"ask": "reset"}` → `{}`, before the first actor, if `reset` is on
 * - `{"ask": "expire", "token": "…"}` → `{}`
 *
 * `{"error": "why"}` means that the target is not prepared, or for `expire` that it is not supported. The run closes its
 * input at the end. Its standard error is shown if it fails.
 */
export const execAccounts = (
  command: string | ReadonlyArray<string>,
  options?: { readonly reset?: boolean; readonly timeout?: number }
): Accounts => {
  const time = options?.timeout ?? timeout
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
