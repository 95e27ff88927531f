/** Every command: output, files and exit code. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { program } from "../src/cli/Program.ts"
import { painted } from "../src/report/Paint.ts"
import { hostIn, type Watched } from "./Host.ts"
import { type Fault, TinyServer } from "./TinyServer.ts"

let server: TinyServer
let folder = ""
beforeAll(async () => {
  server = await new TinyServer().listen()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(() => {
  server.fault = "none"
  folder = mkdtempSync(join(tmpdir(), "kit-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
  readonly drawn: string
}

const call = async (args: ReadonlyArray<string>, more?: Parameters<typeof hostIn>[1]): Promise<Ended> => {
  const { host, out, err, drawn }: Watched = hostIn(folder, more)
  const code = await program(args, host)
  return { code, out: out.join("\n"), err: err.join("\n"), drawn: drawn.join("") }
}

const group = "xuanxuan/create/group"
const at = (...more: ReadonlyArray<string>) => [
  "--protocol",
  "xuanxuan",
  "--url",
  server.http,
  "--timeout",
  "300",
  ...more
]
const json = (name: string): { readonly [key: string]: unknown } => JSON.parse(readFileSync(join(folder, name), "utf8"))
const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value))

describe("help", () => {
  it("exists for the program and every command, with exit code 0", async () => {
    const overview = await call(["--help"])
    expect(overview.code).toBe(0)
    const names = ["run", "init", "doctor", "list", "explain", "replay", "baseline", "coverage", "badge"]
    for (const name of names) {
      expect(overview.out).toMatch(new RegExp(`^  ${name} `, "m"))
      const one = await call([name, "--help"])
      expect(one).toMatchObject({ code: 0, err: "" })
      expect(one.out).toContain(`Usage: parley-conformance ${name}`)
      for (const line of one.out.split("\n").filter((text) => text.startsWith("  --")))
        expect(line).toMatch(/ {2,}\S+$|\S /)
    }
  })

  it("follows the message of a usage error", async () => {
    expect(await call([])).toMatchObject({ code: 2, out: "" })
    expect((await call(["walk"])).err).toContain("unknown command walk")
    expect((await call(["run", "--no-such-flag"])).err).toContain("--no-such-flag")
    expect((await call(["explain"])).err).toContain("explain takes <check, requirement, rule or reading>")
  })
})

describe("run", () => {
  it("draws a status line on a terminal, and keeps only scenarios that did not pass", async () => {
    server.fault = "text-id"
    const only = ["--profile", "all", "--only", group, "--only", "xuanxuan/session/ping"]
    const { code, out, drawn } = await call(["run", ...at(...only)], { columns: 60, paint: painted })
    expect(code).toBe(1)
    expect(drawn).toContain("\r\u001b[K0/2  xuanxuan/create/group")
    expect(drawn).toContain("1/2  1 failed  xuanxuan/session/ping")
    expect(out).toContain("\u001b[31mFAIL\u001b[39m  xuanxuan/create/group")
    expect(out).not.toContain("xuanxuan/session/ping")
    const narrow = await call(["run", ...at(...only)], { columns: 20 })
    expect(narrow.drawn).toContain("0/2  xuanxuan/creat\r")
  })

  it("writes every report format without secrets", async () => {
    server.fault = "text-id"
    const forms = ["json", "junit", "tap", "html", "markdown", "badge"]
    const wanted = forms.flatMap((form) => ["--report", `${form}=${join(folder, "deep", form)}`])
    const { code, out } = await call(["run", ...at("--only", "xuanxuan/create/*", ...wanted)])
    expect(code).toBe(1)
    for (const text of [out, ...forms.map((form) => readFileSync(join(folder, "deep", form), "utf8"))]) {
      expect(text).not.toMatch(/(?<![0-9])123456(?![0-9])|e10adc3949ba59abbe56e057f20f883e/)
      expect(text).not.toMatch(/"sid\\*":\\*"[0-9a-f]{8}-/)
    }
  })

  it("prefers flags to the environment, and the environment to the file", async () => {
    write("conformance.config.json", { protocol: "xuanxuan", url: "http://127.0.0.1:1", profile: "all", only: group })
    expect((await call(["run"])).code).toBe(3)
    const env = { PARLEY_CONFORMANCE_URL: server.http, PARLEY_CONFORMANCE_PROFILE: "hardening" }
    const fromEnvironment = await call(["run"], { env })
    expect(fromEnvironment).toMatchObject({ code: 0 })
    expect(fromEnvironment.out).toContain("profile hardening")
    expect((await call(["run", "--profile", "documented"], { env })).out).toContain("profile documented")
  })

  it("rejects an invalid configuration by name", async () => {
    write("conformance.config.json", { protocl: "xuanxuan" })
    const wrong = await call(["run"])
    expect(wrong).toMatchObject({ code: 2 })
    expect(wrong.err).toContain('["protocl"]')
    writeFileSync(join(folder, "conformance.config.json"), "{}")
    const misspelt = await call(["run", ...at()], { env: { PARLEY_CONFORMANCE_ULR: "x" } })
    expect(misspelt).toMatchObject({ code: 2 })
    expect(misspelt.err).toContain("PARLEY_CONFORMANCE_ULR")
  })

  it("runs several protocols and transports", async () => {
    const both = ["--transport", "ws,tcp", "--tcp", server.tcp, "--only", group]
    const { code, out } = await call(["run", ...at(...both)])
    expect(code).toBe(0)
    expect(out).toContain("xuanxuan over ws, documented")
    expect(out).toContain("xuanxuan over tcp, client-1.0")
  })

  it("ends with 2 for expected failures without a reason, with 1 for stale ones", async () => {
    write("e.json", { expected: [{ check: `${group}#members-hear`, reason: "" }] })
    const args = ["run", ...at("--only", group, "--expected", join(folder, "e.json"))]
    expect(await call(args)).toMatchObject({ code: 2, err: expect.stringContaining("reason missing") })
    write("e.json", { expected: [{ check: `${group}#members-hear`, reason: "not yet" }] })
    expect(await call(args)).toMatchObject({ code: 1, out: expect.stringContaining("stale") })
    server.fault = "no-push"
    expect(await call(args)).toMatchObject({ code: 0, out: expect.stringContaining("1 failed as expected") })
  })

  it("ends with 3 without accounts", async () => {
    const args = ["run", ...at("--accounts", "exec:exit 3")]
    expect(await call(args)).toMatchObject({ code: 3, err: expect.stringContaining("not prepared") })
    expect((await call(["run", ...at("--accounts", "signup")])).code).toBe(3)
    expect((await call(["run", ...at("--accounts", join(folder, "none.json"))])).code).toBe(3)
  })

  it("runs the scenarios of a folder, and names the step of a malformed one", async () => {
    writeFileSync(join(folder, "a.json"), JSON.stringify({ section: "x", scenarios: [{ id: "xuanxuan/a/b" }] }))
    const { code, err } = await call(["run", ...at("--sequences", folder)])
    expect(code).toBe(2)
    expect(err).toContain("a.json: xuanxuan/a/b")
  })

  it("replaces literals of the scenarios", async () => {
    server.fault = "text-id"
    const found = await call(["run", ...at("--only", group, "--literal", "Team=Mannschaft", "--json")])
    expect(found.out).toContain(String.raw`\"name\":\"<literal>\"`)
  })
})

describe("init", () => {
  it("writes a valid configuration, prints the next steps, and never overwrites a file", async () => {
    const first = await call(["init", "--protocol", "xuanxuan", "--url", server.http])
    expect(first).toMatchObject({ code: 0 })
    for (const next of ["doctor", "run", "baseline"]) expect(first.out).toContain(next)
    expect(json("conformance.config.json")).toMatchObject({ $schema: expect.stringContaining("config.schema.json") })
    expect((await call(["init"])).code).toBe(2)
    expect((await call(["init", "--force", "--protocol", "nonsense"])).code).toBe(2)
    const ran = await call(["run", "--only", group])
    expect(ran.code).toBe(0)
    expect(existsSync(join(folder, "conformance/report.html"))).toBe(true)
  })
})

describe("doctor", () => {
  it("reports a ready server", async () => {
    const { code, out } = await call(["doctor", ...at()])
    expect(out).toContain("xuanxuan is served at ws://")
    expect(out).toContain("alice logs in as alice")
    expect(out).toContain("clock")
    expect(code).toBe(0)
  })

  it("reports fixes: unreachable, another protocol, a failed login", async () => {
    const nobody = await call(["doctor", "--protocol", "xuanxuan", "--url", "http://127.0.0.1:1"])
    expect(nobody).toMatchObject({ code: 3, out: expect.stringContaining("start the server") })
    const other = await call(["doctor", "--protocol", "spark", "--url", server.http])
    expect(other).toMatchObject({ code: 3, out: expect.stringContaining("spark is not served") })
    write("a.json", { accounts: { alice: { account: "alice", password: "wrong-password" } } })
    const login = await call(["doctor", ...at("--accounts", join(folder, "a.json"))])
    expect(login).toMatchObject({ code: 3, out: expect.stringContaining("alice cannot log in as alice") })
    expect(login.out).not.toContain("wrong-password")
  })

  it("detects the served protocol without --protocol", async () => {
    const { code, out } = await call(["doctor", "--url", server.http])
    expect(out).toContain("xuanxuan is served")
    expect(out).toContain("-    spark is not served")
    expect(code).toBe(0)
  })

  it("tries the tokens that come with accounts", async () => {
    const spark = createServer((request, response) => {
      const good = request.url?.includes("token=good-token-of-alice") === true
      response.writeHead(good ? 400 : 401, { "content-type": "application/json" })
      response.end('{"success":false}')
    })
    await new Promise<void>((resolve) => spark.listen(0, "127.0.0.1", resolve))
    const address = spark.address()
    const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
    const one = (token: string) => ({ account: "somebody", token })
    const [good, bad] = [one("good-token-of-alice"), one("bad-token-of-others")]
    write("a.json", { accounts: { alice: good, bob: bad, carol: good, dave: good } })
    const args = ["doctor", "--protocol", "spark", "--url", url, "--accounts", join(folder, "a.json")]
    const { code, out } = await call(args)
    spark.closeAllConnections()
    spark.close()
    expect(out).toContain("ok   spark: the token of alice is not refused")
    expect(out).toContain("fix  spark: the token of bob is refused (401)")
    expect(out).not.toContain("bad-token-of-others")
    expect(code).toBe(3)
  })

  it("reports clock skew", async () => {
    const late = createServer((_, response) => {
      response.writeHead(200, { date: new Date(Date.now() - 3_600_000).toUTCString() })
      response.end()
    })
    await new Promise<void>((resolve) => late.listen(0, "127.0.0.1", resolve))
    const address = late.address()
    const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
    const { code, out } = await call(["doctor", "--protocol", "spark", "--url", url])
    late.closeAllConnections()
    late.close()
    expect(out).toMatch(/fix {2}its clock is 3\d\d\d s behind/)
    expect(code).toBe(3)
  })
})

describe("list", () => {
  it("lists scenarios by profile and glob, with --checks their checks", async () => {
    const all = await call(["list", "--protocol", "spark"])
    const documented = await call(["list", "--protocol", "spark", "--profile", "documented"])
    expect(documented.out.split("\n").length).toBeLessThan(all.out.split("\n").length)
    const checks = await call(["list", "--only", group, "--checks"])
    expect(checks.out).toMatch(/^ {2}xuanxuan\/create\/group#response {2}MUST documented$/m)
    const data: ReadonlyArray<unknown> = JSON.parse((await call(["list", "--only", group, "--json"])).out)
    expect(data).toHaveLength(1)
    expect((await call(["list", "--protocol", "nonsense"])).code).toBe(2)
  })
})

describe("explain", () => {
  it("prints requirement, section, steps, the passing pattern and commands", async () => {
    const { code, out } = await call(["explain", "spark/start/new#response", "--url", "http://10.0.0.1:9"])
    expect(code).toBe(0)
    expect(out).toContain("spark: 开启会话")
    expect(out).toMatch(/^ {2}> +1 alice asks POST/m)
    expect(out).toMatch(/Passes: \{"status":200/)
    expect(out).toMatch(
      /By hand: curl .*'http:\/\/10\.0\.0\.1:9\/session\/start\?token=<alice\.token>'.*"To":\["bob","carol"\]/
    )
  })

  it("shows the frames for a protocol with connections, without secrets", async () => {
    const { out } = await call(["explain", `${group}#response`])
    expect(out).toMatch(
      /By hand: printf .*"method":"login".*"method":"create".*\| websocat -n ws:\/\/127\.0\.0\.1:8080\/ws/
    )
    const sealed = await call(["explain", "hisihi/login-signature/documented#signature"])
    expect(sealed.out).not.toContain("demo-master-key")
  })

  it("shows the readings of a check, and a reading by its id", async () => {
    const reading = [
      "  Reading spark.session-id: The tables print `SesssionId` and `SessionId` for the same field",
      "       accepted: ",
      "tolerated: "
    ]
    const { out } = await call(["explain", "spark/start/new#response"])
    for (const part of reading) expect(out).toContain(part)
    const alone = await call(["explain", "spark.session-id"])
    expect(alone.code).toBe(0)
    for (const part of reading) expect(alone.out).toContain(part)
    expect(alone.out).toMatch(/accepted: .*SesssionId.*SessionId.*; tolerated: .*sessionId/)
    const written: ReadonlyArray<{ readonly readings: ReadonlyArray<{ readonly id: string }> }> = JSON.parse(
      (await call(["explain", "spark/start/new#response", "--json"])).out
    )
    expect(written[0]?.readings.map(({ id }) => id)).toContain("spark.session-id")
  })

  it("shows what the check `secrets` of every scenario demands", async () => {
    const { out } = await call(["explain", "spark/start/new#secrets"])
    expect(out).toContain("hardening.shared.secrets")
    expect(out).toContain("Passes: no response and no push has a password, a hash or a token of a user")
  })

  it("explains every check deterministically", async () => {
    const ids: ReadonlyArray<{ readonly id: string }> = JSON.parse((await call(["list", "--json"])).out)
    for (const { id } of ids) {
      const [first, second] = [await call(["explain", id]), await call(["explain", id])]
      expect({ id, ...first }).toMatchObject({ id, code: 0, err: "" })
      expect(first.out).toBe(second.out)
    }
  })

  it("suggests similar scenarios for an unknown one", async () => {
    expect((await call(["explain", "xuanxuan/create/grup#response"])).err).toContain("similar: xuanxuan/create/group")
    expect((await call(["explain", `${group}#respons`])).err).toContain("it has setup, response")
    expect((await call(["explain", "nonsense/a/b"])).code).toBe(2)
  })
})

describe("replay", () => {
  const record = async (fault: Fault) => {
    server.fault = fault
    await call(["run", ...at("--only", "xuanxuan/create/*", "--report", `json=${join(folder, "r.json")}`)])
    return join(folder, "r.json")
  }

  it("runs the scenario again, and shows both results", async () => {
    const file = await record("text-id")
    const still = await call(["replay", file, `${group}#response`, "--timeout", "300"])
    expect(still.code).toBe(1)
    expect(still.out.match(/data\.id: expected a whole number/g)).toHaveLength(2)
    server.fault = "none"
    const mended = await call(["replay", file, `${group}#response`, "--timeout", "300"])
    expect(mended.code).toBe(0)
    expect(mended.out).toMatch(/then, [^]*FAIL {2}xuanxuan\/create\/group[^]*now, [^]*ok {4}xuanxuan\/create\/group/)
    expect(mended.out).toContain("alice ->")
  })

  it("uses the target of its flags", async () => {
    const file = await record("none")
    expect((await call(["replay", file, group, "--url", "http://127.0.0.1:1"])).code).toBe(3)
  })

  it("rejects a malformed results file and an unknown check", async () => {
    write("x.json", { hello: 1 })
    expect((await call(["replay", join(folder, "x.json"), group])).err).toContain("is not a results file")
    const file = await record("none")
    expect((await call(["replay", file, "xuanxuan/history/all#x"])).err).toContain("has no scenario")
    expect((await call(["replay", file, `${group}#x`])).err).toContain("has no check")
  })
})

describe("baseline", () => {
  const file = () => join(folder, "conformance.expected.json")
  const args = (...more: ReadonlyArray<string>) => ["baseline", ...at("--only", "xuanxuan/create/group", ...more)]

  it("shows its changes, writes them, and the next run requires the reasons", async () => {
    server.fault = "no-push"
    const shown = await call(args())
    expect(shown).toMatchObject({ code: 1, out: expect.stringContaining(`+ ${group}#members-hear`) })
    expect(existsSync(file())).toBe(false)
    expect((await call(args("--write"))).out).toContain("add the reason to 1")
    const run = ["run", ...at("--only", group, "--expected", file())]
    expect((await call(run)).code).toBe(2)
    const again = await call(args("--write", "--expected", file()))
    expect(again.out).toContain("1 expected, 0 added, 0 removed")
  })

  it("keeps reasons, adds entries with --reason, and removes stale ones", async () => {
    server.fault = "no-push"
    await call(args("--write", "--reason", "no pushes yet", "--expected", file()))
    expect(json("conformance.expected.json")).toMatchObject({
      expected: [{ check: `${group}#members-hear`, reason: "no pushes yet" }]
    })
    expect((await call(["run", ...at("--only", group, "--expected", file())])).code).toBe(0)
    server.fault = "none"
    const gone = await call(args("--write", "--expected", file()))
    expect(gone.out).toContain(`- ${group}#members-hear`)
    expect(json("conformance.expected.json")).toMatchObject({ expected: [] })
  })
})

describe("coverage and badge", () => {
  it("coverage counts operations, fields and errors, of the documents and of a run", async () => {
    const { code, out } = await call(["coverage"])
    expect(code).toBe(0)
    expect(out).toMatch(/^  requirements .*, \d+ without mutant, \d+ excluded$/m)
    expect(out).toContain(
      "  without mutant xuanxuan.format.push.packets: a packet outside of an array is accepted as well"
    )
    for (const what of ["operations", "fields", "errors", "MUST"]) expect(out).toMatch(new RegExp(`^  ${what} `, "m"))
    await call(["run", ...at("--only", group, "--report", `json=${join(folder, "r.json")}`)])
    const played: ReadonlyArray<{ operations: { total: number; covered: number } }> = JSON.parse(
      (await call(["coverage", join(folder, "r.json"), "--protocol", "xuanxuan", "--json"])).out
    )
    const { total, covered } = played[0]?.operations ?? { total: 0, covered: 0 }
    expect(covered).toBeGreaterThan(0)
    expect(covered).toBeLessThan(total)
  })

  it("badge reads a results file", async () => {
    await call(["run", ...at("--only", group, "--report", `json=${join(folder, "r.json")}`)])
    expect(JSON.parse((await call(["badge", join(folder, "r.json")])).out)).toMatchObject({ color: "brightgreen" })
    expect((await call(["badge", join(folder, "r.json"), "--out", "b.json"])).code).toBe(0)
    expect(json("b.json")).toMatchObject({ schemaVersion: 1 })
    expect((await call(["badge", join(folder, "none.json")])).code).toBe(2)
  })
})
