/** A server in another language, without shared code, passes by following the guide. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const main = join(import.meta.dirname, "../src/main.ts")
const source = join(import.meta.dirname, "../../../examples/python-server/server.py")

const folder = mkdtempSync(join(tmpdir(), "parley-python-"))
const started: Array<ChildProcess> = []

/** Starts a Python program that prints its address as `listening http://…`. */
const serve = (file: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn("python3", [file, "--port", "0"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
    started.push(child)
    let [out, err] = ["", ""]
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text
      const url = /^listening (http:\S+)$/m.exec(out)?.[1]
      if (url !== undefined) resolve(url)
    })
    child.on("error", reject)
    child.on("exit", (code) => reject(new Error(`ended with ${code}: ${err}`)))
  })

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

  it("imports nothing but Python's standard library", () => {
    const imported = [...readFileSync(source, "utf8").matchAll(/^(?:import|from) (\w+)/gm)].map(([, name]) => name)
    const standard = ["argparse", "hashlib", "http", "json", "re", "secrets", "threading", "urllib"]
    expect(imported.toSorted()).toEqual(standard)
  })
})
