/**
 * Applies entries that other nodes have appended: to the cached chats, and to the connections and observers of this node. An
 * entry of a packet is delivered as one of this node if its chat is cached at the same version; otherwise the chat and
 * its log are read.
 */
import * as Effect from "effect/Effect"
import type { CachedChat, ChatCache } from "../cache/ChatCache.ts"
import type { UserCache } from "../cache/UserCache.ts"
import type { RemoteBroadcasts } from "../delivery/Broadcaster.ts"
import type { Hub } from "../delivery/Hub.ts"
import { messageOf, readPages } from "../delivery/LogReader.ts"
import type { ChatEvent } from "../model/Event.ts"
import type { ChatId, EntryId, UserId } from "../model/Ids.ts"
import type { EntryLocation } from "../model/Journal.ts"
import { type Entry, isDurable, type Posted } from "../model/Log.ts"
import { fromPosted, type Message } from "../model/Message.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import type { EntryNotice } from "./Packet.ts"
import type { SeenEntries } from "./SeenEntries.ts"

/** Maximum number of entries of one chat per read. */
const PAGE_SIZE = 500

/** Work that needs the store; undefined if all is done. */
export type Later = Effect.Effect<void, StorageFailed> | undefined

interface Dependencies {
  readonly hub: Hub["Service"]
  readonly remote: RemoteBroadcasts["Service"]
  readonly chats: ChatCache
  readonly users: UserCache
  readonly store: Store["Service"]
  readonly seen: SeenEntries
}

/** Users whom encoders of the entry's events may name. */
const usersNamed = ({ body, by }: Entry): ReadonlyArray<UserId> => {
  const named = body._tag === "Changed" ? [body.owner ?? null, ...(body.added ?? []), ...(body.removed ?? [])] : []
  return [by, ...named].filter((user) => user !== null)
}

export class RemoteEntries {
  readonly #deps: Dependencies

  constructor(deps: Dependencies) {
    this.#deps = deps
  }

