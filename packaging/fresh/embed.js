// Conversations in a plain node:http server: two users, each with the chat client over WebSocket. Ends by itself.
import { createServer } from "node:http"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { connect } from "@parley/client"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"

// A busy machine makes requests slow, which is information; anything worse fails the test.
const log = ({ level, message }) => level === "info" || console.error(level, message)
const parley = await createParley({ store: MemoryStore.layer, dialects: [xuanxuan], path: "/im", log })
for (const account of ["ann", "ben"]) await parley.users.add({ account, password: "correct-horse-7" })

const server = createServer((request, response) => parley.node(request, response, () => response.end("Your own page.")))
const detach = parley.attach(server)
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
const http = `http://127.0.0.1:${server.address().port}`

const join = (account) => connect({ url: `${http}/im/ws`, account, password: "correct-horse-7" })
const next = (client) => new Promise((resolve) => client.on("message", ({ content }) => resolve(content)))
const [ann, ben] = [await join("ann"), await join("ben")]
const benHears = next(ben)
const pair = await ann.openDirectChat([...ann.users.values()].find(({ account }) => account === "ben"))
await ann.send(pair, "Hello, Ben")
console.log(`ben heard: ${await benHears}`)
await ben.send(pair, "Hello, Ann")
await parley.as("ann").read(pair.gid)
console.log(`own page: ${await (await fetch(http)).text()}`)

ann.close()
ben.close()
detach()
await parley.close()
server.close()
