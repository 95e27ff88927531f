/** Chat with the users and sessions of better-auth. */
import { randomBytes } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { DatabaseSync } from "node:sqlite"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { betterAuth } from "better-auth"
import { getMigrations } from "better-auth/db/migration"
import { toNodeHandler } from "better-auth/node"

const database = new DatabaseSync(process.env["PEOPLE"] ?? ":memory:")
const auth = betterAuth({
  database,
  baseURL: process.env["ORIGIN"] ?? "http://localhost:3000",
  secret: process.env["SECRET"] ?? randomBytes(32).toString("base64"),
  emailAndPassword: { enabled: true }
})
await (await getMigrations(auth.options)).runMigrations()

/** Users of better-auth, by one of their columns. */
const select = (column: "id" | "email", keys: ReadonlyArray<string>) =>
  database
    .prepare(`SELECT id, email, name FROM user WHERE ${column} IN (SELECT value FROM json_each(?))`)
    .all(JSON.stringify(keys))
    .map(({ id, email, name }) => ({ id: String(id), account: String(email), realname: String(name) }))

const userOf = async (cookie = ""): Promise<string | undefined> =>
  (await auth.api.getSession({ headers: new Headers({ cookie }) }))?.user.id

const parley = await createParley({
  store: MemoryStore.layer,
  dialects: [xuanxuan, spark],
  path: "/im",
  directory: { find: (ids) => select("id", ids), findByAccount: (emails) => select("email", emails) },
  authenticate: ({ headers }) => userOf(headers.get("cookie"))
})

const authRoutes = toNodeHandler(auth)
const application = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  if (request.url?.startsWith("/api/auth/") === true) return authRoutes(request, response)
  const user = request.url === "/unread" ? await userOf(request.headers.cookie) : undefined
  if (user === undefined) return void response.writeHead(request.url === "/unread" ? 401 : 404).end()
  response.end(JSON.stringify(await parley.as(user).unread()))
}
const server = createServer((request, response) =>
  parley.node(request, response, () => {
    application(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
)
parley.attach(server)
server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => console.log("ready", server.address()))
process.once("SIGTERM", () => void parley.close().then(() => server.close()))
