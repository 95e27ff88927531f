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

/** Maximum number of attempts under concurrent changes of sessions with the same members. */
const MAX_ATTEMPTS = 20

/** Returns the session with exactly these members, the earliest of several, or a new one owned by the caller. */
export const startSession = Effect.fnUntraced(function* (
  context: RequestContext,
  parameters: Parameters
): Effect.fn.Return<SessionJson, Refused | StorageFailed> {
  const others = yield* usersNamed(context, "To", yield* parameters.texts("To"))
  const { engine, user } = context
  const { chats, store } = engine.context
  const accounts = sorted([...new Set([user.account, ...others.map(({ account }) => account)])])
  const members = new Set<UserId>([user.id, ...others.map(({ id }) => id)])

  const own = yield* chats.findMany(yield* store.chatsOf(user.id))
  const existing = own.find(({ chat }) => isSessionOf(chat, members))
  if (existing !== undefined) return yield* sessionJson(context, existing)

  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
    const { free, before } = yield* firstFree(context, accounts)
    // Another request started it after the caller's chats were read.
    if (before !== undefined && isSessionOf(before.chat, members)) return yield* sessionJson(context, before)
    const created = yield* create(context, yield* context.ids.idOf(accounts, free), members)
    if (created !== undefined && isSessionOf(created.chat, members)) return yield* sessionJson(context, created)
  }
  return yield* refuse({ _tag: "Busy" })
})

/** Returns the new session, or the one created concurrently under that id; undefined if the caller is not a member of it. */
const create = (
  { runCommand, caller }: RequestContext,
  gid: string,
  members: ReadonlySet<UserId>
): Effect.Effect<SparkSession | undefined, Refused> =>
  runCommand(caller, {
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
 * Returns a free index with a taken one before it, and the chat with the id of the taken one. Sessions whose members
 * changed keep their ids, and a set can be started many times, hence the search by doubling and bisection.
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
    const chat = yield* engine.context.chats.find({ gid: yield* ids.idOf(accounts, nth) })
    if (chat === undefined) free = nth
    else {
      taken = nth
      before = chat
      step *= 2
    }
  }
  return { free, before }
})
