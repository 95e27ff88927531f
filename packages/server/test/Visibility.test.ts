/** Tenants: users see only those of their organisation, in every protocol and in the embedding API. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createParley, type Parley, type VisibilityOption } from "@parley/adapter-node"
import { ParleyError } from "@parley/core"
import { UserId } from "@parley/core/Ids"
import { dialect as ha } from "@parley/dialects/ha"
import { dialect as hisihi } from "@parley/dialects/hisihi"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { dialect as youdu } from "@parley/dialects/youdu"
import { Effect } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { type Client, md5, webSocket } from "./clients.ts"
import { folder, run, serve } from "./serverProcess.ts"

const PASSWORD = "correct-horse-7"

/** Organisation of each account. */
const PEOPLE = { ann: 1, al: 1, amy: 1, root: 1, ben: 2, bea: 2, nia: null, noa: null } as const

/** An account and an id that do not exist. */
const NOBODY = "zed"
const NO_ID = 99

/** Protocols and users of three tenants in a server of the test. */
const tenants = (visibility: VisibilityOption) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const parley = await createParley({
        store: MemoryStore.layer,
        blobs: MemoryBlobs.layer,
        dialects: [xuanxuan, spark, hisihi, ha, youdu],
        settings: { "hisihi.auth": "token" },
        login: true,
        visibility,
        log: () => {}
      })
      const users = await parley.users.addAll(
        Object.entries(PEOPLE).map(([account, organisation]) => ({
          account,
          organisation,
          password: PASSWORD,
          admin: account === "root"
        }))
      )
      await parley.addSystemChat()
      await parley.operate("ha-key add", { key: "app" })
      const ids = Object.fromEntries(users.map(({ account, id }) => [account, id])) as Record<
        keyof typeof PEOPLE,
        UserId
      >
      const server = createServer((request, response) => parley.node(request, response))
      parley.attach(server)
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      return { parley, ids, http, server }
    }),
    ({ parley, server }) =>
      Effect.promise(async () => {
        await parley.close()
        server.close()
      })
  )

const online = Effect.fnUntraced(function* (http: string, account: string) {
  const client = yield* webSocket(http)
  yield* client.get("login", { account, password: md5(PASSWORD) })
  yield* client.until("the list of chats", () => client.pushes("getlist").length > 0)
  return client
})

const accountsIn = (data: unknown): ReadonlyArray<string> =>
  (data as ReadonlyArray<{ readonly account: string }>).map(({ account }) => account).toSorted()

/** The accounts of presence pushes. */
const presenceOf = (client: Client): ReadonlyArray<string> =>
  client.received
    .filter(({ method, result }) => result === undefined && (method === "login" || method === "logout"))
    .map(({ data }) => (data as { readonly account: string }).account)

/** Replies about an invisible and about a missing user, in which they are replaced by the same word. */
const alike = (invisible: unknown, missing: unknown, names: ReadonlyArray<string | number>): void => {
  const plain = (reply: unknown, name: string | number): string =>
    JSON.stringify(reply).replaceAll(new RegExp(`(?<![\\w-])${name}(?!\\w)`, "g"), "X")
  const [hidden = "", absent = ""] = names
  assert.strictEqual(plain(invisible, hidden), plain(missing, absent))
}

/** The users who see each other are the same by organisation and by the host's own function. */
const policies: ReadonlyArray<readonly [name: string, visibility: VisibilityOption]> = [
  ["by organisation", "organisation"],
  [
    "by a function of pairs",
    async (pairs) => {
      assert.isAtMost(pairs.length, 1000)
      return pairs.map(
        ({ viewer, other }) => viewer.organisation !== null && viewer.organisation === other.organisation
      )
    }
  ]
]

