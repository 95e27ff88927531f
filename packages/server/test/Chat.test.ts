import { assert, describe, it } from "@effect/vitest"
import { connect } from "@parley/client"
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folder, run, serve, start } from "./serverProcess.ts"

/** Default password of `parley chat`. */
const ANY_PASSWORD = { PARLEY_PASSWORDS_MINIMUM: "0" }

/** A server with alice and bob. */
const withUsers = Effect.gen(function* () {
  const cwd = yield* folder
  writeFileSync(join(cwd, "users.csv"), "account,realname,password\nalice,Alice,123456\nbob,Bob,123456\n")
  const { code, err } = yield* run(cwd, ["user", "import", "users.csv", "--create"], "", ANY_PASSWORD)
  assert.strictEqual(code, 0, err)
  return { cwd, ...(yield* serve(cwd, "--no-demo")) }
})

const chat = (cwd: string, http: string, account: string) => start(cwd, ["chat", "--as", account, "--url", http])

describe("parley chat", () => {
  it.live("connects two terminals", () =>
    Effect.gen(function* () {
      const { cwd, http } = yield* withUsers
      const alice = yield* chat(cwd, http, "alice")
      yield* alice.until(/you are alice/)
      const bob = yield* chat(cwd, http, "bob")
      yield* bob.until(/you are bob/)
      yield* alice.until(/Bob is online/)

      yield* alice.type('/new "Tea party" bob')
      yield* alice.until(/^\* Tea party is open$/)
      yield* alice.type("hello\tthere")
      assert.match(yield* alice.until(/hello/), /^\[Tea party\] \d\d:\d\d Alice: hello there$/)
      yield* bob.until(/^\* you are in Tea party$/)
      assert.match(yield* bob.until(/hello/), /^\[Tea party\] \d\d:\d\d Alice: hello there$/)

      yield* bob.type("/open Tea party")
      yield* bob.until(/is open/)
      yield* bob.type("//shrug")
      yield* alice.until(/^\[Tea party\] \d\d:\d\d Bob: \/shrug$/)
      yield* bob.type("/who")
      yield* bob.until(/^online {3}alice {2}Alice$/)
      yield* bob.type("/history")
      yield* bob.until(/Alice: hello/)
      yield* bob.until(/Bob: \/shrug/)
      yield* bob.type("/quit")
      assert.strictEqual((yield* bob.ended).code, 0)
      yield* alice.until(/Bob is offline/)
    }).pipe(Effect.scoped)
  )

  it.live("lists unread messages, and marks as read what it has shown", () =>
    Effect.gen(function* () {
      const { cwd, http } = yield* withUsers
      const options = { url: http, password: "123456" }
      const alice = yield* Effect.promise(() => connect({ ...options, account: "alice" }))
      yield* Effect.addFinalizer(() => Effect.sync(() => alice.close()))
      // Delivered to another client of Bob, which does not mark them as read.
      const pair = yield* Effect.promise(async () => {
        const bob = await connect({ ...options, account: "bob" })
        const chat = await alice.openDirectChat(bob.me)
        const arrived = new Promise<void>((resolve) =>
          bob.on("message", ({ content }) => content === "two" && resolve())
        )
        await alice.sendAll(["one", "two"].map((content) => ({ chat, content })))
        await arrived
        await bob.logout()
        return chat
      })
      const bob = yield* chat(cwd, http, "bob")
      assert.match(yield* bob.until(/unread/), /^ {3}2 {2}Alice {2}\(2\) {2}2 unread$/)
      const nextRead = (): Promise<number> =>
        new Promise((resolve) => alice.on("read", ({ gid, id }) => gid === pair.gid && resolve(id)))
      const first = nextRead()
      // The events are requested before this.
      yield* Effect.promise(() => alice.unread())
      yield* bob.type("/open alice")
      yield* bob.type("/history")
      yield* bob.until(/Alice: two/)
      const { messages } = yield* Effect.promise(() => alice.history(pair))
      assert.strictEqual(yield* Effect.promise(() => first), messages[0]?.id)
      yield* bob.type("/chats")
      yield* bob.until(/^\* {2}2 {2}Alice {2}\(2\)$/)
      // A message that arrives is shown, and read.
      const second = nextRead()
      const sent = yield* Effect.promise(() => alice.send(pair, "three"))
      yield* bob.until(/Alice: three/)
      assert.strictEqual(yield* Effect.promise(() => second), sent.id)
    }).pipe(Effect.scoped)
  )

  it.live("reads from a pipe, as documented, and exits with 1 if a line failed", () =>
    Effect.gen(function* () {
      const { cwd, http } = yield* withUsers
      const manual = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8")
      const documented = Array.from(manual.matchAll(/^printf '([^']+)' \| parley chat --as (\w+)$/gm))
      assert.strictEqual(documented.length, 2)
      for (const [, lines = "", account = ""] of documented) {
        const { code, out, err } = yield* run(
          cwd,
          ["chat", "--as", account, "--url", http],
          lines.replaceAll("\\n", "\n")
        )
        assert.deepStrictEqual([code, err], [0, ""])
        assert.match(out, /\[Lobby\].*good morning/)
      }
      const wrong: ReadonlyArray<readonly [string, string]> = [
        ["/open\n", "! /open needs a name or a number; /chats lists your chats"],
        ["/open Lobbby\n", '! there is no chat and no user "Lobbby"'],
        ["lost\n", "! no chat is open"],
        ["/open bob\n/history\n/hsitory\n", "! unknown command /hsitory"],
        [`/open bob\n${"x".repeat(200_000)}\nafter\n`, "! "]
      ]
      for (const [input, text] of wrong) {
        const { code, out, err } = yield* run(cwd, ["chat", "--as", "alice", "--url", http], input)
        assert.strictEqual(code, 1, input.slice(0, 50))
        assert.include(out, text)
        assert.strictEqual(err, "parley: 1 line failed\n")
      }
    }).pipe(Effect.scoped)
  )

  it.live("shows missed messages once", () =>
    Effect.gen(function* () {
      const { cwd, http } = yield* withUsers
      const sent = yield* run(cwd, ["chat", "--as", "alice", "--url", http], "/open bob\none\ntwo\n")
      assert.strictEqual(sent.code, 0, sent.err)
      const first = yield* chat(cwd, http, "bob")
      yield* first.until(/Alice: one/)
      yield* first.until(/Alice: two/)
      yield* first.type("/quit")
      assert.strictEqual((yield* first.ended).code, 0)
      const second = yield* run(cwd, ["chat", "--as", "bob", "--url", http], "/open alice\nthanks\n")
      assert.include(second.out, "Bob: thanks")
      assert.notInclude(second.out, "Alice: ")
    }).pipe(Effect.scoped)
  )

  it.live("reconnects after a restart of the server, and sends waiting messages", () =>
    Effect.gen(function* () {
      const { cwd, http, child, ended } = yield* withUsers
      const alice = yield* chat(cwd, http, "alice")
      yield* alice.until(/you are alice/)
      yield* alice.type("/open bob")
      yield* alice.until(/is open/)
      child.kill("SIGKILL")
      yield* ended
      yield* alice.until(/connection lost; reconnecting/)
      yield* alice.type("are you there?")
      const again = yield* start(cwd, ["serve", "--port", new URL(http).port, "--tcp-port", "off", "--no-demo"])
      yield* again.until(/^listening/)
      yield* alice.until(/\* reconnected/)
      yield* alice.until(/Alice: are you there\?$/)
      const bob = yield* run(cwd, ["chat", "--as", "bob", "--url", http], "/open alice\n/history\n")
      assert.include(bob.out, "Alice: are you there?")
    }).pipe(Effect.scoped)
  )

  it.live("ends on /quit even when the server does not respond", () =>
    Effect.gen(function* () {
      const { cwd, http, child } = yield* withUsers
      const alice = yield* chat(cwd, http, "alice")
      yield* alice.until(/you are alice/)
      child.kill("SIGSTOP")
      // The first line waits for its response.
      yield* alice.type("/open bob")
      yield* alice.type("/quit")
      const { code } = yield* alice.ended
      child.kill("SIGCONT")
      assert.strictEqual(code, 0)
    }).pipe(Effect.scoped)
  )

  it.live("prints one line if it cannot log in, and ends after a later login", () =>
    Effect.gen(function* () {
      const { cwd, http } = yield* withUsers
      const wrong = yield* run(cwd, ["chat", "--as", "alice", "--url", http, "--password", "no"])
      assert.strictEqual(wrong.code, 1)
      assert.match(wrong.err, /^parley: [^\n]+\n$/)
      const first = yield* chat(cwd, http, "alice")
      yield* first.until(/you are alice/)
      const second = yield* chat(cwd, http, "alice")
      yield* second.until(/you are alice/)
      const { code, err } = yield* first.ended
      assert.strictEqual(code, 1)
      assert.match(err, /^parley: [^\n]+\n$/)
    }).pipe(Effect.scoped)
  )
})
