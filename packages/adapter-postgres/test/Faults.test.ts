import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { ChatId, UserId } from "@parley/core/Ids"
import type { Store, WriteBatch } from "@parley/core/Store"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import { type PostgresCluster, startCluster } from "../../../scripts/postgres/cluster.ts"
import { execute } from "../../../scripts/postgres/database.ts"
import { repetitions } from "../../../scripts/repetitions.ts"
import { emptyTables } from "./database.ts"
import { startProxy } from "./proxy.ts"

type Storing = Store["Service"]

const NOW = 1_750_000_000_000

const newUser = (account: string) =>
  ({
    _tag: "CreateUser",
    user: {
      account,
      realname: account,
      avatar: "",
      role: "",
      dept: 0,
      admin: false,
      organisation: null,
      disabled: false,
      createdAt: NOW,
      password: null
    }
  }) as const

const newChat = (gid: string, by: UserId) =>
  ({
    _tag: "CreateChat",
    by,
    chat: {
      gid,
      name: gid,
      type: "group",
      public: false,
      subject: 0,
      createdBy: by,
      owner: by,
      admins: [],
      senders: "all",
      createdAt: NOW,
      attributes: {},
      members: [by]
    }
  }) as const

const batch = (...writes: WriteBatch["writes"]): WriteBatch => ({ expectedVersions: [], writes })

const message = (chat: ChatId, by: UserId, gid: string, version = 1) => ({
  chat,
  version,
  by,
  device: null,
  at: NOW,
  body: { _tag: "Posted", gid, type: "normal", contentType: "text", content: `content of ${gid}`, date: NOW } as const
})

const append = (store: Storing, chat: ChatId, by: UserId, gid: string) =>
  Effect.callback<number | undefined>((resume) =>
    store.appendMessage?.(message(chat, by, gid), (entry) => resume(Effect.succeed(entry?.seq)))
  )

const nextTurn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** A store through a proxy, with a user and a chat. */
const fixture = Effect.gen(function* () {
  const options = yield* emptyTables("18")
  const proxy = yield* startProxy(options.url)
  const store = yield* PgStore.make({ ...options, url: proxy.url })
  const [user] = yield* store.commit(batch(newUser("ann")))
  const ann = user?._tag === "User" ? user.user.id : UserId(0)
  const [created] = yield* store.commit(batch(newChat("c", ann)))
  const chat = created?._tag === "Chat" ? created.stored.chat.id : ChatId(0)
  return { options, proxy, store, ann, chat }
})

const gidsOf = (store: Storing, chat: ChatId) =>
  Effect.map(store.entries([{ chat, after: 0, limit: 100_000 }]), (entries) => {
    assert.deepStrictEqual(
      entries.map(({ seq }) => seq),
      entries.map((_, index) => index + 1)
    )
    return entries.flatMap(({ body }) => (body._tag === "Posted" ? [body.gid] : []))
  })

