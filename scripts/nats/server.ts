/** A NATS server of its own, in a temporary folder, for tests and benchmarks. */
import { type ChildProcess, spawn } from "node:child_process"
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"

/** Milliseconds until a server must accept connections. */
const TIMEOUT = 30_000
const READY = /Server is ready/

/** Ends the server when standard input ends, which it also does when the process of the tests dies. Prints its process id first. */
const WATCHDOG =
  '"$@" </dev/null & server=$!; echo $server; cat >/dev/null; kill -KILL $server 2>/dev/null; wait $server'

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const program = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/bin"]
  .map((folder) => join(folder, "nats-server"))
  .find(isExecutable)

/** One sentence about what is missing to start a server, or undefined. */
export const missingNats: string | undefined =
  program === undefined
    ? "nats-server is not installed: these tests need Debian's package nats-server (apt-get install nats-server)"
    : undefined

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** A server, which can be killed and started again on its port. */
export class NatsServer {
  readonly port: number
  readonly #folder: string
  #process: ChildProcess | undefined
  #pid = 0

  constructor(folder: string, port: number) {
    this.#folder = folder
    this.port = port
  }

  /** URL of the server, with `login` (`user:password`) if it is given. */
  url(login = ""): string {
    return `nats://${login === "" ? "" : `${login}@`}127.0.0.1:${this.port}`
  }

  /** Starts the server; `configuration` replaces the earlier one, in NATS's format. Fails with its last lines. */
  start(configuration?: string): Promise<void> {
    if (program === undefined) return Promise.reject(new Error(missingNats))
    const file = join(this.#folder, "nats.conf")
    if (configuration !== undefined) writeFileSync(file, configuration)
    const command = [program, "-a", "127.0.0.1", "-p", String(this.port), "-c", file]
    const child = spawn("/bin/sh", ["-c", WATCHDOG, "nats", ...command], { stdio: ["pipe", "pipe", "pipe"] })
    this.#process = child
    child.stdout.setEncoding("utf8").once("data", (text: string) => (this.#pid = Number(text)))
    return new Promise((resolve, reject) => {
      let output = ""
      const timer = setTimeout(() => fail("did not start in time"), TIMEOUT)
      const fail = (problem: string): void => {
        clearTimeout(timer)
        child.stdin.end()
        reject(new Error(`nats-server ${problem}:\n${output.split("\n").slice(-15).join("\n")}`))
      }
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-10_000)
        if (!READY.test(output)) return
        clearTimeout(timer)
        resolve()
      })
      child.once("error", (cause) => fail(cause.message))
      child.once("exit", () => fail("ended"))
    })
  }

  /** Stops the server's process, without closing its connections, until `resume`. */
  pause(): void {
    process.kill(this.#pid, "SIGSTOP")
  }

  resume(): void {
    process.kill(this.#pid, "SIGCONT")
  }

  /** Ends the server by SIGKILL, and waits until it has ended. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    this.#process = undefined
    const ended = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve()
      else child.once("exit", () => resolve())
    })
    child.stdin?.end()
    await ended
  }

  /** Ends the server and removes its files. */
  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Returns a server that is not started. */
export const makeNats = async (): Promise<NatsServer> =>
  new NatsServer(mkdtempSync(join(tmpdir(), "parley-nats-")), await freePort())

/** Starts a server with this configuration, in NATS's format. */
export const startNats = async (configuration = ""): Promise<NatsServer> => {
  for (let attempt = 1; ; attempt++) {
    const server = await makeNats()
    try {
      await server.start(configuration)
      return server
    } catch (cause) {
      // Another process may have taken the port in the meantime.
      await server.remove()
      if (attempt === 3 || program === undefined) throw cause
    }
  }
}
