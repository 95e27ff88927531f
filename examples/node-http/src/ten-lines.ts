import { createServer } from "node:http"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
const parley = await createParley({ store: MemoryStore.layer, dialects: [xuanxuan] })
for (const account of ["ann", "ben"]) await parley.users.add({ account, password: "correct-horse-7" })
await parley.as("ann").send(await parley.as("ann").openDirectChat("ben"), "Hello, Ben")
const server = createServer((req, res) => parley.node(req, res, () => res.end("Your own page.\n")))
parley.attach(server)
server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => console.log("ready", server.address()))
