/** Conversations in a Fastify application: users of its own, and JWTs as bearer tokens. */
import { createParley } from "@parley/adapter-node"
import { parleyFastify } from "@parley/adapter-node/fastify"
import * as FileBlobs from "@parley/adapter-node/FileBlobs"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import fastify from "fastify"
import { check, directory, signUp } from "./people.ts"
import { sign, verify } from "./token.ts"

signUp("ann", "Ann", "tea")
signUp("ben", "Ben", "coffee")

const bearer = (header: string | undefined): string | undefined => /^Bearer (.+)$/.exec(header ?? "")?.[1]

const data = process.env["DATA"] ?? "data"
const parley = await createParley({
  store: SqliteStore.layer({ file: `${data}/chat.db` }),
  blobs: FileBlobs.layer({ directory: `${data}/files` }),
  dialects: [xuanxuan, spark, ha],
  path: "/im",
  directory,
  authenticate: ({ headers }) => verify(bearer(headers.get("authorization")))
})
// The app that may use the `ha` protocol.
await parley.operate("ha-key add", { key: "our-app" })

const app = fastify()
await app.register(parleyFastify, { parley })

app.post("/login", async (request, reply) => {
  const { login, password } = request.body as { login: string; password: string }
  const user = check(login, password)
  return user === undefined ? reply.code(401).send({}) : { token: await sign(user) }
})

app.register(async (own) => {
  own.decorateRequest("user", "")
  own.addHook("onRequest", async (request, reply) => {
    const user = await verify(bearer(request.headers.authorization))
    if (user === undefined) return reply.code(401).send({})
    request.setDecorator("user", user)
  })
  own.get("/unread", (request) => parley.as(request.getDecorator<string>("user")).unread())
  own.get("/chat-token", async (request) =>
    JSON.stringify(await parley.openSession(request.getDecorator<string>("user"), { kind: "chat" }))
  )
})

// Closing the application closes the conversations first.
process.once("SIGTERM", () => void app.close())
await app.listen({ port: Number(process.env["PORT"] ?? 3000), host: "127.0.0.1" })
console.log("ready", app.server.address())
