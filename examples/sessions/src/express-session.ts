/** Chat with the sessions of express-session and Passport. */
import { randomBytes } from "node:crypto"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { parleyExpress } from "@parley/adapter-node/express"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import express, { type Request } from "express"
import session from "express-session"
import passport from "passport"
import { check, directory, type Person, personOf } from "./people.ts"

const userOf = (source: unknown): string | undefined => (source as Request & { user?: Person }).user?.id

passport.serializeUser<string>((user, done) => done(null, (user as Person).id))
passport.deserializeUser<string>((id, done) => done(null, personOf(id) ?? false))

const sessions = session({
  secret: process.env["SECRET"] ?? randomBytes(32).toString("hex"),
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: "lax" }
})
const parley = await createParley({
  store: MemoryStore.layer,
  dialects: [xuanxuan, spark],
  path: "/im",
  directory,
  upgradeMiddleware: [sessions, passport.session()],
  authenticate: ({ source }) => userOf(source)
})

const app = express()
app.use(sessions, passport.session())
app.use(parleyExpress(parley))

app.post("/login", express.json(), (request, response, next) => {
  const { login, password } = request.body as { login: string; password: string }
  const user = check(login, password)
  if (user === undefined) return void response.sendStatus(401)
  request.login(user, (error) => (error === undefined || error === null ? response.json({}) : next(error)))
})
app.post("/logout", async (request, response) => {
  const user = userOf(request)
  await new Promise((resolve) => request.session.destroy(resolve))
  // The chat's sessions of the user end too, on every device.
  if (user !== undefined) await parley.users.endSessions(user)
  response.json({})
})
app.get("/unread", async (request, response) => {
  const user = userOf(request)
  if (user === undefined) return void response.sendStatus(401)
  response.json(await parley.as(user).unread())
})

const server = app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () =>
  console.log("ready", server.address())
)
parley.attach(server)
process.once("SIGTERM", () => void parley.close().then(() => server.close()))
