/** The organization that a configuration names: its scenario, its faults, and the commands that use it. */
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { program } from "../src/cli/Program.ts"
import { type Options, type Organization, run } from "../src/index.ts"
import { hostIn } from "./Host.ts"

const contact = (id: number, type: string, name: string): object => ({ id, avatar: "0", name, type })

/** The contacts that the server lists beside the group of the scenario. */
let users: ReadonlyArray<object>
let areUsersFirst: boolean
const groups = new Map<number, string>()

let server: Server
let url: string
let folder: string
beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const [status, body] = answer(request.method ?? "", request.url ?? "", Buffer.concat(chunks).toString())
      response.writeHead(status, { "content-type": "application/json" })
      response.end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  url = `http://127.0.0.1:${port}`
  folder = mkdtempSync(join(tmpdir(), "kit-"))
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => {
  users = [contact(529, "user", "LEE"), contact(530, "user", "Ann")]
  areUsersFirst = false
  groups.clear()
})

const answer = (method: string, path: string, body: string): readonly [status: number, body: object] => {
  if (method === "POST") {
    const fields = Object.fromEntries(new URLSearchParams(body))
    const group_id = groups.size + 1
    groups.set(group_id, fields["group_name"] ?? "")
    return [201, { ...fields, group_id, organization_id: Number(fields["organization_id"]) }]
  }
  if (method === "DELETE") return [groups.delete(Number(path.split("/").at(-1))) ? 204 : 404, {}]
  if (path.startsWith("/signature/login/")) return [200, {}]
  if (path !== "/im/org/2/contacts") return [404, { error: "not_found", message: "no" }]
  const listed = Array.from(groups, ([id, name]) => contact(id, "group", name))
  return [200, { data: areUsersFirst ? [...users, ...listed] : [...listed, ...users] }]
}

const organization: Organization = { id: 2, users: [{ id: 529, name: "LEE", password: "s3cret-of-lee" }] }

const play = (more: Partial<Options> = { organization }) =>
  run({ protocol: "hisihi", target: { http: url }, only: "hisihi/contacts/organization", profile: "all", ...more })

/** The checks that do not pass, with the reasons. */
const failures = async (): Promise<ReadonlyArray<readonly [check: string, reason: string]>> => {
  const { scenarios } = await play()
  return scenarios.flatMap(({ checks }) =>
    checks
      .filter(({ verdict }) => verdict !== "pass")
      .map(({ id, evidence }) => [id.split("#")[1] ?? "", evidence?.reason ?? ""] as const)
  )
}

const call = async (...args: ReadonlyArray<string>) => {
  const { host, out, err } = hostIn(folder)
  const code = await program(args, host)
  return { code, out: out.join("\n"), err: err.join("\n") }
}

describe("a server whose organization has users", () => {
  it("passes, and keeps no group of the scenario", async () => {
    expect(await failures()).toEqual([])
    expect(groups.size).toBe(0)
  })

  it("fails if it lists users first", async () => {
    areUsersFirst = true
    const [[check, reason] = ["", ""], ...others] = await failures()
    expect([check, others]).toEqual(["groups-first", []])
    expect(reason).toContain('"type":"group"')
  })

  it("fails if it lists groups only, or a user under another id or name", async () => {
    const wrong = [[], [contact(5, "user", "LEE")], [contact(529, "user", "Lee")], [contact(529, "group", "LEE")]]
    for (const listed of wrong) {
      users = listed
      expect((await failures()).map(([check]) => check)).toEqual(["users"])
    }
  })

  it("fails if a contact has a hash of a named password, which no report shows", async () => {
    const hash = createHash("md5").update("s3cret-of-lee").digest("hex")
    users = [{ ...contact(529, "user", "LEE"), k: hash }]
    expect(await failures()).toEqual([["secrets", "it has the md5 of a password"]])
    expect(JSON.stringify(await play())).not.toContain(hash)
  })
})

it("the scenario is not applicable without an organization, and says why", async () => {
  const { scenarios } = await play({ skip: [], only: "hisihi/contacts/*" })
  const skipped = scenarios.find(({ id }) => id === "hisihi/contacts/organization")
  expect(skipped).toMatchObject({
    verdict: "not-applicable",
    reason: 'the configuration names no "organization" with its users'
  })
  const { out } = await call("explain", "hisihi/contacts/organization#users")
  expect(out).toContain('not run without "organization" in the configuration')
})

describe("init and doctor", () => {
  const config = () => join(folder, "conformance.config.json")
  const write = (named?: object) =>
    writeFileSync(
      config(),
      JSON.stringify({ protocol: "hisihi", url, ...(named === undefined ? {} : { organization: named }) })
    )

  it("init names the organization of the demo data, for hisihi only", async () => {
    const { out } = await call("init", "--force", "--protocol", "hisihi", "--url", url)
    expect(out).toContain('"organization"')
    expect(JSON.parse(readFileSync(config(), "utf8"))).toMatchObject({ organization: { id: 1 } })
    const other = await call("init", "--force", "--protocol", "spark", "--url", url)
    expect(other.out).not.toContain("organization")
    expect(JSON.parse(readFileSync(config(), "utf8"))).not.toHaveProperty("organization")
  })

  it("doctor notes that none is named", async () => {
    write()
    const { code, out } = await call("doctor")
    expect(out).toContain("hisihi/contacts/organization is not run")
    expect(code).toBe(0)
  })

  it("doctor looks for its users, and changes nothing", async () => {
    write(organization)
    const ready = await call("doctor")
    expect(ready.out).toContain("ok   hisihi: organization 2 lists its users")
    expect(ready.code).toBe(0)
    write({ id: 2, users: [{ name: "Zoe" }] })
    const wrong = await call("doctor")
    expect(wrong.out).toContain("fix  hisihi: organization 2 does not list its users")
    expect(wrong.out).toContain("Zoe")
    expect(wrong.code).toBe(3)
    expect(groups.size).toBe(0)
  })

  it("a run takes it from the configuration, and refuses one without users", async () => {
    write(organization)
    expect(await call("run", "--only", "hisihi/contacts/organization")).toMatchObject({ code: 0 })
    write({ id: 2, users: [] })
    expect(await call("run")).toMatchObject({ code: 2, err: expect.stringContaining("organization") })
  })
})
