import { createServer } from "node:http"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as Host from "@parley/adapter-node/Host"
import * as NodePasswords from "@parley/adapter-node/NodePasswords"
import * as Parley from "@parley/core/Parley"
import { Users } from "@parley/core/Users"
import { dialect } from "@parley/dialects/xuanxuan"
import { Effect, Layer } from "effect"

const engine = Parley.layer.pipe(Layer.provideMerge([MemoryStore.layer, MemoryBlobs.layer, NodePasswords.layer]))

// The rest is the embedding.
const program = Effect.gen(function* () {
  yield* (yield* Users).add([
    { account: "ann", password: "123456" },
    { account: "ben", password: "123456" }
  ])
  const { doors } = yield* dialect.open({ settings: {}, tcp: () => undefined })
  const host = yield* Host.make({ doors })
  const server = createServer((req, res) => host.node(req, res, () => res.end("Your own page.\n")))
  host.attach(server)
  server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => console.log("ready", server.address()))
  return yield* Effect.never
})

await Effect.runPromise(program.pipe(Effect.provide(engine), Effect.scoped))
