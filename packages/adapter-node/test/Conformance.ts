/** The whole conformance set of every protocol, played through an object in somebody's framework. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as hisihi } from "@parley/dialects/hisihi"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { dialect as youdu } from "@parley/dialects/youdu"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { lines, type Options, protocols, run } from "../../conformance/src/index.ts"
import { addDemoUsers } from "../../server/src/Foundation.ts"
import type { Mount, Mounted } from "./Mounts.ts"

type Way = Pick<Options, "protocol" | "wire">

const ways: ReadonlyArray<readonly [name: string, way: Way]> = [
  ...protocols().map((protocol): readonly [string, Way] => [protocol, { protocol }]),
  ["xuanxuan as clients of 1.0 speak it", { protocol: "xuanxuan", wire: "client-1.0" }]
]

/** What was not asked of this way in is none of its failures. */
const FINE: ReadonlySet<string> = new Set(["pass", "pass-lenient", "not-applicable"])

/** Declares the tests of one framework. */
export const conforms = (name: string, mount: Mount): void => {
  describe(`through ${name}, below a path`, () => {
    let mounted: Mounted | undefined
    let tcp = ""
    let end: () => Promise<unknown> = async () => {}
    beforeAll(async () => {
      const parley = await createParley({
        store: MemoryStore.layer,
        blobs: MemoryBlobs.layer,
        dialects: [xuanxuan, spark, hisihi, ha, youdu],
        path: "/im",
        login: true,
        demonstration: true
      })
      await parley.addSystemChat()
      await parley.run(addDemoUsers)
      mounted = await mount(parley)
      const { host, port } = await parley.listenTcp({ host: "127.0.0.1", port: 0 })
      tcp = `tcp://${host}:${port}`
      end = async () => {
        await parley.close()
        await mounted?.close()
      }
    })
    afterAll(() => end())

    it.each(ways)("%s", { timeout: 120_000 }, async (_, way) => {
      const http = `${mounted?.http}/im`
      const ws = `${http.replace("http:", "ws:")}/ws`
      const report = await run({ ...way, target: { http, ws, tcp }, profile: "all" })
      assert.isAbove(report.scenarios.length, 3)
      const failed = report.scenarios.filter(({ verdict }) => !FINE.has(verdict))
      assert.deepStrictEqual(
        failed.map(({ id }) => id),
        [],
        failed
          .flatMap((result) => lines(result))
          .join("\n")
          .slice(0, 4000)
      )
    })
  })
}