describe("a connection to PostgreSQL", () => {
  it.live(
    "has one round trip for messages that are sent together, and two for other writes",
    Effect.fnUntraced(function* () {
      const { ann, chat, proxy, store } = yield* fixture
      yield* append(store, chat, ann, "first")
      for (const count of [1, 100]) {
        proxy.reset()
        const gids = Array.from({ length: count }, (_, index) => `${count}/${index}`)
        const seqs = yield* Effect.forEach(gids, (gid) => append(store, chat, ann, gid), { concurrency: "unbounded" })
        assert.isFalse(seqs.includes(undefined))
        assert.strictEqual(proxy.roundTrips, 1)
      }
      const preference = { _tag: "SetPreference", chat, user: ann, star: true } as const
      yield* store.commit(batch(preference))
      proxy.reset()
      yield* store.commit(batch(preference, { _tag: "SaveSettings", user: ann, settings: "{}" }))
      assert.strictEqual(proxy.roundTrips, 2)
      // Opens the connections for reading.
      yield* Effect.all([store.chats([chat]), store.chats([chat])])
      proxy.reset()
      yield* store.chats([chat])
      assert.strictEqual(proxy.roundTrips, 1)
    }, Effect.scoped)
  )

  for (const fault of ["lose reply", "lose request"] as const) {
    it.live(
      `that is lost with messages (${fault}) leaves each of them stored once, and answered with its entry`,
      Effect.fnUntraced(function* () {
        const { ann, chat, proxy, store } = yield* fixture
        yield* append(store, chat, ann, "first")
        for (let round = 0; round < repetitions(10, 3); round++) {
          const gids = Array.from({ length: 20 }, (_, index) => `${round}/${index}`)
          proxy.next(fault, gids[0] ?? "")
          const seqs = yield* Effect.forEach(gids, (gid) => append(store, chat, ann, gid), { concurrency: "unbounded" })
          assert.isTrue(proxy.isDone)
          assert.deepStrictEqual(
            seqs,
            gids.map((_, index) => 3 + round * 20 + index)
          )
        }
        const gids = yield* gidsOf(store, chat)
        assert.strictEqual(new Set(gids).size, gids.length)
        assert.strictEqual(gids.length, 1 + 20 * repetitions(10, 3))
      }, Effect.scoped)
    )

    for (const moment of ["BEGIN", "COMMIT"]) {
      it.live(
        `that is lost with other writes at ${moment} (${fault}) leaves them done once, with their results`,
        Effect.fnUntraced(function* () {
          const { ann, chat, options, proxy, store } = yield* fixture
          const once = {
            _tag: "PutRecord",
            record: { dialect: "d", kind: "k", key: "x", value: 1 },
            once: true
          } as const
          proxy.next(fault, moment === "BEGIN" ? "FOR NO KEY UPDATE" : "INSERT INTO users")
          // Statements are prepared by their text once; the first ones of these kinds contain it.
          const results = yield* store.commit({
            expectedVersions: [{ chat, version: 1 }],
            writes: [
              newUser("ben"),
              once,
              { _tag: "Append", chat, by: ann, device: null, at: NOW, body: { _tag: "Changed", name: "new" } }
            ]
          })
          assert.deepStrictEqual(
            results.map(({ _tag }) => _tag),
            ["User", "Done", "Entry"]
          )
          const [stored] = yield* store.chats([chat])
          assert.deepStrictEqual([stored?.chat.name, stored?.chat.version, stored?.head.seq], ["new", 2, 2])
          assert.strictEqual((yield* store.allUsers).length, 2)
          assert.strictEqual((yield* store.record("d", "k", "x"))?.value, 1)
          const open = yield* Effect.promise(() =>
            execute(
              options.url,
              `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()`
            )
          )
          assert.deepStrictEqual(open, [{ count: 0 }])
        }, Effect.scoped)
      )
    }
  }

  it.live(
    "that is lost with a read is replaced",
    Effect.fnUntraced(function* () {
      const { chat, proxy, store } = yield* fixture
      yield* store.chats([chat])
      for (const socket of proxy.sockets) socket.destroy()
      assert.strictEqual((yield* store.chats([chat])).length, 1)
    }, Effect.scoped)
  )

  it.live(
    "without replies fails what is asked within its deadline, and recovers",
    Effect.fnUntraced(function* () {
      const { ann, chat, proxy, store } = yield* fixture
      yield* append(store, chat, ann, "first")
      proxy.next("swallow", "lost")
      const started = performance.now()
      assert.isUndefined(yield* append(store, chat, ann, "lost"))
      assert.isBelow(performance.now() - started, 15_000)
      assert.strictEqual(yield* append(store, chat, ann, "later"), 3)
    }, Effect.scoped)
  )

  it.live(
    "without replies stores no message of the same sender that waited behind a failed one",
    Effect.fnUntraced(function* () {
      const { ann, chat, proxy, store } = yield* fixture
      yield* append(store, chat, ann, "first")
      proxy.next("swallow", "lost")
      const lost = yield* Effect.forkChild(append(store, chat, ann, "lost"))
      // It is with the database: the next one waits for its outcome.
      while (!proxy.isDone) yield* nextTurn
      const waiting = yield* Effect.forkChild(append(store, chat, ann, "waiting"))
      assert.deepStrictEqual([yield* Fiber.join(lost), yield* Fiber.join(waiting)], [undefined, undefined])
      assert.strictEqual(yield* append(store, chat, ann, "later"), 3)
      assert.deepStrictEqual(yield* gidsOf(store, chat), ["first", "later"])
    }, Effect.scoped)
  )
})

describe("a database that cannot be reached for a while", () => {
  it.live(
    "is used again when it is back",
    Effect.fnUntraced(function* () {
      const { ann, chat, proxy, store } = yield* fixture
      yield* append(store, chat, ann, "first")
      proxy.down()
      const [late, read] = yield* Effect.all([append(store, chat, ann, "late"), Effect.exit(store.chats([chat]))], {
        concurrency: "unbounded"
      })
      assert.isUndefined(late)
      assert.isTrue(Exit.isFailure(read))
      // From now on requests are refused at once.
      assert.isUndefined(yield* append(store, chat, ann, "at once"))
      proxy.isDown = false
      for (let attempt = 0; (yield* append(store, chat, ann, `again ${attempt}`)) === undefined; attempt++) {
        yield* nextTurn
      }
      while (Exit.isFailure(yield* Effect.exit(store.chats([chat])))) yield* nextTurn
      assert.strictEqual((yield* gidsOf(store, chat)).length, 2)
    }, Effect.scoped)
  )
})

