/** Two users of a Next.js application talk with the cookies that its route handler sets, as its page does. */
import { connect } from "@parley/client"
import { WebSocket } from "ws"

const [http] = process.argv.slice(2)

const signIn = async (login, password) => {
  const response = await fetch(`${http}/api/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ login, password })
  })
  return { status: response.status, cookie: (response.headers.getSetCookie()[0] ?? "").split(";", 1)[0] }
}

const chatOf = (headers) =>
  connect({
    url: `${http}/im`,
    retry: false,
    WebSocket: class extends WebSocket {
      constructor(url) {
        super(url, { headers })
      }
    }
  })

const ann = await signIn("ann", "tea")
const ben = await signIn("ben", "coffee")
const clients = [await chatOf({ cookie: ann.cookie, origin: http }), await chatOf({ cookie: ben.cookie, origin: http })]
const [annChat, benChat] = clients
const heard = new Promise((resolve) => benChat.on("message", ({ content }) => resolve(content)))
const other = [...annChat.users.values()].find(({ account }) => account === "ben")
await annChat.send(await annChat.openDirectChat(other), "Hello, Ben")
console.log(`ben heard: ${await heard}`)
const unread = await fetch(`${http}/api/unread`, { headers: { cookie: ben.cookie } })
console.log(`unread: ${unread.status} ${(await unread.json()).length}`)
console.log(`wrong password: ${(await signIn("ann", "coffee")).status}`)
for (const headers of [{ cookie: ann.cookie, origin: "https://evil.example" }, { origin: http }]) {
  console.log(`refused: ${await chatOf(headers).catch(({ code, message }) => `${code}, ${message}`)}`)
}
const page = await fetch(http)
console.log(`page: ${page.status} ${(await page.text()).includes("<ul>")}`)
for (const client of clients) client.close()
process.exit(0)
