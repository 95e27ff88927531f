/** Refusals for an application's own functions and for pages of other origins: one log line, and the reason at once. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley, ParleyError, type ParleyOptions } from "@parley/adapter-node"
import { connect, ParleyError as ClientError } from "@parley/client"
import type { LogLine } from "@parley/core"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { Effect } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, assert, describe, it } from "vitest"
import { WebSocket } from "ws"
import { webSocket } from "./clients.ts"

const ending: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

/** An application with two users of its own. */
const TABLE = [
  { id: "u-1", account: "ann" },
  { id: "u-2", account: "ben" }
]
const directory = {
  find: (ids: ReadonlyArray<string>) => TABLE.filter(({ id }) => ids.includes(id)),
  findByAccount: (accounts: ReadonlyArray<string>) => TABLE.filter(({ account }) => accounts.includes(account))
}

const started = async (options: object) => {
  const lines: Array<string> = []
  const log = ({ level, message, error, details }: LogLine): void => {
    if (level === "info" || level === "debug") return
    lines.push(
      [message, ...(error instanceof Error ? [error.message] : []), ...Object.values(details ?? {})].join("; ")
    )
  }
  const given = { store: MemoryStore.layer, dialects: [xuanxuan], log, ...options } as ParleyOptions
  const parley = await createParley(given)
  ending.push(() => parley.close())
  return { parley, lines }
}

