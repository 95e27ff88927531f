import { assert, describe, it } from "@effect/vitest"
import { Inbox } from "../src/Inbox.ts"
import type { Chat, Incoming } from "../src/index.ts"
import type { Packet } from "../src/protocol.ts"
import { ManualClock, settled } from "./FakeServer.ts"

interface Fields {
  readonly gid?: string
  readonly cgid?: string
  readonly content?: string
  readonly contentType?: string
  readonly recalled?: true
  /** Id of the message, if it differs from the packet's. */
  readonly message?: number
}

const packet = (id: number, { message = id, ...fields }: Fields = {}): Packet => ({
  id,
  module: "chat",
  method: "message",
  data: [
    { id: message, gid: `g${message}`, cgid: "chat", user: 2, contentType: "text", content: `m${message}`, ...fields }
  ]
})

const chat = (gid: string, createdDate = 1): Chat => ({
  id: 1,
  gid,
  name: "",
  type: "group",
  admins: "",
  committers: "",
  subject: 0,
  public: false,
  createdBy: "ann",
  createdDate,
  editedBy: "",
  editedDate: 0,
  lastActiveTime: 0
})

const setUp = (limit = 1000, own: ReadonlyArray<string> = []) => {
  const acknowledged: Array<ReadonlyArray<number>> = []
  const errors: Array<unknown> = []
  const shown: Array<string> = []
  const clock = new ManualClock()
  let renewals = 0
  const inbox = new Inbox({
    limit,
    clock,
    random: () => 0.5,
    backoff: { first: 100, max: 1000 },
    acknowledge: (ids) => acknowledged.push(ids),
    renew: () => renewals++,
    isOwn: (gid) => own.includes(gid),
    onError: (error) => errors.push(error),
    onChange: () => {},
    malformed: (error) => errors.push(error)
  })
  const show = ({ change, content, id }: Incoming): void => void shown.push(`${change} ${id} ${content}`)
  return { inbox, acknowledged, errors, shown, show, clock, renewals: () => renewals }
}

