/**
 * The facts of chats in use, in memory, so that the message path reads nothing from storage. What is here is never
 * behind a commit of this process: every commit moves it forward, and a commit that fails forgets it.
 */
import * as Effect from "effect/Effect"
import { BoundedMap } from "./BoundedMap.ts"
import type { Chat, LogHead, StoredChat } from "../model/Chat.ts"
import type { ChatRef } from "../model/Command.ts"
import type { UserCache } from "./UserCache.ts"
import type { ChatId } from "../model/Ids.ts"
import { type Entry, evolve } from "../model/Log.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"

export class CachedChat {
  chat: Chat
  seq: number
  posted: number
  activeAt: number

  constructor(stored: StoredChat) {
    this.chat = stored.chat
    this.seq = stored.head.seq
    this.posted = stored.head.posted
    this.activeAt = stored.head.activeAt
  }

  get head(): LogHead {
    return { seq: this.seq, posted: this.posted, activeAt: this.activeAt }
  }
}

export class ChatCache {
  readonly #store: Store["Service"]
  readonly #users: UserCache
  readonly #chats: BoundedMap<ChatId, CachedChat>
  readonly #byGid = new Map<string, ChatId>()

  constructor(store: Store["Service"], users: UserCache, limit: number) {
    this.#store = store
    this.#users = users
    this.#chats = new BoundedMap(limit, ({ chat }) => this.#byGid.delete(chat.gid))
  }

  /** From memory only. The chat counts as used: the one used longest ago leaves a full cache. */
  getCached(ref: ChatRef): CachedChat | undefined {
    const id = "id" in ref ? ref.id : this.#byGid.get(ref.gid)
    return id === undefined ? undefined : this.#chats.get(id)
  }

  /** From memory, else from storage. */
  readonly find: (ref: ChatRef) => Effect.Effect<CachedChat | undefined, StorageFailed> = (ref) => {
    const cached = this.getCached(ref)
    if (cached !== undefined) return Effect.succeed(cached)
    const read =
      "id" in ref ? Effect.map(this.#store.chats([ref.id]), ([stored]) => stored) : this.#store.chatByGid(ref.gid)
    return Effect.flatMap(read, (stored) =>
      stored === undefined ? Effect.succeed(undefined) : Effect.map(this.#preloadUsers([stored]), ([one]) => one)
    )
  }

  /** Those that exist, in the order asked for; at most one read from storage. */
  readonly all: (ids: ReadonlyArray<ChatId>) => Effect.Effect<ReadonlyArray<CachedChat>, StorageFailed> = (ids) => {
    const cold = ids.filter((id) => !this.#chats.has(id))
    const present = (loaded: ReadonlyMap<ChatId, CachedChat>): ReadonlyArray<CachedChat> =>
      ids.flatMap((id) => this.#chats.get(id) ?? loaded.get(id) ?? [])
    if (cold.length === 0) return Effect.succeed(present(new Map()))
    return Effect.map(Effect.flatMap(this.#store.chats(cold), this.#preloadUsers), (kept) =>
      // Held beside the cache as well: a list longer than the cache's bound would push its own beginning out.
      present(new Map(kept.map((one) => [one.chat.id, one])))
    )
  }

  /** Keeps chats that were read, once those whom they name are known: a push must be written without waiting. */
  readonly #preloadUsers = (
    stored: ReadonlyArray<StoredChat>
  ): Effect.Effect<ReadonlyArray<CachedChat>, StorageFailed> => {
    const named = stored.flatMap(({ chat }) => [chat.createdBy, chat.editedBy].filter((user) => user !== null))
    return Effect.map(this.#users.findMany(named), () => stored.map((one) => this.put(one)))
  }

  /** Takes what storage answered; the older of two accounts of one chat is dropped. */
  put(stored: StoredChat): CachedChat {
    const known = this.#chats.get(stored.chat.id)
    if (known !== undefined) {
      if (stored.chat.version > known.chat.version) known.chat = stored.chat
      if (stored.head.seq > known.seq) Object.assign(known, stored.head)
      return known
    }
    const cached = new CachedChat(stored)
    this.#chats.set(stored.chat.id, cached)
    this.#byGid.set(stored.chat.gid, stored.chat.id)
    return cached
  }

  /**
   * Moves a chat forward by an entry that was committed; `relied` is the version that the script had decided on. Commits
   * of one chat may be told out of turn: a step that does not fit on what is here makes it forget.
   */
  advance(entry: Entry, relied: number | undefined): void {
    const cached = this.#chats.peek(entry.chat)
    if (cached === undefined) return
    if (entry.seq > cached.seq) {
      cached.seq = entry.seq
      cached.posted = entry.posted
    }
    if (entry.body._tag === "Posted") cached.activeAt = Math.max(cached.activeAt, entry.at)
    else if (entry.body._tag === "Changed") {
      if (cached.chat.version === relied) cached.chat = evolve(cached.chat, entry)
      else if (relied === undefined || cached.chat.version < relied) this.forget(entry.chat)
    }
  }

  forget(id: ChatId): void {
    const cached = this.#chats.peek(id)
    if (cached === undefined) return
    this.#chats.delete(id)
    this.#byGid.delete(cached.chat.gid)
  }
}
