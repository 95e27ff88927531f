/** Permissions as tables. Source: PROTOCOLS, "Who may do what" and "May speak". */
import { describe, expect, it } from "vitest"
import { type Chat, type Senders, SLOW_MODE, VIA } from "@parley/core/Chat"
import { ChatId, UserId } from "@parley/core/Ids"
import { adminsOf, isAdmin, ownerWithout } from "@parley/core/rules/Membership"
import { type Operation, operations, refusal } from "@parley/core/rules/Operations"
import { sameOrganisation, type Seen } from "@parley/core/rules/Visibility"
import { editProblem } from "../src/rules/Editing.ts"
import { canSend } from "../src/rules/Sending.ts"

const roles = { owner: 1, admin: 2, sender: 3, member: 4, stranger: 5, administrator: 6 } as const
type Role = keyof typeof roles

const chat = (part: Partial<Chat> = {}): Chat => {
  const members = [1, 2, 3, 4].map(
    (id, index) => [UserId(id), { user: UserId(id), joinedAt: index, joinSeq: 1 }] as const
  )
  return {
    id: ChatId(1),
    gid: "g",
    name: "g",
    type: "group",
    public: false,
    subject: 0,
    createdBy: UserId(1),
    owner: UserId(1),
    admins: [UserId(2)],
    senders: "all",
    createdAt: 0,
    editedBy: null,
    editedAt: 0,
    version: 1,
    attributes: {},
    dissolved: false,
    members: new Map(members),
    ...part
  }
}
const system = (part: Partial<Chat> = {}): Chat =>
  chat({ type: "system", owner: null, createdBy: null, admins: [], members: new Map(), ...part })
const user = (role: Role) => ({ id: UserId(roles[role]), admin: role === "administrator" })
/** Silences an admin, who is exempt, and the member. */
const silenced = { "parley.silenced.2": true, "parley.silenced.4": true }
const everybody = Object.keys(roles) as ReadonlyArray<Role>
const allowed = (operation: Operation, of: Chat): ReadonlyArray<Role> =>
  everybody.filter((role) => refusal(operation, { user: user(role), chat: of }) === undefined)

