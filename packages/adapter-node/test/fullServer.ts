/**
 * Replaces `@parley/adapter-node` in an example while the conformance kit tests its mount: the program is unchanged,
 * path, parsers and neighbours too, but it serves the kit's users and all protocols from memory.
 */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as hisihi } from "@parley/dialects/hisihi"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { dialect as youdu } from "@parley/dialects/youdu"
import { addDemoUsers } from "../../server/src/demo/demoUsers.ts"
import { createParley as create, type Parley } from "../src/index.ts"

export * from "../src/index.ts"

export const createParley = async ({ path }: { readonly path?: string }): Promise<Parley> => {
  const parley = await create({
    store: MemoryStore.layer,
    blobs: MemoryBlobs.layer,
    dialects: [xuanxuan, spark, hisihi, ha, youdu],
    ...(path !== undefined && { path }),
    login: true,
    demonstration: true,
    // As in the documents.
    settings: { sessions: "single" }
  })
  await parley.addSystemChat()
  await parley.run(addDemoUsers)
  const { host, port } = await parley.listenTcp({ host: "127.0.0.1", port: 0 })
  console.log(`tcp://${host}:${port}`)
  return parley
}
