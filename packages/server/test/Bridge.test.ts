/** Cross-protocol matrix: every operation through every protocol, as seen through every protocol, on one running server. */
import { assert, describe, it, layer } from "@effect/vitest"
import { readFileSync, writeFileSync } from "node:fs"
import { Effect } from "effect"
import { type Protocol, protocols } from "./bridge/Declaration.ts"
import { page, reasons } from "./bridge/Page.ts"
import { cells, table } from "./bridge/Table.ts"
import { PEER, BridgeContext } from "./bridge/context.ts"
import type { Client } from "./clients.ts"

layer(BridgeContext.over("WebSocket"), { excludeTestServices: true, timeout: "60 seconds" })("the bridge", (it) => {
  for (const { operation, sender, reader, cell } of cells) {
    if (cell._tag === "Not") continue
    it.effect(`${operation}: by ${sender}, seen by ${reader}`, () =>
      Effect.gen(function* () {
        yield* cell.show(yield* BridgeContext)
      })
    )
  }
  for (const { letter, because, proof } of reasons) {
    it.effect(`${letter}: ${because}`, () =>
      Effect.gen(function* () {
        yield* proof(yield* BridgeContext)
      })
    )
  }
})

/** Escapes each UTF-16 unit beyond ASCII, as in frames for the 1.0 client. */
const ascii = (json: string): string =>
  json.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** Returns the pushes of a client by id and method; parsing and serializing them again gives the bytes that were sent. */
const pushed = (client: Client, asSent: (json: string) => string): ReadonlyMap<string, string> => {
  for (const frame of client.frames) assert.strictEqual(frame, asSent(JSON.stringify(JSON.parse(frame))))
  return new Map(
    client.received.flatMap((packet) =>
      packet.result === undefined && packet.id !== undefined
        ? [[`${packet.method} ${packet.id}`, JSON.stringify(packet)]]
        : []
    )
  )
}

layer(BridgeContext.over("TCP"), { excludeTestServices: true, timeout: "60 seconds" })(
  "the bridge, seen by a 1.0 client over TCP",
  (it) => {
    for (const { operation, sender, reader, cell } of cells) {
      if (cell._tag === "Not" || reader !== "xuanxuan") continue
      // Each of these takes seconds, and the sender makes no difference to the queue.
      if (sender === "rtm" && /offline|before/.test(operation)) continue
      it.effect(`${operation}: by ${sender}`, () =>
        Effect.gen(function* () {
          yield* cell.show(yield* BridgeContext)
        })
      )
    }

    it.effect("has the same bytes as over WebSocket", () =>
      Effect.gen(function* () {
        const { clientOf } = yield* BridgeContext
        const overTcp = pushed(clientOf("bob"), ascii)
        const common = (others: ReadonlyMap<string, string>, kind: (key: string, text: string) => boolean) => {
          const theirs = Array.from(others).filter(([key, text]) => kind(key, text) && overTcp.has(key))
          for (const [key, text] of theirs) assert.strictEqual(overTcp.get(key), text)
          return theirs.map(([key]) => key.split(" ")[0])
        }
        // All pushes of the same profile, and the texts of the other.
        const peer = pushed(clientOf(PEER), ascii)
        const methods = new Set(common(peer, (key) => !/^(?:getlist|userGetList) /.test(key)))
        assert.includeMembers([...methods], ["message", "create", "changeName", "addMember"])
        const isText = (key: string, text: string) =>
          key.startsWith("message ") && text.includes('"contentType":"text"')
        const alice = pushed(clientOf("alice"), (json) => json)
        assert.isAbove(common(alice, isText).length, 10)
      })
    )
  }
)

type Wanted = readonly [operations: ReadonlyArray<string>, by: ReadonlyArray<Protocol>, seenBy: ReadonlyArray<Protocol>]

/** Operations that must be live if both protocols have the chat. */
const promised: ReadonlyArray<Wanted> = [
  [
    ["send text", "send image"],
    ["xuanxuan", "spark", "ha", "youdu"],
    ["xuanxuan", "ha", "youdu"]
  ],
  [["recall"], ["xuanxuan", "spark", "ha"], ["xuanxuan", "ha"]],
  [["edit"], ["xuanxuan"], ["xuanxuan", "ha"]],
  [["rename"], ["xuanxuan", "spark", "hisihi", "youdu"], ["xuanxuan", "hisihi", "youdu"]],
  [
    ["add member", "remove member"],
    ["xuanxuan", "spark", "hisihi", "youdu"],
    ["xuanxuan", "spark", "youdu"]
  ]
]

describe("the declaration", () => {
  it("has a cell for every operation, sender and reader", () => {
    assert.strictEqual(cells.length, table.length * protocols.length ** 2)
  })

  it("declares all required live cells", () => {
    const missing = promised.flatMap(([operations, by, seenBy]) =>
      cells.filter(
        ({ operation, sender, reader, cell }) =>
          operations.includes(operation) && by.includes(sender) && seenBy.includes(reader) && cell._tag === "Not"
      )
    )
    assert.deepStrictEqual(missing, [])
  })

  it("has one reason for each letter", () => {
    const letters = reasons.map(({ letter }) => letter)
    assert.deepStrictEqual(letters, [...new Set(letters)])
  })

  it("docs/bridge.md matches the declaration", () => {
    const file = new URL("../../../docs/bridge.md", import.meta.url)
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, page())
    let written = ""
    try {
      written = readFileSync(file, "utf8")
    } catch {
      // A missing page is reported as outdated below.
    }
    assert.isTrue(written === page(), "docs/bridge.md is outdated: `UPDATE_DOCS=1 npx pnpm test` rewrites it")
  })
})
