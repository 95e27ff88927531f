/**
 * Cache of the facts of chats in use, so that the message path reads nothing from storage. A cached chat is never
 * behind a commit of this process: every commit advances it, and a failed commit invalidates it.
 */
import * as Effect from "effect/Effect"
import { BoundedMap } from "./BoundedMap.ts"
import type { Chat, LogHead, StoredChat } from "../model/Chat.ts"
import type { ChatRef } from "../model/Command.ts"
import type { UserCache } from "./UserCache.ts"
import type { ChatId } from "../model/Ids.ts"
import { type Entry, evolve } from "../model/Log.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"

/** A chat in memory, at the newest version committed by this process. */
export class CachedChat {
  /** Facts of the chat. */
  chat: Chat
  /** Sequence of the newest entry. */
  seq: number
  /** Number of messages ever posted. */
  posted: number
  /** Time of the newest message, in milliseconds since 1970; 0 without one. */
  activeAt: number

  constructor(stored: StoredChat) {
    this.chat = stored.chat
    this.seq = stored.head.seq
    this.posted = stored.head.posted
    this.activeAt = stored.head.activeAt
  }

  /** Position of the log. */
  get head(): LogHead {
    return { seq: this.seq, posted: this.posted, activeAt: this.activeAt }
  }
}

/** Least recently used cache of chats, of at most `limit` entries. */
export class ChatCache {
  readonly #store: Store["Service"]
  readonly #users: UserCache
  readonly #chats: BoundedMap<ChatId, CachedChat>
  readonly #byGid = new Map<string, ChatId>()
  /** Number of loads from storage in progress, and chats that other nodes have changed meanwhile. */
  #loads = 0
  readonly #outdated = new Set<ChatId>()

  constructor(store: Store["Service"], users: UserCache, limit: number) {
    this.#store = store
    this.#users = users
    this.#chats = new BoundedMap(limit, ({ chat }) => this.#byGid.delete(chat.gid))
  }

  /** Returns the chat from memory only, and marks it as used: a full cache evicts the least recently used one. */
  getCached(ref: ChatRef): CachedChat | undefined {
    const id = "id" in ref ? ref.id : this.#byGid.get(ref.gid)
    return id === undefined ? undefined : this.#chats.get(id)
  }

  /** Returns the chat from memory, otherwise from storage. */
  readonly find: (ref: ChatRef) => Effect.Effect<CachedChat | undefined, StorageFailed> = (ref) => {
    const cached = this.getCached(ref)
    if (cached !== undefined) return Effect.succeed(cached)
    const read =
      "id" in ref ? Effect.map(this.#store.chats([ref.id]), ([stored]) => stored) : this.#store.chatByGid(ref.gid)
    return this.#loading(
      Effect.flatMap(read, (stored) =>
        stored === undefined ? Effect.succeed(undefined) : Effect.map(this.#preloadUsers([stored]), ([entry]) => entry)
      )
    )
  }

  /**
   * Returns the existing chats in the order of `ids`, with at most one read from storage, and another one for chats that are
   * invalidated during it.
   */
  readonly findMany: (ids: ReadonlyArray<ChatId>) => Effect.Effect<ReadonlyArray<CachedChat>, StorageFailed> = (
    ids
  ) => {
    const missing = ids.filter((id) => !this.#chats.has(id))
    const present = (loaded: ReadonlyMap<ChatId, CachedChat>): ReadonlyArray<CachedChat> =>
      ids.flatMap((id) => this.#chats.get(id) ?? loaded.get(id) ?? [])
    if (missing.length === 0) return Effect.succeed(present(new Map()))
    const asked = new Set(missing)
    return Effect.flatMap(
      this.#loading(Effect.flatMap(this.#store.chats(missing), this.#preloadUsers)),
      (loadedChats) => {
        // Taken from the loaded chats, too: a list longer than the cache would evict its own beginning.
        const loaded = new Map(loadedChats.map((entry) => [entry.chat.id, entry]))
        const gone = ids.filter((id) => !asked.has(id) && !this.#chats.has(id))
        if (gone.length === 0) return Effect.succeed(present(loaded))
        return Effect.map(this.findMany(gone), (again) => {
          for (const entry of again) loaded.set(entry.chat.id, entry)
          return present(loaded)
        })
      }
    )
  }

  /** Caches loaded chats after preloading the users they reference, so that encoding never blocks. */
  readonly #preloadUsers = (
    stored: ReadonlyArray<StoredChat>
  ): Effect.Effect<ReadonlyArray<CachedChat>, StorageFailed> => {
    const named = stored.flatMap(({ chat }) => [chat.createdBy, chat.editedBy].filter((user) => user !== null))
    return Effect.map(this.#users.findMany(named), () =>
      // Facts that were read before another node's change are used once, and not cached.
      stored.map((entry) => (this.#outdated.has(entry.chat.id) ? new CachedChat(entry) : this.put(entry)))
    )
  }

  /** Counts a load from storage. */
  #loading<A>(load: Effect.Effect<A, StorageFailed>): Effect.Effect<A, StorageFailed> {
    return Effect.suspend(() => {
      this.#loads++
      return Effect.ensuring(
        load,
        Effect.sync(() => {
          if (--this.#loads === 0) this.#outdated.clear()
        })
      )
    })
  }

  /** Invalidates a chat that another node has changed, including loads of it that have begun. */
  changedElsewhere(id: ChatId): void {
    this.invalidate(id)
    if (this.#loads > 0) this.#outdated.add(id)
  }

  /** Drops all chats. */
  clear(): void {
    for (const id of this.#chats.keys()) this.changedElsewhere(id)
  }

  /** Returns the chat from memory, without marking it as used. */
  peek(id: ChatId): CachedChat | undefined {
    return this.#chats.peek(id)
  }

  /** Merges a stored chat into the cache; of two versions the newer one wins. */
  put(stored: StoredChat): CachedChat {
    const existing = this.#chats.get(stored.chat.id)
    if (existing !== undefined) {
      if (stored.chat.version > existing.chat.version) existing.chat = stored.chat
      if (stored.head.seq > existing.seq) Object.assign(existing, stored.head)
      return existing
    }
    const cached = new CachedChat(stored)
    this.#chats.set(stored.chat.id, cached)
    this.#byGid.set(stored.chat.gid, stored.chat.id)
    return cached
  }

  /**
   * Advances a chat by a committed entry; `baseVersion` is the version on which the command was based. Notices of
   * commits of one chat may arrive out of order: an entry that does not fit invalidates the chat.
   */
  advance(entry: Entry, baseVersion: number | undefined): void {
    const cached = this.#chats.peek(entry.chat)
    if (cached === undefined) return
    if (entry.seq > cached.seq) {
      cached.seq = entry.seq
      cached.posted = entry.posted
    }
    if (entry.body._tag === "Posted") cached.activeAt = Math.max(cached.activeAt, entry.at)
    else if (entry.body._tag === "Changed") {
      if (cached.chat.version === baseVersion) cached.chat = evolve(cached.chat, entry)
      else if (baseVersion === undefined || cached.chat.version < baseVersion) this.invalidate(entry.chat)
    }
  }

  /** Drops a chat; the next `find` reads it from storage. */
  invalidate(id: ChatId): void {
    const cached = this.#chats.peek(id)
    if (cached === undefined) return
    this.#chats.delete(id)
    this.#byGid.delete(cached.chat.gid)
  }
}
