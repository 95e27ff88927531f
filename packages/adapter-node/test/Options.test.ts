/** Options and arguments of the Node adapter: one sentence with the name, what came, and what is accepted. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley, ParleyError, type ParleyOptions } from "@parley/adapter-node"
import { parleyExpress } from "@parley/adapter-node/express"
import * as FileBlobs from "@parley/adapter-node/FileBlobs"
import { parleyHono } from "@parley/adapter-node/hono"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import * as ha from "@parley/dialects/ha"
import express from "express"
import { assert, describe, it } from "vitest"

const messageOf = async (work: () => unknown): Promise<string> => {
  try {
    await work()
  } catch (error) {
    assert.instanceOf(error, ParleyError)
    return error.message
  }
  return assert.fail("nothing was refused")
}

const PROXIES = 'a list of addresses, ranges as in 10.0.0.0/8, "loopback", "linklocal" or "uniquelocal"'
const PROTOCOL = "a protocol, as exported by @parley/dialects/xuanxuan and others"
const MOUNT = 'a path such as "/im", without parameters or a query'

/** Options, and the sentence that refuses them. */
const OPTIONS: ReadonlyArray<readonly [options: object, sentence: string]> = [
  [{ dialects: undefined }, "The option dialects must be a list of protocols, not undefined."],
  [{ dialects: "ha" }, 'The option dialects must be a list of protocols, not "ha".'],
  [{ dialects: ha.dialect }, "The option dialects must be a list of protocols, not an object."],
  [
    { dialects: [ha.dialect, "ha"] },
    `The option dialects[1] must be ${PROTOCOL}, not "ha": import { dialect } from "@parley/dialects/ha".`
  ],
  [{ dialects: [ha] }, `The option dialects[0] must be ${PROTOCOL}, not an object: pass its export dialect.`],
  [{ trustedProxies: "loopback" }, 'The option trustedProxies must be a list of addresses, not "loopback".'],
  [
    { upgradeMiddleware: (() => {}) as never },
    "The option upgradeMiddleware must be a list of middleware functions, not a function."
  ],
  [{ upgradeMiddleware: ["session"] as never }, 'The option upgradeMiddleware[0] must be a function, not "session".'],
  [{ trustedProxies: true }, "The option trustedProxies must be a list of addresses, not true."],
  [{ trustedProxies: ["loopback", "10.0.0.0/99"] }, `The option trustedProxies must be ${PROXIES}, not "10.0.0.0/99".`],
  [{ trustedProxies: ["0.0.0.0/0"] }, `The option trustedProxies must be ${PROXIES}, not "0.0.0.0/0".`],
  [{ path: "/im/:id" }, `The option path must be ${MOUNT}, not "/im/:id".`],
  [{ path: 3 }, `The option path must be ${MOUNT}, not 3.`],
  [{ login: "yes" }, 'The option login must be true or false, not "yes".'],
  [{ demonstration: 1 }, "The option demonstration must be true or false, not 1."],
  [{ origin: ["https://app.example"] }, "createParley has no origin; did you mean origins?"],
  [
    { origins: "https://app.example.com" },
    'The option origins must be a list of origins such as ["https://app.example"], or "any", not "https://app.example.com": write ["https://app.example.com"].'
  ]
]

describe("options of createParley", () => {
  for (const [options, sentence] of OPTIONS) {
    it(`refuses: ${sentence}`, async () => {
      const given = { store: MemoryStore.layer, dialects: [], ...options } as ParleyOptions
      assert.strictEqual(await messageOf(() => createParley(given)), sentence)
    })
  }
})

describe("arguments of the adapter", () => {
  it("are checked when they are given", async () => {
    const parley = await createParley({ store: MemoryStore.layer, dialects: [ha.dialect] })
    const loose = parley as unknown as Record<string, (...given: ReadonlyArray<unknown>) => unknown>
    const calls: ReadonlyArray<readonly [call: () => unknown, sentence: string]> = [
      [
        () => loose["attach"]?.(express()),
        "attach: server must be the server that listens, as createServer or app.listen returns it, not a function."
      ],
      [
        () => loose["listenTcp"]?.({ host: "127.0.0.1", port: "0" }),
        'listenTcp: address.port must be an integer from 0 to 65535, not "0".'
      ],
      [
        () => loose["operate"]?.("ha-key add", { key: undefined }),
        "operate: inputs.key must be a string, not undefined."
      ],
      [
        () => loose["operate"]?.("ha-key add", { keys: "k", key: "k" }),
        "operate: inputs has no keys; did you mean key?"
      ],
      [
        () => parleyExpress(createParley({ store: MemoryStore.layer, dialects: [] }) as never),
        "parleyExpress: parley must be a Parley instance, not a promise: await createParley(…)."
      ],
      [() => parleyHono(undefined as never), "parleyHono: parley must be a Parley instance, not undefined."],
      [() => SqliteStore.layer("chat.db" as never), "SqliteStore.layer must be an object with options, not a string."],
      [() => SqliteStore.layer({} as never), "The option file must be a string that is not empty, not undefined."],
      [
        () => FileBlobs.layer({ folder: "files" } as never),
        "The option directory must be a string that is not empty, not undefined."
      ]
    ]
    for (const [call, sentence] of calls) assert.strictEqual(await messageOf(call), sentence)
    // As a listener of a signal, which gets its name.
    await loose["close"]?.("SIGTERM")
  })
})
