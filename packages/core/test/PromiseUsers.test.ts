/** Users and their sessions by promises. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createEngine, ParleyError } from "@parley/core"
import { Engine } from "@parley/core/Engine"
import { Store } from "@parley/core/Store"
import { assert, describe, it } from "vitest"
import { Effect, Layer } from "effect"
import { opened, codeOf, plain } from "./promisesFixture.ts"

describe("users and their sessions", () => {
  it("are added, found, changed, disabled", async () => {
    await using engine = await opened()
    const { users } = engine
    const told: Array<string> = []
    engine.on("user", ({ what, user }) => told.push(`${what} ${user.realname}`))
    assert.deepInclude(plain(await users.find("ben")), { id: 2, account: "ben", realname: "ben" })
    assert.isUndefined(await users.find("eve"))
    assert.isUndefined(await users.find(77))
    assert.deepInclude(await users.change("ben", { realname: "Benjamin", avatar: "http://x/b.png" }), {
      realname: "Benjamin",
      avatar: "http://x/b.png"
    })
    assert.deepStrictEqual(told, ["renamed Benjamin"])
    assert.strictEqual(await codeOf(users.change("ben", { realname: "" })), "Invalid")
    assert.lengthOf(await users.list(), 3)
    await users.setDisabled("ben", true)
    assert.strictEqual(await codeOf(engine.as("ben").chats()), "NotLoggedIn")
    await users.setDisabled("ben", false)
    assert.deepStrictEqual(await engine.as("ben").chats(), [])
  })

  it("log in with a password, a token of the host, or a one-time token", async () => {
    await using engine = await opened()
    await engine.users.setPassword("ann", "correct-horse-7")
    const weak = await engine.users.setPassword("ann", "secret").catch((error: unknown) => error)
    assert.instanceOf(weak, ParleyError)
    assert.strictEqual(weak.message, "password must have at least 8 characters (passwords.minimum).")
    const { user, token } = await engine.login("ann", "correct-horse-7")
    assert.strictEqual(user.account, "ann")
    assert.strictEqual((await engine.resume(token))?.id, user.id)
    await engine.endSession(token)
    assert.isUndefined(await engine.resume(token))
    assert.strictEqual(await codeOf(engine.login("ann", "wrong")), "WrongPassword")
    const issued = await engine.openSession("ben")
    assert.strictEqual((await engine.resume(issued))?.account, "ben")
    await engine.users.endSessions("ben")
    assert.isUndefined(await engine.resume(issued))
    const once = await engine.mintToken("cat", { ttl: 60 })
    assert.strictEqual((await engine.login("cat", once)).user.account, "cat")
    assert.strictEqual(await codeOf(engine.login("cat", once)), "WrongPassword")
  })

  it("may be from the host's directory", async () => {
    const directory = [
      { id: "6f1c", account: "ann", realname: "Ann" },
      { id: "9b2e", account: "ben", realname: "Ben" }
    ]
    await using engine = await createEngine({
      store: MemoryStore.layer,
      directory: {
        find: async (ids) => directory.filter(({ id }) => ids.includes(id)),
        findByAccount: (accounts) => directory.filter(({ account }) => accounts.includes(account))
      }
    })
    const pair = await engine.as("6f1c").openDirectChat("9b2e")
    const { sender } = await engine.as("6f1c").send(pair, "hello")
    assert.deepInclude(await engine.users.find(Number(sender)), { account: "ann", realname: "Ann" })
    assert.strictEqual((await engine.as("9b2e").unread())[0]?.count, 1)
    assert.strictEqual(await codeOf(engine.as("ann").chats()), "NoSuchUsers")
    const recipients: Array<number> = []
    engine.on("message", (event) => recipients.push(...(event.recipients === "everyone" ? [] : event.recipients)))
    await engine.as("6f1c").send(pair, "who hears it?")
    assert.deepStrictEqual([...(await engine.users.externalIds(recipients)).values()], ["9b2e"])
    assert.deepStrictEqual(
      [...(await engine.users.externalIds([Number(sender), ...recipients, 77])).values()],
      ["6f1c", "9b2e"]
    )
    // Another process, after a restart, has never read these users.
    const { store } = await engine.run(Effect.map(Engine, ({ context }) => context))
    await using later = await createEngine({
      store: Layer.succeed(Store, store),
      directory: { find: () => directory, findByAccount: () => directory }
    })
    assert.deepStrictEqual([...(await later.users.externalIds(recipients)).values()], ["9b2e"])

    await using plain = await opened()
    assert.deepStrictEqual(
      [...(await plain.users.externalIds([2, 1, 77]))],
      [
        [2, "ben"],
        [1, "ann"]
      ]
    )
  })
})
