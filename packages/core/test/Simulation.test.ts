/** The parts of a simulation: digests, virtual time, faults of the disk and the network, and shrinking. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { connectSimulated, SeededRandom, shrink, SimulatedDisk, VirtualTime } from "@parley/core/testing/Simulation"
import type { StorageFailed, WriteBatch } from "@parley/core/Store"
import { Duration, Effect, Exit } from "effect"
import { createHash } from "node:crypto"
import { sha256 } from "../src/testing/simulation/sha256.ts"

it("sha256 returns the digest of texts of every length up to two blocks", () => {
  for (let length = 0; length <= 130; length++) {
    const data = new SeededRandom(length).bytes(length)
    assert.strictEqual(Buffer.from(sha256(data)).toString("hex"), createHash("sha256").update(data).digest("hex"))
  }
})

describe("virtual time", () => {
  it("runs timers in the order of their times, and fibers at the moments to which they sleep", async () => {
    const time = new VirtualTime()
    const done: Array<string> = []
    time.after(30, () => done.push(`timer ${time.now}`))
    time.after(10, () => done.push(`timer ${time.now}`))
    time.after(20, () => done.push("never"))()
    const sleeping = Effect.runFork(
      Effect.andThen(
        time.clock.sleep(Duration.millis(20)),
        Effect.sync(() => done.push(`fiber ${time.now}`))
      )
    )
    void sleeping
    await time.advance(100)
    assert.deepStrictEqual(done, ["timer 10", "fiber 20", "timer 30"])
    assert.strictEqual(time.now, 100)
  })

  it("reports that nothing happens any more", async () => {
    const time = new VirtualTime()
    const never = time.until(new Promise(() => undefined))
    assert.match(String(await never.catch((cause: unknown) => cause)), /nothing happened/)
  })
})

const addUser = (account: string): WriteBatch => ({
  expectedVersions: [],
  writes: [
    {
      _tag: "CreateUser",
      user: {
        account,
        password: null,
        realname: "",
        avatar: "",
        role: "",
        dept: 0,
        admin: false,
        organisation: null,
        disabled: false,
        createdAt: 0
      }
    }
  ]
})

describe("the disk", () => {
  const disk = () => {
    const time = new VirtualTime()
    const durable = MemoryStore.make()
    const accounts = () => Effect.runSync(Effect.orDie(durable.allUsers)).map(({ account }) => account)
    return { time, accounts, disk: new SimulatedDisk(time, new SeededRandom(1), durable) }
  }
  const ended = <A, E>(effect: Effect.Effect<A, E>): { exit: Exit.Exit<A, E> | undefined } => {
    const result: { exit: Exit.Exit<A, E> | undefined } = { exit: undefined }
    Effect.runFork(effect).addObserver((exit) => {
      result.exit = exit
    })
    return result
  }

  it("keeps what was written before a crash, loses what waits, and answers neither", async () => {
    const time = new VirtualTime()
    const durable = MemoryStore.make()
    const accounts = () => Effect.runSync(Effect.orDie(durable.allUsers)).map(({ account }) => account)
    // Crashes between the first write and its answer.
    const crashing: SimulatedDisk = new SimulatedDisk(time, new SeededRandom(1), durable, () => crashing.crash())
    const store = crashing.open()
    const results = ["ann", "ben", "cem"].map((account) => ended(store.commit(addUser(account))))
    await time.advance(1000)
    assert.deepStrictEqual(accounts(), ["ann"])
    assert.deepStrictEqual(
      results.map(({ exit }) => exit),
      [undefined, undefined, undefined]
    )
    const again = ended(crashing.open().allUsers)
    await time.advance(1000)
    assert.isTrue(again.exit !== undefined && Exit.isSuccess(again.exit))
  })

  it("fails a commit without effect, after its effect, and fails reads", async () => {
    const { accounts, disk: failing, time } = disk()
    const store = failing.open()
    failing.failCommit("lost")
    failing.failCommit("unknown")
    failing.failReads(1)
    const all: ReadonlyArray<{ exit: Exit.Exit<unknown, StorageFailed | object> | undefined }> = [
      ended(store.commit(addUser("ann"))),
      ended(store.commit(addUser("ben"))),
      ended(store.allUsers),
      ended(store.commit(addUser("cem")))
    ]
    await time.advance(1000)
    assert.deepStrictEqual(
      all.map(({ exit }) => exit?._tag),
      ["Failure", "Failure", "Failure", "Success"]
    )
    assert.deepStrictEqual(accounts(), ["ben", "cem"])
  })
})

describe("the network", () => {
  const open = () => {
    const time = new VirtualTime()
    const received: Array<string> = []
    const got: Array<string> = []
    const ends: Array<string> = []
    const client = connectSimulated({
      time,
      random: new SeededRandom(7),
      accept: () => ({
        receive: (frame) => received.push(frame),
        invalidUtf8: () => undefined,
        oversized: () => undefined,
        closed: () => ends.push(`server ${received.length}`)
      }),
      client: { frame: (text) => got.push(text), ended: () => ends.push("client") }
    })
    return { time, client, received, got, ends }
  }

  it("keeps the order of frames, and notices a cut at both ends", async () => {
    const { client, ends, received, time } = open()
    for (let number = 0; number < 20; number++) client.send(String(number))
    await time.advance(100)
    assert.deepStrictEqual(
      received,
      Array.from({ length: 20 }, (_, number) => String(number))
    )
    client.cut()
    await time.advance(1000)
    assert.deepStrictEqual(ends, ["client", "server 20"])
  })

  it("loses everything once it is half-open, and the server notices it late", async () => {
    const { client, ends, received, time } = open()
    client.halfOpen()
    client.send("lost")
    await time.advance(20_000)
    assert.deepStrictEqual([received, ends], [[], []])
    await time.advance(20_000)
    assert.deepStrictEqual(ends, ["server 0"])
  })
})

it("a failing history is shrunk to the steps that it needs", async () => {
  const steps = Array.from({ length: 50 }, (_, step) => step)
  const needs = async (left: ReadonlyArray<number>): Promise<boolean> => left.includes(7) && left.includes(31)
  assert.deepStrictEqual(await shrink(steps, needs), [7, 31])
})