  /** Applies an entry of a packet. */
  apply(notice: EntryNotice): Later {
    const { chats, hub, seen, users } = this.#deps
    const { entry } = notice
    if (seen.has(entry.id)) return undefined
    if (this.#fits(notice)) {
      const { by, body } = entry
      const isSenderKnown = by === null || users.getCached(by) !== undefined
      if (isSenderKnown && body._tag !== "Changed") return this.#deliver(notice)
      const named = usersNamed(entry)
      if (named.every((user) => users.getCached(user) !== undefined)) return this.#deliver(notice)
      return Effect.flatMap(users.findMany(named), () =>
        this.#fits(notice) ? Effect.sync(() => this.#deliver(notice)) : this.read(entry.chat, [entry])
      )
    }
    if (this.#isConcerned(notice)) return this.read(entry.chat, [entry])
    seen.add(entry.id)
    hub.chats.recent.put(entry.id, entry.chat, entry.seq)
    chats.changedElsewhere(entry.chat)
    return undefined
  }

  /** Applies a notice of an entry without its content. */
  applyAppended(chat: ChatId, id: EntryId, seq: number): Later {
    return this.#deps.seen.has(id) ? undefined : this.read(chat, [{ id, seq }])
  }

  /** Applies a change of a chat's facts from the journal. */
  applyChange(chat: ChatId, id: EntryId, seq: number): Later {
    const { chats, seen } = this.#deps
    const cached = chats.peek(chat)
    // A cached chat that was loaded before the entry, and cached after it, is behind.
    if (seen.has(id) && (cached === undefined || cached.seq >= seq)) return undefined
    return this.read(chat, [{ id, seq }])
  }

  /** Applies entries that were found in the log by id. */
  readonly applyLocated = Effect.fnUntraced(function* (
    this: RemoteEntries,
    locations: ReadonlyArray<EntryLocation>
  ): Effect.fn.Return<void, StorageFailed> {
    const { chats, hub, seen } = this.#deps
    const unseen = Map.groupBy(
      locations.filter(({ id }) => !seen.has(id)),
      ({ chat }) => chat
    )
    for (const [chat, entries] of unseen) {
      if (hub.chats.isSubscribed(chat) || hub.isObserved) yield* this.read(chat, entries)
      // Not seen: the journal has those that changed facts, such as new members.
      else chats.changedElsewhere(chat)
    }
  })

  /**
   * Reads a chat and these entries of it. Observers and, for changes of facts, connections get the entries; messages are
   * delivered by the catch-up of each connection, which leaves out those that were recalled meanwhile.
   */
  readonly read = Effect.fnUntraced(function* (
    this: RemoteEntries,
    chat: ChatId,
    wanted: ReadonlyArray<Pick<EntryLocation, "id" | "seq">>
  ): Effect.fn.Return<void, StorageFailed> {
    const { chats, hub, seen, store, users } = this.#deps
    chats.changedElsewhere(chat)
    const cached = yield* chats.find({ id: chat })
    if (cached === undefined) return
    let [first, last] = [Infinity, 0]
    for (const { seq } of wanted) [first, last] = [Math.min(first, seq), Math.max(last, seq)]
    const ids = new Set(wanted.map(({ id }) => id))
    const lastWanted = last
    for (let after = first - 1; after < lastWanted;) {
      const limit = Math.min(lastWanted - after, PAGE_SIZE)
      const page = yield* readPages(store, [{ chat, after, limit }])
      yield* users.findMany([...new Set(page.entries.flatMap(usersNamed))])
      for (const entry of page.entries) {
        if (!ids.has(entry.id)) continue
        // Later entries were of no concern here before a user of this node joined by this one.
        if (!isDurable(entry.body)) last = Math.max(last, cached.seq)
        this.#announce(entry, cached, page.messages)
      }
      if (page.entries.length < limit) break
      after += limit
    }
    for (const { id } of wanted) seen.add(id)
    hub.chats.reconcile(cached.chat, first)
    hub.chats.readAppended(chat, last)
  })

  /** Announces an entry that was read: to observers, and, if it changed facts, to connections. */
  #announce(entry: Entry, { chat, head }: CachedChat, messages: ReadonlyMap<EntryId, Message>): void {
    const { hub, remote, seen } = this.#deps
    if (seen.has(entry.id)) return
    seen.add(entry.id)
    hub.chats.recent.put(entry.id, entry.chat, entry.seq)
    const id = messageOf(entry)
    const message = id === undefined ? undefined : messages.get(id)
    if (entry.body._tag === "Posted" && message?.recalled === true) return
    const event: ChatEvent = { _tag: "ChatEvent", entry, chat, head, ...(message !== undefined && { message }) }
    if (!isDurable(entry.body)) remote.deliver([{ event, to: { chat: chat.id } }])
    remote.observeBroadcasts([{ event, to: { chat: chat.id } }])
  }

  /** Whether the entry continues the chat's facts as they are cached. */
  #fits({ entry, message, version }: EntryNotice): boolean {
    const cached = this.#deps.chats.peek(entry.chat)
    const { _tag } = entry.body
    if (cached === undefined || _tag === "Created") return false
    if ((_tag === "Replaced" || _tag === "Recalled") && message === undefined) return false
    return cached.chat.version === (_tag === "Changed" ? version - 1 : version)
  }

  #deliver({ entry, message, version }: EntryNotice): undefined {
    const { chats, remote, seen } = this.#deps
    const cached = chats.peek(entry.chat)
    if (cached === undefined || seen.has(entry.id)) return
    seen.add(entry.id)
    chats.advance(entry, entry.body._tag === "Changed" ? version - 1 : version)
    const current = entry.body._tag === "Posted" ? fromPosted(entry as Entry<Posted>) : message
    const event: ChatEvent = {
      _tag: "ChatEvent",
      entry,
      chat: cached.chat,
      head: cached.head,
      ...(current !== undefined && { message: current })
    }
    const broadcasts = [{ event, to: { chat: entry.chat } }]
    remote.deliver(broadcasts)
    remote.observeBroadcasts(broadcasts)
  }

  /** Whether a connection or an observer of this node gets the entry. */
  #isConcerned({ entry, members }: EntryNotice): boolean {
    const { hub } = this.#deps
    if (hub.isObserved || hub.chats.isSubscribed(entry.chat)) return true
    const { body } = entry
    if (body._tag === "Created") return members === undefined || members.some((user) => hub.isConnected(user))
    return body._tag === "Changed" && body.added?.some((user) => hub.isConnected(user)) === true
  }
}