describe("invariant 2: rules are plain functions, the same for every protocol", () => {
  const cases: ReadonlyArray<readonly [Operation, string, Chat, ReadonlyArray<Role>]> = [
    ["see", "a private group", chat(), ["owner", "admin", "sender", "member"]],
    ["see", "a public group", chat({ public: true }), everybody],
    ["see", "a dissolved group", chat({ dissolved: true, public: true }), []],
    ["join", "a private group", chat(), ["owner", "admin", "sender", "member"]],
    ["join", "a public group", chat({ public: true }), everybody],
    ["join", "a public project", chat({ public: true, type: "project" }), []],
    ["leave", "a public group", chat({ public: true }), ["owner", "admin", "sender", "member"]],
    ["leave", "a pair", chat({ type: "one2one", owner: null, admins: [] }), []],
    ["rename", "a group", chat(), ["owner", "admin", "sender", "member"]],
    ["rename", "a group where only admins speak", chat({ senders: "admins" }), ["owner", "admin"]],
    ["rename", "a system chat", system(), []],
    ["setPreference", "a group", chat({ public: true }), ["owner", "admin", "sender", "member"]],
    ["addMembers", "a group", chat({ public: true }), ["owner", "admin", "sender", "member"]],
    ["addMembers", "a project", chat({ type: "project" }), []],
    ["approveMembers", "a public group", chat({ public: true }), ["owner", "admin"]],
    ["removeMembers", "a group", chat(), ["owner", "admin"]],
    ["useDirect", "a pair", chat({ type: "one2one", owner: null, admins: [] }), ["owner", "admin", "sender", "member"]],
    ["useDirect", "a public group", chat({ public: true }), []],
    ["send", "a group", chat({ public: true }), ["owner", "admin", "sender", "member"]],
    ["send", "a system chat without admins", system(), everybody],
    ["send", "a system chat with admins", system({ admins: [UserId(2)] }), ["admin", "administrator"]],
    ["broadcast", "a group", chat(), ["owner", "admin"]],
    ["broadcast", "a system chat", system(), ["administrator"]],
    ["read", "a public group", chat({ public: true }), ["owner", "admin", "sender", "member"]],
    ["edit", "a group", chat(), ["owner", "admin"]],
    ["dissolve", "a group", chat({ public: true }), ["owner", "admin"]],
    ["dissolve", "a pair", chat({ type: "one2one", owner: null, admins: [] }), []],
    ["publish", "a group", chat(), ["owner", "admin"]],
    ["publish", "a group with a subject", chat({ subject: 7 }), []],
    ["setAdmins", "a group", chat({ public: true }), []],
    ["setAdmins", "a system chat", system(), ["administrator"]],
    ["promoteMembers", "a group", chat({ public: true }), ["owner"]],
    ["promoteMembers", "a system chat", system({ admins: [UserId(3)] }), []],
    ["setSenders", "a group", chat(), ["owner", "admin"]],
    ["setSenders", "a system chat", system({ admins: [UserId(3)] }), ["sender", "administrator"]],
    ["setSenders", "a project", chat({ type: "project" }), []],
    ["setSlowMode", "a group", chat({ public: true }), ["owner", "admin"]],
    ["setSlowMode", "a system chat", system({ admins: [UserId(3)] }), []],
    ["setSlowMode", "a pair", chat({ type: "one2one", owner: null, admins: [] }), []],
    ["silenceMembers", "a group", chat({ public: true }), ["owner", "admin"]],
    ["silenceMembers", "a system chat", system({ admins: [UserId(3)] }), []],
    ["silenceMembers", "a pair", chat({ type: "one2one", owner: null, admins: [] }), []],
    ["blockUsers", "a group", chat({ public: true }), ["owner", "admin"]],
    ["blockUsers", "a system chat", system({ admins: [UserId(3)] }), []],
    [
      "join",
      "a public group with a blocked user",
      chat({ public: true, attributes: { "parley.blocked.5": true } }),
      everybody.filter((role) => role !== "stranger")
    ],
    ["send", "a group with silenced members", chat({ attributes: silenced }), ["owner", "admin", "sender"]],
    ["rename", "a group with silenced members", chat({ attributes: silenced }), ["owner", "admin", "sender"]],
    ["editOwn", "a group with silenced members", chat({ attributes: silenced }), ["owner", "admin", "sender"]],
    ["read", "a group with silenced members", chat({ attributes: silenced }), ["owner", "admin", "sender", "member"]],
    ["editOwn", "a group", chat({ public: true }), ["owner", "admin", "sender", "member"]],
    ["editOwn", "a group where only admins speak", chat({ senders: "admins" }), ["owner", "admin"]],
    ["editOthers", "a group", chat(), ["owner", "admin"]],
    ["editOthers", "a pair", chat({ type: "one2one", owner: null, admins: [] }), []],
    ["recallOthers", "a group", chat(), ["owner", "admin"]]
  ]
  it.each(cases)("%s in %s", (operation, _what, of, who) => {
    expect(allowed(operation, of)).toEqual(who)
  })

  it("has a case for every operation", () => {
    expect(new Set(cases.map(([operation]) => operation))).toEqual(new Set(Object.keys(operations)))
  })

  it("a private chat is indistinguishable from a missing one to non-members, for every operation", () => {
    for (const operation of Object.keys(operations) as ReadonlyArray<Operation>) {
      expect(refusal(operation, { user: user("stranger"), chat: chat() })?.reason).toEqual({ _tag: "NoSuchChat" })
    }
  })
})

