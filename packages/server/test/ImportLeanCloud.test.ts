/** `parley import leancloud`: killed and resumed, repeated, with garbage; and what the SDKs find afterwards. */
import { assert, describe, it } from "@effect/vitest"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { Store } from "@parley/core/Store"
import { Effect } from "effect"
import fc from "fast-check"
import * as sdk4 from "leancloud-realtime"
import { appendFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { createDatabase } from "../../../scripts/postgres/database.ts"
import { repetitions } from "../../../scripts/repetitions.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, run, serve } from "./serverProcess.ts"
import { conversationAt, membersAt, type ServiceExport, writeExport } from "./serviceExport.ts"

const KILL = fileURLToPath(new URL("fixtures/killAtProgress.mjs", import.meta.url))
const sdk5 = createRequire(new URL("../../dialects/package.json", import.meta.url))(
  "leancloud-realtime-5"
) as typeof sdk4

const addApp = (cwd: string, id = "my-app", ...more: ReadonlyArray<string>) =>
  Effect.map(runInProcess(cwd, ["rtm-app", "add", id, "--key", "secret", "--create", ...more]), ({ code }) =>
    assert.strictEqual(code, 0)
  )

const argumentsOf = ({ files }: Pick<ServiceExport, "files">, ...more: ReadonlyArray<string>) => [
  "import",
  "leancloud",
  "--conversations",
  files.conversations,
  ...files.messages.flatMap((file) => ["--messages", file]),
  ...(more.includes("--app") ? [] : ["--app", "my-app"]),
  ...more
]

/** Checks that each conversation has its messages once, under their ids, in their order, and its facts. */
const checkStored = (cwd: string, exported: ServiceExport) =>
  Effect.gen(function* () {
    const store = yield* Store
    for (const [index, id] of exported.conversations.entries()) {
      const found = yield* store.chatByGid(id)
      assert(found !== undefined)
      const { chat, head } = found
      const names = new Map(
        (yield* store.users([...chat.members.keys()])).map(({ id: user, account }) => [user, account])
      )
      assert.deepStrictEqual(
        Array.from(chat.members.keys(), (user) => names.get(user) ?? ""),
        [...membersAt(index)]
      )
      const messages = yield* store.history(chat.id, { from: 1, to: head.posted })
      const expected = exported.messages.get(id) ?? []
      assert.deepStrictEqual(
        messages.toReversed().map(({ gid, date, sender }) => [gid, date, sender === null ? "" : names.get(sender)]),
        expected.map((one) => [`leancloud:${one["msg-id"]}`, one.timestamp, one.from])
      )
      const cursors = yield* store.cursorsIn(chat.id, [...chat.members.keys()])
      assert.deepStrictEqual(
        cursors.map(({ delivered, read }) => [delivered, read]),
        membersAt(index).map(() => [head.seq, head.seq])
      )
    }
  }).pipe(Effect.provide(SqliteStore.layer({ file: join(cwd, "data", "parley.db") })))

const connect = (sdk: typeof sdk4, http: string, appId: string) => {
  const { host } = new URL(http)
  const address = sdk === sdk4 ? { RTMServers: `ws://${host}/rtm`, server: host } : { server: http, ssl: false }
  return new sdk.Realtime({ appId, appKey: "unused", ...address } as never)
}

/** Reads and changes one conversation by the SDK. */
const useSdk = async (
  sdk: typeof sdk4,
  http: string,
  exported: ServiceExport,
  index: number,
  appId = "my-app"
): Promise<void> => {
  const id = conversationAt(index)
  const expected = exported.messages.get(id) ?? []
  const realtime = connect(sdk, http, appId)
  const unread: Array<unknown> = []
  const client = await realtime.createIMClient("alice")
  client.on("unreadmessagescountupdate" as never, ((...counts: ReadonlyArray<unknown>) => unread.push(counts)) as never)
  const conversation = await client.getConversation(id)
  assert.strictEqual(conversation.name, `Room ${index}`)
  assert.deepStrictEqual(conversation.get("attr"), { colour: "blue" })
  assert.strictEqual(conversation.get("topic"), index)
  assert.deepStrictEqual(conversation.members, membersAt(index))
  assert.strictEqual(conversation.unreadMessagesCount, 0)
  const ids: Array<string> = []
  const pages = conversation.createMessagesIterator({ limit: 7 })
  for (;;) {
    const { value, done } = await pages.next()
    ids.unshift(...value.map((message) => message.id))
    if (done === true) break
  }
  assert.deepStrictEqual(
    ids,
    expected.map((one) => one["msg-id"])
  )
  const middle = expected[4]
  const forward = await conversation.queryMessages({
    startTime: new Date(middle?.timestamp ?? 0),
    startMessageId: middle?.["msg-id"],
    limit: 5,
    direction: sdk.MessageQueryDirection.OLD_TO_NEW
  } as never)
  assert.deepStrictEqual(
    forward.map((message) => message.id),
    expected.slice(5, 10).map((one) => one["msg-id"])
  )
  const same = await client.createConversation({ members: [...membersAt(index)], unique: true })
  assert.strictEqual(same.id, id)

  const own = (await conversation.queryMessages({ limit: 10 } as never)).filter(({ from }) => from === "alice")
  const [first, second] = own
  assert(first !== undefined && second !== undefined)
  const sent = await conversation.send(new sdk.TextMessage("after the move"))
  assert.strictEqual((await conversation.queryMessages({ limit: 1 } as never))[0]?.id, sent.id)
  await conversation.update(first, new sdk.TextMessage("edited"))
  await conversation.recall(second)
  const later = await conversation.queryMessages({ limit: 20 } as never)
  assert.strictEqual((later.find((one) => one.id === first.id) as sdk4.TextMessage).text, "edited")
  assert.instanceOf(
    later.find((one) => one.id === second.id),
    sdk.RecalledMessage
  )
  assert.deepStrictEqual(unread, [])
  await client.close()
}

describe("parley import leancloud", () => {
  it.live("is killed twice and resumed: every message once, in its order, for the SDKs as well", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const count = repetitions(100_000, 5_000)
      const exported = writeExport(cwd, repetitions(1_000, 50), count)
      yield* addApp(cwd)
      for (const part of [0.3, 0.7]) {
        const killed = yield* run(cwd, argumentsOf(exported), "", {
          NODE_OPTIONS: `--import ${KILL}`,
          KILL_AT: String(count * part)
        })
        assert.strictEqual(killed.code, null, killed.out + killed.err)
      }
      const dry = yield* runInProcess(cwd, argumentsOf(exported, "--dry-run"))
      assert.match(dry.out, /^would import 0 conversations, [1-9]\d* messages and 0 new users; \d+ conv/m)
      const last = yield* runInProcess(cwd, argumentsOf(exported))
      assert.strictEqual(last.code, 0, last.out + last.err)
      assert.include(last.out, `messages-0.json:1: the field "from-ip" of messages is not imported; ${count} have it`)
      yield* checkStored(cwd, exported)
      const again = yield* runInProcess(cwd, argumentsOf(exported))
      assert.include(again.out, "imported 0 conversations, 0 messages and 0 new users")
      yield* checkStored(cwd, exported)

      const server = yield* serve(cwd, "--no-demo")
      const refused = yield* runInProcess(cwd, argumentsOf(exported))
      assert.deepStrictEqual(refused, {
        code: 1,
        out: "",
        err: "parley: a server uses this database: stop it, run the command, and start it again\n"
      })
      yield* Effect.promise(() => useSdk(sdk4, server.http, exported, 0))
      yield* Effect.promise(() => useSdk(sdk5, server.http, exported, 1))
    }).pipe(Effect.scoped)
  )

  it.live("reports each line that it leaves out", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const exported = writeExport(cwd, 2, 12)
      const more = [
        { objectId: "5e0be1000000000000000001", tr: true },
        { objectId: "5e0be1000000000000000002", sys: true },
        { objectId: "5e0be1000000000000000003", m: ["a b", "carol"] },
        { objectId: "5e0be1000000000000000004", m: [] },
        { objectId: "x" }
      ]
      appendFileSync(join(cwd, "conversations.jsonl"), more.map((one) => `${JSON.stringify(one)}\n`).join(""))
      const message = { "msg-id": "own", "conv-id": conversationAt(0), from: "bob", data: "x", timestamp: 1 }
      const lines = [
        { ...message, "conv-id": "5e0be1000000000000000009" },
        { ...message, "msg-id": "00000000000000ab" },
        { ...message, from: "b:b" },
        { ...message, bin: true, data: "?" },
        { ...message, timestamp: "now" }
      ]
      writeFileSync(join(cwd, "messages-3.json"), lines.map((one) => `${JSON.stringify(one)}\n`).join(""))
      yield* addApp(cwd)
      const files = { ...exported.files, messages: [...exported.files.messages, "messages-3.json"] }
      for (const flag of ["--dry-run", "--create"]) {
        const { code, out, err } = yield* runInProcess(cwd, argumentsOf({ files }, flag))
        assert.strictEqual(code, 1)
        assert.deepStrictEqual(out.trimEnd().split("\n"), [
          "conversations.jsonl:4: 5e0be1000000000000000001 is a chat room, which has no members: not imported",
          "conversations.jsonl:5: 5e0be1000000000000000002 is a service conversation: not imported, since everybody would see its messages",
          "conversations.jsonl:8: objectId must be 24 hexadecimal digits",
          `conversations.jsonl:6: member "a b" must not contain white space, control characters, ',', ':', '/' or '&'`,
          "conversations.jsonl:7: conversation 5e0be1000000000000000004 has no members: not imported",
          `messages-3.json:2: msg-id "00000000000000ab" cannot be kept`,
          "messages-3.json:4: data must be in base64, since bin is true",
          "messages-3.json:5: timestamp must be a number of milliseconds",
          `messages-3.json:3: the sender "b:b" must not contain white space, control characters, ',', ':', '/' or '&'`,
          "messages-3.json:1: there is no conversation 5e0be1000000000000000009"
        ])
        assert.match(err, /(?:would import|imported) 3 conversations, 12 messages and 5 new users; 10 problems/)
      }
    }).pipe(Effect.scoped)
  )

  it.live("reports any line of garbage, and imports the others", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      yield* addApp(cwd)
      const exported = writeExport(cwd, 1, 3)
      const good = (exported.messages.get(conversationAt(0)) ?? []).map((one) => JSON.stringify(one))
      const garbage = fc
        .oneof(
          fc.string({ unit: "binary" }),
          fc.json(),
          fc.constantFrom("[", "]", "{", '"', "[{", '{"a":"', "[[1,", "\\", "#filetype:", "[}", "[{}"),
          fc.nat(good[0]?.length ?? 0).map((end) => (good[0] ?? "").slice(0, Math.max(1, end - 1)))
        )
        // Without blank lines and empty arrays, which have nothing to report.
        .map((text) => text.replaceAll(/[\r\n]/g, "~"))
        .filter((text) => /[^\s\u{feff}]/u.test(text) && !/^[\s[\],]*\]?[\s,]*$/.test(text))
      const samples = fc.sample(garbage, repetitions(200, 12))
      for (const text of samples) {
        writeFileSync(join(cwd, "messages.jsonl"), `${good[0]}\n${text}\n${good[1]}\n${good[2]}\n`)
        const files = { conversations: exported.files.conversations, messages: ["messages.jsonl"] }
        const { code, out, err } = yield* runInProcess(cwd, argumentsOf({ files }, "--dry-run"))
        assert.strictEqual(code, 1, text)
        assert.match(out, /^messages\.jsonl:2: /m, text)
        assert.match(err, /would import 1 conversations, 3 messages/, text)
      }
    }).pipe(Effect.scoped)
  )

  it.live("writes to PostgreSQL as well", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const url = yield* Effect.promise(() => createDatabase("18"))
      const database = ["--database", url]
      // An SDK has one `Realtime` of each app.
      yield* addApp(cwd, "pg-app", ...database)
      const inApp = ["--app", "pg-app", ...database]
      const exported = writeExport(cwd, 5, 100)
      const first = yield* runInProcess(cwd, argumentsOf(exported, ...inApp))
      assert.include(first.out, "imported 5 conversations, 100 messages and 7 new users")
      const server = yield* serve(cwd, "--no-demo", ...database)
      // By another name of the database no control socket is found, as on another machine.
      const elsewhere = url.replace("127.0.0.1", "localhost")
      assert.notStrictEqual(elsewhere, url)
      const refused = yield* runInProcess(cwd, argumentsOf(exported, "--app", "pg-app", "--database", elsewhere))
      assert.match(refused.err, /^parley: servers use this database \(.+\): stop them, run the command/)
      yield* Effect.promise(() => useSdk(sdk5, server.http, exported, 2, "pg-app"))
    }).pipe(Effect.scoped)
  )
})
