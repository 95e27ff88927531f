/** Tenants: users see only those of their organisation, in every protocol. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Client, md5, webSocket } from "./clients.ts"
import { PASSWORD, NOBODY, NO_ID, tenants, online, accountsIn, policies } from "./tenants.ts"

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
