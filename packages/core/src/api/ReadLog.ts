/**
 * A chat's log as an async iteration: from a sequence number on, first what is stored, then what comes. Nothing is
 * buffered but one page: whoever is slow reads later, by sequence, and misses nothing.
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
  readonly signal?: AbortSignalLike
}

/** Ends when the signal aborts or the engine is closed; throws a `ParleyError` once the reader may not read it. */
export const readLog = (
  services: EngineServices,
  reader: () => Promise<UserId>,
  chat: ChatRef,
  options: LogOptions
): AsyncIterableIterator<LogEntry, void, undefined> =>
  cancellable((left) => entriesOf(services, reader, chat, options, left))

async function* entriesOf(
  services: EngineServices,
  reader: () => Promise<UserId>,
  chat: ChatRef,
  { after = 0, live = true, signal }: LogOptions,
  left: AbortSignalLike
): AsyncGenerator<LogEntry, void, undefined> {
  const user = await reader()
  const { id } = await services.run(allowed(services, user, chat))
  let cursor = after
  let grown = true
  let ended = services.isClosed()
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
    services.hub.observe({
      broadcast: ({ event }) => {
        if (event._tag === "ChatEvent") grow(event.chat.id)
      },
      remoteAppend: grow
    }),
    services.onClose(end),
    onAbort(signal, end),
    onAbort(left, end)
  ]
  try {
    while (!ended) {
      // What comes while the page is read is read with the next one.
      grown = false
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
      if (page.length === PAGE) continue
      if (!live) return
      while (!grown && !ended) await new Promise<void>((resolve) => (wake = resolve))
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

/** One page behind a place. */
const pageOf = ({ store }: EngineServices, user: UserId, chat: ChatId, after: number) =>
  Effect.map(readPage(store, { chat, after, limit: PAGE }, user), ({ entries, messages }) =>
    entries.map((entry) => shown(entry, messages))
  )

/** What was taken back is not told again, also where the log still holds it. */
const shown = (entry: Entry, messages: ReadonlyMap<EntryId, Message>): LogEntry => {
  const { body } = entry
  if (!isDurable(body)) return entry
  const about = messageOf(entry)
  const message = about === undefined ? undefined : messages.get(about)
  if (message === undefined) return body._tag === "Recalled" ? entry : { ...entry, body: { ...body, content: "" } }
  return message.recalled && body._tag !== "Recalled"
    ? { ...entry, body: { ...body, content: "" }, message }
    : { ...entry, message }
}