/** Sends messages to five chats without a pause; returns what stops that and checks what is stored. */
const startSenders = Effect.fnUntraced(function* (store: Storing) {
  const [user] = yield* store.commit(batch(newUser("ann")))
  const ann = user?._tag === "User" ? user.user.id : UserId(0)
  const chats: Array<ChatId> = []
  for (let n = 0; n < 5; n++) {
    const [created] = yield* store.commit(batch(newChat(`c${n}`, ann)))
    if (created?._tag === "Chat") chats.push(created.stored.chat.id)
  }
  const acknowledged: Array<string> = []
  let awaited: { readonly count: number; readonly resolve: () => void } | undefined
  /** Waits until so many more messages are acknowledged. */
  const progress = (more: number) =>
    Effect.promise(() => new Promise<void>((resolve) => (awaited = { count: acknowledged.length + more, resolve })))
  let sent = 0
  let isEnding = false
  const sender = (chat: ChatId) =>
    Effect.gen(function* () {
      while (!isEnding) {
        const gid = `m${sent++}`
        if ((yield* append(store, chat, ann, gid)) === undefined) {
          // Refusals are immediate after a while without the database.
          yield* nextTurn
          continue
        }
        acknowledged.push(gid)
        if (awaited !== undefined && acknowledged.length >= awaited.count) awaited.resolve()
      }
    })
  const senders = yield* Effect.forkChild(
    Effect.forEach([...chats, ...chats], sender, { concurrency: "unbounded", discard: true })
  )
  const check = Effect.gen(function* () {
    isEnding = true
    yield* Fiber.join(senders)
    const stored: Array<string> = []
    for (const chat of chats) stored.push(...(yield* gidsOf(store, chat)))
    const all = new Set(stored)
    assert.strictEqual(all.size, stored.length)
    assert.deepStrictEqual(
      acknowledged.filter((gid) => !all.has(gid)),
      []
    )
  })
  return { progress, check }
})

const removed = (cluster: PostgresCluster) => Effect.promise(() => cluster.remove())

describe("PostgreSQL that is killed", () => {
  it.live(
    "has every message that was acknowledged, once, when it is back",
    Effect.fnUntraced(function* () {
      const cluster = yield* Effect.acquireRelease(
        Effect.promise(() => startCluster("18")),
        removed
      )
      const store = yield* PgStore.make({ url: cluster.url("postgres") })
      const { check, progress } = yield* startSenders(store)
      for (let kill = 0; kill < repetitions(4, 1); kill++) {
        yield* progress(200)
        yield* Effect.promise(() => cluster.kill())
        yield* Effect.promise(() => cluster.start())
      }
      yield* progress(200)
      yield* check
    }, Effect.scoped),
    120_000
  )

  it.live(
    "has every message that was acknowledged, once, on a synchronous standby that is promoted",
    Effect.fnUntraced(function* () {
      const primary = yield* Effect.acquireRelease(
        Effect.promise(() => startCluster("18")),
        removed
      )
      const standby = yield* Effect.acquireRelease(
        Effect.promise(() => primary.startStandby()),
        removed
      )
      const url = primary.url("postgres")
      yield* Effect.promise(async () => {
        await execute(url, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        const synchronous = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'"
        while ((await execute(url, synchronous)).length === 0);
      })
      // The standby first: it is not used until it is the primary.
      const servers = url.replace(/127[^/]*/, `127.0.0.1:${standby.port},127.0.0.1:${primary.port}`)
      const store = yield* PgStore.make({ url: servers })
      const { check, progress } = yield* startSenders(store)
      yield* progress(200)
      yield* Effect.promise(() => primary.kill())
      yield* Effect.promise(() => execute(standby.url("postgres"), "SELECT pg_promote()"))
      // There is no further standby to wait for.
      yield* Effect.promise(() =>
        execute(standby.url("postgres"), "ALTER SYSTEM SET synchronous_standby_names = ''", "SELECT pg_reload_conf()")
      )
      yield* progress(200)
      yield* check
    }, Effect.scoped),
    120_000
  )
})
