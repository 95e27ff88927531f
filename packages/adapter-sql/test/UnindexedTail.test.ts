/** A store is the same whichever of its entries the log's indexes have. */
import { join } from "node:path"
import * as fc from "fast-check"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Result, Scope } from "effect"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import { Store, type WriteBatch, type Write } from "@parley/core/Store"
import { reopenLaws, storeLaws } from "@parley/core/testing/StoreLaws"
import {
  amending,
  appending,
  newChat,
  newUser,
  NO_CHAT,
  NO_ENTRY,
  posting
} from "../../core/src/testing/StoreLaws/Law.ts"
import { repetitions, share } from "../../../scripts/repetitions.ts"
import { folder } from "./folder.ts"
import { each, here, NEVER, threaded } from "./indexPolicies.ts"

const paces = [
  ["after each entry", each(1)],
  ["after two entries", each(2)],
  ["after three entries", each(3)],
  ["after two entries but for three gids", each(2, 3)],
  ["at the end only", NEVER]
] as const

for (const [turn, [when, policy]] of paces.entries()) {
  describe(`a store that indexes its log ${when}`, () => {
    for (const law of share(storeLaws, paces.length, turn)) {
      it.effect(law.name, () =>
        Effect.flatMap(folder, (path) =>
          law.check.pipe(
            Effect.provide(
              Layer.effect(
                Store,
                Effect.map(here(join(path, "parley.db"), policy), ({ store }) => store)
              ),
              { local: true }
            )
          )
        )
      )
    }
  })
}

describe("a store that indexes its log after two entries, in its own thread", () => {
  for (const [law, gids] of reopenLaws.flatMap((law) => [0, 3].map((gids) => [law, gids] as const))) {
    it.effect(
      gids === 0 ? law.name : `${law.name}, while gids wait`,
      Effect.fnUntraced(function* () {
        const file = join(yield* folder, "parley.db")
        let scope = yield* Scope.make()
        yield* law.check({
          open: () =>
            Effect.suspend(() => {
              scope = Scope.makeUnsafe()
              return threaded(file, each(2, gids)).pipe(Scope.provide(scope))
            }),
          close: () => Effect.suspend(() => Scope.close(scope, Exit.void))
        })
      })
    )
  }
})

/** The next operation. Numbers select among existing items. */
type Step =
  | { readonly _tag: "Post"; readonly chat: number; readonly gid: number; readonly expectedVersions: boolean }
  | { readonly _tag: "Amend"; readonly message: number; readonly recalls: boolean; readonly late: boolean }
  | { readonly _tag: "Rename"; readonly chat: number; readonly version: number }
  | { readonly _tag: "Start"; readonly gid: number }
  | { readonly _tag: "Hide"; readonly message: number }
  | { readonly _tag: "Fail"; readonly chat: number; readonly hides: boolean }
  | { readonly _tag: "Index"; readonly most: number; readonly keep: number }
  | { readonly _tag: "Lose"; readonly parts: ReadonlyArray<Step> }

const GIDS = 40
const CHATS = 6
const any = fc.nat(1000)

const single = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ _tag: fc.constant("Post" as const), chat: any, gid: any, expectedVersions: fc.boolean() })
  },
  {
    weight: 3,
    arbitrary: fc.record({
      _tag: fc.constant("Amend" as const),
      message: any,
      recalls: fc.boolean(),
      late: fc.boolean()
    })
  },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("Rename" as const), chat: any, version: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("Start" as const), gid: any }) },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("Hide" as const), message: any }) }
)
/** The last write of a failing batch: every store reports other problems first. */
const failing = fc.record({ _tag: fc.constant("Fail" as const), chat: any, hides: fc.boolean() })

const step: fc.Arbitrary<ReadonlyArray<Step>> = fc.oneof(
  { weight: 10, arbitrary: fc.tuple(single) },
  { weight: 4, arbitrary: fc.array(single, { minLength: 2, maxLength: 5 }) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.array(single, { maxLength: 4 }), failing).map(([writes, last]) => [...writes, last])
  },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.record({ _tag: fc.constant("Index" as const), most: fc.integer({ min: 1, max: 12 }), keep: fc.nat(12) })
    )
  },
  {
    weight: 1,
    arbitrary: fc.array(single, { maxLength: 4 }).map((parts) => [{ _tag: "Lose" as const, parts }])
  }
)

const ANN = UserId(1)
const BEN = UserId(2)

/** The state of the stores so far. */
interface Known {
  readonly chats: ReadonlyArray<ChatId>
  readonly messages: ReadonlyArray<EntryId>
  /** By message. */
  readonly stands: ReadonlyMap<EntryId, { readonly chat: ChatId; readonly revision: EntryId }>
}

const pick = <A>(all: ReadonlyArray<A>, nth: number): A | undefined => all[nth % Math.max(1, all.length)]

