/**
 * Clients behind a proxy with random faults, while the server is killed once and stopped once: every application gets
 * every message once and in order. Repeat a failure with `PARLEY_TEST_SEED=<seed>`: the random numbers are then the same,
 * the times at which they are drawn are not.
 */
import { connect, type Incoming, type Message, type Parley } from "../src/index.ts"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { repetitions } from "../../../scripts/repetitions.ts"
import { folder, serve } from "../../server/test/serverProcess.ts"
import { NO_FAULTS, seededRandom, Proxy, type Faults } from "./Proxy.ts"

const MESSAGES = repetitions(1000, 200)
const ACCOUNTS = ["alice", "bob", "carol", "dave"] as const
/** Concurrent sends of each application. */
const CONCURRENCY = 8

const FAULTS: Faults = { cut: 0.02, delay: 0.1, halfClose: 0.01, blackhole: 0.003, maxDelay: 200 }

const seed = Number(process.env["PARLEY_TEST_SEED"] ?? Date.now() % 2 ** 31)
const random = seededRandom(seed)

interface Sent {
  readonly chat: string
  readonly content: string
  stored: Message | undefined
}

/** Records the messages that one application sent and received. */
class Application {
  readonly parley: Parley
  readonly sent: Array<Sent> = []
  readonly shown: Array<Incoming> = []

  constructor(parley: Parley) {
    this.parley = parley
  }

  /** Receives messages by a listener or by an iterator, in turn by account; processing takes up to three turns. */
  read(shown: () => void): void {
    const take = async (message: Incoming): Promise<void> => {
      for (let turns = Math.floor(random() * 4); turns > 0; turns--) await new Promise(setImmediate)
      this.shown.push(message)
      shown()
    }
    if (ACCOUNTS.indexOf(this.parley.me.account as (typeof ACCOUNTS)[number]) % 2 === 0) {
      this.parley.on("message", take)
    } else {
      void (async () => {
        for await (const message of this.parley.messages()) await take(message)
      })()
    }
  }

  async write(chats: ReadonlyArray<string>, count: number, stored: () => void): Promise<void> {
    const senders = Array.from({ length: CONCURRENCY }, async () => {
      while (this.sent.length < count) {
        const chat = chats[Math.floor(random() * chats.length)] ?? ""
        const sent: Sent = { chat, content: `${this.parley.me.account} ${this.sent.length} ✓`, stored: undefined }
        this.sent.push(sent)
        sent.stored = await this.parley.send(chat, sent.content)
        stored()
      }
    })
    await Promise.all(senders)
  }
}

const assertDelivered = (applications: ReadonlyArray<Application>, chats: ReadonlyArray<string>): void => {
  const stored = applications.flatMap(({ sent }) => sent.map((one) => one.stored))
  assert.strictEqual(new Set(stored.map((message) => message?.id)).size, MESSAGES, "each message has an id of its own")
  for (const { parley, sent, shown } of applications) {
    const { account, id: me } = parley.me
    for (const chat of chats) {
      const expected = applications
        .filter((other) => other.parley !== parley)
        .flatMap((other) => other.sent.filter((one) => one.chat === chat).map((one) => one.stored))
        .filter((message) => message !== undefined)
        .toSorted((a, b) => a.id - b.id)
        .map((message): Incoming => ({ ...message, change: "new" }))
      const seen = shown.filter(({ cgid }) => cgid === chat)
      assert.deepStrictEqual(seen, expected, `${account} in ${chat}`)
      const own = sent.filter((one) => one.chat === chat).map((one) => one.stored?.id ?? 0)
      assert.deepStrictEqual(
        own,
        own.toSorted((a, b) => a - b),
        `${account}'s own in ${chat}`
      )
    }
    assert.notInclude(
      shown.map(({ user }) => user),
      me
    )
  }
}

describe("clients behind a faulty network", () => {
  it.live(
    `receive each of ${MESSAGES} messages once and in order, across two restarts of the server (seed ${seed})`,
    () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const proxy = new Proxy(random)
        const url = yield* Effect.promise(() => proxy.listen())
        yield* Effect.addFinalizer(() => Effect.promise(() => proxy.close()))
        const startServer = Effect.fnUntraced(function* () {
          const server = yield* serve(cwd, "--demo", "--set", "login.attempts=1000000")
          proxy.target = Number(new URL(server.http).port)
          return server
        })
        let server = yield* startServer()

        const applications = yield* Effect.forEach(ACCOUNTS, (account) =>
          Effect.acquireRelease(
            Effect.promise(
              async () =>
                new Application(
                  await connect({
                    url,
                    account,
                    password: "123456",
                    backoff: { first: 30, max: 500 },
                    heartbeat: 400,
                    replyTimeout: 1500,
                    timeout: 80_000,
                    random
                  })
                )
            ),
            ({ parley }) => Effect.sync(() => parley.close())
          )
        )
        const [first] = applications
        assert(first)
        const members = applications.map(({ parley }) => parley.me)
        const chats: Array<string> = []
        for (const name of ["one", "two", "three"]) {
          chats.push((yield* Effect.promise(() => first.parley.create({ name, members }))).gid)
        }

        let stored = 0
        let shown = 0
        const waiters: Array<{ readonly isDone: () => boolean; readonly resume: () => void }> = []
        const notify = (): void => {
          for (const [index, { isDone, resume }] of [...waiters.entries()].toReversed()) {
            if (!isDone()) continue
            waiters.splice(index, 1)
            resume()
          }
        }
        const until = (isDone: () => boolean) =>
          Effect.promise(
            () =>
              new Promise<void>((resume) => {
                waiters.push({ isDone, resume })
                notify()
              })
          )

        for (const application of applications) {
          application.read(() => {
            shown++
            notify()
          })
        }
        proxy.faults = FAULTS
        const share = MESSAGES / ACCOUNTS.length
        const writing = Promise.all(
          applications.map((application) =>
            application.write(chats, share, () => {
              stored++
              notify()
            })
          )
        )

        yield* until(() => stored >= MESSAGES * 0.3)
        server.child.kill("SIGKILL")
        yield* server.ended
        server = yield* startServer()
        yield* until(() => stored >= MESSAGES * 0.6)
        server.child.kill("SIGTERM")
        yield* server.ended
        server = yield* startServer()

        yield* Effect.promise(() => writing)
        yield* until(() => shown >= MESSAGES * (ACCOUNTS.length - 1))
        proxy.faults = NO_FAULTS
        // Duplicates would arrive before these last messages.
        for (const { parley } of applications) {
          for (const chat of chats) yield* Effect.promise(() => parley.send(chat, "the end"))
        }
        const ends = (): boolean =>
          applications.every(
            (application) =>
              application.shown.filter(({ content }) => content === "the end").length >=
              chats.length * (ACCOUNTS.length - 1)
          )
        yield* until(ends)
        for (const { shown: all } of applications) {
          const kept = all.filter(({ content }) => content !== "the end")
          assert.strictEqual(all.length - kept.length, chats.length * (ACCOUNTS.length - 1))
          all.splice(0, all.length, ...kept)
        }
        console.log(`seed ${seed}: ${JSON.stringify(proxy.counts)}`)
        assertDelivered(applications, chats)
        // About 20 and 10 on average, by chance.
        assert.isAbove(proxy.counts.cuts, 0, "the proxy injected faults")
        assert.isAbove(proxy.counts.halfCloses, 0, "the proxy injected faults")
      }).pipe(Effect.scoped),
    85_000
  )
})
