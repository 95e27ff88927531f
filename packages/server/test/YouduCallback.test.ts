/**
 * The callback of a real server and a receiver on a real port: messages are sent in order and none is lost, though
 * the receiver fails, answers wrongly and hangs, and the server is killed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { dialect as youdu } from "@parley/dialects/youdu"
import { Effect } from "effect"
import { createDecipheriv, createHash, randomBytes } from "node:crypto"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { repetitions } from "../../../scripts/repetitions.ts"
import { type Client, idsOf, newGid, online } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"
import { folder, run, serve } from "./serverProcess.ts"

const BUIN = 7
const APP = "mine"
const KEY = randomBytes(32)
const TOKEN = "token-of-the-callback"
const ACCOUNT = `yd-${BUIN}-${APP}`
const APP_FLAGS = ["--buin", String(BUIN), "--app-id", APP]

/** Reaction of the receiver to a request. */
type Reaction = "accept" | "fail" | "wrong" | "hang" | "reset"

interface Packet {
  readonly packageId: string
  readonly fromUser: string
  readonly text: { readonly content: string }
}

const opened = (sealed: string): Packet => {
  const decipher = createDecipheriv("aes-256-cbc", KEY, KEY.subarray(0, 16)).setAutoPadding(false)
  const plain = Buffer.concat([decipher.update(Buffer.from(sealed, "base64")), decipher.final()])
  return JSON.parse(plain.subarray(20, 20 + plain.readUInt32BE(16)).toString("utf8")) as Packet
}