describe("an anonymous protocol caller", () => {
  const through = (via: string, of: Chat): ReadonlyArray<Operation> =>
    (Object.keys(operations) as ReadonlyArray<Operation>).filter(
      (operation) => refusal(operation, { user: { id: UserId(0), admin: false }, via, chat: of }) === undefined
    )
  const made = chat({ attributes: { [VIA]: "open" }, owner: null, createdBy: null, admins: [] })

  it("sees and changes chats created through that protocol", () => {
    expect(through("open", made)).toEqual(
      expect.arrayContaining(["see", "rename", "addMembers", "removeMembers", "edit", "dissolve"])
    )
  })
  it("sees no other chat, not even public and system chats", () => {
    expect(through("other", made)).toEqual([])
    expect(through("open", system())).toEqual([])
    expect(through("open", chat({ public: true }))).toEqual([])
  })
  it("leaves a system administrator in such a group its admin", () => {
    const inside = new Map(made.members).set(UserId(6), { user: UserId(6), joinedAt: 0, joinSeq: 1 })
    expect(isAdmin({ user: user("administrator"), chat: { ...made, members: inside } })).toBe(true)
    expect(isAdmin({ user: user("member"), chat: made })).toBe(false)
  })
})

describe("a message that can be edited", () => {
  it.each([
    ["a text", { contentType: "text", recalled: false }, undefined, undefined],
    ["a recalled text", { contentType: "text", recalled: true }, "Recalled", "Recalled"],
    ["an image", { contentType: "image", recalled: false }, "Invalid", undefined],
    ["a recalled file", { contentType: "file", recalled: true }, "Recalled", "Recalled"]
  ] as const)("%s", (_name, message, reason, typed) => {
    expect(editProblem(message)?._tag).toBe(reason)
    expect(editProblem(message, true)?._tag).toBe(typed)
  })
})

describe("permission to send", () => {
  const cases: ReadonlyArray<readonly [string, Senders, ReadonlyArray<Role>]> = [
    ["all", "all", ["owner", "admin", "sender", "member"]],
    ["an empty list", [], ["owner", "admin", "sender", "member"]],
    ["admins", "admins", ["owner", "admin"]],
    ["a list", [UserId(3)], ["owner", "admin", "sender"]],
    ["a list of somebody who has left", [UserId(99)], ["owner", "admin"]]
  ]
  it.each(cases)("senders: %s", (_name, senders, who) => {
    const of = chat({ senders })
    const members = everybody.filter((role) => of.members.has(user(role).id))
    expect(members.filter((role) => canSend({ user: user(role), chat: of }))).toEqual(who)
  })
})

describe("slow mode of ten seconds", () => {
  const slow = { [SLOW_MODE]: 10 }
  const members: ReadonlyArray<Role> = ["owner", "admin", "sender", "member"]
  /** Milliseconds since the member's newest message, members who may send again, and the seconds for which others wait. */
  const cases: ReadonlyArray<
    readonly [since: number | undefined, Partial<Chat>, who: ReadonlyArray<Role>, seconds: number]
  > = [
    [undefined, { attributes: slow }, members, 0],
    [0, { attributes: slow }, ["owner", "admin"], 10],
    [9000, { attributes: slow }, ["owner", "admin"], 1],
    [9999, { attributes: slow }, ["owner", "admin"], 1],
    [10_000, { attributes: slow }, members, 0],
    // Another node's clock may be ahead; one that was set back by more than the interval counts as none.
    [-500, { attributes: slow }, ["owner", "admin"], 10],
    [-10_000, { attributes: slow }, members, 0],
    [0, { attributes: {} }, members, 0],
    [0, { attributes: { [SLOW_MODE]: "10" } }, members, 0],
    [0, { attributes: slow, type: "project" }, members, 0],
    [0, { attributes: slow, type: "one2one", owner: null, admins: [] }, members, 0]
  ]
  it.each(cases)("%s ms after a message, with %j", (sinceOwnMessage, part, who, seconds) => {
    const of = chat(part)
    const refused = new Map(
      members.map((role) => [role, refusal("send", { user: user(role), chat: of, sinceOwnMessage })?.reason])
    )
    expect(members.filter((role) => refused.get(role) === undefined)).toEqual(who)
    const reason = { _tag: "RateLimited", retryAfterSeconds: seconds, of: "slow mode" }
    expect(refused.get("member")).toEqual(seconds === 0 ? undefined : reason)
  })
  it("does not concern the chat's other operations", () => {
    const facts = { user: user("member"), chat: chat({ attributes: slow }), sinceOwnMessage: 0 }
    for (const operation of ["editOwn", "rename", "read"] as const) expect(refusal(operation, facts)).toBeUndefined()
  })
})

