/** A product with chat: Express, users, companies and sessions of its own, a React page, and Parley at `/chat`. */
import { createParley } from "@parley/adapter-node"
import { parleyExpress } from "@parley/adapter-node/express"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import express from "express"
import { data, databaseUrl } from "./database.ts"
import { addDemoUsers } from "./demo.ts"
import { hooks } from "./moderation.ts"
import { endSession, startSession, userOf } from "./sessions.ts"
import { checkPassword, directory } from "./users.ts"
import { startWebhook } from "./webhook.ts"

await addDemoUsers()

const parley = await createParley({
  store:
    databaseUrl === undefined ? SqliteStore.layer({ file: `${data}/chat.db` }) : PgStore.layer({ url: databaseUrl }),
  dialects: [xuanxuan],
  path: "/chat",
  directory,
  visibility: "organisation",
  authenticate: ({ headers }) => userOf(headers.get("cookie")),
  hooks,
  settings: { "limits.messagesPerSecond": 2, "limits.messageBurst": 30 }
})

const webhookUrl = process.env["WEBHOOK_URL"]
const webhook =
  webhookUrl === undefined ? undefined : startWebhook(webhookUrl, process.env["WEBHOOK_SECRET"] ?? "change me")
if (webhook !== undefined) {
  parley.on("message", async ({ message, chat }) => {
    const sender = message.sender === null ? [] : [message.sender]
    const ids = await parley.users.externalIds(sender)
    await webhook.send(message.id, {
      type: "message",
      id: message.gid,
      chat: chat.gid,
      sender: message.sender === null ? null : ids.get(message.sender),
      content: message.content,
      date: new Date(message.date).toISOString()
    })
  })
}

const app = express()
app.use(parleyExpress(parley))
app.use(express.json())
app.use(express.static("dist"))

app.post("/login", async (request, response) => {
  const { login, password } = request.body as { login: string; password: string }
  const user = await checkPassword(String(login), String(password))
  if (user === undefined) return void response.status(401).json({ message: "The name or the password is wrong." })
  response.setHeader("set-cookie", await startSession(user, request.secure)).json({})
})

app.post("/logout", async (request, response) => {
  const user = await userOf(request.headers.cookie)
  await endSession(request.headers.cookie)
  // The chats of this user's pages end too.
  if (user !== undefined) await parley.users.endSessions(user)
  response.json({})
})

app.get("/me", async (request, response) => {
  response.json({ id: (await userOf(request.headers.cookie)) ?? null })
})

const server = app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  console.log("ready", server.address())
})
parley.attach(server)

const stop = async (): Promise<void> => {
  server.close()
  server.closeAllConnections()
  await parley.close()
  await webhook?.stop()
  process.exit()
}
process.once("SIGTERM", () => void stop())