/** A receiver that checks signatures as the SDKs do, and reacts to each request as `react` decides. */
const receiver = Effect.gen(function* () {
  const attempts: Array<Packet> = []
  const accepted: Array<Packet> = []
  const problems: Array<string> = []
  const watchers = new Set<() => void>()
  let react: (attempt: number) => Reaction = () => "accept"
  const server = http.createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk))
    request.on("end", () => {
      const { toBuin, toApp, encrypt = "" } = JSON.parse(body) as Record<string, string>
      const query = new URL(request.url ?? "", "http://receiver").searchParams
      const parts = [TOKEN, query.get("timestamp") ?? "", query.get("nonce") ?? "", encrypt].toSorted()
      const signature = createHash("sha1").update(parts.join("")).digest("hex")
      if (signature !== query.get("msg_signature")) problems.push("the signature is wrong")
      if (Number(toBuin) !== BUIN || toApp !== APP) problems.push(`the packet is for ${toBuin}/${toApp}`)
      const packet = opened(encrypt)
      attempts.push(packet)
      const reaction = react(attempts.length)
      if (reaction === "accept") {
        accepted.push(packet)
        response.end(packet.packageId)
      } else if (reaction === "fail") response.writeHead(500).end(packet.packageId)
      else if (reaction === "wrong") response.end(`not ${packet.packageId}`)
      else if (reaction === "reset") request.socket.resetAndDestroy()
      for (const watcher of watchers) watcher()
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/youdu`,
    attempts,
    accepted,
    problems,
    react: (next: typeof react) => {
      react = next
    },
    until: (isDone: () => boolean): Effect.Effect<void> =>
      Effect.callback((resume) => {
        const check = (): void => {
          if (!isDone()) return
          watchers.delete(check)
          resume(Effect.void)
        }
        watchers.add(check)
        check()
        return Effect.sync(() => void watchers.delete(check))
      })
  }
})

const contents = (packets: ReadonlyArray<Packet>): ReadonlyArray<string> => packets.map(({ text }) => text.content)

/** Texts in the order of their first attempt. */
const firstOrder = (packets: ReadonlyArray<Packet>): ReadonlyArray<string> => [...new Set(contents(packets))]

/** Opens the chat of a client's user with the app; returns its gid. */
const chatWithApp = (client: Client): Effect.Effect<string> =>
  Effect.gen(function* () {
    const users = yield* client.get<ReadonlyArray<{ readonly id: number; readonly account: string }>>("userGetList")
    const app = users.find(({ account }) => account === ACCOUNT)
    assert.isDefined(app, `${ACCOUNT} is not in the list`)
    const own = idsOf(client)
    const chat = yield* client.get<{ readonly gid: string }>("create", {
      gid: newGid(),
      name: "",
      type: "one2one",
      members: [{ id: own.get("alice") }, { id: app?.id }]
    })
    return chat.gid
  })

const SETTINGS = { "youdu.callbackRetry": 1, "youdu.callbackTimeout": 1 }

describe("the callback", () => {
  it.live("gets everything in order from a receiver that fails, answers wrongly, resets and hangs", () =>
    Effect.gen(function* () {
      const { http: address, commands } = yield* serveInProcess(SETTINGS)
      const operate = (words: string, inputs: Record<string, string | number> = {}) => {
        const command = commands.find(({ path }) => path.join(" ") === words)
        assert.isDefined(command, words)
        return command?.run(inputs) ?? Effect.succeed("")
      }
      const receiving = yield* receiver
      const app = { buin: BUIN, "app-id": APP }
      const callback = { callback: receiving.url, "callback-token": TOKEN }
      const added = yield* operate("youdu-app add", { ...app, key: KEY.toString("base64"), org: 1, ...callback })
      assert.strictEqual(added, `added app 7/mine of organisation 1, with the user ${ACCOUNT}`)
      const alice = yield* online(address, "alice")
      const gid = yield* chatWithApp(alice)
      const bad: ReadonlyArray<Reaction> = ["fail", "wrong", "reset", "hang"]
      receiving.react((attempt) => bad[attempt - 1] ?? "accept")
      const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`)
      yield* alice.say(gid, ...texts)
      yield* receiving.until(() => receiving.accepted.length >= texts.length)
      assert.deepStrictEqual(contents(receiving.accepted), texts)
      assert.deepStrictEqual(contents(receiving.attempts.slice(0, 4)), Array(4).fill("text 0"))
      assert.lengthOf(new Set(receiving.attempts.slice(0, 5).map(({ packageId }) => packageId)), 1)
      assert.deepStrictEqual(receiving.problems, [])
      assert.include(yield* operate("youdu-app list"), `7/mine  org 1  ${receiving.url}`)
    }).pipe(Effect.scoped)
  )

  it.live("is called by an embedded engine too, until it is closed", () =>
    Effect.gen(function* () {
      const receiving = yield* receiver
      const parley = yield* Effect.acquireRelease(
        Effect.promise(() => createParley({ store: MemoryStore.layer, dialects: [youdu] })),
        (opened) => Effect.promise(() => opened.close())
      )
      const app = { buin: BUIN, "app-id": APP, key: KEY.toString("base64"), org: 1 }
      const say = Effect.promise(async () => {
        const ann = parley.as("ann")
        await ann.send(await ann.openDirectChat(ACCOUNT), "from an embedder's user")
      })
      yield* Effect.promise(async () => {
        await parley.operate("youdu-app add", { ...app, callback: receiving.url, "callback-token": TOKEN })
        await parley.users.add({ account: "ann", password: "correct-horse-7" })
      })
      yield* say
      yield* receiving.until(() => receiving.accepted.length === 1)
      assert.deepInclude(receiving.accepted[0], { fromUser: "ann", text: { content: "from an embedder's user" } })
      receiving.react(() => "hang")
      yield* say
      yield* receiving.until(() => receiving.attempts.length === 2)
      yield* Effect.promise(() => parley.close())
      assert.deepStrictEqual(receiving.problems, [])
    }).pipe(Effect.scoped)
  )

  it.live(
    "loses nothing and keeps the order when the server is killed, and commands on a stopped server call nobody",
    () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const receiving = yield* receiver
        const settings = Object.entries(SETTINGS).flatMap(([key, value]) => ["--set", `${key}=${value}`])
        const callback = ["--callback", receiving.url, "--callback-token", TOKEN]
        const kills = repetitions(8, 1)
        const texts: Array<string> = []
        let gid = ""
        for (let turn = 0; turn <= kills; turn++) {
          const server = yield* serve(cwd, ...settings)
          if (turn === 0) {
            const flags = ["--key", KEY.toString("base64"), "--org", "1", ...callback]
            const added = yield* run(cwd, ["youdu-app", "add", ...APP_FLAGS, ...flags])
            assert.deepInclude(added, {
              code: 0,
              out: `added app 7/mine of organisation 1, with the user ${ACCOUNT}\n`
            })
          }
          const alice = yield* online(server.http, "alice")
          if (turn === 0) gid = yield* chatWithApp(alice)
          // Some are accepted before the kill, one is under way at it, and the others wait.
          const before = receiving.attempts.length
          const isLast = turn === kills
          receiving.react((attempt) => (!isLast && attempt > before + 3 ? "hang" : "accept"))
          const more = Array.from({ length: 10 }, (_, index) => `turn ${turn}, text ${index}`)
          texts.push(...more)
          yield* alice.say(gid, ...more)
          if (isLast) {
            yield* receiving.until(() => receiving.accepted.at(-1)?.text.content === texts.at(-1))
          } else {
            yield* receiving.until(() => receiving.attempts.length > before + 3)
            server.child.kill("SIGKILL")
            yield* server.ended
          }
          if (turn === 0) {
            const attempts = receiving.attempts.length
            const changed = yield* run(cwd, ["youdu-app", "set-callback", ...APP_FLAGS, ...callback])
            assert.deepInclude(changed, {
              code: 0,
              out: `app 7/mine gets the messages that users send to ${ACCOUNT}\n`
            })
            const refused = yield* run(cwd, [
              "youdu-app",
              "set-callback",
              ...APP_FLAGS,
              "--callback",
              "ftp://x",
              "--callback-token",
              TOKEN
            ])
            assert.strictEqual(refused.code, 1)
            assert.match(refused.err, /callback must be an http or https URL/)
            assert.strictEqual(receiving.attempts.length, attempts)
          }
        }
        assert.deepStrictEqual(firstOrder(receiving.attempts), texts)
        assert.deepStrictEqual(firstOrder(receiving.accepted), texts)
        // Redelivered are at most those whose acceptance was not stored at the kill.
        assert.isAtMost(receiving.accepted.length, texts.length + kills)
        assert.deepStrictEqual(receiving.problems, [])
      }).pipe(Effect.scoped)
  )
})
