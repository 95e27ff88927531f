/** Every operation and event against a running server, with real clock, sockets and storage. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { serveInProcess } from "../../server/test/inProcess.ts"
import {
  connect,
  type Events,
  type EventType,
  type Incoming,
  type Parley,
  ParleyError,
  type ParleyOptions
} from "../src/index.ts"
import { NO_FAULTS, seededRandom, Proxy } from "./Proxy.ts"

class Server extends Context.Service<Server, { readonly url: string }>()("test/Server") {
  static readonly layer = (settings: Readonly<Record<string, string>> = {}) =>
    Layer.effect(
      Server,
      Effect.map(serveInProcess({ "login.attempts": 1_000_000, ...settings }), ({ http }) => ({ url: http }))
    )
}

const PASSWORD = "123456"

const clientOf = Effect.fnUntraced(function* (account: string, options: Partial<ParleyOptions> = {}) {
  const { url } = yield* Server
  return yield* Effect.acquireRelease(
    Effect.promise(() => connect({ url, account, password: PASSWORD, ...options })),
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

const failure = (promise: Promise<unknown>) =>
  Effect.promise(async () => {
    const error: unknown = await promise.then(
      () => undefined,
      (cause: unknown) => cause
    )
    assert.instanceOf(error, ParleyError)
    return error
  })

const taking = <A>(run: () => Promise<A>): Effect.Effect<A> => Effect.promise(run)

layer(Server.layer())("a client of a started server", (it) => {
  it.effect("executes the documented operations, which reach other clients", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice")
      const bob = yield* clientOf("bob")
      const carol = yield* clientOf("carol")
      yield* taking(async () => {
        const created = next(bob, "created", ({ name }) => name === "team")
        const team = await alice.create({ name: "team", members: [bob.me] })
        assert.strictEqual((await created).gid, team.gid)
        assert.deepStrictEqual(
          await alice.create({ gid: team.gid, name: "other" }),
          team,
          "the same gid is the same chat"
        )

        const received = next(bob, "message")
        const stored = await alice.send(team, "hello")
        assert.deepInclude(stored, { content: "hello", contentType: "text", type: "normal", user: alice.me.id })
        assert.deepStrictEqual(await received, { ...stored, change: "new" })
        const again = await alice.send(team, "hello", { gid: stored.gid })
        assert.deepStrictEqual(again, stored, "the same gid is the same message")

        const placeholder = next(bob, "message")
        const image = await alice.send(team, { name: "a.png" }, { contentType: "image" })
        assert.strictEqual((await placeholder).change, "new")
        const replaced = next(bob, "message")
        await alice.send(team, { name: "a.png", id: 1 }, { contentType: "image", gid: image.gid })
        assert.deepInclude(await replaced, { change: "replaced", id: image.id, content: '{"name":"a.png","id":1}' })

        const both = await alice.sendAll([
          { chat: team, content: "one" },
          { chat: team, content: "two", type: "broadcast" }
        ])
        assert.deepStrictEqual(
          both.map(({ content, user }) => [content, user]),
          [
            ["one", alice.me.id],
            ["two", 0]
          ]
        )

        const { messages, pager } = await bob.history(team, { size: 2 })
        assert.deepStrictEqual(messages, both.toReversed())
        assert.deepInclude(pager, { recPerPage: 2, pageID: 1, recTotal: 4, gid: team.gid })
        assert.strictEqual((await bob.history(team, { size: 2, page: 2 })).messages[1]?.content, "hello")

        const renamed = next(bob, "renamed")
        await alice.rename(team, "crew")
        assert.strictEqual((await renamed).name, "crew")
        assert.deepStrictEqual([alice.chats.get(team.gid)?.name, bob.chats.get(team.gid)?.name], ["crew", "crew"])

        const published = next(bob, "published")
        await alice.setPublic(team)
        assert.isTrue((await published).public)
        assert.include(
          (await carol.publicChats()).map(({ gid }) => gid),
          team.gid
        )

        const joined = next(bob, "joined", ({ members }) => members?.length === 3)
        assert.strictEqual((await carol.join(team)).name, "crew")
        assert.strictEqual((await joined).gid, team.gid)
        assert.deepStrictEqual((await alice.members(team)).map(({ account }) => account).toSorted(), [
          "alice",
          "bob",
          "carol"
        ])

        const left = next(bob, "joined", ({ members }) => members?.length === 2)
        await carol.leave(team)
        await left
        assert.isFalse(carol.chats.has(team.gid))

        const added = next(carol, "members")
        assert.strictEqual((await alice.addMembers(team, [carol.me.id])).members?.length, 3)
        await added
        assert.isTrue(carol.chats.has(team.gid))
        const removed = next(carol, "members")
        assert.strictEqual((await alice.removeMembers(team, [carol.me])).members?.length, 2)
        await removed
        assert.isFalse(carol.chats.has(team.gid))

        const changed = next(bob, "senders")
        assert.strictEqual((await alice.setSenders(team, "$ADMINS")).committers, "$ADMINS")
        await changed
        const silent = await bob.send(team, "may I?").catch((error: unknown) => error)
        assert.instanceOf(silent, ParleyError)
        assert.deepInclude(silent, { code: "refused", method: "message" })
        assert.deepInclude(silent.refused[0], { cgid: team.gid, message: "You may not speak in this chat." })
        assert.strictEqual((await alice.setSenders(team, [bob.me])).committers, String(bob.me.id))

        await alice.star(team)
        await alice.hide(team)
        await alice.mute(team)
        assert.deepInclude(alice.chats.get(team.gid), { star: true, hide: true, mute: true })
        await alice.hide(team, false)
        const listed = (await alice.listChats()).find(({ gid }) => gid === team.gid)
        assert.deepInclude(listed, { star: true, hide: false, mute: true })

        const pair = await alice.openDirectChat(bob.me)
        assert.deepStrictEqual(await bob.openDirectChat(alice.me), pair)
        assert.strictEqual(pair.type, "one2one")
      })
    }).pipe(Effect.scoped)
  )

  it.effect("changes name and status, and stores settings", () =>
    Effect.gen(function* () {
      const dave = yield* clientOf("dave", { status: "away" })
      const bob = yield* clientOf("bob")
      yield* taking(async () => {
        assert.strictEqual(bob.users.get(dave.me.id)?.status, "away")
        const renamed = next(bob, "userRenamed")
        await dave.changeName("David")
        assert.deepInclude(await renamed, { id: dave.me.id, realname: "David" })
        const status = next(bob, "userStatus")
        await dave.changeStatus("busy")
        assert.deepInclude(await status, { id: dave.me.id, status: "busy" })
        assert.deepInclude(dave.me, { realname: "David", status: "busy" })
        assert.deepInclude(
          (await bob.listUsers()).find(({ id }) => id === dave.me.id),
          { realname: "David" }
        )

        assert.isNull(await dave.settings())
        assert.deepStrictEqual(await dave.saveSettings({ dark: true }), { dark: true })
        assert.deepStrictEqual(await dave.settings("dave"), { dark: true })
        const others = await dave.settings("bob").catch((error: unknown) => error)
        assert.instanceOf(others, ParleyError)

        const gone = next(bob, "logout")
        await dave.logout()
        assert.strictEqual((await gone).id, dave.me.id)
        assert.deepStrictEqual([dave.state, dave.error?.code], ["ended", "closed"])
      })
    }).pipe(Effect.scoped)
  )

  it.effect("sets admins of a system chat for a system administrator only", () =>
    Effect.gen(function* () {
      const bob = yield* clientOf("bob")
      const system = [...bob.chats.values()].find(({ type }) => type === "system")
      assert(system)
      const admin = yield* clientOf("admin")
      yield* taking(async () => {
        const received = next(bob, "admins")
        assert.include((await admin.setAdmins(system, [bob.me])).admins.split(","), String(bob.me.id))
        assert.strictEqual((await received).gid, system.gid)
        const { admins } = await admin.setAdmins(system, [bob.me], false)
        assert.notInclude(admins.split(","), String(bob.me.id))
      })
      const refused = yield* failure(bob.setAdmins(system, [bob.me]))
      assert.deepInclude(refused, { code: "refused", message: "Only system administrators may do this." })
    }).pipe(Effect.scoped)
  )

  it.effect("uploads and downloads files", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice")
      const bob = yield* clientOf("bob")
      yield* taking(async () => {
        const pair = await alice.openDirectChat(bob.me)
        const [file] = await alice.upload(pair, [{ name: "note ✓.txt", data: new Blob(["0123456789"]) }])
        assert(file)
        assert.strictEqual(file.title, "note ✓.txt")
        assert.deepInclude((await bob.files(pair))[0], { ...file, size: 10, addedBy: alice.me.id })
        assert.strictEqual(await (await bob.download(file)).text(), "0123456789")
        const part = await bob.download(file.id, { range: { start: 2, end: 4 } })
        assert.deepStrictEqual([part.status, await part.text()], [206, "234"])
        assert.strictEqual(await (await bob.download(file, { range: { start: 8 } })).text(), "89")
      })
      const carol = yield* clientOf("carol")
      const files = yield* Effect.promise(async () => alice.files(await alice.openDirectChat(bob.me)))
      const foreign = yield* failure(carol.download(files[0]?.id ?? 0))
      assert.deepInclude(foreign, { code: "refused", status: 404, method: "download" })
      const aborted = yield* failure(carol.download(1, { signal: AbortSignal.abort() }))
      assert.strictEqual(aborted.code, "aborted")
    }).pipe(Effect.scoped)
  )

  it.effect("is refused with a wrong password, and logs in with a token", () =>
    Effect.gen(function* () {
      const { url } = yield* Server
      const wrong = yield* failure(connect({ url, account: "alice", password: "wrong" }))
      assert.deepInclude(wrong, { code: "login", message: "The account or the password is wrong." })
      const bad = yield* failure(connect({ url, token: "nonsense" }))
      assert.strictEqual(bad.code, "login")
      const login = yield* Effect.promise(() =>
        fetch(`${url}/auth/login`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ account: "alice", password: PASSWORD })
        }).then((response) => response.json() as Promise<{ readonly token: string }>)
      )
      const alice = yield* Effect.promise(() => connect({ url, token: () => login.token }))
      assert.strictEqual(alice.me.account, "alice")
      alice.close()
    }).pipe(Effect.scoped)
  )

  it.effect("ends after a login elsewhere, which gets its unprocessed messages", () =>
    Effect.gen(function* () {
      const erin = yield* clientOf("erin")
      const bob = yield* clientOf("demo")
      const ended = next(bob, "state", ({ state }) => state === "ended")
      const messages = bob.messages()
      const pair = yield* Effect.promise(() => erin.openDirectChat(bob.me))
      yield* Effect.promise(() => erin.send(pair, "for you"))
      const first = yield* Effect.promise(() => messages.next())
      assert.strictEqual(first.value?.content, "for you")
      const other = yield* clientOf("demo")
      assert.strictEqual((yield* Effect.promise(() => ended)).error?.code, "elsewhere")
      assert.strictEqual((yield* failure(messages.next())).code, "elsewhere")
      // Not processed by the first client: it did not request the next message.
      const again = yield* Effect.promise(() => next(other, "message"))
      assert.strictEqual(again.content, "for you")
    }).pipe(Effect.scoped)
  )
})

layer(Server.layer({ "limits.frame": "2048" }))("a client of a server with small frames", (it) => {
  it.effect("gets an error for a message that is too large, and continues", () =>
    Effect.gen(function* () {
      const alice = yield* clientOf("alice", { backoff: { first: 10 } })
      const chat = yield* Effect.promise(() => alice.create({ name: "large" }))
      const large = failure(alice.send(chat, "x".repeat(4000)))
      const small = Effect.promise(() => alice.send(chat, "small"))
      const [error, stored] = yield* Effect.all([large, small], { concurrency: 2 })
      assert.deepInclude(error, { code: "refused", method: "message" })
      assert.strictEqual(stored.content, "small")
    }).pipe(Effect.scoped)
  )
})

layer(Server.layer())("a client behind a proxy", (it) => {
  it.effect("detects a connection that drops both directions", () =>
    Effect.gen(function* () {
      const { url } = yield* Server
      const proxy = new Proxy(seededRandom(1))
      proxy.target = Number(new URL(url).port)
      const through = yield* Effect.promise(() => proxy.listen())
      yield* Effect.addFinalizer(() => Effect.promise(() => proxy.close()))
      const quick = { backoff: { first: 10 }, heartbeat: 50, replyTimeout: 300 }
      const alice = yield* clientOf("alice", { ...quick, url: through })
      const bob = yield* clientOf("bob")
      const chat = yield* Effect.promise(() => alice.create({ members: [bob.me] }))
      const shown: Array<Incoming> = []
      let notify = (): void => {}
      alice.on("message", (message) => {
        shown.push(message)
        notify()
      })
      const waiting = next(alice, "state", ({ state }) => state === "waiting")
      const back = next(alice, "state", ({ state }) => state === "online")
      proxy.faults = { ...NO_FAULTS, blackhole: 1 }
      yield* Effect.promise(() => bob.send(chat, "are you there?"))
      const reply = alice.send(chat, "yes")
      yield* Effect.promise(() => waiting)
      proxy.faults = NO_FAULTS
      yield* Effect.promise(() => back)
      assert.strictEqual((yield* Effect.promise(() => reply)).content, "yes")
      yield* Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            notify = () => {
              if (shown.length > 0) resolve()
            }
            notify()
          })
      )
      assert.deepStrictEqual(
        shown.map(({ content }) => content),
        ["are you there?"]
      )
    }).pipe(Effect.scoped)
  )
})
