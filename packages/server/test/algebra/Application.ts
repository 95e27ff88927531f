/** The demonstration's youdu application: its token and its envelope. Source: PROTOCOLS, "youdu". */
import { Effect } from "effect"
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { Http, Json } from "./actors.ts"

const BUIN = 14797363
const APP = "yd-demo"
const KEY = Buffer.from("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "base64")
const IV = KEY.subarray(0, 16)

const seal = (text: string): string => {
  const content = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const plain = Buffer.concat([randomBytes(16), length, content, Buffer.from(APP)])
  const missing = 32 - (plain.length % 32)
  const cipher = createCipheriv("aes-256-cbc", KEY, IV).setAutoPadding(false)
  return Buffer.concat([cipher.update(plain), cipher.update(Buffer.alloc(missing, missing)), cipher.final()]).toString(
    "base64"
  )
}

const open = (sealed: string): Json => {
  const decipher = createDecipheriv("aes-256-cbc", KEY, IV).setAutoPadding(false)
  const plain = Buffer.concat([decipher.update(Buffer.from(sealed, "base64")), decipher.final()])
  return JSON.parse(plain.subarray(20, 20 + plain.readUInt32BE(16)).toString("utf8")) as Json
}

const envelope = (text: string): Json => ({ buin: BUIN, appId: APP, encrypt: seal(text) })

/** Returns the `errcode` of each request. */
export const application = Effect.fnUntraced(function* (http: Http) {
  const now = String(Math.floor(Date.now() / 1000))
  const { json } = yield* http("POST", "/cgi/gettoken", { body: envelope(now) })
  const token = String(open(String(json["encrypt"]))["accessToken"])
  const post = (path: string, fields: Json) =>
    Effect.map(
      http("POST", `/cgi/${path}?accessToken=${token}`, { body: envelope(JSON.stringify(fields)) }),
      (answer) => answer.json["errcode"]
    )
  return {
    get: (gid: string) =>
      Effect.map(
        http("GET", `/cgi/session/get?accessToken=${token}&sessionId=${encodeURIComponent(gid)}`),
        (answer) => answer.json["errcode"]
      ),
    update: (change: Json) => post("session/update", change),
    /** Operations that name no user. */
    rename: (id: string, name: string) => post("group/update", { id, name }),
    remove: (id: string, account: string) => post("group/delmember", { id, userList: [account] })
  }
})