describe("the inbox", () => {
  it("acknowledges a processed message, and delivers the next one after that", async () => {
    const { inbox, acknowledged } = setUp()
    const taking: Array<() => void> = []
    inbox.consume(() => new Promise<void>((resolve) => taking.push(resolve)))
    inbox.accept([packet(1), packet(2)])
    await settled()
    assert.strictEqual(taking.length, 1)
    assert.deepStrictEqual(acknowledged, [])
    taking[0]?.()
    await settled()
    assert.strictEqual(taking.length, 2)
    assert.deepStrictEqual(acknowledged, [[1]])
  })

  it("keeps messages until there is a listener", async () => {
    const { inbox, acknowledged, shown, show } = setUp()
    inbox.accept([packet(1)])
    await settled()
    assert.deepStrictEqual(acknowledged, [])
    inbox.consume(show)
    await settled()
    assert.deepStrictEqual([shown, acknowledged], [["new 1 m1"], [[1]]])
  })

  it("waits for all listeners", async () => {
    const { inbox, acknowledged, shown, show } = setUp()
    let take = (): void => {}
    inbox.consume(show)
    inbox.consume(() => new Promise<void>((resolve) => (take = resolve)))
    inbox.accept([packet(1)])
    await settled()
    assert.deepStrictEqual([shown, acknowledged], [["new 1 m1"], []])
    take()
    await settled()
    assert.deepStrictEqual(acknowledged, [[1]])
  })

  it("does not deliver the current message to a listener added meanwhile", async () => {
    const { inbox, acknowledged, shown, show } = setUp()
    const leave = inbox.consume(() => {
      leave()
      inbox.consume(show)
    })
    inbox.accept([packet(1), packet(2)])
    await settled()
    assert.deepStrictEqual([shown, acknowledged.flat()], [["new 2 m2"], [1, 2]])
  })

  it("delivers a message again to the listener that failed, and to no other", async () => {
    const { inbox, acknowledged, errors, shown, show, clock } = setUp()
    let failures = 2
    inbox.consume(show)
    inbox.consume(async () => {
      if (failures-- > 0) throw new Error("full")
    })
    inbox.accept([packet(1), packet(2)])
    await settled()
    assert.deepStrictEqual([errors.length, acknowledged], [1, []])
    clock.advance(50)
    await settled()
    assert.strictEqual(errors.length, 2)
    // The wait doubles.
    clock.advance(99)
    await settled()
    assert.deepStrictEqual(acknowledged, [])
    clock.advance(1)
    await settled()
    assert.deepStrictEqual(
      [shown, acknowledged],
      [
        ["new 1 m1", "new 2 m2"],
        [[1], [2]]
      ]
    )
  })

  it.each<[string, ReadonlyArray<Packet>, ReadonlyArray<Packet>, ReadonlyArray<string>, ReadonlyArray<number>]>([
    ["duplicates", [packet(1), packet(2)], [packet(1), packet(2), packet(3)], ["new 3 m3"], [1, 2, 3]],
    ["an old packet whose content is not kept", [packet(5)], [packet(4)], [], [4]],
    ["a lower id in another chat", [packet(5)], [packet(4, { cgid: "other" })], ["new 4 m4"], [4]],
    ["new content", [packet(1)], [packet(2, { message: 1, content: "x" })], ["replaced 1 x"], [2]],
    ["new content in an old packet", [packet(1)], [packet(1, { content: "x" })], ["replaced 1 x"], [1]],
    ["a recall", [packet(1)], [packet(2, { message: 1, content: "", recalled: true })], ["recalled 1 "], [2]],
    ["another message under an old id", [packet(1), packet(2)], [packet(1, { gid: "else" })], ["new 1 m1"], [1]],
    ["a message of this client", [packet(1)], [packet(2, { gid: "mine" }), packet(3)], ["new 3 m3"], [2, 3]],
    [
      "a packet without messages",
      [packet(1)],
      [{ id: 2, module: "chat", method: "message", data: [] }, packet(3)],
      ["new 3 m3"],
      [3]
    ]
  ])("recognises %s", async (_case, before, after, delivered, acks) => {
    const { inbox, acknowledged, shown, show } = setUp(1000, ["mine"])
    inbox.consume(show)
    inbox.accept(before)
    await settled()
    shown.length = acknowledged.length = 0
    inbox.onLogin()
    inbox.accept(after)
    await settled()
    assert.deepStrictEqual(shown, delivered)
    assert.deepStrictEqual(acknowledged.flat(), acks)
  })

  it("does not acknowledge a duplicate of a waiting message", async () => {
    const { inbox, acknowledged, shown, show } = setUp()
    inbox.accept([packet(1)])
    inbox.onLogin()
    inbox.accept([packet(1)])
    assert.deepStrictEqual(acknowledged, [])
    inbox.consume(show)
    await settled()
    assert.deepStrictEqual([shown, acknowledged], [["new 1 m1"], [[1]]])
  })

  it("acknowledges a packet whose content changed while waiting after both contents are processed", async () => {
    const { inbox, acknowledged } = setUp()
    const taking: Array<() => void> = []
    inbox.consume(() => new Promise<void>((resolve) => taking.push(resolve)))
    inbox.accept([packet(1)])
    await settled()
    inbox.accept([packet(1, { content: "x" })])
    taking[0]?.()
    await settled()
    assert.deepStrictEqual(acknowledged, [])
    taking[1]?.()
    await settled()
    assert.deepStrictEqual(acknowledged, [[1]])
  })

  it("leaves messages beyond its limit on the server, and fetches them later", async () => {
    const { inbox, acknowledged, shown, show, renewals } = setUp(2)
    inbox.accept([packet(1), packet(2), packet(3)])
    // Left out too, since it would overtake the message left out before.
    inbox.accept([packet(4, { cgid: "other" })])
    assert.strictEqual(renewals(), 0)
    inbox.consume(show)
    await settled()
    assert.deepStrictEqual([shown, acknowledged.flat(), renewals()], [["new 1 m1", "new 2 m2"], [1, 2], 1])
    inbox.onLogin()
    inbox.accept([packet(2), packet(3)])
    inbox.accept([packet(4, { cgid: "other" })])
    await settled()
    assert.deepStrictEqual(shown.slice(2), ["new 3 m3", "new 4 m4"])
    assert.strictEqual(renewals(), 1)
  })

  it("drops the position of a chat that was recreated under the same gid, as in an emptied store", async () => {
    const { inbox, shown, show } = setUp()
    inbox.consume(show)
    inbox.markKnown([chat("chat", 1), chat("other", 1)])
    inbox.accept([packet(50), packet(51, { cgid: "other" })])
    await settled()
    inbox.markKnown([chat("chat", 9), chat("other", 1)])
    inbox.accept([packet(3), packet(4, { cgid: "other" })])
    await settled()
    assert.deepStrictEqual(shown, ["new 50 m50", "new 51 m51", "new 3 m3"])
  })

  it("keeps the content of a bounded number of packets, and detects older duplicates by position", async () => {
    const { inbox, acknowledged, shown, show } = setUp(10)
    inbox.consume(show)
    for (let id = 1; id <= 6000; id++) {
      inbox.accept([packet(id)])
      if (id % 10 === 0) await settled()
    }
    shown.length = acknowledged.length = 0
    inbox.accept([packet(1, { content: "too old to be compared" }), packet(5999)])
    await settled()
    assert.deepStrictEqual([shown, acknowledged.flat()], [[], [1, 5999]])
  })

  it("cancels the wait for another attempt when it ends", async () => {
    const { inbox, clock, errors } = setUp()
    inbox.consume(() => Promise.reject(new Error("full")))
    inbox.accept([packet(1)])
    await settled()
    assert.strictEqual(clock.pending, 1)
    inbox.end()
    await settled()
    assert.deepStrictEqual([clock.pending, errors.length], [0, 1])
  })

  it("delivers nothing after it has ended", async () => {
    const { inbox, acknowledged, shown, show } = setUp()
    inbox.accept([packet(1)])
    inbox.end()
    inbox.consume(show)
    inbox.accept([packet(2)])
    await settled()
    assert.deepStrictEqual([shown, acknowledged], [[], []])
  })
})
