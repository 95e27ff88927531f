/** Clients with tags, on two nodes with one store. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import { MemoryBus } from "@parley/adapter-memory/MemoryBus"
import * as MemoryNodes from "@parley/adapter-memory/MemoryNodes"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { Bus } from "@parley/core/Bus"
import { Nodes } from "@parley/core/Nodes"
import { Store } from "@parley/core/Store"
import { assert, describe, it } from "@effect/vitest"
import { Layer } from "effect"
import { createServer } from "node:http"
import { Cmd, Op } from "../../src/rtm/codec.ts"
import { dialect } from "../../src/rtm/index.ts"
import { connect, next, type RtmServer, sdks } from "./harness.ts"
import { dial } from "./dial.ts"

/** Two servers of one store. */
const startNodes = async () => {
  const store = Layer.succeed(Store, MemoryStore.make())
  const bus = new MemoryBus()
  const registry = Layer.succeed(Nodes, MemoryNodes.make())
  const start = async (): Promise<Omit<RtmServer, "restart">> => {
    const parley = await createParley({
      store,
      blobs: MemoryBlobs.layer,
      dialects: [dialect],
      nodes: Layer.merge(
        Layer.sync(Bus, () => bus.connect()),
        registry
      )
    })
    const server = createServer(parley.node)
    parley.attach(server)
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const host = `127.0.0.1:${typeof address === "object" ? address?.port : 0}`
    const close = async () => {
      await parley.close({ drain: 100 })
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
    return { parley, http: `http://${host}`, url: `ws://${host}/rtm`, close }
  }
  return [await start(), await start()] as const
}

describe.each(sdks)("a tag of clients of the SDK %s on two nodes", (version, sdk) => {
  it("is one client's: the earlier one gets a conflict, connected or when it comes back", async () => {
    const [here, there] = await startNodes()
    // Version 5 has one `Realtime` of each app in a process.
    const [app, same] = [`nodes-${version}`, version.startsWith("5") ? "nodes-5" : `nodes-${version}`]
    for (const id of new Set([app, same])) await here.parley.operate("rtm-app add", { id, "all-users": true })
    const first = await connect(sdk, here, { appId: app })
    const earlier = await first.createIMClient("tom", { tag: "Mobile" })
    const other = await first.createIMClient("tom-pad", { tag: "Mobile" })
    const conflict = next<[{ readonly reason: string }]>(earlier, "conflict")
    const second = await connect(sdk, there, { appId: same })
    const later = await second.createIMClient("tom", { tag: "Mobile" })
    assert.match((await conflict)[0].reason, /logged in elsewhere/)
    assert.deepStrictEqual(await later.ping(["tom"]), ["tom"])
    // Another client is not concerned.
    assert.deepStrictEqual(await other.ping(["tom-pad"]), ["tom-pad"])
    await later.close()
    await here.close()
    await there.close()
  })
})

describe("a session of a tag that another node has replaced", () => {
  it("is refused as a conflict, and one without a tag as expired", async () => {
    const [here, there] = await startNodes()
    await here.parley.operate("rtm-app add", { id: "nodes", "all-users": true })
    const open = { cmd: Cmd.session, op: Op.open, appId: "nodes", peerId: "tom" }
    const tokenOf = async ({ url }: { readonly url: string }, tag?: string): Promise<string> => {
      const client = await dial(url)
      const { session } = await client.ask({ ...open, session: { ...(tag !== undefined && { tag }) } })
      client.socket.close()
      return session?.st ?? assert.fail("no token")
    }
    const earlier = await tokenOf(here, "Mobile")
    const later = await tokenOf(there, "Mobile")
    const reopen = async ({ url }: { readonly url: string }, st: string) => {
      const client = await dial(url)
      const { error, session } = await client.ask({ ...open, session: { st, r: true } })
      client.socket.close()
      return error?.code ?? session?.st
    }
    assert.strictEqual(await reopen(here, earlier), 4111)
    assert.strictEqual(await reopen(here, later), later)
    for (const st of ["unknown", "unknown.TW9iaWxlMg", "unknown.____", "unknown.%", "."]) {
      assert.strictEqual(await reopen(here, st), 4112)
    }
    await here.close()
    await there.close()
  })
})
