/** ha on a running server, beside xuanxuan clients of the same chats. Source: seeds/003; PROTOCOLS, "ha". */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Client, type Message, idsOf, newGid, online } from "./clients.ts"
import { serveInProcess } from "./inProcess.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"
import { runExamples } from "./runExamples.ts"

interface Listed {
  readonly id: number
  readonly messagekey: string
  readonly type: number
  readonly content: string
  readonly ispushed: number
  readonly isread: number
}
interface Sent {
  readonly ispushed: number
  readonly messagekey: string
  readonly id: number
}

const post = (url: string, method: string, headers: Record<string, string>, body?: object) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    return { status: response.status, json: (await response.json()) as { readonly data: unknown } }
  })

/** A user of the app. */
const app = Effect.fnUntraced(function* (http: string, account: string) {
  const login = yield* post(`${http}/auth/login`, "POST", {}, { account, password: "123456" })
  const { token, user } = login.json as unknown as { readonly token: string; readonly user: { readonly id: number } }
  const headers = { "X-HA-Key": "ha-demo", "X-HA-Session": token }
  const ask = <A>(method: string, path: string, body?: object): Effect.Effect<A> =>
    Effect.map(post(`${http}${path}`, method, headers, body), ({ status, json }) => {
      assert.strictEqual(status, 200, JSON.stringify(json))
      return json.data as A
    })
  return {
    id: user.id,
    talkTo: (id: number) =>
      Effect.map(
        ask<{ readonly conversationid: number }>("POST", "/conversation", { passiveuser: id, time: "1700000000000" }),
        ({ conversationid }) => conversationid
      ),
    send: (conversationid: number, content: string, type = -1) =>
      ask<Sent>("POST", "/message", { conversationid, type, content, time: "1700000000123" }),
    list: (conversationid: number) =>
      ask<ReadonlyArray<Listed>>("GET", `/message?conversationid=${conversationid}&limit=100`),
    erase: (messagekey: string, type: number) => ask<null>("DELETE", "/message", { messagekey, type })
  }
})

const server = serveInProcess()

/** Present for recalled messages, and not in `Message`. */
const isRecalled = (message: Message): boolean => "recalled" in message && message.recalled === true

const shown = (client: Client, content: string) => {
  const message = client.delivered.find((one) => one.content === content) as
    | (Message & { readonly contentType: string })
    | undefined
  return message === undefined ? undefined : { contentType: message.contentType, user: message.user }
}

