/** Account sources, with a hook and a child process written in another language. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Accounts, demoAccounts, fileAccounts, staticAccounts } from "../src/accounts/Accounts.ts"
import { execAccounts } from "../src/accounts/ExecAccounts.ts"
import { httpAccounts } from "../src/accounts/HttpAccounts.ts"
import { run } from "../src/run.ts"
import { signUpAccounts } from "../src/run/SignUp.ts"
import { TinyServer } from "./TinyServer.ts"

const script = join(import.meta.dirname, "fixtures/accounts.py")
const children: Array<ChildProcess> = []

/** Starts the hook and returns its address. */
const hook = (fault = ""): Promise<string> => {
  const child = spawn("python3", [script, "http", fault], { stdio: ["ignore", "pipe", "inherit"] })
  children.push(child)
  return new Promise((resolve, reject) => {
    child.once("error", reject)
    child.stdout?.once("data", (port: Buffer) => resolve(`http://127.0.0.1:${port.toString().trim()}/__conformance`))
  })
}

let server: TinyServer
beforeAll(async () => {
  server = await new TinyServer().listen()
})
afterAll(async () => {
  for (const child of children) child.kill()
  await server[Symbol.asyncDispose]()
})

const actorsOf = (source: Accounts, ...names: ReadonlyArray<string>) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(source, (provider) =>
        Effect.forEach(names, (name) => provider.actor(name, name === "admin" ? "admin" : "user"))
      )
    )
  )

const refusal = (source: Accounts): Promise<string> =>
  Effect.runPromise(Effect.scoped(Effect.flip(Effect.flatMap(source, ({ actor }) => actor("alice", "user"))))).then(
    ({ message }) => message
  )

const token = "token-of-alice-0123456789"
const alice = { id: 3, account: "alice", password: "123456", token }

describe("accounts given by hand", () => {
  it("take precedence over the demo accounts, which replace missing ones", async () => {
    const source = staticAccounts({ alice: { account: "Alice", password: "pw" } })
    expect(await actorsOf(source, "alice", "bob")).toEqual([{ account: "Alice", password: "pw" }, demoAccounts["bob"]])
    await expect(actorsOf(source, "nobody")).rejects.toThrow("no account for the role nobody")
  })

  it("come from a file, and faults name it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kit-"))
    const file = join(folder, "accounts.json")
    writeFileSync(file, JSON.stringify({ accounts: { alice } }))
    expect(await actorsOf(fileAccounts(file), "alice")).toEqual([alice])
    writeFileSync(file, JSON.stringify({ accounts: { alice: { password: "pw" } } }))
    expect(await refusal(fileAccounts(file))).toMatch(/accounts\.json: .*\["alice"\]\["account"\]/s)
    expect(await refusal(fileAccounts(join(folder, "none.json")))).toContain("none.json")
  })
})

const sources: ReadonlyArray<readonly [string, (fault?: string) => Promise<Accounts>]> = [
  ["an HTTP hook", async (fault) => httpAccounts(await hook(fault), { timeout: fault === "hangs" ? 300 : 10_000 })],
  [
    "a child process",
    (fault = "") =>
      Promise.resolve(execAccounts(["python3", script, "lines", fault], { timeout: fault === "hangs" ? 300 : 10_000 }))
  ]
]

describe.each(sources)("accounts from %s in Python", (name, open) => {
  it("are the returned ones", async () => {
    const [first, second] = await actorsOf(await open(), "alice", "admin")
    expect(first).toEqual(alice)
    expect(second).toMatchObject({ id: 1, account: "admin" })
  })

  it("are preceded by a reset if wanted, and tokens expire", async () => {
    const source = name.includes("HTTP")
      ? httpAccounts(await hook(), { reset: true })
      : execAccounts(["python3", script, "lines"], { reset: true })
    await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(source, (provider) =>
          Effect.all([provider.reset ?? Effect.die("no reset"), provider.expiry?.("t") ?? Effect.die("no expiry")])
        )
      )
    )
    const plain = await Effect.runPromise(Effect.scoped(await open()))
    expect(plain.reset).toBeUndefined()
  })

  it("that it refuses fail with NotPrepared and its message", async () => {
    expect(await refusal(await open("refuses"))).toContain("no such role: alice")
  })

  it("that lack a field fail with the field's name", async () => {
    expect(await refusal(await open("half"))).toMatch(/\["account"\]/)
  })

  it("fail after the timeout", async () => {
    expect(await refusal(await open("hangs"))).toContain("no response within 300 ms")
  })

  it("are bounded in size", async () => {
    expect(await refusal(await open("floods"))).toMatch(/more than \d+ (bytes|characters)/)
  })
})

describe("a child process", () => {
  it("that exits fails with its standard error", async () => {
    expect(await refusal(execAccounts(["python3", script, "lines", "dies"]))).toContain("the database is locked")
    expect(await refusal(execAccounts(["/no/such/program"]))).toContain("ENOENT")
  })

  it("that writes malformed JSON fails with the line", async () => {
    expect(await refusal(execAccounts(["python3", script, "lines", "garbage"]))).toContain("Traceback")
  })

  it("may be a shell command line", async () => {
    expect(await actorsOf(execAccounts(`python3 '${script}' lines`), "alice")).toEqual([alice])
  })
})

describe("a run", () => {
  const options = (accounts: Accounts) => ({
    target: { http: server.http, ws: server.ws },
    protocol: "xuanxuan",
    only: "xuanxuan/create/group",
    profile: "all" as const,
    timing: { reply: 500 },
    accounts
  })

  it("uses the accounts of its source", async () => {
    server.fault = "none"
    const report = await run(options(execAccounts(["python3", script, "lines"])))
    expect(report).toMatchObject({ failed: 0, notTestable: 0 })
    expect(JSON.stringify(report)).not.toContain(token)
  })

  it("requests each role once, after the reset", async () => {
    const asked: Array<string> = []
    const source: Accounts = Effect.succeed({
      actor: (name, role) => Effect.sync(() => (asked.push(`${name} ${role}`), { account: name, password: "123456" })),
      reset: Effect.sync(() => void asked.push("reset"))
    })
    await run({ ...options(source), only: ["xuanxuan/create/group", "xuanxuan/create/twice"] })
    expect(asked[0]).toBe("reset")
    expect(asked.slice(1).toSorted()).toEqual(["alice user", "bob user", "carol user"])
  })

  it("fails without its accounts", async () => {
    const refused = run(options(execAccounts(["python3", script, "lines", "refuses"])))
    await expect(refused).rejects.toMatchObject({ _tag: "NotPrepared" })
  })

  it("signs up only if the protocol defines it", async () => {
    const source = signUpAccounts({ target: { http: server.http, ws: server.ws }, protocol: "xuanxuan" })
    await expect(run(options(source))).rejects.toMatchObject({
      message: expect.stringContaining("does not define sign-up")
    })
  })
})
