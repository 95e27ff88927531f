/** A client that never reads is dropped without affecting others, and misses nothing when it reconnects. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { repetitions } from "../../../scripts/repetitions.ts"
import { type Client, contents, desktop, md5, newGid, newGroup, online, PASSWORD } from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"

const MEMBERS = repetitions(50, 10)
/** Characters of one message. The kernel buffers some megabytes for a client before the server has to buffer anything. */
const LARGE = 60_000
/** Messages between two waits for reading clients, whose unread data must fit the kernel's buffers. */
const BATCH = 5
/** Number of messages after which the slow reader must be dropped. */
const TOO_MANY = 400

const accounts = Array.from({ length: MEMBERS }, (_, index) => `reader${index}`)

const content = (index: number): string => `${index}:`.padEnd(LARGE, "x")
const number = (text: string): number => Number.parseInt(text, 10)
const upTo = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index)

const busyGroup = Effect.gen(function* () {
  const cwd = yield* folder
  writeFileSync(
    join(cwd, "users.csv"),
    ["account,password", ...accounts.map((account) => `${account},${PASSWORD}`)].join("\n")
  )
  const imported = yield* runInProcess(cwd, ["user", "import", "users.csv", "--create"], {
    PARLEY_PASSWORDS_MINIMUM: "0"
  })
  assert.strictEqual(imported.code, 0, imported.err)
  return yield* serve(cwd, "--no-demo", "--set", "limits.sendBuffer=65536")
})

const isOnline = (client: Client, account: string) =>
  Effect.map(
    client.get<ReadonlyArray<{ readonly account: string; readonly status: string }>>("userGetList"),
    (users) => users.find((user) => user.account === account)?.status !== "offline"
  )

describe("a client that never reads", () => {
  for (const transport of ["WebSocket", "TCP"] as const) {
    it.live(`is dropped at its limit, and no other client is (${transport})`, () =>
      Effect.gen(function* () {
        const { http, tcp } = yield* busyGroup
        const [sender, ...others] = yield* Effect.forEach(accounts.slice(1), (account) => online(http, account), {
          concurrency: 8
        })
        assert(sender)
        const gid = yield* newGroup(sender, ...accounts)
        const slow = transport === "WebSocket" ? yield* online(http, "reader0") : yield* desktop(tcp)
        if (transport === "TCP") {
          yield* slow.get("login", ["reader0", md5(PASSWORD), "online"])
          yield* slow.until("the list of chats", () => slow.pushes("getlist").length > 0)
        }
        slow.stopReading()

        let sent = 0
        while (yield* isOnline(sender, "reader0")) {
          assert.isBelow(sent, TOO_MANY)
          yield* sender.say(gid, ...upTo(BATCH).map((step) => content(sent + step)))
          sent += BATCH
          for (const other of others) yield* other.until("all messages", () => other.delivered.length >= sent)
        }

        assert.isAtLeast(sent * LARGE, 65_536)
        for (const other of others) {
          assert.isUndefined(other.closed())
          assert.deepStrictEqual(contents(other.delivered).map(number), upTo(sent))
          assert.isTrue(other.delivered.every((message) => message.content.length === LARGE))
        }
        const again = yield* online(http, "reader0")
        yield* again.until("everything", () => again.delivered.length >= sent)
        yield* sender.say(gid, "the end")
        yield* again.untilMessage("the end")
        assert.deepStrictEqual(contents(again.delivered).slice(0, -1).map(number), upTo(sent))
      }).pipe(Effect.scoped)
    )
  }
})

describe("a client that reconnects to a long backlog", () => {
  it.live("is not dropped for its unread part", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { http } = yield* serve(cwd, "--database", "memory:", "--demo", "--set", "limits.sendBuffer=65536")
      const alice = yield* online(http, "alice")
      const gid = yield* newGroup(alice, "carol")
      // More than the kernel buffers.
      const text = "x".repeat(8000)
      for (let page = 0; page < 15; page++) {
        const messages = Array.from({ length: 100 }, () => ({ gid: newGid(), cgid: gid, content: text }))
        yield* alice.get("message", messages)
      }
      const carol = yield* online(http, "carol")
      carol.stopReading()
      // Meanwhile others log in and out, which is pushed to carol too.
      for (const account of ["bob", "dave", "erin", "demo", "admin"]) {
        const guest = yield* online(http, account)
        yield* guest.get("logout")
      }
      carol.startReading()
      yield* carol.until("everything", () => carol.delivered.length >= 1500)
      yield* alice.say(gid, "the end")
      yield* carol.untilMessage("the end")
      assert.strictEqual(carol.delivered.length, 1501)
    }).pipe(Effect.scoped)
  )
})
