/** Conversations in a Hono application on Node: users of its own, and signed cookies. */
import { randomBytes } from "node:crypto"
import type { Server } from "node:http"
import { serve } from "@hono/node-server"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import { createParley } from "@parley/adapter-node"
import { parleyHono } from "@parley/adapter-node/hono"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { type Context, Hono } from "hono"
import { setSignedCookie } from "hono/cookie"
import { createMiddleware } from "hono/factory"
import { parseSigned } from "hono/utils/cookie"
import { check, directory, signUp } from "./people.ts"

signUp("ann", "Ann", "tea")
signUp("ben", "Ben", "coffee")

const secret = process.env["SECRET"] ?? randomBytes(32).toString("hex")
/** The user of a request, by the cookie header that it has. */
const userOf = async (cookie: string | undefined): Promise<string | undefined> =>
  (await parseSigned(cookie ?? "", secret, "user"))["user"] || undefined

const parley = await createParley({
  store: SqliteStore.layer({ file: `${process.env["DATA"] ?? "data"}/chat.db` }),
  blobs: MemoryBlobs.layer,
  dialects: [xuanxuan, spark],
  path: "/im",
  directory,
  authenticate: ({ headers }) => userOf(headers.get("cookie"))
})

type Own = { readonly Variables: { user: string } }
const app = new Hono()
app.use(parleyHono(parley))

app.post("/login", async (context: Context) => {
  const { login, password } = await context.req.json<{ login: string; password: string }>()
  const user = check(login, password)
  if (user === undefined) return context.json({}, 401)
  await setSignedCookie(context, "user", user, secret, { httpOnly: true, sameSite: "Lax" })
  return context.json({})
})

const signedIn = createMiddleware<Own>(async (context, next) => {
  const user = await userOf(context.req.header("cookie"))
  if (user === undefined) return context.json({}, 401)
  context.set("user", user)
  return next()
})
app.get("/unread", signedIn, async ({ json, var: { user } }) => json(await parley.as(user).unread()))

const server = serve(
  { fetch: app.fetch, port: Number(process.env["PORT"] ?? 3000), hostname: "127.0.0.1" },
  (address) => console.log("ready", address)
)
parley.attach(server as Server)
process.once("SIGTERM", () => void parley.close().then(() => server.close()))
