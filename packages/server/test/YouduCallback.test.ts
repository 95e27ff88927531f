/**
 * The callback of a real server and a receiver on a real port: messages are sent in order and none is lost, though
 * the receiver fails, answers wrongly and hangs, and the server is killed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley } from "@parley/adapter-node"
import { dialect as youdu } from "@parley/dialects/youdu"
import { Effect } from "effect"
import { repetitions } from "../../../scripts/repetitions.ts"
import {
  ACCOUNT,
  APP,
  APP_FLAGS,
  BUIN,
  chatWithApp,
  contents,
  firstOrder,
  KEY,
  type Reaction,
  receiver,
  SETTINGS,
  TOKEN
} from "./callbackReceiver.ts"
import { online } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"

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
      const list = yield* operate("youdu-app list")
      assert.deepInclude(typeof list === "string" ? {} : (list.rows.at(-1) ?? {}), {
        app: "7/mine",
        org: 1,
        callback: receiving.url
      })
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
            const added = yield* runInProcess(cwd, ["youdu-app", "add", ...APP_FLAGS, ...flags])
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
            const changed = yield* runInProcess(cwd, ["youdu-app", "set-callback", ...APP_FLAGS, ...callback])
            assert.deepInclude(changed, {
              code: 0,
              out: `app 7/mine gets the messages that users send to ${ACCOUNT}\n`
            })
            const refused = yield* runInProcess(cwd, [
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
