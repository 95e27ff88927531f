/**
 * Changes of conversations that a client has missed. The SDKs fetch them by HTTP after a login that is not the first one,
 * with the session's token: `{ notifications, hasMore }`. Source: the published SDKs.
 */
import type { OwnChatView } from "@parley/core/Command"
import { flaggedUsers } from "@parley/core/Chat"
import type { EntryId, UserId } from "@parley/core/Ids"
import type { Entry } from "@parley/core/Log"
import { refuse } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { RouteHandler } from "../_http/protocolRoutes.ts"
import { commandRunner } from "../_http/runCommands.ts"
import { Op } from "./codec.ts"
import type { Deps } from "./context.ts"
import { conversationPushes } from "./encode.ts"
import { loadUsers } from "./loadUsers.ts"
import { includes } from "./packets.ts"
import { recentEntries } from "./recentEntries.ts"
import { sessionOf } from "./sessionToken.ts"

/** Maximum number of conversations that are looked at, those that were changed last. */
const MAX_CONVERSATIONS = 50
/** Maximum number of notifications of one response; those of the same time stay together. */
const PAGE_SIZE = 100

/** Names of operations in JSON: `members_joined`. */
const NAMES = new Map<number | undefined, string>(
  Object.entries(Op).map(([name, op]) => [op, name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)])
)

/** A push as JSON, with the fields of its body. */
type Notification = Readonly<Record<string, unknown>> & { readonly serverTs: number }

/** The users whom the pushes of an entry may name. */
const usersOf = ({ by, body }: Entry): ReadonlyArray<UserId | null> => {
  if (body._tag !== "Changed") return [by]
  const { added = [], removed = [], promoted = [], demoted = [], attributes } = body
  const flagged = (["silenced", "blocked"] as const).flatMap((flag) => [
    ...flaggedUsers(attributes, flag),
    ...flaggedUsers(attributes, flag, null)
  ])
  return [by, ...added, ...removed, ...promoted, ...demoted, ...flagged]
}

/** Returns what a device of the user has missed since a time in milliseconds, oldest first. */
const missedNotifications = Effect.fnUntraced(function* (
  { engine, facts, store }: Pick<Deps, "engine" | "facts" | "store">,
  own: ReadonlyArray<OwnChatView>,
  { user, device, since }: { readonly user: User; readonly device: string; readonly since: number }
): Effect.fn.Return<ReadonlyArray<Notification>, StorageFailed> {
  const changedAt = ({ chat }: OwnChatView): number => Math.max(chat.createdAt, chat.editedAt)
  const chats = new Map(
    own
      .filter((view) => changedAt(view) > since)
      .sort((a, b) => changedAt(b) - changedAt(a))
      .slice(0, MAX_CONVERSATIONS)
      .map((view) => [view.chat.id, view])
  )
  const entries = new Map<EntryId, Entry>()
  for (const entry of yield* recentEntries({ store }, chats, since)) entries.set(entry.id, entry)
  // Their names are read from memory; after a restart they are not there.
  yield* loadUsers({ engine }, [...entries.values()].flatMap(usersOf))
  return [...entries.values()]
    .sort((a, b) => a.at - b.at || a.id - b.id)
    .flatMap((entry) => {
      const view = chats.get(entry.chat)
      const member = view?.chat.members.get(user.id)
      // Earlier entries are of a time when the user was not a member.
      if (view === undefined || member === undefined || entry.seq < member.joinSeq) return []
      if (entry.by === user.id && entry.device === device) return []
      return conversationPushes({ _tag: "ChatEvent", entry, chat: view.chat, head: view.head }, facts).flatMap(
        ({ command: { op, serverTs = 0, notificationType, conv }, to }) =>
          includes(to, user.id) ? [{ ...conv, cmd: "conv", op: NAMES.get(op), serverTs, notificationType }] : []
      )
    })
})

/** `GET /1.1/rtm/notifications`. */
export const listNotifications = ({
  engine,
  sessions,
  store,
  facts
}: Pick<Deps, "engine" | "facts" | "sessions" | "store">): RouteHandler =>
  Effect.fnUntraced(function* (request, query) {
    const { user, device } = yield* sessionOf({ sessions }, request, query)
    const since = query.get("start_ts") ?? ""
    if (!/^\d{1,15}$/.test(since)) {
      return yield* refuse({ _tag: "Invalid", field: "start_ts", problem: "must be a time in milliseconds" })
    }
    const run = yield* commandRunner(engine, user.id)
    const own = yield* run({ user: user.id, device }, { _tag: "ListChats" })
    const missed = yield* missedNotifications({ engine, facts, store }, own, { user, device, since: Number(since) })
    const last = missed[PAGE_SIZE - 1]?.serverTs
    const page = last === undefined ? missed : missed.filter(({ serverTs }) => serverTs <= last)
    return HttpServerResponse.jsonUnsafe({ notifications: page, hasMore: page.length < missed.length })
  })
