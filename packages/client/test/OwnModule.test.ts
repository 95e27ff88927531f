/** The server's own module against a running server: pushes to members and to the user's other devices. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { serveInProcess } from "../../server/test/inProcess.ts"
import { connect, type Events, type EventType, type Parley, ParleyError, type ParleyOptions } from "../src/index.ts"

class Server extends Context.Service<Server, { readonly url: string }>()("test/Server") {
  static readonly layer = Layer.effect(
    Server,
    Effect.map(serveInProcess({ sessions: "multi" }), ({ http }) => ({ url: http }))
  )
}

const clientOf = Effect.fnUntraced(function* (account: string, options: Partial<ParleyOptions> = {}) {
  const { url } = yield* Server
  return yield* Effect.acquireRelease(
    Effect.promise(() => connect({ url, account, password: "123456", ...options })),
    (parley) => Effect.sync(() => parley.close())
  )
})

/** Returns the next event of this type that matches; call it before the action that causes the event. */
const next = <T extends EventType>(
  parley: Parley,
  type: T,
  matches: (data: Events[T]) => boolean = () => true
): Promise<Events[T]> =>
  new Promise((resolve) => {
    const leave = parley.on(type, (data) => {
      if (!matches(data)) return
      leave()
      resolve(data)
    })
  })

/** Pushed frames of connections that never asked for the module. */
const pushedFrames: Array<string> = []
class RecordingSocket extends WebSocket {
  constructor(url: string) {
    super(url)
    this.addEventListener("message", ({ data }) => pushedFrames.push(String(data)))
  }
}

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause
  )
  assert.instanceOf(error, ParleyError)
  assert.strictEqual(error.code, "refused")
  return error.message
}

