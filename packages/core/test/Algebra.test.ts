/**
 * The rules over every chat that they distinguish, for every role and every operation: they depend on no protocol but
 * the one of an anonymous caller, and more rights never forbid what fewer allow.
 */
import { describe, expect, it } from "vitest"
import { type Chat, type Senders, VIA } from "@parley/core/Chat"
import { ChatId, UserId } from "@parley/core/Ids"
import { visible } from "@parley/core/rules/Membership"
import { type Operation, operations, refusal } from "@parley/core/rules/Operations"
import type { Facts } from "@parley/core/rules/Rule"

const OWNER = UserId(1)
const ADMIN = UserId(2)
const SENDER = UserId(3)
const MEMBER = UserId(4)
const FORMER = UserId(5)
const STRANGER = UserId(6)

const everybody = [OWNER, ADMIN, SENDER, MEMBER, FORMER, STRANGER].flatMap((id) =>
  [false, true].map((admin) => ({ id, admin }))
)
const names = Object.keys(operations) as ReadonlyArray<Operation>
const protocols = ["xuanxuan", "spark", "hisihi", "ha", "youdu"]

const members = new Map(
  [OWNER, ADMIN, SENDER, MEMBER].map((user, at) => [user, { user, joinedAt: at, joinSeq: 1 }] as const)
)

/** The former member is still listed wherever a list may keep them. */
const senders: ReadonlyArray<Senders> = ["all", "admins", [], [SENDER, FORMER]]

const chats: ReadonlyArray<Chat> = ["group", "system", "one2one", "project", "product"].flatMap((type) =>
  senders.flatMap((speaking) =>
    [null, OWNER].flatMap((owner) =>
      [[], [ADMIN]].flatMap((admins) =>
        [false, true].flatMap((isPublic) =>
          [0, 7].flatMap((subject) =>
            [false, true].flatMap((dissolved) =>
              [undefined, "spark", "hisihi"].map((via): Chat => ({
                id: ChatId(1),
                gid: "g",
                name: "g",
                type,
                public: isPublic,
                subject,
                createdBy: owner,
                owner,
                admins,
                senders: speaking,
                createdAt: 0,
                editedBy: null,
                editedAt: 0,
                version: 1,
                attributes: via === undefined ? {} : { [VIA]: via },
                dissolved,
                members: type === "system" ? new Map() : members
              }))
            )
          )
        )
      )
    )
  )
)

/** Which operations are allowed, as one text. */
const decisions = (facts: Facts): string =>
  names.filter((operation) => refusal(operation, facts) === undefined).join(" ")

/** The chats in which the first allows what the second does not. */
const beyond = (fewer: Facts["user"], more: Facts["user"], among = chats): ReadonlyArray<string> =>
  among.flatMap((chat) =>
    names
      .filter(
        (operation) =>
          refusal(operation, { user: fewer, chat }) === undefined &&
          refusal(operation, { user: more, chat }) !== undefined
      )
      .map((operation) => `${operation} in ${JSON.stringify({ ...chat, members: undefined })}`)
  )

describe(`over ${chats.length} chats, ${everybody.length} users and ${names.length} operations`, () => {
  it("the protocol that created a chat does not change its users' permissions", () => {
    for (const chat of chats) {
      for (const user of everybody) {
        const here = decisions({ user, chat })
        for (const via of protocols) {
          expect(decisions({ user, chat: { ...chat, attributes: { ...chat.attributes, [VIA]: via } } })).toBe(here)
        }
      }
    }
  })

  it("an anonymous caller has the same permissions whatever its placeholder user", () => {
    for (const chat of chats) {
      for (const via of protocols) {
        const alone = decisions({ user: { id: UserId(0), admin: false }, via, chat })
        expect(alone.includes("see")).toBe(chat.attributes[VIA] === via && !chat.dissolved)
        expect(alone === "").toBe(!alone.includes("see"))
      }
    }
  })

  it("no operation is allowed in a dissolved chat", () => {
    for (const chat of chats.filter(({ dissolved }) => dissolved)) {
      for (const user of everybody) expect(decisions({ user, chat })).toBe("")
    }
  })

  it("a private chat is visible to its members only", () => {
    for (const chat of chats.filter((one) => !one.public && !one.dissolved)) {
      for (const user of everybody) {
        const isIn = chat.type === "system" || chat.members.has(user.id)
        const hidden = names.filter((operation) => refusal(operation, { user, chat })?.rule === visible)
        expect(hidden).toEqual(isIn ? [] : names)
      }
    }
  })

  it("a former member has no permissions, whatever list still names them", () => {
    // A system chat cannot be left.
    const left = chats.filter(({ type }) => type !== "system")
    expect(beyond({ id: FORMER, admin: false }, { id: STRANGER, admin: false }, left)).toEqual([])
    expect(beyond({ id: FORMER, admin: true }, { id: STRANGER, admin: true }, left)).toEqual([])
  })

  it("more rights never forbid an operation that fewer allow", () => {
    const plain = (id: UserId) => ({ id, admin: false })
    expect(beyond(plain(STRANGER), plain(MEMBER))).toEqual([])
    expect(beyond(plain(MEMBER), plain(SENDER))).toEqual([])
    expect(beyond(plain(MEMBER), plain(ADMIN))).toEqual([])
    expect(beyond(plain(MEMBER), plain(OWNER))).toEqual([])
    for (const { id } of everybody) expect(beyond(plain(id), { id, admin: true })).toEqual([])
  })

  it("a system administrator has extra rights only in chats without an owner", () => {
    for (const chat of chats.filter(({ type, owner }) => type !== "system" && owner !== null)) {
      for (const { id } of everybody) {
        expect(decisions({ user: { id, admin: true }, chat })).toBe(decisions({ user: { id, admin: false }, chat }))
      }
    }
  })
})
