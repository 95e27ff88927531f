/** Search by the promise API: on every store, the rules of visibility, and its bounds. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as PgStore from "@parley/adapter-postgres/PgStore"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { createEngine, type EngineOptions, ParleyError, type SearchOptions, type UserApi } from "@parley/core"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, onTestFinished } from "vitest"
import { createDatabase } from "../../../scripts/postgres/database.ts"

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "parley-search-"))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const STORES: ReadonlyArray<readonly [string, () => Promise<EngineOptions["store"]>]> = [
  ["memory", async () => MemoryStore.layer],
  ["SQLite", async () => SqliteStore.layer({ file: join(folder(), "chat.db") })],
  ["PostgreSQL", async () => PgStore.layer({ url: await createDatabase("18") })]
]

const opened = async (store: EngineOptions["store"] = MemoryStore.layer) => {
  const engine = await createEngine({ store })
  onTestFinished(() => engine.close())
  await engine.users.addAll(["ann", "ben", "cat"].map((account) => ({ account })))
  return engine
}

/** Returns the contents of all pages, and their number. */
const all = async (user: UserApi, text: string, options: SearchOptions = {}) => {
  const found: Array<string> = []
  let pages = 0
  for (let from: SearchOptions["from"] | undefined; ;) {
    const { messages, next } = await user.search(text, { ...options, ...(from !== undefined && { from }) })
    pages++
    found.push(...messages.map(({ content }) => content))
    if (next === undefined) return { found, pages }
    from = next
  }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof ParleyError ? error.code : String(error))
  )

describe.each(STORES)("search on %s", (_, storeOf) => {
  it("finds what the user may see, as it stands now", async () => {
    const engine = await opened(await storeOf())
    const [ann, ben, cat] = [engine.as("ann"), engine.as("ben"), engine.as("cat")]
    const old = await ann.createGroup({ name: "Old", members: ["ben"] })
    const team = await ann.createGroup({ name: "Team", members: ["ben"] })
    const secret = await cat.createGroup({ name: "Secret" })
    await cat.send(secret, "the tea of cat")
    const [first, second, third] = await ann.sendAll(
      ["Tea at four", "coffee at five", "more tea"].map((content) => ({ chat: team, content }))
    )
    if (first === undefined || second === undefined || third === undefined) throw new Error("nothing was sent")
    await ben.send(old, "ＴＥＡ in old letters, 绿茶")
    await ann.send(old, JSON.stringify({ name: "tea.png" }), { contentType: "image" })

    assert.deepStrictEqual((await all(ben, " tea ")).found, ["more tea", "Tea at four", "ＴＥＡ in old letters, 绿茶"])
    assert.deepStrictEqual((await all(ben, "TEA", { chat: old })).found, ["ＴＥＡ in old letters, 绿茶"])
    assert.deepStrictEqual((await all(ben, "绿茶")).found, ["ＴＥＡ in old letters, 绿茶"])
    assert.deepStrictEqual((await all(cat, "tea")).found, ["the tea of cat"])
    assert.deepStrictEqual(await all(ben, "tea", { limit: 1 }), {
      found: ["more tea", "Tea at four", "ＴＥＡ in old letters, 绿茶"],
      pages: 3
    })

    // As it stands now: edited, recalled, and hidden by one of two.
    await ann.editMessage(second, "tea at five")
    await ann.editMessage(first, "water at four")
    await ben.deleteForMe(third)
    assert.deepStrictEqual((await all(ann, "tea", { chat: team })).found, ["more tea", "tea at five"])
    assert.deepStrictEqual((await all(ben, "tea", { chat: team })).found, ["tea at five"])
    await ann.recall(second)
    assert.deepStrictEqual((await all(ben, "tea", { chat: team })).found, [])

    // For members only.
    assert.strictEqual(await codeOf(cat.search("tea", { chat: team })), "NoSuchChat")
  })
})

describe("a search", () => {
  it("ends after a bounded part of the logs, and continues there", async () => {
    const engine = await opened()
    const ann = engine.as("ann")
    const team = await ann.createGroup({ name: "Team" })
    await ann.send(team, "needle")
    for (let sent = 0; sent < 4100; sent += 100) {
      await ann.sendAll(Array.from({ length: 100 }, (_, n) => ({ chat: team, content: `hay ${sent + n}` })))
    }
    assert.deepStrictEqual(await ann.search("needle"), {
      messages: [],
      next: { chat: team.id, number: 2101 }
    } as object)
    // New messages do not shift the position.
    await ann.send(team, "hay")
    assert.deepStrictEqual(await all(ann, "needle"), { found: ["needle"], pages: 3 })
    assert.deepStrictEqual(await all(ann, "needle", { chat: team }), { found: ["needle"], pages: 3 })
    // By characters, too: 2 MiB are looked at.
    const large = await ann.createGroup({ name: "Large" })
    for (let sent = 0; sent < 80; sent += 20) {
      await ann.sendAll(Array.from({ length: 20 }, () => ({ chat: large, content: "x".repeat(60_000) })))
    }
    assert.strictEqual((await all(ann, "needle", { chat: large })).pages, 3)
  })

  it("reads a bounded number of chats, without those that the user has left meanwhile", async () => {
    const engine = await opened()
    const [ann, ben] = [engine.as("ann"), engine.as("ben")]
    const chats = []
    for (let index = 0; index < 230; index++) {
      const chat = await ann.createGroup({ name: `Chat ${index}`, members: ["ben"] })
      await ann.send(chat, `needle ${index}`)
      chats.push(chat)
    }
    const { messages, next } = await ben.search("nothing")
    assert.deepStrictEqual([messages.length, next], [0, { chat: chats[29]?.id, number: 1 }] as never)
    assert.deepStrictEqual(
      (await all(ben, "needle", { limit: 100 })).found,
      Array.from({ length: 230 }, (_, index) => `needle ${229 - index}`)
    )
    await ben.leave(chats[29] ?? "")
    await ben.leave(chats[3] ?? "")
    const rest = await ben.search("needle", { limit: 100, ...(next !== undefined && { from: next }) })
    assert.deepStrictEqual(
      rest.messages.map(({ content }) => content),
      Array.from({ length: 29 }, (_, index) => `needle ${28 - index}`).filter((content) => content !== "needle 3")
    )
  })

  it("refuses what it cannot search", async () => {
    const engine = await opened()
    const ann = engine.as("ann")
    const [team, other] = [await ann.createGroup({ name: "Team" }), await ann.createGroup({ name: "Other" })]
    const table: ReadonlyArray<readonly [string, SearchOptions, string]> = [
      ["", {}, "text must not be empty."],
      [" ", {}, "text must not be empty."],
      ["half \ud83d", {}, "text must be well-formed Unicode."],
      ["x".repeat(256), {}, "text must have at most 255 characters."],
      [
        "x",
        { chat: team, from: { chat: other.id, number: 1 } as never },
        "from must be the position of a reply to the same search."
      ]
    ]
    for (const [text, options, message] of table) {
      const error = await ann.search(text, options).catch((cause: unknown) => cause)
      assert.instanceOf(error, ParleyError)
      assert.strictEqual(error.message, message)
    }
  })
})
