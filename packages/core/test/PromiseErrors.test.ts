/** Errors of the engine by promises, which a program can distinguish. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createEngine, type SettingsInput, ParleyError } from "@parley/core"
import { Engine } from "@parley/core/Engine"
import { UserId } from "@parley/core/Ids"
import { assert, describe, it } from "vitest"
import { Effect } from "effect"
import { opened, codeOf } from "./promisesFixture.ts"

describe("an unpaired surrogate", () => {
  it("is refused everywhere", async () => {
    await using engine = await opened()
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    const half = "a\ud800"
    const attempts: ReadonlyArray<Promise<unknown>> = [
      ann.createGroup({ name: half }),
      ann.rename(team, half),
      ann.edit(team, { attributes: { key: half } }),
      ann.edit(team, { attributes: { key: { list: [half] } } }),
      ann.edit(team, { attributes: { [half]: 1 } }),
      ann.send(team, half),
      ann.send(team, "x", { gid: half }),
      ann.send(team, "x", { contentType: half }),
      ann.saveSettings(half),
      ann.changeName(half),
      engine.users.add({ account: "zoe", realname: half }),
      engine.users.add({ account: half }),
      engine.users.add({ account: "zoe", avatar: half })
    ]
    for (const [index, attempt] of attempts.entries()) assert.strictEqual(await codeOf(attempt), "Invalid", `${index}`)
    const other = await ann.createGroup({ name: "😀" })
    assert.strictEqual((await ann.send(other, "😀")).content, "😀")
  })
})

describe("a refusal", () => {
  it("is an error with the refusal's code and a sentence", async () => {
    await using engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const team = await ann.createGroup({ name: "Team" })
    assert.strictEqual(await codeOf(engine.as("eve").chats()), "NoSuchUsers")
    assert.strictEqual(await codeOf(engine.as(99).chats()), "NoSuchUsers")
    assert.strictEqual(await codeOf(ann.addMembers(team, ["ben", "eve"])), "NoSuchUsers")
    assert.strictEqual(await codeOf(ben.send(team, "hello")), "NoSuchChat")
    assert.strictEqual(await codeOf(ann.send(team, "x".repeat(70_000))), "Invalid")
    assert.strictEqual(
      await codeOf(
        ann.sendAll([
          { chat: team, content: "ok" },
          { chat: "nowhere", content: "-" }
        ])
      ),
      "NoSuchChat"
    )
    assert.strictEqual(
      await codeOf(
        ann.sendAll([
          { chat: "here", content: "-" },
          { chat: "nowhere", content: "-" }
        ])
      ),
      "MessagesRefused"
    )
    assert.strictEqual(await codeOf(engine.users.add({ account: "ann" })), "AccountTaken")
    assert.deepInclude(await engine.explain("ben", team, "send"), { allowed: false, reason: { _tag: "NoSuchChat" } })
    assert.deepStrictEqual(await ann.may("send", team), { allowed: true })
    assert.strictEqual(await codeOf(engine.run(Effect.die(new Error("a bug in an effect")))), "Failed")
    assert.strictEqual(
      await codeOf(
        engine.run(
          Effect.flatMap(Engine, ({ perform }) => perform({ user: UserId(9), device: null }, { _tag: "ListChats" }))
        )
      ),
      "NotLoggedIn"
    )
  })

  it("contains the hook's code and message", async () => {
    await using engine = await opened({
      hooks: {
        before: async (command: { readonly _tag: string }) =>
          command._tag === "RenameChat" ? { _tag: "Reject", code: "frozen", message: "Names are frozen." } : undefined
      }
    })
    const team = await engine.as("ann").createGroup({ name: "Team" })
    const error: unknown = await engine
      .as("ann")
      .rename(team, "Crew")
      .catch((cause: unknown) => cause)
    assert.instanceOf(error, ParleyError)
    assert.deepStrictEqual([error.code, error.message], ["Rejected", "Names are frozen."])
  })
})

it("invalid settings are refused", async () => {
  const attempt = (settings: Readonly<Record<string, unknown>>) =>
    codeOf(createEngine({ store: MemoryStore.layer, settings: settings as SettingsInput }))
  assert.strictEqual(await attempt({ "limits.frame": 1 }), "Invalid")
  assert.strictEqual(await attempt({ sessions: "many" }), "Invalid")
  assert.strictEqual(await attempt({ frame: 4096 }), "Invalid")
  assert.isUndefined(await attempt({ "limits.frame": 4096 }))
})
