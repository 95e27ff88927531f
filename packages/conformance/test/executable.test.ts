/** The single executable, in the full run only: it is built in about 10 s and has 150 MB. */
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { isFull } from "../../../scripts/repetitions.ts"
import { writeExecutable } from "../scripts/executable.ts"
import { TinyServer } from "./TinyServer.ts"

const exec = promisify(execFile)

describe.runIf(isFull)("the single executable, in the full run", () => {
  const folder = mkdtempSync(join(tmpdir(), "kit-"))
  const file = join(folder, "parley-conformance")
  const temporary = mkdtempSync(join(tmpdir(), "kit-"))
  let server: TinyServer
  beforeAll(async () => {
    server = await new TinyServer().listen()
    await writeExecutable(file)
  }, 300_000)
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
    rmSync(temporary, { recursive: true })
  })

  /** Runs it far from this repository, without Node on its path. */
  const call = (...args: ReadonlyArray<string>) =>
    exec(file, args, { cwd: temporary, env: { PATH: "/nonexistent", TMPDIR: temporary }, maxBuffer: 8 * 1024 * 1024 })

  it("has all scenarios and requirements", async () => {
    const { stdout } = await call("list", "--json")
    expect(JSON.parse(stdout).length).toBeGreaterThan(250)
    expect((await call("coverage", "--protocol", "youdu")).stdout).toMatch(/^ {2}requirements /m)
    expect((await call("explain", "spark.session-id")).stdout).toContain("Reading spark.session-id")
  }, 120_000)

  it("tests a server over WebSocket and HTTP, and removes what it unpacked", async () => {
    const only = ["--profile", "all", "--only", "xuanxuan/create/group", "--only", "xuanxuan/config/get"]
    const { stdout } = await call("run", "--protocol", "xuanxuan", "--url", server.http, ...only)
    expect(stdout).toMatch(/^ok +xuanxuan\/create\/group /m)
    expect(stdout).toMatch(/^ok +xuanxuan\/config\/get /m)
    expect(readdirSync(temporary)).toEqual([])
  }, 120_000)

  it("ends with the usual exit codes", async () => {
    await expect(call("run")).rejects.toMatchObject({ code: 2 })
    const nowhere = call("run", "--protocol", "spark", "--url", "http://127.0.0.1:1")
    await expect(nowhere).rejects.toMatchObject({ code: 3 })
  }, 120_000)
})