const served = async (options: object) => {
  const { parley, lines } = await started(options)
  const server = createServer((request, response) => parley.node(request, response))
  parley.attach(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  ending.push(async () => server.close())
  return { parley, lines, http: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Returns the status and the body with which an upgrade is refused; undefined if it is accepted. */
const upgrade = (http: string, headers: Record<string, string>): Promise<readonly [number, string] | undefined> =>
  new Promise((resolve, reject) => {
    const ws = new WebSocket(`${http.replace("http", "ws")}/ws`, { headers })
    ws.on("open", () => {
      ws.terminate()
      resolve(undefined)
    })
    ws.on("unexpected-response", (_request, response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (text: string) => (body += text))
      response.on("end", () => resolve([response.statusCode ?? 0, body]))
    })
    ws.on("error", reject)
  })

const APP = "https://app.example"

describe("a page of another origin", () => {
  it("is refused with the reason, in one log line, and its client rejects at once", async () => {
    const { http, lines } = await served({ origins: ["https://other.example"] })
    const message = `Pages of ${APP} may not connect: it is neither this server's origin nor in its option origins.`
    assert.deepStrictEqual(await upgrade(http, { origin: APP }), [403, JSON.stringify({ message })])
    assert.deepStrictEqual(await upgrade(http, { origin: APP }), [403, JSON.stringify({ message })])
    assert.lengthOf(lines, 1)
    assert.match(
      lines[0] ?? "",
      /^a page's WebSocket was refused: .* not in the option origins; https:\/\/app\.example; 127/
    )

    const explained = await fetch(`${http}/ws`, { headers: { origin: APP } })
    assert.deepStrictEqual(
      [explained.status, explained.headers.get("access-control-allow-origin"), await explained.json()],
      [403, "*", { message }]
    )
    assert.strictEqual((await fetch(`${http}/ws`)).status, 426)

    Reflect.set(globalThis, "location", { origin: APP })
    ending.push(async () => Reflect.deleteProperty(globalThis, "location"))
    class PageSocket extends WebSocket {
      constructor(url: string) {
        super(url, { origin: APP })
      }
    }
    const states: Array<string> = []
    const error: unknown = await connect({
      url: http,
      account: "ann",
      password: "",
      WebSocket: PageSocket as never,
      timeout: 0,
      // No second attempt: the refusal ends it.
      random: () => 1,
      backoff: { first: 3_600_000, max: 3_600_000 },
      onState: (state) => states.push(state)
    }).catch((cause: unknown) => cause)
    assert.instanceOf(error, ClientError)
    assert.deepStrictEqual([error.code, error.message], ["connection", message])
    assert.deepStrictEqual(states, ["connecting", "waiting", "ended"])
  })

  /** Headers of a proxy, and whether the page is accepted with the proxy trusted. */
  const forwarded: ReadonlyArray<readonly [headers: Record<string, string>, isAccepted: boolean]> = [
    [{}, false],
    [{ "x-forwarded-host": "app.example" }, true],
    [{ "x-forwarded-host": "App.Example:443", "x-forwarded-proto": "https" }, true],
    [{ "x-forwarded-host": "app.example, internal:3000" }, true],
    [{ "x-forwarded-host": "app.example", "x-forwarded-proto": "http" }, false],
    [{ "x-forwarded-host": "app.example:80", "x-forwarded-proto": "https" }, false],
    [{ "x-forwarded-host": "evil.example" }, false],
    [{ "x-forwarded-host": "" }, false]
  ]
  it("is the server's own if a trusted proxy says so, and only then", async () => {
    const trusting = await served({ trustedProxies: ["loopback"] })
    const other = await served({ trustedProxies: ["10.0.0.0/8"] })
    for (const [headers, isAccepted] of forwarded) {
      const reply = await upgrade(trusting.http, { origin: APP, ...headers })
      assert.strictEqual(reply === undefined, isAccepted, JSON.stringify(headers))
      assert.strictEqual((await upgrade(other.http, { origin: APP, ...headers }))?.[0], 403)
    }
    assert.isUndefined(await upgrade(trusting.http, { origin: trusting.http }))
    assert.include(other.lines.join("\n"), "the option origins")
    // A proxy that is not listed is named as the likely cause.
    const behind = await served({})
    await upgrade(behind.http, { origin: APP, "x-forwarded-host": "app.example" })
    assert.match(behind.lines[0] ?? "", /counts only if the option trustedProxies has the proxy/)
  })
})

describe("a value of the application's own function", () => {
  /** Functions as `authenticate`, and the log line of each. */
  const identities: ReadonlyArray<readonly [authenticate: () => unknown, line: RegExp]> = [
    [
      () => ({ id: "u-1" }),
      /^authenticate identified no user: it must return the user's id in the directory as a string, or nothing, not an object$/
    ],
    [() => 1, /^authenticate identified no user: .* not 1$/],
    [() => true, /^authenticate identified no user: .* not true$/],
    [() => "u-9", /^authenticate identified no user: directory\.find returned no user for "u-9"$/],
    [() => "", /^authenticate identified no user: directory\.find returned no user for ""$/],
    [
      () => {
        throw new Error("the session store is down")
      },
      /^authenticate failed; the session store is down$/
    ]
  ]
  for (const [authenticate, line] of identities) {
    it(`that identifies nobody is logged: ${line.source}`, async () => {
      const { http, lines } = await served({ directory, authenticate })
      const reply = await Effect.runPromise(
        Effect.scoped(
          Effect.flatMap(webSocket(http), (client) => client.ask("login", { account: "ann", password: "" }))
        )
      )
      assert.strictEqual(reply.result, "fail")
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", line)
    })
  }

  const verdictLine = "hooks.before returned no verdict for SendMessages: it "
  const ACCEPTED = 'must be nothing, { _tag: "Reject", message } or { _tag: "Rewrite", contents }'
  /** Values of the hook before, and the end of the log line of each. */
  const verdicts: ReadonlyArray<readonly [verdict: unknown, line: string]> = [
    [true, `${ACCEPTED}, not true`],
    [false, `${ACCEPTED}, not false`],
    ["spam", `${ACCEPTED}, not "spam"`],
    [{}, `${ACCEPTED}, not an object`],
    [{ _tag: "Veto" }, `${ACCEPTED}, not one with the _tag "Veto"`],
    [{ _tag: "Reject" }, "must have a message that is a string, not undefined"],
    [{ _tag: "Rewrite", contents: "clean" }, 'must have contents that are a list, not "clean"'],
    [{ _tag: "Rewrite", contents: [7] }, "must have contents that are strings or undefined, not 7"]
  ]
  for (const [verdict, line] of verdicts) {
    it(`that is not a verdict refuses the command: ${JSON.stringify(verdict)}`, async () => {
      let isOn = false
      const before = (command: { readonly _tag: string }) =>
        isOn && command._tag === "SendMessages" ? verdict : undefined
      const { parley, lines } = await started({ hooks: { before } })
      await parley.users.addAll([{ account: "ann" }, { account: "ben" }])
      const chat = await parley.as("ann").openDirectChat("ben")
      isOn = true
      const error: unknown = await parley
        .as("ann")
        .send(chat, "hello")
        .catch((cause: unknown) => cause)
      assert.strictEqual((error as ParleyError).code, "Unavailable")
      assert.deepStrictEqual(lines, [verdictLine + line])
      assert.deepStrictEqual((await parley.as("ann").history(chat)).messages, [])
    })
  }

  it("that takes too long is logged with the option", async () => {
    const before = () => new Promise(() => {})
    const { parley, lines } = await started({ hooks: { before, timeout: 1 } })
    const error: unknown = await parley.users.add({ account: "ann" }).catch((cause: unknown) => cause)
    assert.strictEqual((error as ParleyError).code, "Unavailable")
    assert.match(lines[0] ?? "", /^hooks\.before took longer than hooks\.timeout \(1 ms\) for AddUsers/)
  })

  /** Lookups of a directory, the result of finding ann, and the log line of each. */
  const lookups: ReadonlyArray<readonly [find: () => unknown, code: string | undefined, line: RegExp]> = [
    [
      () => {
        throw new Error("the database is down")
      },
      "Unavailable",
      /^directory\.find failed; the database is down$/
    ],
    [() => undefined, "Unavailable", /^directory\.find failed; it must return a list of users, not undefined$/],
    [() => TABLE[0], "Unavailable", /^directory\.find failed; it must return a list of users, not an object$/],
    [
      () => [{ id: 1, account: "ann" }, TABLE[0]],
      undefined,
      /^directory\.find returned 1 users who were left out; of the first, id must be a string of 1 to 255 characters, not 1$/
    ],
    [() => [{ ...TABLE[0], admin: "0" }], "NoSuchUsers", /of the first, admin must be true or false, not "0"$/],
    [() => [{ ...TABLE[0], account: "a b" }], "NoSuchUsers", /of the first, account must not contain white space/],
    [() => [null], "NoSuchUsers", /of the first, a user must be an object, not null$/]
  ]
  for (const [find, code, line] of lookups) {
    it(`that is not a user of a directory is logged: ${line.source}`, async () => {
      const { parley, lines } = await started({ directory: { ...directory, find } })
      const result: unknown = await parley
        .as("u-1")
        .chats()
        .catch((cause: unknown) => cause)
      assert.strictEqual(result instanceof ParleyError ? result.code : undefined, code)
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", line)
    })
  }

  it("may be a row of a database, with 0 and 1 for booleans", async () => {
    const rows = [{ ...TABLE[0], admin: 1, disabled: 0, avatar: null }]
    const { parley, lines } = await started({ directory: { find: () => rows, findByAccount: () => rows } })
    const user = await parley.users.find("u-1")
    assert.deepInclude({ ...user }, { account: "ann", admin: true, disabled: false, avatar: "" })
    assert.deepStrictEqual(lines, [])
  })
})

describe("several tabs", () => {
  it("of one user are logged in at once, and both get messages", async () => {
    const { parley, http } = await served({})
    await parley.users.addAll(["ann", "ben"].map((account) => ({ account, password: "correct-horse-7" })))
    const tab = () => connect({ url: http, account: "ann", password: "correct-horse-7" })
    const tabs = [await tab(), await tab()]
    ending.push(async () => tabs.forEach((one) => one.close()))
    const received = tabs.map(
      (one) => new Promise<string>((resolve) => one.on("message", ({ content }) => resolve(content)))
    )
    await parley.as("ben").send(await parley.as("ben").openDirectChat("ann"), "hello, both")
    assert.deepStrictEqual(await Promise.all(received), ["hello, both", "hello, both"])
    assert.deepStrictEqual(
      tabs.map(({ state }) => state),
      ["online", "online"]
    )
  })
})
