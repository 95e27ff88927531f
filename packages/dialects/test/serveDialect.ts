/** All protocols on one engine in memory and one real server, as an embedder serves them. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as Host from "../../adapter-node/src/internal/http/HttpHost.ts"
import { serveHttp } from "@parley/adapter-node/serveHttp"
import * as Parley from "@parley/core/Parley"
import { Effect, Layer } from "effect"
import { plainPasswords } from "../../core/test/harness.ts"
import { dialect as ha } from "../src/ha/index.ts"
import { dialect as hisihi } from "../src/hisihi/index.ts"
import { dialect as spark } from "../src/spark/index.ts"
import { dialect as xuanxuan } from "../src/xuanxuan/index.ts"
import { dialect as youdu } from "../src/youdu/index.ts"

export const engine = Parley.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(MemoryStore.layer, MemoryBlobs.layer, plainPasswords))
)

export interface Reply {
  readonly status: number
  readonly json: unknown
}

export interface RequestOptions {
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: FormData
}

/** Starts the server; returns its address and a function for requests. */
export const served = Effect.gen(function* () {
  const context = { settings: { "hisihi.auth": "token" }, tcp: () => undefined }
  const dialects = yield* Effect.all([
    ha.open(context),
    hisihi.open(context),
    spark.open(context),
    xuanxuan.open(context),
    youdu.open(context)
  ])
  for (const { demo } of dialects) yield* demo
  const host = yield* Host.make({ endpoints: dialects.flatMap(({ endpoints }) => endpoints) })
  const { port } = yield* serveHttp(host, { host: "127.0.0.1", port: 0 })
  const http = `http://127.0.0.1:${port}`
  return {
    http,
    call: (method: string, path: string, { json, headers = {}, form }: RequestOptions = {}): Effect.Effect<Reply> =>
      Effect.promise(async () => {
        const response = await fetch(`${http}${path}`, {
          method,
          headers: { ...(json !== undefined && { "content-type": "application/json" }), ...headers },
          ...(json !== undefined && { body: JSON.stringify(json) }),
          ...(form !== undefined && { body: form })
        })
        return { status: response.status, json: await response.json() }
      })
  }
})

export type Served = Effect.Success<typeof served>
