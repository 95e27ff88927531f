/** Code of a user of the types. It is compiled, not run. */
import { createServer } from "node:http"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley, type Parley } from "@parley/adapter-node"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { connect, type Message as Heard } from "@parley/client"
import { run, type Report } from "@parley/conformance"
import { createEngine, type Message, ParleyError } from "@parley/core"
import { Engine } from "@parley/core/Engine"
import { storeLaws } from "@parley/core/testing/StoreLaws"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import * as Effect from "effect/Effect"

export const parley: Parley = await createParley({
  store: SqliteStore.layer({ file: "./chat.db" }),
  blobs: MemoryBlobs.layer,
  dialects: [xuanxuan],
  settings: { sessions: "multi" }
})
createServer((request, response) => parley.node(request, response))

await using engine = await createEngine({ store: MemoryStore.layer })
export const sent: Message = await engine.as("ann").send("0123", "Hello")
const stop: () => void = engine.on("message", ({ message, recipients }) => {
  const users: number = recipients === "everyone" ? 0 : [...recipients].length
  console.log(message.content, users)
})
stop()
const { perform } = await engine.run(Engine)
const user = await engine.as("ann").id()
export const chats: ReadonlyArray<string> = await engine.run(
  Effect.map(perform({ user, device: null }, { _tag: "ListChats" }), (listed) => listed.map(({ chat }) => chat.gid))
)

const client = await connect({ url: "http://127.0.0.1:8080", account: "ann", password: "correct-horse-7" })
client.on("message", (heard: Heard) => console.log(heard.content))
// @ts-expect-error there is no such event
client.on("nothing", () => {})

export const laws: ReadonlyArray<Effect.Effect<void, unknown, unknown>> = storeLaws.map((law) => law.check)
export const report: Report = await run({ target: { http: "http://127.0.0.1:8080" }, protocol: "spark" })
export const code = (cause: unknown): string => (cause instanceof ParleyError ? cause.code : "unknown")
