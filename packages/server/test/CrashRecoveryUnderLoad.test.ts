/**
 * The server is killed repeatedly under load. Acknowledged writes are there afterwards, exactly once; others at most once.
 * Repeat a failure with `PARLEY_TEST_SEED=<seed>`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { repetitions } from "../../../scripts/repetitions.ts"
import { type Client, historyOf, type Message, newGroup, online, PASSWORD, webSocket } from "./clients.ts"
import { runInProcess } from "./inProcessCommand.ts"
import { folder, serve } from "./serverProcess.ts"

const KILLS = repetitions(20, 2)
const SENDERS = 20
const MESSAGES = repetitions(2000, 600)
const CHATS = 4

const seed = Number(process.env["PARLEY_TEST_SEED"] ?? Date.now() % 2 ** 31)

/** Returns numbers in [0, 1) from the seed: mulberry32. */
const random = ((state: number) => () => {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
})(seed)

/** A message that was sent at least once. */
interface Sent {
  readonly gid: string
  readonly cgid: string
  readonly content: string
  answer: Message | undefined
}

class Sender {
  readonly account: string
  /** Half of the senders retry messages without a reply, as a careful client does; the others never do. */
  readonly insists: boolean
  readonly sid: string
  readonly chats: ReadonlyArray<string>
  readonly sent: Array<Sent> = []
  /** Gids of all messages delivered to the user. */
  readonly received = new Set<string>()
  /** Id of the newest of these for each chat. */
  readonly newest = new Map<string, number>()

  constructor(account: string, insists: boolean, sid: string, chats: ReadonlyArray<string>) {
    this.account = account
    this.insists = insists
    this.sid = sid
    this.chats = chats
  }

  unanswered(): ReadonlyArray<Sent> {
    return this.insists ? this.sent.filter(({ answer }) => answer === undefined) : []
  }

  /** Sends this many more messages. */
  write(count: number): ReadonlyArray<Sent> {
    const fresh = Array.from({ length: count }, (_, step): Sent => {
      const number = this.sent.length + step
      const cgid = this.chats[Math.floor(random() * this.chats.length)] ?? ""
      return { gid: `${this.account}-${number}`, cgid, content: `${this.account} ${number} ✓`, answer: undefined }
    })
    this.sent.push(...fresh)
    return fresh
  }
}

/** A sender, its session resumed on a new connection, and the messages to send there, in order. */
interface Shift {
  readonly sender: Sender
  readonly client: Client
  readonly work: ReadonlyArray<Sent>
}

/** Sends without waiting for each reply, with at most this many pending. */
const WINDOW = 10

const sending = Effect.fnUntraced(function* ({ client, sender, work }: Shift) {
  for (const [index, { gid, cgid, content }] of work.entries()) {
    yield* client.until("room", () => client.answers.length > index - WINDOW)
    client.send({ module: "chat", method: "message", sid: sender.sid, params: [{ gid, cgid, content }] })
  }
})

/** Acknowledges packets until the connection ends. */
const acknowledging = Effect.fnUntraced(function* ({ client, sender }: Shift) {
  client.take(sender.sid)
  for (let done = 0; ;) {
    yield* client.until("a message", () => client.packets.length > done)
    client.acknowledge(client.packets.slice(done))
    done = client.packets.length
  }
})

/** Records the replies and deliveries of a round. */
const settle = ({ client, sender, work }: Shift): void => {
  const here = new Set<string>()
  for (const { gid, cgid, id } of client.delivered) {
    assert.isFalse(here.has(gid), `${gid} came twice on one connection`)
    here.add(gid)
    if (sender.received.has(gid)) continue
    sender.received.add(gid)
    assert.isAbove(id, sender.newest.get(cgid) ?? 0, `${gid} came to ${sender.account} after a newer message`)
    sender.newest.set(cgid, id)
  }
  for (const [index, { result, data, message }] of client.answers.entries()) {
    const sent = work[index]
    assert(sent, "more answers than requests")
    assert.strictEqual(result, "success", message)
    const [stored] = data as ReadonlyArray<Message>
    assert(stored)
    assert.deepInclude(stored, { gid: sent.gid, cgid: sent.cgid, content: sent.content })
    sent.answer = stored
  }
}

/** Runs one round up to this many replies, then kills the server. */
const round = Effect.fnUntraced(function* (cwd: string, senders: ReadonlyArray<Sender>, answers: number) {
  const server = yield* serve(cwd, "--no-demo", "--set", "acknowledge.delay=20")
  const shifts: Array<Shift> = []
  for (const sender of senders) {
    const again = sender.unanswered()
    const fresh = sender.write(MESSAGES / SENDERS - again.length)
    shifts.push({ sender, client: yield* webSocket(server.http), work: [...again, ...fresh] })
  }
  const answered = (): number => shifts.reduce((sum, { client }) => sum + client.answers.length, 0)
  const enough = shifts.map(({ client }) => client.until(`${answers} answers`, () => answered() >= answers))
  // Their only defects come from the end of the server.
  for (const shift of shifts) {
    yield* Effect.forkScoped(Effect.exit(sending(shift)))
    yield* Effect.forkScoped(Effect.exit(acknowledging(shift)))
  }
  yield* Effect.raceAllFirst(enough)
  server.child.kill("SIGKILL")
  yield* server.ended
  for (const shift of shifts) {
    yield* shift.client.untilClosed
    settle(shift)
  }
}, Effect.scoped)