layer(Server.layer)("the server's own module", (it) => {
  it.effect("tells unread counts and read marks", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice")
      const desk = yield* clientOf("bob", { device: "desk" })
      const phone = yield* clientOf("bob", { device: "phone" })
      const carol = yield* clientOf("carol", { WebSocket: RecordingSocket })
      yield* Effect.promise(async () => {
        const team = await alice.create({ name: "team", members: [desk.me, carol.me] })
        const counted = next(desk, "unread", ({ gid, count }) => gid === team.gid && count === 2)
        const onPhone = next(phone, "unread", ({ gid, count }) => gid === team.gid && count === 2)
        const one = await alice.send(team, "one")
        const two = await alice.send(team, "two")
        assert.deepStrictEqual(await counted, {
          gid: team.gid,
          count: 2,
          more: false,
          id: (await desk.unread(team))[0]?.id
        })
        await onPhone
        assert.deepInclude(desk.unreadCounts.get(team.gid), { count: 2, more: false })
        for (const client of [alice, desk]) assert.strictEqual(client.chats.get(team.gid)?.lastActiveTime, two.date)

        const heard = next(alice, "read")
        const own = next(phone, "read")
        const fewer = next(phone, "unread", ({ gid, count }) => gid === team.gid && count === 1)
        // The events are requested once, by the first listener; a request that follows is answered after it.
        await alice.unread()
        assert.deepStrictEqual(await desk.read(team, one), { user: desk.me.id, id: one.id })
        assert.deepStrictEqual(await heard, { gid: team.gid, user: desk.me.id, id: one.id })
        assert.deepStrictEqual(await own, { gid: team.gid, user: desk.me.id, id: one.id })
        await fewer
        assert.deepStrictEqual(
          (await carol.unread()).filter(({ gid }) => gid === team.gid).map(({ count }) => count),
          [2]
        )

        // Posting counts as reading, on all devices of the sender.
        const none = [desk, phone].map((bob) =>
          next(bob, "unread", ({ gid, count }) => gid === team.gid && count === 0)
        )
        const three = await phone.send(team, "three")
        await Promise.all(none)
        assert.isFalse(desk.unreadCounts.has(team.gid))
        assert.deepStrictEqual(await alice.readMarks(team), [
          { user: alice.me.id, id: two.id },
          { user: desk.me.id, id: three.id },
          { user: carol.me.id, id: 0 }
        ])
        assert.deepInclude(await carol.read(team), { id: three.id })

        // After a login the counts are reported again.
        await alice.send(team, "four")
        phone.close()
      })
      const { url } = yield* Server
      const again = yield* Effect.promise(async () => {
        const parley = await connect({ url, account: "bob", password: "123456", device: "phone" })
        await next(parley, "unread", ({ count }) => count === 1)
        return parley
      })
      again.close()
      // A client that never asked got its documented pushes only.
      assert.isTrue(pushedFrames.some((frame) => frame.includes('"method":"message"')))
      const packets = pushedFrames.flatMap((frame) => {
        const json = JSON.parse(frame) as unknown
        return Array.isArray(json) ? (json as ReadonlyArray<{ readonly module: string }>) : []
      })
      assert.deepStrictEqual([...new Set(packets.map(({ module }) => module))], ["chat"])
    }).pipe(Effect.scoped)
  )

  it.effect("passes on typing to members who asked, once", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice")
      const bob = yield* clientOf("bob")
      yield* Effect.promise(async () => {
        const pair = await alice.openDirectChat(bob.me)
        const events: Array<Events["typing"]> = []
        bob.on("typing", (typing) => events.push(typing))
        const ended = next(bob, "typing", ({ typing }) => !typing)
        await bob.unread()
        await alice.typing(pair)
        await alice.typing(pair)
        await alice.typing(pair, false)
        await ended
        const typing = { gid: pair.gid, user: alice.me.id }
        assert.deepStrictEqual(events, [
          { ...typing, typing: true },
          { ...typing, typing: false }
        ])
      })
    }).pipe(Effect.scoped)
  )

  it.effect("edits a message, for members online and for who comes later", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice")
      const bob = yield* clientOf("bob")
      const team = yield* Effect.promise(async () => {
        const chat = await alice.create({
          name: "team",
          members: [bob.me, ...[...bob.users.values()].filter(({ account }) => account === "erin")]
        })
        const arrived = next(bob, "message", ({ content }) => content === "helo")
        const sent = await alice.send(chat, "helo")
        await arrived
        const heard = next(bob, "edit", ({ gid }) => gid === sent.gid)
        const inTurn = next(bob, "message", ({ change, gid }) => change === "replaced" && gid === sent.gid)
        const edited = await alice.edit(sent, "hello")
        assert.deepStrictEqual(edited, { ...sent, content: "hello", edited: true })
        assert.deepStrictEqual(await heard, { ...sent, content: "hello", change: "replaced" })
        assert.strictEqual((await inTurn).content, "hello")
        assert.strictEqual(await refusal(bob.edit(sent, "mine")), "Only the sender may do this.")
        assert.strictEqual(await refusal(alice.edit(sent, "")), "content must not be empty.")
        await alice.recall(await alice.send(chat, "gone")).then(async ({ gid }) => {
          assert.strictEqual(await refusal(alice.edit(gid, "back")), "The message was recalled.")
        })
        return chat
      })
      const erin = yield* clientOf("erin")
      const first = yield* Effect.promise(() => next(erin, "message", ({ cgid }) => cgid === team.gid))
      assert.deepInclude(first, { content: "hello", change: "new" })
    }).pipe(Effect.scoped)
  )

  it.effect("recalls a message, also one of another device or of a member", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice", { device: "desk" })
      const phone = yield* clientOf("alice", { device: "phone" })
      const bob = yield* clientOf("bob")
      yield* Effect.promise(async () => {
        const team = await alice.create({ name: "team", members: [bob.me] })
        const bobs = next(alice, "message", ({ content }) => content === "bob's")
        const sent = await alice.send(team, "regretted")
        const heard = [bob, phone].map((client) => next(client, "recall", ({ gid }) => gid === sent.gid))
        const inTurn = next(bob, "message", ({ change, gid }) => change === "recalled" && gid === sent.gid)
        const recalled = await alice.recall(sent)
        assert.deepInclude(recalled, { id: sent.id, gid: sent.gid, cgid: team.gid, content: "", recalled: true })
        assert.deepStrictEqual(await alice.recall(sent.gid), recalled, "a second recall changes nothing")
        for (const message of await Promise.all(heard)) {
          assert.deepStrictEqual(message, { ...recalled, change: "recalled" })
        }
        assert.strictEqual((await inTurn).gid, sent.gid)
        await bob.send(team, "bob's")
        const message = await bobs
        assert.strictEqual(await refusal(bob.recall(await alice.send(team, "kept"))), "Only the sender may do this.")
        assert.deepInclude(await alice.recall(message), { content: "" })
      })
    }).pipe(Effect.scoped)
  )

  it.effect("reads the history before a message", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice")
      yield* Effect.promise(async () => {
        const room = await alice.create({ name: "room" })
        const sent = await alice.sendAll(["1", "2", "3", "4"].map((content) => ({ chat: room, content })))
        const edited = await alice.edit(sent[1]?.gid ?? "", "two")
        const page = await alice.historyBefore(room, sent[3] ?? 0, { size: 2 })
        assert.deepStrictEqual(page, { messages: [...sent.slice(2, 3), edited], more: true })
        await alice.send(room, "5")
        assert.deepStrictEqual(await alice.historyBefore(room, edited), { messages: sent.slice(0, 1), more: false })
        assert.strictEqual(await refusal(alice.historyBefore(room, 1)), "There is no such message.")
      })
    }).pipe(Effect.scoped)
  )

  it.effect("searches one chat and all chats, page by page", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice")
      const bob = yield* clientOf("bob")
      yield* Effect.promise(async () => {
        const pair = await alice.openDirectChat(bob.me)
        const room = await alice.create({ name: "room" })
        const sent = await alice.sendAll([
          { chat: pair, content: "Where is the Lighthouse?" },
          { chat: room, content: "lighthouse, again" },
          { chat: room, content: "no house" }
        ])
        const [one, two, three] = sent
        if (one === undefined || two === undefined || three === undefined) throw new Error("nothing was sent")
        const edited = await alice.edit(three, "light house? LIGHTHOUSE!")
        const first = await alice.search("lighthouse", { size: 2 })
        assert.deepStrictEqual(first.messages, [edited, two])
        assert.deepStrictEqual(await alice.search("lighthouse", { size: 2, from: first.next }), {
          messages: [one],
          next: undefined
        })
        assert.deepStrictEqual((await alice.search("lighthouse", { chat: room })).messages, [edited, two])
        assert.deepStrictEqual((await bob.search("lighthouse")).messages, [one])
        assert.strictEqual(await refusal(bob.search("x", { chat: room })), "There is no such chat.")
        assert.match(await refusal(bob.search("x", { from: "?" })), /^params\.from must be the next of a reply/)
      })
    }).pipe(Effect.scoped)
  )

  it.effect("sets slow mode, and refuses a member's next message with the time until it", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice")
      const bob = yield* clientOf("bob")
      yield* Effect.promise(async () => {
        const team = await alice.create({ name: "slow", members: [bob.me] })
        assert.strictEqual(await bob.slowMode(team), 0)
        assert.strictEqual(await refusal(bob.setSlowMode(team, 5)), "Only admins may do this.")
        assert.strictEqual(await alice.setSlowMode(team, 3600), 3600)
        assert.strictEqual(await bob.slowMode(team), 3600)
        const first = await bob.send(team, "first", { gid: "slow-1" })
        assert.match(
          await refusal(bob.send(team, "second")),
          /^No message was stored\. This chat is in slow mode; retry in (3600|359[0-9]) seconds\.$/
        )
        assert.deepStrictEqual(await bob.send(team, "first", { gid: "slow-1" }), first, "sent again, stored once")
        assert.strictEqual((await bob.edit(first, "edited")).content, "edited")
        for (const text of ["an admin", "is exempt"]) await alice.send(team, text)
        assert.strictEqual(await alice.setSlowMode(team, 0), 0)
        await bob.send(team, "second")
      })
    }).pipe(Effect.scoped)
  )

  it.effect("refuses foreign chats and messages in the protocol's form", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice")
      const dave = yield* clientOf("dave")
      yield* Effect.promise(async () => {
        const room = await alice.create({ name: "room" })
        const message = await alice.send(room, "mine")
        assert.strictEqual(await refusal(dave.read(room)), "There is no such chat.")
        assert.strictEqual(await refusal(dave.unread(room)), "There is no such chat.")
        assert.strictEqual(await refusal(dave.readMarks(room)), "There is no such chat.")
        assert.strictEqual(await refusal(dave.typing(room)), "There is no such chat.")
        assert.strictEqual(await refusal(dave.recall(message)), "There is no such message.")
        assert.strictEqual(await refusal(dave.edit(message, "x")), "There is no such message.")
        const own = await dave.create({ name: "own" })
        assert.strictEqual(await refusal(dave.read(own, message)), "There is no such message.")
      })
    }).pipe(Effect.scoped)
  )
})
