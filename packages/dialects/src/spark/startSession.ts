/** `session/start`. Source: seeds/000, "开启会话"; PROTOCOLS, "spark". */
import type { UserId } from "@parley/core/Ids"
import { type Refused, refuse } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { type RequestContext, usersNamed } from "./context.ts"
import type { SparkSession } from "./SparkSession.ts"
import { DIALECT, isSessionOf, sorted } from "./sessionKey.ts"
import type { Parameters } from "./params.ts"
import { type SessionJson, sessionJson } from "./encode.ts"

/** How often it is tried when others start and change sessions of the same members meanwhile. */
const MAX_ATTEMPTS = 20

/** The session that has exactly these members, the earliest of several, or a new one of which the caller is the owner. */
export const startSession = Effect.fnUntraced(function* (
  asking: RequestContext,
  parameters: Parameters
): Effect.fn.Return<SessionJson, Refused | StorageFailed> {
  const others = yield* usersNamed(asking, "To", yield* parameters.texts("To"))
  const { engine, user } = asking
  const { context: desk } = engine
  const accounts = sorted([...new Set([user.account, ...others.map(({ account }) => account)])])
  const members = new Set<UserId>([user.id, ...others.map(({ id }) => id)])

  const own = yield* desk.chats.all(yield* desk.store.chatsOf(user.id))
  const there = own.find(({ chat }) => isSessionOf(chat, members))
  if (there !== undefined) return yield* sessionJson(asking, there)

  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
    const { free, before } = yield* firstFree(asking, accounts)
    // Somebody has started it since the caller's chats were read.
    if (before !== undefined && isSessionOf(before.chat, members)) return yield* sessionJson(asking, before)
    const made = yield* create(asking, yield* asking.ids.of(accounts, free), members)
    if (made !== undefined && isSessionOf(made.chat, members)) return yield* sessionJson(asking, made)
  }
  return yield* refuse({ _tag: "Busy" })
})

/** The new session, or the one that somebody has made under that id meanwhile; nothing where the caller is not in it. */
const create = (
  { perform, caller }: RequestContext,
  gid: string,
  members: ReadonlySet<UserId>
): Effect.Effect<SparkSession | undefined, Refused> =>
  perform(caller, {
    _tag: "CreateChat",
    gid,
    name: "",
    type: "group",
    members: [...members],
    subject: 0,
    public: false,
    via: DIALECT
  }).pipe(
    Effect.map(({ chat, head }) => ({ chat, seq: head.seq })),
    Effect.catchTag("Refused", (refused) =>
      refused.reason._tag === "GidTaken" ? Effect.succeed(undefined) : Effect.fail(refused)
    )
  )

/**
 * Sessions of one set that have other members by now keep their ids. Found by doubling and halving, since a set can be
 * started again and again: a free id with a taken one before it, and the chat that has that one.
 */
const firstFree = Effect.fnUntraced(function* (
  { engine, ids }: RequestContext,
  accounts: ReadonlyArray<string>
): Effect.fn.Return<{ readonly free: number; readonly before: SparkSession | undefined }, StorageFailed> {
  let taken = -1
  let before: SparkSession | undefined
  let free: number | undefined
  let step = 1
  while (free === undefined || free - taken > 1) {
    const nth: number = free === undefined ? taken + step : Math.floor((taken + free) / 2)
    const chat = yield* engine.context.chats.find({ gid: yield* ids.of(accounts, nth) })
    if (chat === undefined) free = nth
    else {
      taken = nth
      before = chat
      step *= 2
    }
  }
  return { free, before }
})
