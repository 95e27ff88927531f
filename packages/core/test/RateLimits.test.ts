/** Cost limits of users and apps, and the memory for them. */
import { assert, describe, it } from "@effect/vitest"
import { createdChat } from "@parley/core/Chat"
import type { ReadHistory } from "@parley/core/Command"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import { RateLimits } from "@parley/core/RateLimits"
import { costAfter } from "@parley/core/rules/Cost"
import { fullBucket, type Rate, take } from "../src/rules/TokenBucket.ts"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"

const open = (costPerSecond: number, costBurst: number) =>
  Effect.map(Clock.Clock, (clock) => new RateLimits(clock, { costPerSecond, costBurst }))

const [ann, ben] = [UserId(1), UserId(2)]

describe("a token bucket", () => {
  it("gives no more than its burst and the refill since", () => {
    const steps = fc.array(fc.tuple(fc.nat(3000), fc.integer({ min: 1, max: 50 })), { maxLength: 100 })
    fc.assert(
      fc.property(steps, (all) => {
        const rate: Rate = { perSecond: 10, burst: 100 }
        const bucket = fullBucket(rate, 0)
        let [now, taken, last] = [0, 0, 0]
        for (const [pause, cost] of all) {
          now += pause
          if (take(bucket, rate, cost, now) === 0) {
            taken += cost
            last = cost
          }
          // The last one may overdraw it.
          assert.isAtMost(taken - last, 100 + (now / 1000) * 10 + 1e-6)
        }
      })
    )
  })

  it("returns the time until tokens are available", () => {
    const rate: Rate = { perSecond: 10, burst: 10 }
    const bucket = fullBucket(rate, 0)
    assert.strictEqual(take(bucket, rate, 1000, 0), 0)
    const wait = take(bucket, rate, 1, 5)
    assert.isAbove(take(bucket, rate, 1, 5 + Math.floor(wait) - 2), 0)
    assert.strictEqual(take(bucket, rate, 1, 5 + Math.ceil(wait)), 0)
  })

  it("refills nothing for a clock that is set back", () => {
    const rate: Rate = { perSecond: 10, burst: 10 }
    const bucket = fullBucket(rate, 1_000_000)
    take(bucket, rate, 20, 1_000_000)
    assert.isAbove(take(bucket, rate, 1, 0), 0)
    assert.isAbove(take(bucket, rate, 1, 500), 0)
    assert.strictEqual(take(bucket, rate, 1, 2000), 0)
  })
})

describe("the cost of a history", () => {
  const chat = createdChat(
    {
      gid: "g",
      name: "",
      type: "group",
      public: false,
      subject: 0,
      createdBy: ann,
      owner: ann,
      admins: [],
      senders: "all",
      createdAt: 0,
      attributes: {},
      members: [ann]
    },
    ChatId(1)
  )
  const message = (content: string): Message => ({
    id: EntryId(1),
    gid: "m",
    chat: ChatId(1),
    seq: 2,
    number: 1,
    sender: ann,
    type: "normal",
    date: 0,
    contentType: "text",
    content,
    recalled: false,
    revision: EntryId(1)
  })
  const costOf = (contents: ReadonlyArray<string>): number =>
    costAfter<ReadHistory>(
      { _tag: "ReadHistory", chat: { id: ChatId(1) } },
      { chat, messages: contents.map(message), more: false, total: contents.length },
      0
    )

  it("is about 1 for each KiB, and at least a half for each message", () => {
    assert.strictEqual(costOf(["", "hello"]), 1)
    assert.strictEqual(costOf(Array.from({ length: 64 }, () => "x".repeat(65_536))), 4096)
  })
})

describe("rate limits", () => {
  it.effect("are separate per user, and ten times as large for an app", () =>
    Effect.gen(function* () {
      const limits = yield* open(10, 20)
      for (let times = 0; times < 20; times++) assert.strictEqual(limits.take(ann, 1), 0)
      assert.strictEqual(limits.take(ann, 1), 1)
      assert.strictEqual(limits.take(ben, 1), 0)
      for (let times = 0; times < 200; times++) assert.strictEqual(limits.take("app", 1), 0)
      assert.strictEqual(limits.take("app", 1), 1)
      yield* TestClock.adjust("1 seconds")
      for (let times = 0; times < 10; times++) assert.strictEqual(limits.take(ann, 1), 0)
      assert.strictEqual(limits.take(ann, 1), 1)
    })
  )

  it.effect("do not refill twice for debt at an earlier time", () =>
    Effect.gen(function* () {
      const limits = yield* open(10, 20)
      const start = (yield* Clock.Clock).currentTimeMillisUnsafe()
      assert.strictEqual(limits.take(ann, 20, start), 0)
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(limits.take(ann, 9), 0)
      limits.owe(ann, 1, start)
      assert.strictEqual(limits.take(ann, 1), 1, "10 came back, and 10 were taken")
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(limits.take(ann, 1), 0)
      assert.strictEqual(limits.take(ann, 1), 1)
    })
  )

  it.effect("require debt to be repaid first", () =>
    Effect.gen(function* () {
      const limits = yield* open(10, 20)
      limits.owe(ann, 120)
      assert.strictEqual(limits.take(ann, 1), 11)
      yield* TestClock.adjust("9 seconds")
      assert.deepInclude((yield* Effect.flip(limits.charge(ann, 1))).reason, {
        _tag: "RateLimited",
        retryAfterSeconds: 2
      })
      yield* TestClock.adjust("2 seconds")
      yield* limits.charge(ann, 1)
    })
  )

  it.effect("keep buckets only for recent or indebted payers", () =>
    Effect.gen(function* () {
      const limits = yield* open(10, 20)
      limits.owe(ann, 1000)
      for (let id = 2; id < 10_000; id++) limits.take(UserId(id), 1)
      assert.strictEqual(limits.size, 9999)
      for (let times = 0; times < 3; times++) {
        yield* TestClock.adjust("2 seconds")
        limits.take(ben, 1)
      }
      assert.strictEqual(limits.size, 2)
      assert.isAbove(limits.take(ann, 1), 90)
      yield* TestClock.adjust("100 seconds")
      assert.strictEqual(limits.take(ann, 1), 0)
    })
  )
})
