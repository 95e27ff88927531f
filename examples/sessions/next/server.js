/** Chat in a Next.js application with a custom server, which has one process for both. */
import { createServer } from "node:http"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import next from "next"
import { directory } from "./people.js"
import { userOf } from "./session.js"

const app = next({ dev: process.env.NODE_ENV !== "production", dir: import.meta.dirname })
const handle = app.getRequestHandler()
await app.prepare()

const parley = await createParley({
  store: MemoryStore.layer,
  dialects: [xuanxuan, spark],
  path: "/im",
  directory,
  authenticate: ({ headers }) => userOf(headers.get("cookie"))
})
// Route handlers are bundled apart from this file.
globalThis.parley = parley

const server = createServer((request, response) => parley.node(request, response, () => handle(request, response)))
parley.attach(server)
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log("ready", server.address()))
process.once("SIGTERM", () => void parley.close().then(() => process.exit(0)))
