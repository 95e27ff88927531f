/** Two engines on one PostgreSQL database, as two processes of a host have them: one of them sends, the other one pushes. */
import * as PgNodes from "@parley/adapter-postgres/PgNodes"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import { createEngine } from "@parley/core"

const url = process.env["DATABASE"] ?? "postgres://parley:secret@127.0.0.1:5432/parley"

const open = () =>
  createEngine({
    store: PgStore.layer({ url }),
    nodes: PgNodes.layer({ url })
  })

const one = await open()
const other = await open()
await one.users.addAll([{ account: "ann" }, { account: "ben" }])
const heard = new Promise<string>((resolve) => other.on("message", ({ message }) => resolve(message.content)))
await one.as("ann").send(await one.as("ann").openDirectChat("ben"), "Hello, Ben")
console.log(await heard)
await one.close()
await other.close()
