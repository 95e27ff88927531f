/** Queries of conversations by every condition that the published SDKs can build. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { ConversationQuery, IMClient } from "leancloud-realtime"
import { codeOf, connect, type RtmServer, sdks, startServer } from "./harness.ts"

let server: RtmServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

type Query = ConversationQuery<never>
type Build = (query: Query) => Query

/** Methods of the class that are not in its types. */
interface Combining {
  readonly or: (...queries: ReadonlyArray<unknown>) => Query
  readonly and: (...queries: ReadonlyArray<unknown>) => Query
}

describe.each(sdks)("queries of the SDK %s", (version, sdk) => {
  let tom: IMClient
  let after: Date
  const ids: Record<string, string> = {}
  beforeAll(async () => {
    tom = await (await connect(sdk, server)).createIMClient(`tom-${version}`)
    const create = async (name: string, members: ReadonlyArray<string>, attributes: object) => {
      const made = await tom.createConversation({ name, members: [...members], unique: false, ...attributes } as never)
      ids[name] = made.id
      after = made.createdAt
    }
    await create("Chess (old)", ["ann"], { level: 3, tags: ["a", "b"], place: { city: "Rome" } })
    await create("chess", ["ann", "ben"], { level: 5, tags: ["b"], open: true })
    await create("Go\n19", ["ben"], { level: 7 })
  })
  afterAll(() => tom.close())

  const names = async (build: Build, then: Build = (query) => query.ascending("level")) => {
    const found = await then(build(tom.getQuery() as Query))
      .limit(50)
      .find()
    return found.map(({ name }) => name)
  }
  const [OLD, NEW, GO] = ["Chess (old)", "chess", "Go\n19"]

  it.each<readonly [string, Build, ReadonlyArray<string>]>([
    ["everything", (query) => query, [OLD, NEW, GO]],
    ["equalTo", (query) => query.equalTo("level", 5), [NEW]],
    ["equalTo a part", (query) => query.equalTo("place.city", "Rome"), [OLD]],
    ["equalTo with the prefix attr", (query) => query.equalTo("attr.place.city", "Rome"), [OLD]],
    ["equalTo an id", (query) => query.equalTo("objectId", ids[GO] ?? ""), [GO]],
    ["notEqualTo", (query) => query.notEqualTo("level", 5), [OLD, GO]],
    ["lessThan", (query) => query.lessThan("level", 5), [OLD]],
    ["lessThanOrEqualTo", (query) => query.lessThanOrEqualTo("level", 5), [OLD, NEW]],
    ["greaterThan", (query) => query.greaterThan("level", 5), [GO]],
    ["greaterThanOrEqualTo", (query) => query.greaterThanOrEqualTo("level", 5), [NEW, GO]],
    ["a time", (query) => query.lessThanOrEqualTo("createdAt", after), [OLD, NEW, GO]],
    ["a later time", (query) => query.greaterThan("createdAt", new Date(after.getTime() + 60_000)), []],
    ["containedIn", (query) => query.containedIn("level", [3, 7]), [OLD, GO]],
    ["notContainsIn", (query) => query.notContainsIn("level", [3, 7]), [NEW]],
    ["containsAll", (query) => query.containsAll("tags", ["b", "a"]), [OLD]],
    ["containsMembers", (query) => query.containsMembers(["ann", "ben"]), [NEW]],
    ["withMembers", (query) => query.withMembers(["ben"], true), [GO]],
    ["sizeEqualTo", (query) => query.sizeEqualTo("tags", 2), [OLD]],
    ["exists", (query) => query.exists("open"), [NEW]],
    ["doesNotExist", (query) => query.doesNotExist("tags"), [GO]],
    ["contains", (query) => query.contains("name", "s (o"), [OLD]],
    ["startsWith", (query) => query.startsWith("name", "Chess ("), [OLD]],
    ["endsWith", (query) => query.endsWith("name", "(old)"), [OLD]],
    ["matches", (query) => query.matches("name", /^CHESS/i as never), [OLD, NEW]],
    ["matches in several lines", (query) => query.matches("name", /^19$/m as never), [GO]]
  ])("%s", async (_name, build, expected) => {
    assert.deepStrictEqual(await names(build), expected)
  })

  it("combine with and, and with or", async () => {
    // Version 4 cannot build them.
    if (version === "4.3.1") return
    const Queries = tom.getQuery().constructor as unknown as Combining
    const [cheap, dear] = [() => tom.getQuery().lessThan("level", 5), () => tom.getQuery().greaterThan("level", 5)]
    const either = Queries.or(cheap(), dear())
    assert.deepStrictEqual(await names(() => either), [OLD, GO])
    const both = Queries.and(dear(), tom.getQuery().contains("name", "Go"))
    assert.deepStrictEqual(await names(() => both), [GO])
  })

  it("have an order, a page and the last message", async () => {
    assert.deepStrictEqual(
      await names(
        (query) => query,
        (query) => query.descending("level").skip(1)
      ),
      [NEW, OLD]
    )
    assert.deepStrictEqual(
      await names(
        (query) => query,
        (query) => query.ascending("open").addDescending("level")
      ),
      [GO, OLD, NEW]
    )
    const chat = await tom.getConversation(ids[NEW] ?? "")
    await chat.send(new sdk.TextMessage("e4"))
    const [found] = await tom.getQuery().equalTo("level", 5).withLastMessagesRefreshed(true).find()
    assert.strictEqual((found?.lastMessage as unknown as { readonly text: string } | undefined)?.text, "e4")
  })

  it("that cannot be understood are refused with the reason", async () => {
    const query = tom.getQuery().matches("name", /(?=look)/ as never)
    assert.strictEqual(await codeOf(query.find()), 4310)
  })
})