const toBatch = (steps: ReadonlyArray<Step>, known: Known, fresh: () => string): WriteBatch => {
  const expectedVersions: Array<WriteBatch["expectedVersions"][number]> = []
  const writes = steps.flatMap((one): ReadonlyArray<Write> => {
    if (one._tag === "Start") {
      return [{ _tag: "CreateChat", by: ANN, chat: newChat(`chat${one.gid % CHATS}`, [ANN, BEN]) }]
    }
    const chat = "chat" in one ? pick(known.chats, one.chat) : undefined
    const message = "message" in one ? pick(known.messages, one.message) : undefined
    switch (one._tag) {
      case "Post":
        if (chat === undefined) return []
        if (one.expectedVersions) expectedVersions.push({ chat, version: 1 })
        return [appending(chat, ANN, posting(`gid${one.gid % GIDS}`))]
      case "Rename":
        if (chat === undefined) return []
        if (one.version > 0) expectedVersions.push({ chat, version: one.version })
        return [appending(chat, BEN, { _tag: "Changed", name: `name${one.version}` })]
      case "Amend": {
        const stands = message === undefined ? undefined : known.stands.get(message)
        if (message === undefined || stands === undefined) return []
        const revision = one.late ? message : stands.revision
        return one.recalls
          ? [amending(stands.chat, ANN, { _tag: "Recalled", message }, revision)]
          : [amending(stands.chat, ANN, { _tag: "Replaced", message, contentType: "text", content: fresh() }, revision)]
      }
      case "Hide":
        return message === undefined ? [] : [{ _tag: "HideMessage", user: BEN, message }]
      case "Fail":
        return one.hides || chat === undefined
          ? [{ _tag: "HideMessage", user: BEN, message: NO_ENTRY }]
          : [appending(chat, ANN, posting(fresh())), appending(NO_CHAT, ANN, posting(fresh()))]
      default:
        return []
    }
  })
  return { expectedVersions, writes }
}

/** Everything that a store returns about chats and their logs. */
const everything = Effect.fnUntraced(function* (store: Store["Service"], { chats, messages }: Known) {
  const gids = Array.from({ length: GIDS }, (_, n) => `gid${n}`)
  const ranges = chats.flatMap((chat) => [0, 1, 4, 9].map((after) => ({ chat, after, limit: 1 + (after % 4) * 3 })))
  const stored = yield* store.chats([...chats, NO_CHAT])
  return {
    stored,
    byGid: yield* Effect.forEach(Array.from({ length: CHATS }).keys(), (n) => store.chatByGid(`chat${n}`)),
    logs: yield* Effect.forEach(chats, (chat) => store.entries([{ chat, after: 0, limit: 1_000_000 }])),
    parts: yield* Effect.forEach(ranges, (range) => store.entries([range])),
    together: yield* store.entries(ranges),
    history: yield* Effect.forEach(chats, (chat) => store.history(chat, { from: 1, to: 10_000 })),
    pages: yield* Effect.forEach(stored, ({ chat, head }) =>
      Effect.all([
        store.history(chat.id, { from: head.posted - 2, to: head.posted, hiddenFrom: BEN }),
        store.history(chat.id, { from: 2, to: Math.max(2, head.posted - 1), hiddenFrom: BEN }),
        store.history(chat.id, { from: 3, to: 3 })
      ])
    ),
    messages: yield* store.messages(messages),
    messagesByGid: yield* store.messagesByGid(gids),
    located: yield* store.locate(messages)
  }
})

const outcome = (store: Store["Service"], batch: WriteBatch) =>
  Effect.map(Effect.result(store.commit(batch)), (result) => {
    if (Result.isSuccess(result)) return { done: result.success }
    const { failure } = result
    if (failure._tag === "Duplicate") {
      // A message requested twice may be returned once or twice.
      const messages = new Map(failure.messages.map((one) => [one.id, one]))
      return { duplicate: { chat: failure.chat, record: failure.record, messages: [...messages.values()] } }
    }
    return failure._tag === "VersionConflict" ? { stale: failure.chats, amended: failure.messages } : { failed: true }
  })

describe("a store with entries on both sides of its log's indexes", () => {
  it.effect("accepts and returns the same as the store in memory, wherever the indexes end", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) =>
          Effect.runPromise(
            Effect.scoped(
              Effect.gen(function* () {
                const { store, writer } = yield* here(join(yield* folder, "parley.db"), NEVER)
                const memory = MemoryStore.make()
                const both = (batch: WriteBatch) =>
                  Effect.gen(function* () {
                    const [came, expected] = yield* Effect.all([outcome(store, batch), outcome(memory, batch)])
                    assert.deepStrictEqual(came, expected)
                    return came
                  })
                for (const account of ["ann", "ben"]) {
                  yield* both({ expectedVersions: [], writes: [{ _tag: "CreateUser", user: newUser(account) }] })
                }
                const chats: Array<ChatId> = []
                const messages: Array<EntryId> = []
                const stands = new Map<EntryId, { readonly chat: ChatId; readonly revision: EntryId }>()
                let nth = 0
                const fresh = () => `fresh${nth++}`
                for (const parts of steps) {
                  const [first] = parts
                  if (first?._tag === "Index") writer.transactions.index(first.most, first.keep)
                  else if (first?._tag === "Lose") {
                    const lost = first.parts.map((part) => toBatch([part], { chats, messages, stands }, fresh))
                    assert.strictEqual(writer.lose(lost), "Failed")
                  } else {
                    const { done } = {
                      done: undefined,
                      ...(yield* both(toBatch(parts, { chats, messages, stands }, fresh)))
                    }
                    for (const one of done ?? []) {
                      if (one._tag === "Chat") chats.push(one.stored.chat.id)
                      if (one._tag !== "Entry") continue
                      const { body, chat, id } = one.entry
                      if (body._tag === "Posted") messages.push(id)
                      if (body._tag === "Posted") stands.set(id, { chat, revision: id })
                      else if ("message" in body) stands.set(body.message, { chat, revision: id })
                    }
                  }
                  assert.deepStrictEqual(
                    yield* everything(store, { chats, messages, stands }),
                    yield* everything(memory, { chats, messages, stands })
                  )
                }
              })
            )
          )
        ),
        { numRuns: repetitions(40, 10) }
      )
    )
  )
})
