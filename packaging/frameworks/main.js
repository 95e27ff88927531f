/** Two users talk in a server of the framework that is named, beside a page of its own. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { connect } from "@parley/client"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"

const { start } = await import(`./${process.argv[2]}.js`)
const parley = await createParley({ store: MemoryStore.layer, dialects: [xuanxuan], path: "/im", log: () => {} })
const password = "correct-horse-7"
await parley.users.addAll(["ann", "ben"].map((account) => ({ account, password })))
const { port, close } = await start(parley)
const url = `http://127.0.0.1:${port}`
const ben = await connect({ url: `${url}/im`, account: "ben", password })
const heard = new Promise((resolve) => ben.on("message", ({ content }) => resolve(content)))
const ann = parley.as("ann")
await ann.send(await ann.openDirectChat("ben"), "Hello, Ben")
console.log(`ben heard: ${await heard}`)
console.log(`own page: ${await (await fetch(`${url}/own`)).text()}`)
ben.close()
await close()
