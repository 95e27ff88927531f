/** Conversations in an Express application: users of its own, JWTs in cookies, and another WebSocket library beside it. */
import { createParley } from "@parley/adapter-node"
import { parleyExpress } from "@parley/adapter-node/express"
import * as FileBlobs from "@parley/adapter-node/FileBlobs"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { parseHeader } from "effect/http/Cookies"
import express, { type NextFunction, type Request, type Response } from "express"
import { WebSocketServer } from "ws"
import { check, directory, signUp } from "./people.ts"
import { sign, verify } from "./token.ts"

signUp("ann", "Ann", "tea")
signUp("ben", "Ben", "coffee")

/** The JWT in a `Cookie` header. */
const jwtOf = (header = ""): string | undefined => parseHeader(header)["jwt"]

const data = process.env["DATA"] ?? "data"
const parley = await createParley({
  store: SqliteStore.layer({ file: `${data}/chat.db` }),
  blobs: FileBlobs.layer({ directory: `${data}/files` }),
  dialects: [xuanxuan, spark],
  path: "/im",
  directory,
  authenticate: ({ headers }) => verify(jwtOf(headers.get("cookie")))
})

const app = express()
// Before body parsers: conversations read their own bodies.
app.use(parleyExpress(parley))
app.use(express.json())

app.post("/login", async (request: Request, response: Response) => {
  const { login, password } = request.body as { login: string; password: string }
  const user = check(login, password)
  if (user === undefined) return response.sendStatus(401)
  return response.cookie("jwt", await sign(user), { httpOnly: true, sameSite: "lax" }).json({})
})

const signedIn = async (request: Request, response: Response, next: NextFunction) => {
  const user = await verify(jwtOf(request.headers.cookie))
  response.locals["user"] = user
  return user === undefined ? response.sendStatus(401) : next()
}
const userOf = ({ locals }: Response) => String(locals["user"])
app.get("/unread", signedIn, async (_, response) => void response.json(await parley.as(userOf(response)).unread()))

const port = Number(process.env["PORT"] ?? 3000)
const server = app.listen(port, "127.0.0.1", () => console.log("ready", server.address()))
parley.attach(server)
new WebSocketServer({ server, path: "/ticker" }).on("connection", (ws) => ws.send("ticking"))
process.once("SIGTERM", () => void parley.close().then(() => server.close()))