describe.each(policies)("users of other tenants, %s", (_name, visibility) => {
  it.live("are in no list, no presence event and no system chat's members of xuanxuan, and cannot be named", () =>
    Effect.gen(function* () {
      const { http, ids } = yield* tenants(visibility)
      const ann = yield* online(http, "ann")
      assert.deepStrictEqual(accountsIn(ann.pushes("userGetList")[0]?.data), ["al", "amy", "ann", "root"])
      assert.deepStrictEqual(accountsIn(yield* ann.get("userGetList")), ["al", "amy", "ann", "root"])
      for (const data of [ann.pushes("getlist")[0]?.data, yield* ann.get("getlist")]) {
        const [system] = data as ReadonlyArray<{ readonly members: ReadonlyArray<{ readonly id: number }> }>
        assert.sameMembers(system?.members.map(({ id }) => id) ?? [], [ids.ann, ids.al, ids.amy, ids.root].map(Number))
      }
      const nia = yield* online(http, "nia")
      assert.deepStrictEqual(accountsIn(nia.pushes("userGetList")[0]?.data), ["nia"])

      // The last event is one that everybody waits for.
      const ben = yield* online(http, "ben")
      yield* ben.get("userChangeName", { name: "Benjamin" })
      yield* ben.get("logout")
      const al = yield* online(http, "al")
      yield* al.get("userChangeName", { name: "Albert" })
      yield* ann.until("the name of al", () => ann.pushes("userChangeName").length > 0)
      assert.deepStrictEqual(
        [presenceOf(ann), ann.pushes("userChangeName").map(({ data }) => (data as { id: number }).id)],
        [["al"], [Number(ids.al)]]
      )
      assert.deepStrictEqual(presenceOf(nia), [])

      const asked = (id: number) =>
        Effect.gen(function* () {
          const team = { gid: `team-${id}`, name: "Team", type: "group" }
          return [
            yield* ann.ask("create", { gid: "", name: "", type: "one2one", members: [{ id: ids.ann }, { id }] }),
            yield* ann.ask("create", { ...team, members: [{ id }] }),
            yield* ann.ask("addMember", { gid: "own", members: [{ id }], join: true }),
            yield* ann.ask("addMember", { gid: "own", members: [{ id }], join: false }),
            yield* ann.ask("setCommitters", { gid: "own", committers: String(id) })
          ]
        })
      yield* ann.get("create", { gid: "own", name: "Own", type: "group", members: [{ id: ids.al }] })
      const [invisible, missing] = [yield* asked(ids.ben), yield* asked(NO_ID)]
      assert.isTrue(missing.every(({ result }) => result === "fail"))
      alike(invisible, missing, [ids.ben, NO_ID])
    })
  )

  it.live("cannot be named in spark, hisihi, ha and youdu, and are no contacts", () =>
    Effect.gen(function* () {
      const { http, ids, parley } = yield* tenants(visibility)
      const token = yield* Effect.promise(() => parley.openSession("ann"))
      const root = yield* Effect.promise(() => parley.openSession("root"))
      const bearer = { authorization: `Bearer ${token}` }
      const ask = (method: string, path: string, headers: Record<string, string>, body?: object) =>
        Effect.promise(async () => {
          const response = await fetch(http + path, {
            method,
            headers: { "content-type": "application/json", ...headers },
            ...(body !== undefined && { body: JSON.stringify(body) })
          })
          return { status: response.status, json: (await response.json()) as Record<string, unknown> }
        })
      const group = (members: string) => ({
        group_name: "class",
        member_client_ids: members,
        organization_id: "1",
        conversion_id: `conversion-of-ann`
      })
      const started = yield* ask("POST", `/session/start?token=${token}`, {}, { To: ["al", "amy"] })
      const SessionId = started.json["SessionId"]
      const asked = (account: string, id: number) =>
        Effect.all([
          ask("POST", `/session/start?token=${token}`, {}, { To: [account, "al"] }),
          ask("POST", `/session/AddMember?token=${token}`, {}, { SessionId, To: [account] }),
          ask("POST", `/session/RemoveMember?token=${token}`, {}, { SessionId, To: [account] }),
          ask("POST", "/im/group", bearer, group(`al:${account}`)),
          ask(
            "POST",
            "/conversation",
            { "x-ha-key": "app", "x-ha-session": token },
            { passiveuser: id, time: "1700000000000" }
          ),
          ask(
            "POST",
            `/cgi/session/create?accessToken=${root}`,
            {},
            {
              title: "t",
              creator: "ann",
              type: "multi",
              member: ["al", "amy", account]
            }
          ),
          ask(
            "POST",
            `/cgi/session/update?accessToken=${root}`,
            {},
            {
              sessionId: SessionId,
              opUser: "ann",
              addMember: [account]
            }
          )
        ])
      const [invisible, missing] = [yield* asked("ben", ids.ben), yield* asked(NOBODY, NO_ID)]
      for (const { status, json } of missing)
        assert.isTrue(status >= 400 || json["errcode"] !== 0, JSON.stringify(json))
      alike(JSON.parse(JSON.stringify(invisible).replaceAll("ben", NOBODY)), missing, [ids.ben, NO_ID])

      const contacts = (organisation: number) =>
        Effect.map(ask("GET", `/im/org/${organisation}/contacts`, bearer), ({ json }) =>
          (json["data"] as ReadonlyArray<{ readonly name: string }>).map(({ name }) => name)
        )
      assert.sameMembers([...(yield* contacts(1))], ["ann", "al", "amy", "root"])
      assert.deepStrictEqual(yield* contacts(2), [])
    })
  )

  it.live("are unknown to the embedding API's users, with their public chats", () =>
    Effect.gen(function* () {
      const { parley, ids } = yield* tenants(visibility)
      yield* Effect.promise(() => embedded(parley, ids))
    })
  )
})

it.live("a new user is announced to the clients of the organisation only", () =>
  Effect.gen(function* () {
    const { http, parley } = yield* tenants("organisation")
    const ann = yield* online(http, "ann")
    const desktop = yield* webSocket(http, "?profile=client-1.0")
    yield* desktop.get("login", { account: "al", password: md5(PASSWORD) })
    const ben = yield* online(http, "ben")
    yield* Effect.promise(() =>
      parley.users.addAll([
        { account: "bob", organisation: 2 },
        { account: "ada", organisation: 1 }
      ])
    )
    const lists = (client: Client) => client.pushes("userGetList").map(({ data }) => accountsIn(data))
    yield* Effect.all([ann, desktop, ben].map((one) => one.until("the new users", () => lists(one).length > 1)))
    assert.deepStrictEqual(lists(ann).slice(1), [["ada"]])
    assert.deepStrictEqual(lists(desktop).slice(1), [["ada", "al", "amy", "ann", "root"]])
    assert.deepStrictEqual(lists(ben).slice(1), [["bob"]])
  })
)

/** The same refusal, with the same words. */
const refused = async (
  invisible: () => Promise<unknown>,
  missing: () => Promise<unknown>,
  names: readonly [unknown, unknown]
) => {
  const errors: Array<object> = []
  for (const [index, call] of [invisible, missing].entries()) {
    const error: unknown = await call().then(
      () => "nothing was refused",
      (cause: unknown) => cause
    )
    assert.instanceOf(error, ParleyError)
    const text = JSON.stringify({ code: error.code, message: error.message, reason: error.reason })
    errors.push(JSON.parse(text.replaceAll(String(names[index]), "X")) as object)
  }
  assert.deepStrictEqual(errors[0], errors[1])
}

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
