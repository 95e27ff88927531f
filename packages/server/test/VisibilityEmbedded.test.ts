/** Tenants in the embedding API, by a function of pairs that fails, and by the command line. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley, type Parley } from "@parley/adapter-node"
import { ParleyError } from "@parley/core"
import { UserId } from "@parley/core/Ids"
import { Effect } from "effect"
import { md5, webSocket } from "./clients.ts"
import { folder, run, serve } from "./serverProcess.ts"
import { PASSWORD, PEOPLE, NOBODY, NO_ID, tenants, accountsIn, policies, refused } from "./tenants.ts"

describe.each(policies)("users of other tenants, %s", (_name, visibility) => {
  it.live("are unknown to the embedding API's users, with their public chats", () =>
    Effect.gen(function* () {
      const { parley, ids } = yield* tenants(visibility)
      yield* Effect.promise(() => embedded(parley, ids))
    })
  )
})

const embedded = async (parley: Parley, ids: Record<keyof typeof PEOPLE, UserId>): Promise<void> => {
  const [ann, ben] = [parley.as("ann"), parley.as("ben")]
  const named = (users: ReadonlyArray<{ readonly account: string }>) => users.map(({ account }) => account)
  assert.deepStrictEqual(named(await ann.users()), ["ann", "al", "amy", "root"])
  assert.deepStrictEqual(named(await parley.as("nia").users()), ["nia"])
  assert.lengthOf(await parley.users.list(), Object.keys(PEOPLE).length)

  const own = await ann.createGroup({ name: "Own", members: ["al"] })
  await refused(
    () => ann.openDirectChat("ben"),
    () => ann.openDirectChat(NOBODY),
    ["ben", NOBODY]
  )
  await refused(
    () => ann.openDirectChat(ids.ben),
    () => ann.openDirectChat(NO_ID),
    [ids.ben, NO_ID]
  )
  await refused(
    () => ann.addMembers(own, ["amy", "ben"]),
    () => ann.addMembers(own, ["amy", NOBODY]),
    ["ben", NOBODY]
  )
  await refused(
    () => ann.kick(own, ["ben"]),
    () => ann.kick(own, [NOBODY]),
    ["ben", NOBODY]
  )
  await refused(
    () => ann.createGroup({ name: "x", members: ["ben"] }),
    () => ann.createGroup({ name: "x", members: [NOBODY] }),
    ["ben", NOBODY]
  )
  assert.deepStrictEqual(named(await ann.members(own)), ["ann", "al"])
  const root = parley.as("root")
  await refused(
    () => root.settings("ben"),
    () => root.settings(NOBODY),
    ["ben", NOBODY]
  )
  assert.isNull(await root.settings("ann"))

  // A public chat is public among those who may see its owner.
  const open = await ben.createGroup({ name: "Open", gid: "open", public: true })
  assert.deepStrictEqual(await ann.publicChats(), [])
  assert.lengthOf(await parley.as("bea").publicChats(), 1)
  await refused(
    () => ann.join(open),
    () => ann.join("nowhere"),
    ["open", "nowhere"]
  )
  await refused(
    () => ann.chat(open.id),
    () => ann.chat(NO_ID),
    [open.id, NO_ID]
  )
  assert.strictEqual((await parley.explain("ann", open, "see")).reason?._tag, "NoSuchChat")
  await parley.as("bea").join(open)

  // Members of one chat see each other.
  await parley.users.change("bea", { organisation: 1 })
  assert.deepStrictEqual(named(await ben.members(open)), ["ben", "bea"])
  await ben.kick(open, ["bea"])
  assert.include(named(await ann.users()), "bea")

  // A system chat has broadcasts only, which name no sender.
  const [system] = (await ann.chats()).filter(({ type }) => type === "system")
  assert.deepStrictEqual(named(await ann.members(system ?? "")), ["ann", "al", "amy", "root", "bea"])
  assert.deepStrictEqual(
    (await ann.progress(system ?? "")).map(({ user }) => user),
    [ids.ann, ids.al, ids.amy, ids.root, ids.bea]
  )
  for (const account of ["ann", "root"]) {
    const error: unknown = await parley
      .as(account)
      .send(system ?? "", "to all")
      .catch((cause: unknown) => cause)
    assert.strictEqual((error as ParleyError).code, "SendForbidden")
  }
  await parley.as("root").broadcast(system ?? "", "Maintenance at four.")
  const { messages } = await ben.history(system ?? "")
  assert.deepStrictEqual(
    messages.map(({ content, type }) => [content, type]),
    [["Maintenance at four.", "broadcast"]]
  )
}

describe("a function of pairs", () => {
  /** Values other than decisions, and the reason in the log. */
  const failures: ReadonlyArray<readonly [value: unknown, problem: RegExp]> = [
    [undefined, /it must return a list of 7 booleans, not undefined/],
    [[true], /it must return 7 booleans, one for each pair, not 1/],
    [Array.from({ length: 7 }, () => 1), /it must return booleans, and returned 1/]
  ]
  it.live.each(failures)("that returns %j hides everybody, with one line in the log", ([value, problem]) =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const parley = yield* Effect.promise(() =>
        createParley({
          store: MemoryStore.layer,
          dialects: [],
          visibility: () => value as ReadonlyArray<boolean>,
          log: ({ message, error }) => lines.push(`${message}: ${error instanceof Error ? error.message : ""}`)
        })
      )
      yield* Effect.promise(async () => {
        await parley.users.addAll(Object.keys(PEOPLE).map((account) => ({ account })))
        const error: unknown = await parley
          .as("ann")
          .users()
          .catch((cause: unknown) => cause)
        assert.strictEqual((error as ParleyError).code, "Unavailable")
        assert.lengthOf(lines, 1)
        assert.match(lines[0] ?? "", /^visibility failed: /)
        assert.match(lines[0] ?? "", problem)
        await parley.close()
      })
    })
  )
})

describe("parley serve --visibility organisation", () => {
  it.live("lists the users of the own organisation only", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { http } = yield* serve(cwd, "--demo", "--visibility", "organisation")
      const added = yield* run(cwd, ["user", "add", "bea", "--org", "2"], `${PASSWORD}\n`)
      assert.strictEqual(added.code, 0, added.err)
      const alice = yield* webSocket(http)
      yield* alice.get("login", { account: "alice", password: md5("123456") })
      const accounts = accountsIn(yield* alice.get("userGetList"))
      assert.include(accounts, "bob")
      assert.notInclude(accounts, "bea")
    })
  )
})
