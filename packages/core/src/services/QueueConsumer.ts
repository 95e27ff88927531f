/**
 * Reads the offline queue of one device entry by entry, and waits for new ones: an outbox in the logs of its user's
 * chats. The device's cursors are its durable position, so that nothing is stored for an entry, and positions in memory
 * make a read cost the same however many chats there are.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ChatCache } from "../cache/ChatCache.ts"
import type { CursorStore } from "../delivery/CursorStore.ts"
import { DeliveryFilter } from "../delivery/DeliveryFilter.ts"
import type { Hub } from "../delivery/Hub.ts"
import { LogPosition, type SubscriberKey } from "../delivery/LogPosition.ts"
import { type LogReading, LogReader, type NextEntry } from "../delivery/LogReader.ts"
import { resumeCursors } from "../delivery/ResumeCursors.ts"
import { isMember } from "../model/Chat.ts"
import type { ChatEvent } from "../model/Event.ts"
import type { ChatId, EntryId } from "../model/Ids.ts"
import type { Entry } from "../model/Log.ts"
import type { Message } from "../model/Message.ts"
import type { Refused } from "../model/Refused.ts"
import type { User } from "../model/User.ts"
import { logStorageFailure, refuseOnStorageFailure } from "../ports/StorageErrors.ts"
import type { Store, Write } from "../ports/Store.ts"
import type { Outbox } from "./Outbox.ts"
import type { Queued } from "./Queued.ts"

/** Maximum number of cursors in one commit. */
const BATCH_SIZE = 500
/** Number of skipped entries after which other work gets a turn. */
const YIELD_AFTER = 100

interface Sources {
  readonly store: Store["Service"]
  readonly chats: ChatCache
  readonly cursors: CursorStore["Service"]
  readonly hub: Hub["Service"]
}

interface Reading {
  readonly filter: DeliveryFilter
  /** Revisions of removed messages that had changed: entries of the log up to these are included in them. */
  readonly removed: Map<EntryId, EntryId>
}

/** An entry that was returned, and its chat's position. */
interface Current {
  readonly queued: Queued
  readonly position: LogPosition
}

/** Returns the message of an entry if the device needs it. */
const neededIn = (reading: Reading | undefined, next: NextEntry): Message | undefined => {
  const message = reading?.filter.messageOf(next)
  if (message === undefined || reading === undefined) return undefined
  return next.entry.id <= (reading.removed.get(message.id) ?? 0) ? undefined : message
}

const orUnavailable = refuseOnStorageFailure("the queue of a device")

