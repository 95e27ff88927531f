/**
 * A chat's log as an async iteration: from a sequence number on, first what is stored, then what comes. Nothing is
 * buffered but one page: whoever is slow reads later, by sequence, and misses nothing.
 */
import * as Effect from "effect/Effect"
import type { UserId } from "../model/Ids.ts"
import { type Entry, isKept } from "../model/Log.ts"
import type { Message } from "../model/Message.ts"
import type { ChatId, EntryId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import { leavable } from "./Cancellable.ts"
import { type ChatRef, chatRef } from "./References.ts"
import { onAbort, type Signal } from "./AbortSignalLike.ts"
import type { Works } from "./EngineServices.ts"

/** Entries read at once. */
const PAGE = 200

/** One step of a chat's log. */
export interface LogEntry extends Entry {
  /**
   * The message that the entry is about, as it stands now. Absent where the entry is about none, and where the reader has
   * deleted it for themself: then the entry has no content either.
   */
  readonly message?: Message
}

export interface LogOptions {
  /** Begins behind this sequence; 0, the default, is the beginning. */
  readonly after?: number
  /** False ends at what is stored now. */
  readonly live?: boolean
  /** Ends the iteration. */
  readonly signal?: Signal
}

/** Ends when the signal aborts or the engine is closed; throws a `ParleyError` once the reader may not read it. */
export const readLog = (
  works: Works,
  reader: () => Promise<UserId>,
  chat: ChatRef,
  options: LogOptions
): AsyncIterableIterator<LogEntry, void, undefined> => leavable((left) => entriesOf(works, reader, chat, options, left))

async function* entriesOf(
  works: Works,
  reader: () => Promise<UserId>,
  chat: ChatRef,
  { after = 0, live = true, signal }: LogOptions,
  left: Signal
): AsyncGenerator<LogEntry, void, undefined> {
  const user = await reader()
  const { id } = await works.run(allowed(works, user, chat))
  let place = after
  let grown = true
  let ended = works.isClosed()
  let wake = (): void => {}
  const grow = (grows: ChatId): void => {
    if (grows !== id) return
    grown = true
    wake()
  }
  const end = (): void => {
    ended = true
    wake()
  }
  const releases = [
    works.hub.observe({
      announced: ({ event }) => {
        if (event._tag === "ChatEvent") grow(event.chat.id)
      },
      hinted: grow
    }),
    works.onClose(end),
    onAbort(signal, end),
    onAbort(left, end)
  ]
  try {
    while (!ended) {
      // What comes while the page is read is read with the next one.
      grown = false
      const page = await works
        .run(Effect.andThen(allowed(works, user, { id }), pageOf(works, user, id, place)))
        .catch((error: unknown) => {
          if (ended) return []
          throw error
        })
      for (const entry of page) {
        if (ended) return
        place = entry.seq
        yield entry
      }
      if (page.length === PAGE) continue
      if (!live) return
      while (!grown && !ended) await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    for (const release of releases) release()
  }
}

const allowed = Effect.fnUntraced(function* (
  { engine, permissions }: Works,
  user: UserId,
  ref: ChatRef
): Effect.fn.Return<{ readonly id: ChatId }, Refused | StorageFailed> {
  const { reason } = yield* permissions.explain(user, chatRef(ref), "read")
  if (reason !== undefined) return yield* refuse(reason)
  const warm = yield* engine.desk.chats.find(chatRef(ref))
  return warm === undefined ? yield* refuse({ _tag: "NoSuchChat" }) : { id: warm.chat.id }
})

/** One page behind a place, with the messages that it is about. */
const pageOf = Effect.fnUntraced(function* (
  { store }: Works,
  user: UserId,
  chat: ChatId,
  after: number
): Effect.fn.Return<ReadonlyArray<LogEntry>, StorageFailed> {
  const entries = yield* store.entries([{ chat, after, limit: PAGE }])
  const messages = new Map<EntryId, Message>()
  const posted = entries.filter(({ body }) => body._tag === "Posted").map((entry) => entry.posted)
  const [from] = posted
  const to = posted.at(-1)
  if (from !== undefined && to !== undefined) {
    for (const message of yield* store.history(chat, { from, to, hiddenFrom: user })) messages.set(message.id, message)
  }
  const earlier = entries.flatMap(({ body }) =>
    (body._tag === "Replaced" || body._tag === "Recalled") && !messages.has(body.message) ? [body.message] : []
  )
  if (earlier.length > 0) {
    const inPage = new Set(entries.map(({ id }) => id))
    for (const message of yield* store.messages([...new Set(earlier)])) {
      if (!inPage.has(message.id)) messages.set(message.id, message)
    }
  }
  return entries.map((entry) => shown(entry, messages))
})

/** What was taken back is not told again, also where the log still holds it. */
const shown = (entry: Entry, messages: ReadonlyMap<EntryId, Message>): LogEntry => {
  const { body } = entry
  if (!isKept(body)) return entry
  const message = messages.get(body._tag === "Posted" ? entry.id : body.message)
  if (message === undefined) return body._tag === "Recalled" ? entry : { ...entry, body: { ...body, content: "" } }
  return message.recalled && body._tag !== "Recalled"
    ? { ...entry, body: { ...body, content: "" }, message }
    : { ...entry, message }
}
