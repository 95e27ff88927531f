/**
 * Follows commits that the storage reported as failed, although it may have carried them out: a database that was cut off
 * after the commit, or a disk that failed at its end. Entries that are found in the log are delivered, so that users who have left
 * a chat get no more of it, and clients have its facts without a new login. Users whom the commit may have removed get nothing of the
 * chat until the log is read.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { ChatCache } from "../cache/ChatCache.ts"
import type { SendBroadcasts } from "../delivery/Broadcaster.ts"
import type { Hub } from "../delivery/Hub.ts"
import type { Chat } from "../model/Chat.ts"
import type { ChatId, UserId } from "../model/Ids.ts"
import type { Entry } from "../model/Log.ts"
import type { StorageFailed, Store, Write, WriteBatch } from "../ports/Store.ts"

/** Milliseconds between attempts to read the log while the storage fails. */
const REREAD_INTERVAL_MS = 1000
/** Entries that are compared with the lost ones. More may have been appended meanwhile, and clients read those by themselves. */
const MAX_ENTRIES = 1000

interface Dependencies {
  readonly store: Store["Service"]
  readonly chats: ChatCache
  readonly hub: Hub["Service"]
  readonly broadcast: SendBroadcasts
  readonly run: (work: Effect.Effect<void>) => void
}

type Created = Extract<Write, { readonly _tag: "CreateChat" }>
type Appended = Extract<Write, { readonly _tag: "Append" | "Amend" }>

const isAppended = (write: Write): write is Appended => write._tag === "Append" || write._tag === "Amend"

/** Whether the entry is that of the write. */
const isEntryOf = ({ at, body, by, device }: Appended, entry: Entry): boolean =>
  at === entry.at &&
  by === entry.by &&
  device === entry.device &&
  JSON.stringify(body) === JSON.stringify({ ...entry.body })

/** Returns the users who are not members after an entry; those of an unknown chat are not known if it is dissolved. */
const removedBy = (body: Appended["body"], chat: Chat | undefined): ReadonlyArray<UserId> => {
  if (body._tag !== "Changed") return []
  return body.dissolved === true ? [...(chat?.members.keys() ?? [])] : (body.removed ?? [])
}

/** Returns a function that follows a batch whose commit has failed. Call it before the chats are invalidated. */
export const uncertainCommits = ({
  store,
  chats,
  hub,
  broadcast,
  run
}: Dependencies): ((batch: WriteBatch) => void) => {
  const follow = Effect.fnUntraced(function* (
    chat: ChatId,
    after: number | undefined,
    writes: ReadonlyArray<Appended>,
    suspended: ReadonlySet<UserId>
  ): Effect.fn.Return<void, StorageFailed> {
    // Without an earlier position, the facts alone are compared.
    const entries = after === undefined ? [] : yield* store.entries([{ chat, after, limit: MAX_ENTRIES }])
    const stored = entries.filter((entry) => writes.some((write) => isEntryOf(write, entry)))
    const cached = yield* chats.find({ id: chat })
    if (cached === undefined) return
    const { seq } = cached
    for (const entry of stored) {
      if (entry.body._tag !== "Changed") continue
      broadcast([{ event: { _tag: "ChatEvent", entry, chat: cached.chat, head: cached.head }, to: { chat } }])
    }
    hub.chats.reconcile(cached.chat, stored[0]?.seq ?? seq + 1)
    hub.chats.resume(chat, suspended, seq)
    hub.chats.readAppended(chat, seq)
  })
  /** The members of a chat that was created learn of it. */
  const followCreated = Effect.fnUntraced(function* ({
    chat: { createdAt, gid },
    by
  }: Created): Effect.fn.Return<void, StorageFailed> {
    const cached = yield* chats.find({ gid })
    if (cached === undefined || cached.chat.createdAt !== createdAt || cached.chat.createdBy !== by) return
    const { chat, head } = cached
    const [entry] = yield* store.entries([{ chat: chat.id, after: 0, limit: 1 }])
    if (entry !== undefined) broadcast([{ event: { _tag: "ChatEvent", entry, chat, head }, to: { chat: chat.id } }])
  })
  const retrying = (work: Effect.Effect<void, StorageFailed>): void =>
    run(Effect.ignore(Effect.retry(work, Schedule.spaced(REREAD_INTERVAL_MS))))
  return ({ writes }) => {
    for (const write of writes) if (write._tag === "CreateChat") retrying(followCreated(write))
    for (const [chat, appended] of Map.groupBy(writes.filter(isAppended), (write) => write.chat)) {
      const known = chats.peek(chat)
      const suspended = new Set(appended.flatMap(({ body }) => removedBy(body, known?.chat)))
      if (known === undefined && suspended.size === 0) continue
      hub.chats.suspend(chat, suspended)
      retrying(follow(chat, known?.seq, appended, suspended))
    }
  }
}