/** Opens the queue until the scope closes. A device has one consumer at a time. */
export const openConsumer = Effect.fnUntraced(function* (
  { store, chats, cursors, hub }: Sources,
  user: User,
  device: string
): Effect.fn.Return<Outbox<Queued>, Refused, Scope.Scope> {
  const key: SubscriberKey = { user: user.id, device }
  /** Chats with entries to read, and the newest announced sequence of each. */
  const missed = new Map<ChatId, number>()
  const positions = new Map<ChatId, LogPosition>()
  /** Chats that are being read. */
  const readings = new Map<ChatId, Reading>()
  const reader = new LogReader(store)
  let wake = (): void => {}
  /** The entry that was returned and not removed. */
  let current: Current | undefined

  const miss = (chat: ChatId, seq: number): void => {
    missed.set(chat, Math.max(missed.get(chat) ?? 0, seq))
    wake()
  }

  const moves = (moved: ReadonlyArray<LogPosition>): ReadonlyArray<Write> =>
    moved.map((position) => ({ _tag: "MoveCursor", cursor: position.cursorOf(key) }))

  /** Saves positions behind the user's own entries, so that the next start does not read these again. */
  const saveSkipped = Effect.gen(function* () {
    const moved = [...positions.values()].filter((position) => position.takeChanged())
    for (let start = 0; start < moved.length; start += BATCH_SIZE) {
      yield* store.commit({ expectedVersions: [], writes: moves(moved.slice(start, start + BATCH_SIZE)) })
    }
  }).pipe(Effect.catch((failed) => logStorageFailure("cursors could not be written", failed)))

  const forget = (chat: ChatId): void => {
    positions.delete(chat)
    readings.delete(chat)
    missed.delete(chat)
    reader.delete(chat)
  }

  const unobserve = hub.observe({
    broadcast: ({ event }) => {
      if (event._tag !== "ChatEvent") return
      if (isMember(event.chat, user.id)) miss(event.chat.id, event.entry.seq)
      else if (positions.has(event.chat.id)) forget(event.chat.id)
    }
  })
  yield* Effect.addFinalizer(() => Effect.andThen(Effect.sync(unobserve), saveSkipped))

  // Observed before it is read: entries that come meanwhile are in `missed`.
  for (const { cursor, head } of yield* orUnavailable(
    Effect.flatMap(store.chatsOf(user.id), (ids) => resumeCursors({ chats, cursors }, user, device, ids))
  )) {
    positions.set(cursor.chat, new LogPosition(cursor))
    if (head > cursor.delivered) miss(cursor.chat, head)
  }

  /** Returns the position in a chat; undefined if the user is not a member. */
  const positionIn = Effect.fnUntraced(function* (id: ChatId) {
    const known = positions.get(id)
    if (known !== undefined) return known
    const cached = yield* find(id)
    if (cached === undefined || cached.chat.dissolved || !isMember(cached.chat, user.id)) return undefined
    const [resume] = yield* resumeCursors({ chats, cursors }, user, device, [id])
    if (resume === undefined) return undefined
    const position = new LogPosition(resume.cursor)
    positions.set(id, position)
    return position
  })

  /** Adds the chats that have grown to the reader. */
  const addBacklogs = Effect.gen(function* () {
    for (const [chat, seq] of Array.from(missed)) {
      if (readings.has(chat)) continue
      const position = yield* positionIn(chat)
      if (position === undefined || position.position >= seq) {
        if ((missed.get(chat) ?? 0) <= seq) missed.delete(chat)
        continue
      }
      readings.set(chat, { filter: new DeliveryFilter(key, position), removed: new Map() })
      reader.add(chat, position.position)
    }
  })

  const atEnd = ({ chat, readTo }: LogReading): boolean => {
    if ((missed.get(chat) ?? 0) > readTo) return false
    missed.delete(chat)
    readings.delete(chat)
    return true
  }

  const find = (id: ChatId) => chats.find({ id })

  /** Reads a chat again from this entry on, which the reader has returned. */
  const again = ({ chat, seq }: Entry): Effect.Effect<void> =>
    Effect.sync(() => {
      readings.delete(chat)
      reader.delete(chat)
      miss(chat, seq)
    })

  const read = Effect.gen(function* () {
    for (let skipped = 0; ;) {
      yield* addBacklogs
      if (reader.chats.length === 0) return undefined
      yield* reader.load
      for (let next = reader.next(atEnd); next !== undefined; next = reader.next(atEnd)) {
        const { entry } = next
        const position = positions.get(entry.chat)
        if (position === undefined || entry.seq <= position.position) continue
        const message = neededIn(readings.get(entry.chat), next)
        const cached = message === undefined ? undefined : yield* Effect.tapError(find(entry.chat), () => again(entry))
        if (message === undefined || cached === undefined) {
          position.skip(entry.seq)
          if (++skipped % YIELD_AFTER === 0) yield* Effect.yieldNow
          continue
        }
        const event: ChatEvent = { _tag: "ChatEvent", entry, chat: cached.chat, head: cached.head, message }
        return { queued: { id: entry.id, level: 3, user: user.id, event } as const, position }
      }
      yield* Effect.yieldNow
    }
  })

  const grown = Effect.callback<void>((resume) => {
    wake = () => resume(Effect.void)
    if (missed.size > 0) wake()
    return Effect.sync(() => {
      wake = () => {}
    })
  })

  /** Replaces a message that has changed since it was returned. One that was recalled is not returned again. */
  const refresh = Effect.fnUntraced(function* ({ queued, position }: Current) {
    const { event } = queued
    if (event.message === undefined) return
    const [message] = yield* store.messages([event.message.id])
    if (message === undefined || message.revision === event.message.revision) return
    if (message.recalled && event.entry.body._tag !== "Recalled") {
      position.skip(event.entry.seq)
      current = undefined
    } else current = { queued: { ...queued, event: { ...event, message } }, position }
  })

  return {
    next: Effect.gen(function* () {
      if (current !== undefined) yield* orUnavailable(refresh(current))
      while (current === undefined) {
        current = yield* orUnavailable(read)
        if (current === undefined) yield* grown
      }
      return current.queued
    }),
    remove: Effect.fnUntraced(function* (queued) {
      if (current?.queued.id !== queued.id) return
      const { position } = current
      position.skip(queued.event.entry.seq)
      yield* orUnavailable(store.commit({ expectedVersions: [], writes: moves([position]) }))
      position.takeChanged()
      const { message, chat } = queued.event
      if (message !== undefined && message.revision !== message.id)
        readings.get(chat.id)?.removed.set(message.id, message.revision)
      current = undefined
    })
  }
})
