/** The published JSON Schemas are current, and the kit's output is valid. */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import { Schema } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { AccountFile, demoAccounts } from "../src/accounts/Accounts.ts"
import { program } from "../src/cli/Program.ts"
import { Config } from "../src/Config.ts"
import { ExpectationFile } from "../src/run/Expectations.ts"
import { Results } from "../src/run/Results.ts"
import { File } from "../src/scenarios/Scenario.ts"
import { builtFiles } from "../scripts/build.ts"
import { hostIn } from "./Host.ts"
import { TinyServer } from "./TinyServer.ts"

const root = join(import.meta.dirname, "..")
const at = (name: string) => join(root, "schema", `${name}.schema.json`)

const current = (name: string, schema: Schema.Top): object => {
  const document = Schema.toJsonSchemaDocument(schema, { onExcessProperty: name === "results" ? "ignore" : "error" })
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `https://unpkg.com/@parley/conformance/schema/${name}.schema.json`,
    ...document.schema,
    $defs: document.definitions
  }
}

const published = {
  results: Results,
  config: Config,
  expected: ExpectationFile,
  accounts: AccountFile,
  scenarios: File
} as const

const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"))

const compiled = new Map<string, ValidateFunction>()

const valid = (name: keyof typeof published, value: unknown): unknown => {
  const check =
    compiled.get(name) ??
    new Ajv2020({ allErrors: true, strict: false }).compile(JSON.parse(readFileSync(at(name), "utf8")))
  compiled.set(name, check)
  return check(value) ? [] : (check.errors ?? []).slice(0, 5)
}

let server: TinyServer
beforeAll(async () => {
  server = await new TinyServer().listen()
})
afterAll(() => server[Symbol.asyncDispose]())

describe("a published schema", () => {
  it.each(Object.entries(published))("%s is current", (name, schema) => {
    const wanted = JSON.stringify(current(name, schema), undefined, 2)
    // The repository's formatter changes the layout.
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(at(name), wanted)
    expect(existsSync(at(name)) ? read(at(name)) : undefined, "UPDATE_DOCS=1 rewrites it").toEqual(JSON.parse(wanted))
  })

  it("accepts the results of a failing server, and rejects malformed ones", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kit-"))
    server.fault = "text-id"
    const { host } = hostIn(folder)
    const only = ["--only", "xuanxuan/create/group", "--only", "xuanxuan/session/ping", "--only", "xuanxuan/offline/*"]
    const args = ["--protocol", "xuanxuan", "--url", server.http, "--timeout", "200", "--profile", "all", ...only]
    expect(await program(["run", ...args, "--report", `json=${join(folder, "r.json")}`], host)).toBe(1)
    const results = read(join(folder, "r.json"))
    expect(valid("results", results)).toEqual([])
    expect(valid("results", { ...Object(results), schemaVersion: 2 })).not.toEqual([])
    expect(valid("results", { ...Object(results), reports: [{}] })).not.toEqual([])
  })

  it("accepts the files of init and baseline", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kit-"))
    server.fault = "no-push"
    const { host } = hostIn(folder)
    expect(await program(["init", "--protocol", "xuanxuan", "--url", server.http], host)).toBe(0)
    expect(valid("config", read(join(folder, "conformance.config.json")))).toEqual([])
    const args = ["--timeout", "200", "--only", "xuanxuan/create/group", "--reason", "no pushes yet", "--write"]
    expect(await program(["baseline", ...args], host)).toBe(0)
    expect(valid("expected", read(join(folder, "conformance.expected.json")))).toEqual([])
    expect(valid("config", { prtocol: "spark" })).not.toEqual([])
    expect(valid("accounts", { accounts: demoAccounts })).toEqual([])
  })

  it("accepts every built scenario file", () => {
    const files = [...builtFiles()].filter(([file]) => /^protocols\/\w+\/\d/.test(file))
    expect(files.length).toBeGreaterThan(40)
    expect(files.flatMap(([, value]) => valid("scenarios", value))).toEqual([])
  })
})
