/** The scope and the rights of an application, as tables. Source: PROTOCOLS, "youdu". */
import { describe, expect, it } from "vitest"
import { type Chat, createdChat, ORGANISATION } from "@parley/core/Chat"
import { ChatId, UserId } from "@parley/core/Ids"
import { appRights, type AppScope, knownUser, managedUser, reachable } from "@parley/core/rules/AppScope"
import { type Operation, operations, refusal } from "@parley/core/rules/Operations"

const organisations = (...ids: ReadonlyArray<number | null>) => ids.map((organisation) => ({ organisation }))
const one: AppScope = { organisation: 1 }

describe("an application reaches groups that have a member of its organisation", () => {
  it.each<[string, AppScope, string, boolean, ReturnType<typeof organisations>, boolean]>([
    ["a group with one of its members", one, "group", false, organisations(2, null, 1), true],
    ["a group of others", one, "group", false, organisations(2, null), false],
    ["a group of nobody", one, "group", false, [], false],
    ["a dissolved group", one, "group", true, organisations(1), false],
    ["a pair", one, "one2one", false, organisations(1, 1), false],
    ["a system chat", one, "system", false, organisations(1), false],
    ["a project", one, "project", false, organisations(1), false],
    ["any group, for the whole system", "everywhere", "group", false, organisations(2, null), true],
    ["a pair, for the whole system", "everywhere", "one2one", false, organisations(1), false],
    ["a dissolved group, for the whole system", "everywhere", "group", true, organisations(1), false]
  ])("%s", (_, reach, type, dissolved, members, reached) => {
    expect(reachable.check({ scope: reach, chat: { type, dissolved, attributes: {} }, members })).toEqual(
      reached ? undefined : { _tag: "NoSuchChat" }
    )
  })

  it.each([
    ["created for it", 1, false, true],
    ["created for another", 2, false, false],
    ["created for it and dissolved", 1, true, false]
  ] as const)("or that was %s", (_, organisation, dissolved, reached) => {
    const chat = { type: "group", dissolved, attributes: { [ORGANISATION]: organisation } }
    expect(reachable.check({ scope: one, chat, members: organisations(2) }) === undefined).toBe(reached)
  })
})

describe("an application knows and manages", () => {
  it.each<[AppScope, number | null, boolean, string]>([
    [one, 1, false, "managed"],
    [one, 1, true, "known"],
    [one, 2, false, "unknown"],
    [one, null, false, "unknown"],
    ["everywhere", 2, true, "managed"],
    ["everywhere", null, false, "managed"]
  ])("%j: a user of %j, administrator %j, is %s", (scope, organisation, admin, expected) => {
    const isManaged = managedUser.check(scope, { admin }) === undefined
    const known = knownUser.check(scope, { organisation })
    expect(known ? (isManaged ? "managed" : "known") : "unknown").toBe(expected)
  })
})

describe("an application has the rights of the members of its organisation", () => {
  /** Applications cannot join. */
  const OPERATIONS = (Object.keys(operations) as ReadonlyArray<Operation>).filter((name) => name !== "join")
  const [owner, admin, speaker, member] = [UserId(1), UserId(2), UserId(3), UserId(4)]
  const base = createdChat(
    {
      gid: "g",
      name: "n",
      type: "group",
      public: false,
      subject: 0,
      createdBy: owner,
      owner,
      admins: [admin],
      senders: [speaker],
      createdAt: 0,
      attributes: {},
      members: [owner, admin, speaker, member]
    },
    ChatId(1)
  )
  const allowed = (scope: AppScope, own: ReadonlyArray<UserId>, chat: Chat = base): ReadonlyArray<Operation> => {
    const members = [owner, admin, speaker, member].map((id) => ({ id, organisation: own.includes(id) ? 1 : 2 }))
    const app = appRights(scope, chat, members)
    const facts = { user: { id: UserId(0), admin: false }, app, chat }
    return OPERATIONS.filter((name) => refusal(name, facts) === undefined)
  }
  const of = (user: UserId): ReadonlyArray<Operation> =>
    OPERATIONS.filter((name) => refusal(name, { user: { id: user, admin: false }, chat: base }) === undefined)

  it.each([
    ["the owner", owner],
    ["an admin", admin],
    ["a user who may speak", speaker],
    ["a member", member]
  ] as const)("%s: the same operations", (_, user) => {
    expect(allowed(one, [user])).toEqual(of(user))
  })

  it("several members: the operations of each", () => {
    const both = allowed(one, [speaker, member])
    expect(both).toEqual(of(speaker))
    expect(allowed(one, [owner, member])).toEqual(of(owner))
  })

  it("no member: none, unless the chat is public or was created for it", () => {
    expect(allowed(one, [])).toEqual([])
    expect(allowed(one, [], { ...base, public: true })).toEqual(["see"])
    expect(allowed(one, [], { ...base, attributes: { [ORGANISATION]: 1 } })).toEqual(of(owner))
    expect(allowed(one, [], { ...base, attributes: { [ORGANISATION]: 2 } })).toEqual([])
    expect(allowed("everywhere", [])).toEqual(of(owner))
    expect(allowed("everywhere", [], { ...base, dissolved: true })).toEqual([])
  })
})