describe("admins and owners", () => {
  it("the owner counts as an admin and is listed first", () => {
    expect(adminsOf(chat())).toEqual([1, 2])
    expect(isAdmin({ user: user("owner"), chat: chat({ admins: [] }) })).toBe(true)
  })
  it("a former member is no admin, even if listed", () => {
    expect(isAdmin({ user: { id: UserId(9), admin: false }, chat: chat({ admins: [UserId(9)] }) })).toBe(false)
  })
  it("a system administrator is an admin of system chats only", () => {
    const of = chat()
    const inside = new Map(of.members).set(UserId(6), { user: UserId(6), joinedAt: 0, joinSeq: 1 })
    expect(isAdmin({ user: user("administrator"), chat: { ...of, members: inside } })).toBe(false)
    expect(isAdmin({ user: user("administrator"), chat: system() })).toBe(true)
  })
  it("ownership passes to the longest-standing member", () => {
    expect(ownerWithout(chat(), new Set([UserId(1)]))).toBe(2)
    expect(ownerWithout(chat(), new Set([UserId(1), UserId(2), UserId(3)]))).toBe(4)
    expect(ownerWithout(chat(), new Set([UserId(4)]))).toBe(1)
    expect(ownerWithout(chat(), new Set([1, 2, 3, 4].map(UserId)))).toBe(null)
    expect(ownerWithout(chat({ owner: null }), new Set([UserId(1)]))).toBe(null)
  })
})

describe("where users do not see everybody", () => {
  /** Users with their organisation, and whether the first may see the second. */
  const pairs: ReadonlyArray<readonly [viewer: Seen, other: Seen, isSeen: boolean]> = [
    [{ id: UserId(1), organisation: 7 }, { id: UserId(2), organisation: 7 }, true],
    [{ id: UserId(1), organisation: 7 }, { id: UserId(2), organisation: 8 }, false],
    [{ id: UserId(1), organisation: 7 }, { id: UserId(2), organisation: null }, false],
    [{ id: UserId(1), organisation: null }, { id: UserId(2), organisation: null }, false],
    [{ id: UserId(1), organisation: null }, { id: UserId(1), organisation: null }, true],
    [{ id: UserId(1), organisation: 2 }, { id: UserId(2), organisation: null }, false],
    [{ id: UserId(1), organisation: 0 }, { id: UserId(2), organisation: 0 }, true]
  ]
  it.each(pairs)("%j sees %j: %s", (viewer, other, isSeen) => {
    expect(sameOrganisation.check(viewer, other)).toBe(isSeen)
    expect(sameOrganisation.check(other, viewer)).toBe(isSeen)
  })

  const limited = (operation: Operation, of: Chat, isOutside = false): ReadonlyArray<Role> =>
    everybody.filter(
      (role) => refusal(operation, { user: user(role), chat: of, isLimited: true, isOutside }) === undefined
    )
  const members: ReadonlyArray<Role> = ["owner", "admin", "sender", "member"]

  it("a public chat does not exist for a user who may not see its owner", () => {
    const open = chat({ public: true })
    expect(limited("see", open)).toEqual(everybody)
    expect(limited("see", open, true)).toEqual(members)
    expect(limited("join", open, true)).toEqual(members)
  })
  it("a system chat has broadcasts only", () => {
    expect(limited("send", system())).toEqual([])
    expect(limited("send", system({ admins: [UserId(2)] }))).toEqual([])
    expect(limited("broadcast", system())).toEqual(["administrator"])
    expect(limited("read", system())).toEqual(everybody)
    expect(limited("send", chat())).toEqual(members)
  })
})
