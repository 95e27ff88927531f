/** One sentence for each refusal: complete, bounded, with the words of a protocol. */
import { assert, describe, it } from "@effect/vitest"
import { describeReason, soleReason } from "@parley/core/describeReason"
import type { Reason } from "@parley/core/Refused"

type Samples = { readonly [T in Reason["_tag"]]: Extract<Reason, { readonly _tag: T }> }

const samples: Samples = {
  NotLoggedIn: { _tag: "NotLoggedIn" },
  WrongPassword: { _tag: "WrongPassword" },
  TooManyAttempts: { _tag: "TooManyAttempts", retryAfterSeconds: 7 },
  RateLimited: { _tag: "RateLimited", retryAfterSeconds: 7 },
  NoSuchChat: { _tag: "NoSuchChat" },
  NoSuchUsers: { _tag: "NoSuchUsers", users: ["ann", "9"] },
  NoSuchMessage: { _tag: "NoSuchMessage" },
  NoSuchFile: { _tag: "NoSuchFile" },
  NotMember: { _tag: "NotMember" },
  Forbidden: { _tag: "Forbidden", requires: "admins" },
  SendForbidden: { _tag: "SendForbidden" },
  NotPublic: { _tag: "NotPublic" },
  WrongChatType: { _tag: "WrongChatType", needs: "a group" },
  Blocked: { _tag: "Blocked" },
  CannotRemoveOwner: { _tag: "CannotRemoveOwner" },
  TargetsNotMembers: { _tag: "TargetsNotMembers", users: ["ann"] },
  GidTaken: { _tag: "GidTaken", gid: "g" },
  AccountTaken: { _tag: "AccountTaken", account: "ann" },
  RecordTaken: { _tag: "RecordTaken", key: "secret" },
  Recalled: { _tag: "Recalled" },
  Invalid: { _tag: "Invalid", field: "name", problem: "must not be empty" },
  Busy: { _tag: "Busy" },
  MessagesRefused: { _tag: "MessagesRefused", refusals: [{ index: 2, reason: { _tag: "NotMember" } }] },
  Unavailable: { _tag: "Unavailable" },
  Rejected: { _tag: "Rejected", code: "frozen", message: "Names are frozen." }
}

const every: ReadonlyArray<Reason> = Object.values(samples)

describe("a refusal", () => {
  it("is described in one short sentence that names no internal state", () => {
    for (const reason of every) {
      const sentence = describeReason(reason)
      assert.match(sentence, /^[A-Zn].*\.$/, reason._tag)
      assert.isBelow(sentence.length, 100, reason._tag)
      assert.notInclude(sentence, "secret")
    }
  })

  it("is described with the noun, the caller and the field names of a protocol", () => {
    const words = { noun: "session", caller: "opUser", field: (name: string) => (name === "name" ? "title" : name) }
    const sentenceOf = (tag: Reason["_tag"]) => describeReason(samples[tag], words)
    assert.strictEqual(sentenceOf("NoSuchChat"), "There is no such session.")
    assert.strictEqual(sentenceOf("NotMember"), "opUser is not a member of this session.")
    assert.strictEqual(sentenceOf("Invalid"), "title must not be empty.")
    assert.strictEqual(sentenceOf("MessagesRefused"), "No message was stored. opUser is not a member of this session.")
    const slow = { _tag: "RateLimited", retryAfterSeconds: 7, of: "slow mode" } as const
    assert.strictEqual(describeReason(slow, words), "This session is in slow mode; retry in 7 seconds.")
    assert.strictEqual(sentenceOf("Blocked"), "opUser is blocked from this session.")
    const users = { _tag: "Blocked", users: ["7"] } as const
    assert.strictEqual(describeReason(users, words), "These users are blocked from the session: 7.")
    assert.strictEqual(describeReason(samples.NotMember), "You are not a member of this chat.")
  })

  it("is described by a sentence that replaces the common one", () => {
    const sentences = {
      NotLoggedIn: "The token is dead.",
      NoSuchUsers: ({ users }: Samples["NoSuchUsers"]) => `To: ${users.length} unknown.`
    }
    assert.strictEqual(describeReason(samples.NotLoggedIn, { sentences }), "The token is dead.")
    assert.strictEqual(describeReason(samples.NoSuchUsers, { sentences }), "To: 2 unknown.")
    assert.strictEqual(describeReason(samples.Busy, { sentences }), "Concurrent modification; retry.")
  })

  it("quotes a bounded part of long texts", () => {
    const long = "中".repeat(100_000)
    const users = Array.from({ length: 10_000 }, () => long)
    for (const reason of [
      { _tag: "NoSuchUsers", users },
      { _tag: "TargetsNotMembers", users },
      { _tag: "GidTaken", gid: long },
      { _tag: "AccountTaken", account: long }
    ] as const) {
      assert.isBelow(describeReason(reason).length, 4000, reason._tag)
    }
    assert.match(describeReason({ _tag: "NoSuchUsers", users }), / and 9950 more\.$/)
  })

  it("of a single message is that message's reason", () => {
    assert.deepStrictEqual(soleReason(samples.MessagesRefused), { _tag: "NotMember" })
    assert.strictEqual(soleReason(samples.Busy), samples.Busy)
    const several: Reason = {
      _tag: "MessagesRefused",
      refusals: [0, 1].map((index) => ({ index, reason: samples.Recalled }))
    }
    assert.strictEqual(soleReason(several), several)
  })
})
