/**
 * A chat's log as an async iteration: from a sequence on, first stored entries, then new ones. Only one page is
 * buffered: a slow reader reads later, by sequence, and misses nothing.
 */
import * as Effect from "effect/Effect"
import type { UserId } from "../model/Ids.ts"
import { type Entry, isDurable } from "../model/Log.ts"
import { messageOf, readPage } from "../delivery/LogReader.ts"
import type { Message } from "../model/Message.ts"
import type { ChatId, EntryId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import { cancellable } from "./Cancellable.ts"
import { type ChatRef, chatRef } from "./References.ts"
import { onAbort, type AbortSignalLike } from "./AbortSignalLike.ts"
import type { EngineServices } from "./EngineServices.ts"

/** Number of entries per read. */
const PAGE_SIZE = 200

/** One entry of a chat's log. */
export interface LogEntry extends Entry {
  /**
   * The entry's message, as it stands now. Absent if the entry has none, or if the reader has hidden it: then the
   * entry has no content either.
   */
  readonly message?: Message
}

/** Options of `UserApi.log`. */
export interface LogOptions {
  /** Sequence after which the iteration begins; 0, the default, is the beginning of the log. */
  readonly after?: number
  /** False ends the iteration at the stored entries. */
  readonly live?: boolean
  /** Ends the iteration. */
  readonly signal?: AbortSignalLike
}

/**
 * Iterates over a log until the signal aborts or the engine closes; throws a `ParleyError` once the reader has no
 * permission.
 */
export const readLog = (
  services: EngineServices,
  reader: () => Promise<UserId>,
  chat: ChatRef,
  options: LogOptions
): AsyncIterableIterator<LogEntry, void, undefined> =>
  cancellable((cancelled) => entriesOf(services, reader, chat, options, cancelled))

async function* entriesOf(
  services: EngineServices,
  reader: () => Promise<UserId>,
  chat: ChatRef,
  { after = 0, live = true, signal }: LogOptions,
  cancelled: AbortSignalLike
): AsyncGenerator<LogEntry, void, undefined> {
  const user = await reader()
  const { id } = await services.run(allowed(services, user, chat))
  let cursor = after
  let hasGrown = true
  let ended = services.isClosed()
  let wake = (): void => {}
  const onAppend = (changed: ChatId): void => {
    if (changed !== id) return
    hasGrown = true
    wake()
  }
  const end = (): void => {
    ended = true
    wake()
  }
  const releases = [
    services.hub.observe({
      broadcast: ({ event }) => {
        if (event._tag === "ChatEvent") onAppend(event.chat.id)
      }
    }),
    services.onClose(end),
    onAbort(signal, end),
    onAbort(cancelled, end)
  ]
  try {
    while (!ended) {
      // Entries appended during the read are in the next page.
      hasGrown = false
      const page = await services
        .run(Effect.andThen(allowed(services, user, { id }), pageOf(services, user, id, cursor)))
        .catch((error: unknown) => {
          if (ended) return []
          throw error
        })
      for (const entry of page) {
        if (ended) return
        cursor = entry.seq
        yield entry
      }
      if (page.length === PAGE_SIZE) continue
      if (!live) return
      while (!hasGrown && !ended) await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    for (const release of releases) release()
  }
}

const allowed = Effect.fnUntraced(function* (
  { engine, permissions }: EngineServices,
  user: UserId,
  ref: ChatRef
): Effect.fn.Return<{ readonly id: ChatId }, Refused | StorageFailed> {
  const { reason } = yield* permissions.explain(user, chatRef(ref), "read")
  if (reason !== undefined) return yield* refuse(reason)
  const cached = yield* engine.context.chats.find(chatRef(ref))
  return cached === undefined ? yield* refuse({ _tag: "NoSuchChat" }) : { id: cached.chat.id }
})

/** Reads one page after a sequence. */
const pageOf = ({ store }: EngineServices, user: UserId, chat: ChatId, after: number) =>
  Effect.map(readPage(store, { chat, after, limit: PAGE_SIZE }, user), ({ entries, messages }) =>
    entries.map((entry) => withMessage(entry, messages))
  )

/** Removes the content of recalled messages, even if the log still contains it. */
const withMessage = (entry: Entry, messages: ReadonlyMap<EntryId, Message>): LogEntry => {
  const { body } = entry
  if (!isDurable(body)) return entry
  const messageId = messageOf(entry)
  const message = messageId === undefined ? undefined : messages.get(messageId)
  if (message === undefined) return body._tag === "Recalled" ? entry : { ...entry, body: { ...body, content: "" } }
  return message.recalled && body._tag !== "Recalled"
    ? { ...entry, body: { ...body, content: "" }, message }
    : { ...entry, message }
}
