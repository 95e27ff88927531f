/** A running server on a stalled terminal: it continues, and reports the number of lost lines later. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { stripVTControlCharacters } from "node:util"
import { serverBundle } from "../../../scripts/serverBundle.ts"
import { folder } from "./serverProcess.ts"

const SERVE = [await serverBundle(), "serve", "--port", "0", "--tcp-port", "off", "--database", "memory:"]

const WARNINGS = 5000

/** Preloaded by the server: on SIGUSR2, emits many Node warnings and then signals the terminal's keeper. */
const WARNING = `process.on("SIGUSR2", () => {
  for (let n = 0; n < ${WARNINGS}; n++) process.emitWarning("number " + n + " " + "x".repeat(150))
  setImmediate(() => process.kill(process.ppid, "SIGUSR1"))
})`

/** Runs the program in its arguments on a terminal, and reports on standard error. Reads keys of `KEYS`. */
const KEEPER = `
import os, pty, select, signal, sys
child, terminal = pty.fork()
if child == 0: os.execvp(sys.argv[1], sys.argv[1:])
report = lambda text: os.write(2, (text + "\\n").encode())
signal.signal(signal.SIGUSR1, lambda *_: report("warned"))
reads = True
while True:
    ready = select.select([0, terminal] if reads else [0], [], [], 0.05)[0]
    if terminal in ready:
        try: os.write(1, os.read(terminal, 65536))
        except OSError: reads = False
    if 0 in ready:
        key = os.read(0, 1)
        if key == b"": break
        elif key == b"p": reads = False
        elif key == b"r": reads = True
        elif key == b"w": os.kill(child, signal.SIGUSR2)
        elif key == b"k": os.kill(child, signal.SIGTERM)
        else: os.write(terminal, key)
        report("done")
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        try:
            while reads: os.write(1, os.read(terminal, 65536))
        except OSError: pass
        sys.exit(os.waitstatus_to_exitcode(status))
os.kill(child, signal.SIGKILL)
`

const KEYS = {
  pauseReading: "p",
  readOn: "r",
  ctrlS: "\u0013",
  ctrlQ: "\u0011",
  warn: "w",
  terminate: "k"
}

/** Starts a server on its own terminal. */
const onTerminal = Effect.gen(function* () {
  const cwd = yield* folder
  const preload = `data:text/javascript,${encodeURIComponent(WARNING)}`
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn("python3", ["-c", KEEPER, process.execPath, "--import", preload, ...SERVE], { cwd })),
    // The keeper stops its server at the end of its input.
    (one) =>
      Effect.callback<void>((resume) => {
        if (one.exitCode !== null) return resume(Effect.void)
        one.once("exit", () => resume(Effect.void)).stdin.end()
      })
  )
  let [shown, reports, code] = ["", "", undefined as number | null | undefined]
  const looks = new Set<() => void>()
  const wake = (): void => {
    for (const look of looks) look()
  }
  const text = (): string => stripVTControlCharacters(shown).replaceAll("\r\n", "\n")
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    shown += part
    wake()
  })
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    reports += part
    wake()
  })
  child.on("exit", (ended) => {
    code = ended
    wake()
  })
  const until = <A>(look: () => A | undefined) =>
    Effect.callback<A, string>((resume) => {
      const again = (): void => {
        const found = look()
        if (found !== undefined) resume(Effect.succeed(found))
        else if (code !== undefined) resume(Effect.fail(`it ended with ${code}: ${text()}${reports}`))
        else return
        looks.delete(again)
      }
      looks.add(again)
      again()
    })
  const reported = (word: string): number => reports.split(`${word}\n`).length - 1
  /** Waits for the keeper's report, and for the server's warnings if requested. */
  const press = Effect.fnUntraced(function* (key: keyof typeof KEYS) {
    const report = key === "warn" ? "warned" : "done"
    const before = reported(report)
    child.stdin.write(KEYS[key])
    yield* until(() => reported(report) > before || undefined)
  })
  const [, http = ""] = yield* until(() => /^listening (http:\S+)\n/m.exec(text()) ?? undefined)
  return {
    http,
    text,
    press,
    untilText: (wanted: string) => until(() => text().includes(wanted) || undefined),
    until,
    ended: until(() => code)
  }
})

const failLogin = (http: string, account: string) =>
  Effect.promise(async () => {
    const headers = { "content-type": "application/json" }
    const body = JSON.stringify({ account, password: "wrong" })
    const { status } = await fetch(`${http}/auth/login`, { method: "POST", headers, body })
    assert.strictEqual(status, 401)
  })

describe("a server on a terminal", () => {
  for (const [name, stop, goOn] of [
    ["is stopped by Ctrl-S", "ctrlS", "ctrlQ"],
    ["is not read", "pauseReading", "readOn"]
  ] as const) {
    it.live(`serves while the terminal ${name}, then writes the buffered lines and the number of dropped ones`, () =>
      Effect.gen(function* () {
        const { http, text, press, untilText } = yield* onTerminal
        assert.isBelow(text().indexOf("INFO: started\n"), text().indexOf("listening "))
        yield* press(stop)
        yield* press("warn")
        for (let n = 0; n < 5; n++) yield* failLogin(http, `nobody${n}`)
        assert.strictEqual((yield* Effect.promise(() => fetch(`${http}/healthz`))).status, 200)
        yield* press(goOn)
        yield* untilText("count: ")
        yield* failLogin(http, "somebody")
        yield* untilText("account: somebody\n")
        const warned = Array.from(text().matchAll(/^\(node:\d+\) Warning: number (\d+) x{150}$/gm), ([, n]) =>
          Number(n)
        )
        const failed = text().match(/^ {2}account: nobody\d$/gm) ?? []
        const dropped = Array.from(text().matchAll(/lines were dropped: .* count: (\d+)$/gm), ([, n]) => Number(n))
        assert.deepStrictEqual(
          warned,
          warned.toSorted((a, b) => a - b)
        )
        assert.isAbove(warned.length, 1000)
        assert.strictEqual(warned.length + failed.length + dropped.reduce((sum, n) => sum + n, 0), WARNINGS + 5)
      }).pipe(Effect.scoped)
    )
  }

  it.live("exits on SIGTERM while the terminal is stopped and lines are buffered", () =>
    Effect.gen(function* () {
      const { press, ended } = yield* onTerminal
      yield* press("ctrlS")
      yield* press("warn")
      yield* press("terminate")
      assert.strictEqual(yield* ended, 0)
    }).pipe(Effect.scoped)
  )

  it.live("writes its last lines before it exits", () =>
    Effect.gen(function* () {
      const { text, press, ended } = yield* onTerminal
      yield* press("terminate")
      assert.strictEqual(yield* ended, 0)
      assert.match(text(), /INFO: stopping\n {2}signal: SIGTERM\n.*INFO: stopped\n$/)
    }).pipe(Effect.scoped)
  )
})
