/** Scenarios from other folders: run like the kit's own, and rejected by file and step if malformed. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { load, protocols } from "../src/scenarios/loadScenarios.ts"
import { demoAccounts, NotPrepared } from "../src/accounts/Accounts.ts"
import { Effect } from "effect"
import { fromFetch, run, signUpAccounts } from "../src/index.ts"
import { TinyServer } from "./TinyServer.ts"

let server: TinyServer
beforeAll(async () => {
  server = await new TinyServer().listen()
})
afterAll(() => server[Symbol.asyncDispose]())

const source = { doc: "our-extension", section: "Ping twice" }
const twice = {
  id: "xuanxuan/ours/ping-twice",
  title: "Two pings are two answers",
  actors: ["alice"],
  steps: [
    { by: "alice", send: { module: "chat", method: "ping" }, source },
    { by: "alice", check: "first", reply: { result: "success" }, source },
    { by: "alice", send: { module: "chat", method: "ping" }, source },
    { by: "alice", check: "second", reply: { result: "success" }, source }
  ]
}

const folderWith = (files: { readonly [name: string]: unknown }): string => {
  const folder = mkdtempSync(join(tmpdir(), "kit-"))
  for (const [name, value] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true })
    writeFileSync(join(folder, name), typeof value === "string" ? value : JSON.stringify(value))
  }
  return folder
}
const file = (...scenarios: ReadonlyArray<unknown>) => ({ section: "Ours", scenarios })

describe("a folder of scenarios", () => {
  it("adds to a protocol of the kit", async () => {
    server.fault = "none"
    const folder = folderWith({ "ours.json": file(twice) })
    const target = { http: server.http, ws: server.ws }
    const report = await run({ protocol: "xuanxuan", target, only: "xuanxuan/ours/**", sequences: [folder] })
    expect(report.scenarios[0]?.checks.map(({ id, verdict }) => [id, verdict])).toEqual([
      ["xuanxuan/ours/ping-twice#setup", "pass"],
      ["xuanxuan/ours/ping-twice#first", "pass"],
      ["xuanxuan/ours/ping-twice#second", "pass"],
      ["xuanxuan/ours/ping-twice#wire", "pass"]
    ])
    expect(load("xuanxuan", [folder]).scenarios.length).toBe(load("xuanxuan").scenarios.length + 1)
    expect(load("spark", [folder]).scenarios.length).toBe(load("spark").scenarios.length)
  })

  it("may bring a protocol of its own, with a sign-up", async () => {
    const users = new Map<string, string>()
    const target = fromFetch(async (request) => {
      const { pathname } = new URL(request.url)
      const body: { name?: string; secret?: string } = request.method === "POST" ? JSON.parse(await request.text()) : {}
      if (pathname === "/users") {
        users.set(body.name ?? "", body.secret ?? "")
        return Response.json({ id: users.size, token: `token-for-${body.name}` }, { status: 201 })
      }
      const who = [...users.keys()].find((name) => request.headers.get("authorization") === `Bearer token-for-${name}`)
      return Response.json(who === undefined ? {} : { name: who }, { status: who === undefined ? 401 : 200 })
    })
    const signup = {
      source,
      check: "signed-up",
      http: {
        method: "POST",
        path: "/users",
        body: { name: { $ref: "self.account" }, secret: { $ref: "self.password" } }
      },
      answer: {
        status: 201,
        json: { id: { $capture: ["self.id", "$int"] }, token: { $capture: ["self.token", "$filled"] } }
      }
    }
    const login = {
      source,
      check: "login",
      http: { method: "POST", path: "/no-login", body: {} },
      answer: { status: 200, json: { token: { $capture: ["self.token", "$filled"] } } }
    }
    const me = {
      by: "alice",
      check: "me",
      http: { method: "GET", path: "/me", headers: { authorization: { $text: "Bearer {alice.token}" } } },
      answer: { status: 200, json: { name: { $ref: "alice.account" } } },
      source
    }
    const leave = { source, check: "left", http: { method: "POST", path: "/no-logout" }, answer: { status: 204 } }
    // An actor with a token keeps it.
    const goes = { by: "alice", use: "leave", source }
    const folder = folderWith({
      "tiny/protocol.json": {
        protocol: "tiny",
        title: "tiny",
        shapes: {},
        routines: { signup: [signup], login: [login], leave: [leave] }
      },
      "tiny/me.json": file({
        id: "tiny/me/known",
        title: "One is known",
        actors: ["alice"],
        steps: [me, goes, { ...me, check: "me-still" }]
      })
    })
    expect(protocols([folder])).toContain("tiny")
    const options = { protocol: "tiny", target, sequences: [folder] }
    const report = await run({ ...options, accounts: signUpAccounts(options) })
    expect(report).toMatchObject({ passed: 2, failed: 0, notTestable: 0, transport: "http" })
    expect([...users.keys()][0]).toMatch(/^alice-/)
    expect(JSON.stringify(report)).not.toContain("token-for-")
    await expect(run({ ...options, accounts: demoAccounts })).resolves.toMatchObject({ failed: 1 })
  })

  it("has tokens expire where the accounts can", async () => {
    const expired = new Set<string>()
    const target = fromFetch((request) => {
      const token = new URL(request.url).searchParams.get("token") ?? ""
      return new Response("{}", { status: expired.has(token) ? 401 : 200 })
    })
    const asked = (check: string, status: number) => ({
      by: "alice",
      check,
      http: { method: "GET", path: { $text: "/x?token={alice.token}" } },
      answer: { status },
      source
    })
    const steps = [asked("before", 200), { by: "alice", expire: true, source }, asked("after", 401)]
    const scenario = { id: "spark/ours/expiry", title: "A token ends", actors: ["alice"], steps }
    const later = { ...scenario, id: "spark/ours/later", steps: [asked("good", 200)] }
    const options = {
      protocol: "spark",
      target,
      sequences: [folderWith({ "a.json": file(scenario, later) })],
      only: "spark/ours/*"
    }
    const alice = { account: "alice", password: "pw", token: "token-of-alice-000" }
    let given = 0
    const accounts = Effect.succeed({
      actor: () => Effect.sync(() => ({ ...alice, token: `token-of-alice-00${given++}` })),
      expiry: (token: string) => Effect.sync(() => void expired.add(token))
    })
    // The expired token is replaced for the next scenario.
    expect(await run({ ...options, accounts })).toMatchObject({ passed: 3, failed: 0, notTestable: 0 })
    expect([...expired]).toEqual(["token-of-alice-000"])
    expect(given).toBe(2)
    const without = await run({ ...options, accounts: { alice: { ...alice, token: "another-token-of-alice" } } })
    expect(without).toMatchObject({ passed: 1, failed: 0, notTestable: 0, notApplicable: 1 })
    expect(without.scenarios[0]).toMatchObject({ verdict: "not-applicable", checks: [] })
    expect(without.scenarios[0]?.reason).toContain("expire")
    const unable = Effect.succeed({
      actor: () => Effect.succeed({ ...alice, token: "a-third-token-of-alice" }),
      expiry: () => Effect.fail(new NotPrepared({ message: "POST http://h/expire: answered 404" }))
    })
    const refused = await run({ ...options, accounts: unable })
    expect(refused).toMatchObject({ passed: 1, failed: 0, notTestable: 0, notApplicable: 1 })
    expect(refused.scenarios[0]).toMatchObject({ verdict: "not-applicable", checks: [] })
    expect(refused.scenarios[0]?.reason).toContain("answered 404")
  })
})

const bad: ReadonlyArray<readonly [string, unknown, RegExp]> = [
  ["is no JSON", "{", /bad\.json/],
  ["has no list of scenarios", { scenarios: [] }, /not of the form/],
  ["has a field that there is none of", { ...file(twice), scenaros: [] }, /scenaros: unknown field/],
  [
    "has a step of no kind",
    file({ ...twice, steps: [{ by: "alice", source }] }),
    /ping-twice step 1: unknown kind of step/
  ],
  [
    "has a step with a wrong field",
    file({ ...twice, steps: [...twice.steps.slice(0, 1), { by: "alice", check: "a", reply: {}, soruce: source }] }),
    /ping-twice step 2 \(reply\): .*soruce/
  ],
  ["has an id that is none", file({ ...twice, id: "xuanxuan/Ours" }), /xuanxuan\/Ours: .*\["id"\]/],
  ["repeats an id of the kit", file({ ...twice, id: "xuanxuan/create/group" }), /this id is used already/],
  ["repeats its own id", file(twice, twice), /this id is used already/],
  [
    "names a check twice",
    file({ ...twice, steps: twice.steps.map((step) => ("check" in step ? { ...step, check: "same" } : step)) }),
    /step 4: the check same is there twice/
  ],
  [
    "uses a matcher that there is none of",
    file({ ...twice, steps: [twice.steps[0], { by: "alice", check: "a", reply: { data: "$integer" }, source }] }),
    /step 2: unknown word \$integer/
  ],
  [
    "reads what nobody made known",
    file({ ...twice, steps: [{ by: "alice", send: { x: { $ref: "chat" } }, source }] }),
    /step 1: no earlier step sets chat/
  ],
  [
    "acts through somebody else",
    file({ ...twice, steps: [{ by: "bob", send: {}, source }] }),
    /step 1: bob is not among its actors/
  ],
  [
    "uses a routine that there is none of",
    file({ ...twice, steps: [{ by: "alice", use: "dance", source }] }),
    /no routine dance/
  ],
  [
    "follows a push without a name",
    file({ ...twice, steps: [{ by: "alice", check: "p", push: {}, after: "first", source }] }),
    /no earlier push is named first/
  ],
  [
    "uses a shape that there is none of",
    file({ ...twice, steps: [{ by: "alice", send: { $shape: "x" }, source }] }),
    /no shape x/
  ]
]

describe("a scenario in text form", () => {
  it("of the guide runs like one in JSON", async () => {
    const guide = readFileSync(new URL("../../../docs/conformance.md", import.meta.url), "utf8")
    const text = /```\n(document ours\n[^`]*)```/.exec(guide)?.[1] ?? ""
    server.fault = "none"
    const folder = folderWith({ "ours.scenario": text })
    const target = { http: server.http, ws: server.ws }
    const report = await run({
      protocol: "xuanxuan",
      target,
      only: "xuanxuan/ours/**",
      sequences: [folder],
      profile: "all"
    })
    expect(report.scenarios.flatMap(({ checks }) => checks.map(({ id, verdict }) => `${id} ${verdict}`))).toEqual([
      "xuanxuan/ours/ping-twice#setup pass",
      "xuanxuan/ours/ping-twice#first pass",
      "xuanxuan/ours/ping-twice#second pass",
      "xuanxuan/ours/ping-twice#wire pass",
      "xuanxuan/ours/ping-twice#secrets pass"
    ])
  })

  it("that is malformed names the file and the line", () => {
    const folder = folderWith({
      "ours.scenario": "document ours\nsection Ping\nscenario xuanxuan/ours/a\n  alice sings x"
    })
    expect(() => load("xuanxuan", [folder])).toThrow(/ours\.scenario: line 4: no kind of step sings/)
  })
})

describe("a file that", () => {
  it.each(bad)("%s is rejected by file and step", (_, value, wanted) => {
    const folder = folderWith({ "bad.json": value })
    expect(() => load("xuanxuan", [folder])).toThrow(wanted)
    expect(() => load("xuanxuan", [folder])).toThrow(
      expect.objectContaining({ _tag: "BadData", file: join(folder, "bad.json") })
    )
  })
})

it("a missing folder is rejected", () => {
  expect(() => load("xuanxuan", ["/no/such/folder"])).toThrow("no such folder")
})
