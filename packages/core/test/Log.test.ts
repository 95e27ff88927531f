import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { Chat, Senders } from "@parley/core/Chat"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import { evolve, isDurable, type Changed, type Entry, type EntryBody } from "@parley/core/Log"

const user = fc.integer({ min: 1, max: 8 }).map(UserId)
const users = fc.uniqueArray(user, { maxLength: 6 })
const senders: fc.Arbitrary<Senders> = fc.oneof(fc.constant("all" as const), fc.constant("admins" as const), users)
const attributes = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.oneof(fc.constant(null), fc.string(), fc.integer()))

const changed: fc.Arbitrary<Changed> = fc
  .record(
    {
      name: fc.string(),
      public: fc.boolean(),
      admins: users,
      senders,
      owner: fc.option(user),
      added: fc.array(user, { maxLength: 6 }),
      removed: fc.array(user, { maxLength: 6 }),
      attributes,
      dissolved: fc.constant(true as const)
    },
    { requiredKeys: [] }
  )
  .map((change) => ({ _tag: "Changed", ...change }))

const start: Chat = {
  id: ChatId(1),
  gid: "c",
  name: "c",
  type: "group",
  public: false,
  subject: 0,
  createdBy: UserId(1),
  owner: UserId(1),
  admins: [],
  senders: "all",
  createdAt: 1,
  editedBy: null,
  editedAt: 0,
  version: 1,
  attributes: {},
  dissolved: false,
  members: new Map([[UserId(1), { user: UserId(1), joinedAt: 1, joinSeq: 1 }]])
}

const entry = (body: EntryBody, seq: number): Entry => ({
  id: EntryId(seq),
  chat: start.id,
  seq,
  posted: 0,
  at: seq * 1000,
  by: UserId(2),
  device: null,
  body
})

/** The facts after each of the changes, with the change and the facts before. */
const steps = (changes: ReadonlyArray<Changed>) => {
  let before = start
  return changes.map((change, index) => {
    const after = evolve(before, entry(change, index + 2))
    const step = { before, change, after, seq: index + 2 }
    before = after
    return step
  })
}

const holds = (check: (step: ReturnType<typeof steps>[number]) => void): void =>
  fc.assert(
    fc.property(fc.array(changed, { maxLength: 8 }), (changes) => {
      for (const step of steps(changes)) check(step)
    })
  )

describe("facts after one more entry", () => {
  it("have no admin among those it removed", () =>
    holds(({ after, change }) => {
      for (const gone of change.removed ?? []) assert.deepStrictEqual(after.admins.includes(gone), false)
    }))

  it("have all remaining and added members", () =>
    holds(({ after, before, change }) => {
      const removed = new Set(change.removed)
      const expected = new Set([...before.members.keys()].filter((id) => !removed.has(id)))
      for (const one of change.added ?? []) expected.add(one)
      assert.deepStrictEqual([...after.members.keys()], [...expected])
    }))

  it("have the join time of each member", () =>
    holds(({ after, before, change, seq }) => {
      const removed = new Set(change.removed)
      for (const [id, member] of after.members) {
        const stayed = removed.has(id) ? undefined : before.members.get(id)
        assert.deepStrictEqual(member, stayed ?? { user: id, joinedAt: seq * 1000, joinSeq: seq })
      }
    }))

  it("have the next version, with the editor and the time", () =>
    holds(({ after, before, seq }) => {
      assert.deepStrictEqual(
        [after.version, after.editedBy, after.editedAt],
        [before.version + 1, UserId(2), seq * 1000]
      )
    }))

  it("keep fields that the change does not name", () =>
    holds(({ after, before, change }) => {
      for (const key of ["name", "public", "senders", "owner"] as const) {
        assert.deepStrictEqual(after[key], change[key] === undefined ? before[key] : change[key])
      }
      assert.deepStrictEqual(after.dissolved, before.dissolved || change.dissolved === true)
      const { createdAt, createdBy, gid, id, subject, type } = after
      const { createdAt: at, createdBy: by, gid: g, id: i, subject: s, type: t } = start
      assert.deepStrictEqual([createdAt, createdBy, gid, id, subject, type], [at, by, g, i, s, t])
    }))

  it("merge attributes; null removes one", () =>
    holds(({ after, before, change }) => {
      for (const key of ["a", "b", "c"]) {
        const wanted = change.attributes?.[key] === undefined ? before.attributes[key] : change.attributes[key]
        assert.deepStrictEqual(key in after.attributes, wanted !== undefined && wanted !== null)
        if (key in after.attributes) assert.deepStrictEqual(after.attributes[key], wanted)
      }
    }))

  it("are unchanged by messages and amendments", () => {
    const bodies: ReadonlyArray<EntryBody> = [
      { _tag: "Created" },
      { _tag: "Posted", gid: "m", type: "normal", contentType: "text", content: "", date: 1 },
      { _tag: "Replaced", message: EntryId(2), contentType: "text", content: "" },
      { _tag: "Recalled", message: EntryId(2) }
    ]
    for (const body of bodies) assert.deepStrictEqual(evolve(start, entry(body, 5)) === start, true)
    assert.deepStrictEqual(bodies.map(isDurable), [false, true, true, true])
  })
})