describe("ha beside xuanxuan", () => {
  it.live("a message is pushed at once to the chat clients of the recipient and of the sender", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const alice = yield* app(http, "alice")
      const aliceAtHer = yield* online(http, "alice")
      const bob = yield* online(http, "bob")
      const bobId = idsOf(bob).get("bob") ?? 0
      const conversation = yield* alice.talkTo(bobId)
      const created = bob.until("the conversation", () => bob.pushes("create").length === 1)
      yield* created
      const sent = yield* alice.send(conversation, "hello")
      assert.strictEqual(sent.ispushed, 1)
      yield* bob.untilMessage("hello")
      yield* aliceAtHer.untilMessage("hello")
      assert.deepStrictEqual(shown(bob, "hello"), { contentType: "text", user: alice.id })
      assert.deepInclude(bob.delivered[0], { gid: sent.messagekey, id: sent.id, cgid: `${alice.id}&${bobId}` })
      const [listed] = yield* alice.list(conversation)
      assert.deepInclude(listed, { messagekey: sent.messagekey, ispushed: 1, isread: 0 })
    }).pipe(Effect.scoped)
  )

  it.live("an offline recipient gets it later: the states follow the cursors", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const alice = yield* app(http, "alice")
      const bob = yield* app(http, "bob")
      const conversation = yield* alice.talkTo(bob.id)
      const sent = yield* alice.send(conversation, "while you were away")
      assert.strictEqual(sent.ispushed, 0)
      const states = Effect.map(alice.list(conversation), (list) =>
        list.map(({ ispushed, isread }) => [ispushed, isread])
      )
      assert.deepStrictEqual(yield* states, [[0, 0]])
      // Reading it in the app removes nothing from the queue.
      yield* bob.list(conversation)
      assert.deepStrictEqual(yield* states, [[0, 1]])
      const desk = yield* online(http, "bob")
      yield* desk.untilMessage("while you were away")
      assert.deepStrictEqual(yield* states, [[1, 1]])
      yield* desk.leave
      assert.deepStrictEqual(yield* states, [[1, 1]])
      yield* alice.send(conversation, "again")
      assert.deepStrictEqual(yield* states, [
        [0, 0],
        [1, 1]
      ])
    }).pipe(Effect.scoped)
  )

  it.live("a message deleted for both is emptied there, in history too, and never delivered late", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const alice = yield* app(http, "alice")
      const bobsApp = yield* app(http, "bob")
      const conversation = yield* alice.talkTo(bobsApp.id)
      const bob = yield* online(http, "bob")
      const first = yield* alice.send(conversation, "regretted")
      yield* bob.untilMessage("regretted")
      yield* alice.erase(first.messagekey, 2)
      yield* bob.until("the recall", () => bob.delivered.some(isRecalled))
      const recalled = bob.delivered.find(isRecalled)
      assert.deepInclude(recalled, { id: first.id, gid: first.messagekey, content: "" })
      const gid = `${alice.id}&${bobsApp.id}`
      const history = yield* bob.get<ReadonlyArray<Message>>("history", { gid })
      assert.deepStrictEqual(
        history.map((message) => [message.content, isRecalled(message)]),
        [["", true]]
      )
      bob.acknowledge(bob.packets)
      yield* bob.get("ping")
      yield* bob.leave

      const second = yield* alice.send(conversation, "unseen")
      yield* alice.erase(second.messagekey, 2)
      yield* alice.send(conversation, "seen")
      const back = yield* online(http, "bob")
      yield* back.untilMessage("seen")
      assert.isFalse(back.delivered.some(({ content }) => content === "unseen" || content === "regretted"))
      assert.deepStrictEqual(
        (yield* bobsApp.list(conversation)).map(({ content }) => content),
        ["seen"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("a message hidden for its reader stays for the other, and disappears in the reader's chat client", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const alice = yield* app(http, "alice")
      const bob = yield* app(http, "bob")
      const conversation = yield* alice.talkTo(bob.id)
      const { messagekey } = yield* alice.send(conversation, "mine")
      yield* bob.erase(messagekey, 1)
      assert.deepStrictEqual(yield* bob.list(conversation), [])
      assert.strictEqual((yield* alice.list(conversation)).length, 1)
      const desk = yield* online(http, "bob")
      assert.deepStrictEqual(yield* desk.get("history", { gid: `${alice.id}&${bob.id}` }), [])
    }).pipe(Effect.scoped)
  )

  it.live("a chat client's direct chat is the same conversation, and its content has ha's form", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const alice = yield* app(http, "alice")
      const bob = yield* online(http, "bob")
      const bobId = idsOf(bob).get("bob") ?? 0
      const gid = `${alice.id}&${bobId}`
      const chat = yield* bob.get<{ readonly id: number }>("create", {
        gid,
        name: "",
        type: "one2one",
        members: [{ id: alice.id }, { id: bobId }]
      })
      const conversation = yield* alice.talkTo(bobId)
      assert.strictEqual(conversation, -100_000_000 - chat.id)
      const say = (contentType: string, content: unknown) =>
        bob.get("message", [{ gid: newGid(), cgid: gid, contentType, content }])
      yield* say("text", "hi")
      yield* say("image", { url: "https://example.org/a.png", width: 3 })
      yield* say("file", { id: 7, name: "a.txt" })
      assert.deepStrictEqual(
        (yield* alice.list(conversation)).map(({ id, type, content }) => [id, type, content]),
        [
          [bobId, -4, '{"id":7,"name":"a.txt"}'],
          [bobId, -2, "https://example.org/a.png"],
          [bobId, -1, "hi"]
        ]
      )
      for (const type of [-2, -3, -4, -5, -6]) yield* alice.send(conversation, `https://example.org/${-type}`, type)
      yield* bob.until("all", () => bob.delivered.length === 5)
      const told = (bob.delivered as ReadonlyArray<Message & { readonly contentType: string }>).map(
        ({ contentType, content }) => [contentType, contentType === "text" ? content : JSON.parse(content)] as const
      )
      assert.deepStrictEqual(
        told.map(([contentType]) => contentType),
        ["image", "file", "file", "text", "file"]
      )
      assert.deepStrictEqual(told[0]?.[1], { url: "https://example.org/2" })
      assert.deepStrictEqual(told[1]?.[1], { url: "https://example.org/3", kind: "video" })
      assert.deepInclude(told[2]?.[1], { url: "https://example.org/4" })
      assert.strictEqual(told[3]?.[1], "https://example.org/5")
      assert.deepStrictEqual(told[4]?.[1], { url: "https://example.org/6", kind: "audio" })
    }).pipe(Effect.scoped)
  )

  it.live("cursors, conversations and keys survive a restart", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const first = yield* serve(cwd, "--demo")
      const conversation = yield* Effect.gen(function* () {
        const alice = yield* app(first.http, "alice")
        const bob = yield* app(first.http, "bob")
        const id = yield* alice.talkTo(bob.id)
        yield* alice.send(id, "read")
        yield* bob.list(id)
        yield* alice.send(id, "unread")
        return id
      })
      first.child.kill("SIGTERM")
      yield* first.ended
      assert.deepInclude(yield* runInProcess(cwd, ["ha-key", "list"]), { code: 0, out: "ha-demo\n" })
      assert.deepInclude(yield* runInProcess(cwd, ["ha-key", "add", "mine"]), { code: 0, out: "added key mine\n" })
      const { http } = yield* serve(cwd)
      const alice = yield* app(http, "alice")
      assert.strictEqual(yield* alice.talkTo((yield* app(http, "bob")).id), conversation)
      assert.deepStrictEqual(
        (yield* alice.list(conversation)).map(({ content, isread }) => [content, isread]),
        [
          ["unread", 0],
          ["read", 1]
        ]
      )
      assert.deepInclude(yield* runInProcess(cwd, ["ha-key", "list"]), { code: 0, out: "ha-demo\nmine\n" })
    }).pipe(Effect.scoped)
  )

  it.live("docs/protocols/ha.md shows actual responses", () =>
    Effect.gen(function* () {
      const { http } = yield* server
      const page = new URL("../../../docs/protocols/ha.md", import.meta.url)
      assert.deepStrictEqual(yield* runExamples(page, http, ["messagekey"]), [])
    }).pipe(Effect.scoped)
  )
})
