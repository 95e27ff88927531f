/** Conversations in a plain `node:http` server with users and cookie sessions of its own. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { json } from "node:stream/consumers"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { directory, signIn, signUp, userOf } from "./people.ts"

signUp("ann", "Ann", "tea")
signUp("ben", "Ben", "coffee")

const parley = await createParley({
  store: MemoryStore.layer,
  blobs: MemoryBlobs.layer,
  dialects: [xuanxuan, spark],
  path: "/im",
  directory,
  authenticate: ({ headers }) => userOf(headers.get("cookie"))
})

/** The application itself: its pages, and what it makes of the conversations. */
const application = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const answer = (status: number, body: unknown, headers = {}): void => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))
  }
  const user = userOf(request.headers.cookie)
  switch (`${request.method} ${request.url}`) {
    case "POST /login": {
      const { login, password } = (await json(request)) as { login: string; password: string }
      const cookie = signIn(login, password)
      return cookie === undefined ? answer(401, {}) : answer(200, {}, { "set-cookie": cookie })
    }
    case "GET /unread":
      return user === undefined ? answer(401, {}) : answer(200, await parley.as(user).unread())
    default:
      return answer(404, { message: "This page is not there." })
  }
}

const server = createServer((request, response) =>
  parley.node(request, response, () => {
    application(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
)
parley.attach(server)
server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => console.log("ready", server.address()))
process.once("SIGTERM", () => void parley.close().then(() => server.close()))
