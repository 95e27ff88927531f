/** A PostgreSQL server of its own, in a temporary folder, for tests and benchmarks. */
import { execFile, spawn } from "node:child_process"
import { chmodSync, chownSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { platform, tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { promisify } from "node:util"
import { freePort } from "../freePort.ts"
import { isPublic, type PostgresPrograms, type PostgresVersion, programsOf, unprivilegedIds } from "./binaries.ts"

const run = promisify(execFile)

/** Milliseconds until a server must accept connections, or have ended. */
const TIMEOUT = 30_000
const READY = /database system is ready to accept (?:read-only )?connections/

/** Its own failure, and not the refusal of a client that connects early. */
const FAILURE = /FATAL: {2}(?!the database system is|terminating)|database system is shut down/

/** A role that must log in with `PASSWORD`; all others need no password. */
export const PASSWORD_ROLE = "with_password"
export const PASSWORD = "correct horse"

/** The files are for tests that kill processes, not the machine: nothing is flushed to the disk. */
const SETTINGS = [
  "fsync=off",
  "full_page_writes=off",
  "max_connections=200",
  "shared_buffers=64MB",
  "listen_addresses=127.0.0.1",
  "unix_socket_directories="
]

/** Ends the server when standard input ends, which it also does when the process of the tests dies. */
const WATCHDOG = '"$@" </dev/null & server=$!; cat >/dev/null; kill -INT $server 2>/dev/null; wait $server'

/** The members of a child process that are used here. */
interface Child {
  readonly exitCode: number | null
  readonly signalCode: string | null
  readonly stdin: { readonly end: () => void } | null
  readonly kill: () => boolean
  readonly once: (event: "exit", listener: () => void) => unknown
}

/** A running server, which can be killed and started again. */
export class PostgresCluster {
  readonly port: number
  readonly #folder: string
  readonly #programs: PostgresPrograms
  readonly #settings: ReadonlyArray<string>
  #process: Child | undefined

  constructor(folder: string, programs: PostgresPrograms, port: number, settings: ReadonlyArray<string>) {
    this.#folder = folder
    this.#programs = programs
    this.port = port
    this.#settings = settings
  }

  /** The data folder. */
  get data(): string {
    return join(this.#folder, "data")
  }

  url(database: string, role = "postgres"): string {
    return `postgres://${role}@127.0.0.1:${this.port}/${database}`
  }

  /** Starts the server; fails with its last lines if it does not start. After a kill its processes may take a moment to end. */
  async start(): Promise<void> {
    for (const deadline = performance.now() + TIMEOUT; ;) {
      try {
        return await this.#launch()
      } catch (cause) {
        if (!String(cause).includes("pre-existing shared memory block") || performance.now() > deadline) throw cause
        await setTimeout(50)
      }
    }
  }

  #launch(): Promise<void> {
    const options = [...SETTINGS, ...this.#settings].flatMap((setting) => ["-c", setting])
    const command = [this.#programs.postgres, "-D", this.data, "-p", String(this.port), ...options]
    const [program = "", ...values] =
      platform() === "win32" ? command : ["/bin/sh", "-c", WATCHDOG, "postgres", ...command]
    const child = spawn(program, values, { ...unprivilegedIds(), stdio: ["pipe", "ignore", "pipe"], cwd: this.#folder })
    this.#process = child
    return new Promise((resolve, reject) => {
      let output = ""
      let isStarting = true
      const timer = globalThis.setTimeout(() => fail("did not start in time"), TIMEOUT)
      const fail = (problem: string): void => {
        if (!isStarting) return
        isStarting = false
        clearTimeout(timer)
        child.stdin?.end()
        reject(new Error(`PostgreSQL ${problem}:\n${output.split("\n").slice(-15).join("\n")}`))
      }
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        if (!isStarting) return
        output += text
        if (READY.test(output)) {
          isStarting = false
          clearTimeout(timer)
          resolve()
        } else if (FAILURE.test(output)) fail("failed")
      })
      child.once("error", (cause) => fail(cause.message))
      child.once("exit", () => fail("ended"))
    })
  }

  /** Process id of the server. */
  get pid(): number {
    return Number(readFileSync(join(this.data, "postmaster.pid"), "utf8").split("\n", 1)[0])
  }

  /** Ends the server by SIGKILL, as a crash does, and waits until all its processes have ended. */
  async kill(): Promise<void> {
    process.kill(this.pid, "SIGKILL")
    await this.#end()
  }

  /** Ends the server, and waits until it has. */
  async stop(): Promise<void> {
    await this.#end()
  }

  async #end(): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    this.#process = undefined
    const ended = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve()
      else child.once("exit", () => resolve())
    })
    child.stdin?.end()
    if (platform() === "win32") child.kill()
    await ended
  }

  /**
   * Starts a standby with a copy of this server's data. It replicates this server until it is promoted
   * (`SELECT pg_promote()`). This server is stopped meanwhile.
   */
  async startStandby(): Promise<PostgresCluster> {
    await this.stop()
    const folder = await newFolder(this.#programs)
    await run("cp", ["-a", this.data, folder.path])
    writeFileSync(join(folder.path, "data", "standby.signal"), "")
    await this.start()
    const primary = `primary_conninfo=host=127.0.0.1 port=${this.port} user=postgres`
    // The replay waits for queries. Otherwise it would cancel them, even that of the promotion.
    const settings = [...this.#settings, primary, "max_standby_streaming_delay=-1"]
    const standby = new PostgresCluster(folder.path, folder.programs, await freePort(), settings)
    await standby.start()
    return standby
  }

  /** Ends the server and removes its files. */
  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Creates a folder that PostgreSQL can use, and puts the programs into it if it cannot reach them. */
const newFolder = async (
  found: PostgresPrograms
): Promise<{ readonly path: string; readonly programs: PostgresPrograms }> => {
  const path = mkdtempSync(join(tmpdir(), "parley-postgres-"))
  const ids = unprivilegedIds()
  if (ids === undefined) return { path, programs: found }
  chownSync(path, ids.uid, ids.gid)
  chmodSync(path, 0o700)
  if (isPublic(found.root)) return { path, programs: found }
  const root = join(path, "programs")
  cpSync(found.root, root, { recursive: true, verbatimSymlinks: true })
  return { path, programs: { root, initdb: join(root, "bin", "initdb"), postgres: join(root, "bin", "postgres") } }
}

/** Creates and starts a server of this version, with further `settings` (`name=value`). */
export const startCluster = async (
  version: PostgresVersion,
  settings: ReadonlyArray<string> = []
): Promise<PostgresCluster> => {
  const found = programsOf(version)
  if (typeof found === "string") throw new Error(found)
  const { path: folder, programs } = await newFolder(found)
  const ids = unprivilegedIds()
  try {
    const data = join(folder, "data")
    const flags = ["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"]
    await run(programs.initdb, [`--pgdata=${data}`, ...flags], { ...ids, cwd: folder })
    const access = [
      `host all ${PASSWORD_ROLE} all scram-sha-256`,
      "host all all 127.0.0.1/32 trust",
      "host replication all 127.0.0.1/32 trust"
    ]
    writeFileSync(join(data, "pg_hba.conf"), `${access.join("\n")}\n`)
    for (let attempt = 1; ; attempt++) {
      const cluster = new PostgresCluster(folder, programs, await freePort(), settings)
      try {
        await cluster.start()
        return cluster
      } catch (cause) {
        // Another process may have taken the port in the meantime.
        await cluster.stop()
        if (attempt === 3) throw cause
      }
    }
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    throw cause
  }
}
