/** An engine's beginning and end inside somebody else's process. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createEngine, type LogLine, ParleyError } from "@parley/core"
import { Store } from "@parley/core/Store"
import { Effect, Layer } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { assert, describe, it } from "vitest"
import { repetitions } from "../../../scripts/repetitions.ts"

const failure = (work: Promise<unknown>): Promise<ParleyError> =>
  work.then(
    () => assert.fail("it went well"),
    (error: unknown) => {
      assert.instanceOf(error, ParleyError)
      return error
    }
  )

const ENGINES = repetitions(1000, 100)

describe("an engine", () => {
  it("writes annotations to the host's own log", async () => {
    const lines: Array<LogLine> = []
    await using engine = await createEngine({ store: MemoryStore.layer, log: (line) => lines.push(line) })
    await failure(engine.login("nobody", "wrong"))
    assert.deepInclude(lines[0], { level: "info", message: "login failed" })
    assert.deepInclude(lines[0]?.details, { account: "nobody", reason: "WrongPassword" })
  })

  it(`runs beside ${ENGINES - 1} others, which leave nothing behind`, async () => {
    const handles = process.getActiveResourcesInfo().length
    const start = performance.now()
    const engines = await Promise.all(Array.from({ length: ENGINES }, () => createEngine({ store: MemoryStore.layer })))
    const opened = performance.now()
    const lengths = await Promise.all(
      engines.map(async (engine, index) => {
        await engine.users.addAll([{ account: "ann" }, { account: `ben${index}` }])
        const pair = await engine.as("ann").openDirectChat(`ben${index}`)
        await engine.as("ann").send(pair, `to engine ${index}`)
        const { messages } = await engine.as(`ben${index}`).history(pair)
        assert.deepStrictEqual(
          messages.map(({ content }) => content),
          [`to engine ${index}`]
        )
        return messages.length
      })
    )
    assert.lengthOf(lengths, ENGINES)
    await Promise.all(engines.map((engine) => engine.close()))
    assert.isAtMost(process.getActiveResourcesInfo().length, handles)
    console.log(`${ENGINES} engines: opened in ${(opened - start).toFixed(0)} ms, each with two users and a message`)
  })

  it("rejects every call after close", async () => {
    const engine = await createEngine({ store: MemoryStore.layer })
    await engine.users.add({ account: "ann" })
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    const sending = Promise.allSettled(Array.from({ length: 20 }, (_, n) => ann.send(team, String(n))))
    const ending = engine.close()
    assert.strictEqual(engine.close(), ending)
    await ending
    // Work under way either was done or fails: nothing hangs, nothing is lost in silence.
    for (const one of await sending) {
      if (one.status === "rejected") assert.strictEqual((one.reason as ParleyError).code, "Closed")
    }
    for (const work of [
      () => ann.send(team, "late"),
      () => ann.chats(),
      () => ann.unread(),
      () => ann.queue(),
      () => engine.users.list(),
      () => engine.login("ann", "x"),
      () => engine.mintToken("ann"),
      () => engine.run(Effect.void)
    ]) {
      const { code, message } = await failure(work())
      assert.deepStrictEqual([code, message], ["Closed", "The engine is closed."])
    }
    assert.isTrue(
      (
        await ann
          .log(team)
          .next()
          .catch((error: ParleyError) => ({ done: error.code === "Closed" }))
      ).done
    )
    engine.on("message", () => assert.fail("there is nothing to hear"))()
  })

  it("closes with its scope, and with its signal", async () => {
    const control = new AbortController()
    const signalled = await createEngine({ store: MemoryStore.layer, signal: control.signal })
    control.abort()
    assert.strictEqual((await failure(signalled.users.list())).code, "Closed")
    assert.strictEqual(
      (await failure(createEngine({ store: MemoryStore.layer, signal: control.signal }))).code,
      "Aborted"
    )
    let held: { readonly users: { readonly list: () => Promise<unknown> } } | undefined
    {
      await using engine = await createEngine({ store: MemoryStore.layer })
      held = engine
    }
    assert.strictEqual((await failure(held.users.list())).code, "Closed")
  })

  it("that cannot be opened reports the cause, and leaves nothing behind", async () => {
    let released = 0
    const broken = Layer.effect(
      Store,
      Effect.andThen(
        Effect.addFinalizer(() => Effect.sync(() => released++)),
        Effect.fail(new Error("the disk is full"))
      )
    )
    const { code, message } = await failure(createEngine({ store: broken }))
    assert.deepStrictEqual([code, message], ["Unavailable", "The engine cannot be opened: the disk is full"])
    assert.strictEqual(released, 1)
  })

  it("starts at once, and lets the process exit", async () => {
    const script = fileURLToPath(new URL("./fixtures/alone.ts", import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 30_000 })
    const { milliseconds, handles, said } = JSON.parse(stdout) as Record<string, unknown>
    assert.deepStrictEqual([handles, said], [0, "hello"])
    console.log(`an engine on memory opens in ${Number(milliseconds).toFixed(1)} ms`)
  })
})

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

it("the core and its memory need `effect` and nothing else", () => {
  const needed = new Set<string>()
  const walk = (folder: string): void => {
    const path = new URL(`../../${folder}/package.json`, import.meta.url)
    const { dependencies = {}, peerDependencies = {} } = JSON.parse(readFileSync(path, "utf8")) as Manifest
    for (const name of [...Object.keys(dependencies), ...Object.keys(peerDependencies)]) {
      if (name.startsWith("@parley/")) walk(name.slice("@parley/".length))
      else needed.add(name)
    }
  }
  walk("core")
  walk("adapter-memory")
  assert.deepStrictEqual([...needed], ["effect"])
})
