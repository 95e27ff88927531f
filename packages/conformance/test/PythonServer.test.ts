/** Servers in another language, without shared code, pass by following the guide. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { isFull } from "../../../scripts/repetitions.ts"
import { lines, type Options, run, type Target } from "../src/index.ts"

const main = join(import.meta.dirname, "../src/main.ts")
const examples = join(import.meta.dirname, "../../../examples/python-server")
const source = join(examples, "server.py")

const folder = mkdtempSync(join(tmpdir(), "parley-python-"))
const started: Array<ChildProcess> = []

/** Starts a Python program that prints its address as `listening http://…`, and before it one of raw TCP. */
const open = (file: string): Promise<Target> =>
  new Promise((resolve, reject) => {
    const child = spawn("python3", ["-B", file, "--port", "0"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
    started.push(child)
    let [out, err] = ["", ""]
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text
      const http = /^listening (http:\S+)$/m.exec(out)?.[1]
      const tcp = /^raw (tcp:\S+)$/m.exec(out)?.[1]
      if (http !== undefined)
        resolve({ http, ws: `${http.replace("http", "ws")}/ws`, ...(tcp !== undefined && { tcp }) })
    })
    child.on("error", reject)
    child.on("exit", (code) => reject(new Error(`ended with ${code}: ${err}`)))
  })

const serve = async (file: string): Promise<string> => (await open(file)).http

const kit = (...args: ReadonlyArray<string>): Promise<{ code: number; out: string }> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...args], { cwd: folder, timeout: 50_000 }, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, out: out + err })
    })
  })

let url = ""
beforeAll(async () => {
  url = await serve(source)
})
afterAll(async () => {
  const ended = started.map((child) => new Promise((done) => child.once("exit", done)))
  for (const child of started) child.kill("SIGKILL")
  await Promise.all(ended)
  rmSync(folder, { recursive: true, force: true })
})

describe("a server with Python's standard library alone", () => {
  it("is configured, ready, and passes the profile documented", async () => {
    const init = await kit("init", "--protocol", "ha", "--url", url)
    expect(init).toMatchObject({ code: 0 })
    const doctor = await kit("doctor")
    expect(doctor).toMatchObject({ code: 0 })
    const run = await kit("run")
    expect(run).toMatchObject({ code: 0 })
    expect(run.out).toMatch(
      /profile documented\): [1-9]\d+ passed, 0 failed, 0 not testable, 1 scenario not applicable/
    )
    // The demo accounts log in by password, and their sessions cannot be expired.
    expect(run.out).toMatch(/^n\/a {3}ha\/session\/expired .*\n {4}the account source cannot expire tokens$/m)
  })

  it("passes the profile all under --strict", async () => {
    const run = await kit("run", "--protocol", "ha", "--url", url, "--profile", "all", "--strict")
    expect(run).toMatchObject({ code: 0 })
    expect(run.out).not.toMatch(/^(warn|FAIL)/m)
  })

  it("fails with the fault that its page describes", async () => {
    const text = readFileSync(source, "utf8")
    const wrong = text.replace("sorted(str(one) for one in found.users)", "sorted(found.users)")
    expect(wrong).not.toBe(text)
    const file = join(folder, "wrong.py")
    writeFileSync(file, wrong)
    const { code, out } = await kit("run", "--protocol", "ha", "--url", await serve(file), "--timeout", "2000")
    expect(code).toBe(1)
    expect(out).toContain("fail  ha/conversation/documented#conversation")
  })
})

/** The number of passed checks, and the text of the scenarios that do not pass. */
const outcomeOf = async (options: Options): Promise<{ passed: number; failures: ReadonlyArray<string> }> => {
  // The machine may be busy, and nothing waits for these timeouts.
  const { passed, scenarios } = await run({ ...options, timing: { reply: 30_000, close: 30_000, ...options.timing } })
  const failed = scenarios.filter(({ verdict }) => !["pass", "not-applicable"].includes(verdict))
  return { passed, failures: failed.flatMap((result) => lines(result)) }
}

/** Profiles that the servers pass: in `npx pnpm test` the one of the documents. */
const profiles = isFull ? (["documented", "hardening"] as const) : (["documented"] as const)

describe.concurrent("the servers of several files", { timeout: 240_000 }, () => {
  it.for(profiles)("spark passes the profile %s", async (profile, { expect }) => {
    const target = await open(join(examples, "spark/server.py"))
    const { passed, failures } = await outcomeOf({ protocol: "spark", target, profile })
    expect(failures).toEqual([])
    expect(passed).toBeGreaterThan(50)
  })

  it.for(profiles)("xuanxuan passes the profile %s over WebSocket", async (profile, { expect }) => {
    const target = await open(join(examples, "xuanxuan/server.py"))
    const { passed, failures } = await outcomeOf({ protocol: "xuanxuan", target, profile })
    expect(failures).toEqual([])
    expect(passed).toBeGreaterThan(100)
  })

  it.runIf(isFull).for(profiles)("xuanxuan passes the profile %s over raw TCP", async (profile, { expect }) => {
    const target = await open(join(examples, "xuanxuan/server.py"))
    const { passed, failures } = await outcomeOf({ protocol: "xuanxuan", target, profile, transport: "tcp" })
    expect(failures).toEqual([])
    expect(passed).toBeGreaterThan(100)
  })

  it.for([
    {
      example: "spark",
      file: "sessions.py",
      right: '",".join(members)',
      wrong: '"".join(members)',
      only: "spark/start/new",
      check: "spark/start/new#response"
    },
    {
      example: "xuanxuan",
      file: "messages.py",
      right: "chat.messages[::-1]",
      wrong: "list(chat.messages)",
      only: "xuanxuan/history/*",
      check: "xuanxuan/history/"
    }
  ])("a fault of $example fails $check", async ({ example, file, right, wrong, only, check }, { expect }) => {
    const copy = join(folder, example)
    cpSync(join(examples, example), copy, { recursive: true })
    const text = readFileSync(join(copy, file), "utf8")
    expect(text.split(right)).toHaveLength(2)
    writeFileSync(join(copy, file), text.replace(right, wrong))
    const target = await open(join(copy, "server.py"))
    const { failures } = await outcomeOf({ protocol: example, target, only, profile: "all" })
    expect(failures.join("\n")).toMatch(new RegExp(`^ *fail +${check}`, "m"))
  })
})

describe("the example servers", () => {
  it.for([
    { name: "ha", files: "server.py" },
    { name: "spark", files: "spark/*.py" },
    { name: "xuanxuan", files: "xuanxuan/*.py" }
  ])("$name imports nothing but its own files and Python's standard library", async ({ files }) => {
    const found = globSync(files, { cwd: examples })
    const own = new Set(found.map((file) => basename(file, ".py")))
    const imported = found.flatMap((file) =>
      [...readFileSync(join(examples, file), "utf8").matchAll(/^(?:import|from) (\w+)/gm)].map(([, name]) => name ?? "")
    )
    const others = [...new Set(imported)].filter((name) => !own.has(name))
    const list = "import sys; print(*sys.stdlib_module_names)"
    const { stdout } = await promisify(execFile)("python3", ["-c", list])
    expect(others.filter((name) => !stdout.split(/\s/).includes(name))).toEqual([])
    expect(others.length).toBeGreaterThan(0)
  })
})