/** Creates users and chats. Each chat has half of the senders, and two users that only receive. */
const begin = Effect.fnUntraced(function* (cwd: string) {
  const accounts = Array.from({ length: SENDERS }, (_, index) => `sender${index}`)
  const users = ["absent", "herald", ...accounts].map((account) => `${account},${PASSWORD}`)
  writeFileSync(join(cwd, "users.csv"), ["account,password", ...users].join("\n"))
  const imported = yield* runInProcess(cwd, ["user", "import", "users.csv", "--create"], {
    PARLEY_PASSWORDS_MINIMUM: "0"
  })
  assert.strictEqual(imported.code, 0, imported.err)
  const { http } = yield* serve(cwd, "--no-demo")
  const herald = yield* online(http, "herald")
  const isIn = (sender: number, chat: number): boolean => (sender + chat) % CHATS < CHATS / 2
  const chats: Array<string> = []
  for (let chat = 0; chat < CHATS; chat++) {
    chats.push(yield* newGroup(herald, "absent", ...accounts.filter((_, sender) => isIn(sender, chat))))
  }
  const senders = yield* Effect.forEach(
    accounts,
    Effect.fnUntraced(function* (account, index) {
      const { sid } = yield* online(http, account)
      const mine = chats.filter((_, chat) => isIn(index, chat))
      return new Sender(account, Math.floor(index / CHATS) % 2 === 0, sid(), mine)
    }),
    { concurrency: 4 }
  )
  return { chats, senders, herald: herald.sid() }
}, Effect.scoped)

const END = "the end"
const hasEnd = (client: Client, chats: ReadonlyArray<string>): boolean =>
  client.delivered.filter(({ content }) => content === END).length === chats.length

const judge = (senders: ReadonlyArray<Sender>, stored: ReadonlyArray<Message>): void => {
  const byGid = new Map(stored.map((message) => [message.gid, message]))
  assert.strictEqual(byGid.size, stored.length, "a message is there twice")
  let known = 0
  for (const { account, chats, received, sent } of senders) {
    const there = sent.flatMap((one) => {
      const message = byGid.get(one.gid)
      if (one.answer !== undefined) assert.deepStrictEqual(message, one.answer, `${one.gid} was answered`)
      return message === undefined ? [] : [message]
    })
    known += there.length
    for (const chat of chats) {
      const ids = there.filter(({ cgid }) => cgid === chat).map(({ id }) => id)
      assert.deepStrictEqual(ids, ascending(ids), `${account}'s messages are out of order`)
    }
    // Users that were connected and acknowledged all the time have missed nothing either.
    const own = new Set(sent.map(({ gid }) => gid))
    const missed = stored.filter(({ cgid, gid }) => chats.includes(cgid) && !own.has(gid) && !received.has(gid))
    assert.deepStrictEqual(missed, [], `${account} has missed messages`)
  }
  assert.strictEqual(known, stored.length, "there is a message that nobody has sent")
}

const ascending = (ids: ReadonlyArray<number>): ReadonlyArray<number> => ids.toSorted((a, b) => a - b)

describe("a server killed under load", () => {
  it.live(
    `loses no acknowledged message and duplicates none, in ${KILLS} kills (seed ${seed})`,
    () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const { chats, senders, herald } = yield* begin(cwd)
        for (let kill = 0; kill < KILLS; kill++) {
          yield* round(cwd, senders, 1 + Math.floor(random() * MESSAGES))
        }

        const { http } = yield* serve(cwd, "--no-demo")
        const shifts: Array<Shift> = []
        for (const sender of senders) {
          const shift: Shift = {
            sender,
            client: yield* webSocket(http),
            work: [...sender.unanswered(), ...sender.write(1)]
          }
          shifts.push(shift)
          yield* sending(shift)
          yield* shift.client.until("all answers", () => shift.client.answers.length === shift.work.length)
        }
        const last = yield* webSocket(http)
        last.take(herald)
        for (const chat of chats) yield* last.say(chat, END)
        for (const shift of shifts) {
          yield* shift.client.until(END, () => hasEnd(shift.client, shift.sender.chats))
          settle(shift)
        }
        const absent = yield* online(http, "absent")
        yield* absent.until(END, () => hasEnd(absent, chats))
        const queue = absent.delivered
        const ids = queue.map(({ id }) => id)
        assert.deepStrictEqual(ids, ascending(ids), "the queue is out of order")
        const history: Array<Message> = []
        for (const chat of chats) history.push(...(yield* historyOf(absent, chat)))
        assert.deepStrictEqual(
          history.toSorted((a, b) => a.id - b.id),
          queue
        )
        judge(
          senders,
          queue.filter(({ content }) => content !== END)
        )
      }).pipe(Effect.scoped),
    180_000
  )
})
