/**
 * The facts of chats in use, in memory, so that the message path reads nothing from storage. What is here is never
 * behind a commit of this process: every commit moves it forward, and a commit that fails forgets it.
 */
import * as Effect from "effect/Effect"
import { BoundedMap } from "./BoundedMap.ts"
import type { Chat, Head, StoredChat } from "../model/Chat.ts"
import type { ChatRef } from "../model/Command.ts"
import type { Directory } from "./UserCache.ts"
import type { ChatId } from "../model/Ids.ts"
import { type Entry, evolve } from "../model/Log.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"

export class WarmChat {
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

  get head(): Head {
    return { seq: this.seq, posted: this.posted, activeAt: this.activeAt }
  }
}

export class WarmChats {
  readonly #store: Store["Service"]
  readonly #users: Directory
  readonly #chats: BoundedMap<ChatId, WarmChat>
  readonly #byGid = new Map<string, ChatId>()

  constructor(store: Store["Service"], users: Directory, limit: number) {
    this.#store = store
    this.#users = users
    this.#chats = new BoundedMap(limit, ({ chat }) => this.#byGid.delete(chat.gid))
  }

  /** From memory only. The chat counts as used: the one used longest ago leaves a full cache. */
  peek(ref: ChatRef): WarmChat | undefined {
    const id = "id" in ref ? ref.id : this.#byGid.get(ref.gid)
    return id === undefined ? undefined : this.#chats.get(id)
  }

  /** From memory, else from storage. */
  readonly find: (ref: ChatRef) => Effect.Effect<WarmChat | undefined, StorageFailed> = (ref) => {
    const warm = this.peek(ref)
    if (warm !== undefined) return Effect.succeed(warm)
    const read =
      "id" in ref ? Effect.map(this.#store.chats([ref.id]), ([stored]) => stored) : this.#store.chatByGid(ref.gid)
    return Effect.flatMap(read, (stored) =>
      stored === undefined ? Effect.succeed(undefined) : Effect.map(this.#meet([stored]), ([one]) => one)
    )
  }

  /** Those that exist, in the order asked for; at most one read from storage. */
  readonly all: (ids: ReadonlyArray<ChatId>) => Effect.Effect<ReadonlyArray<WarmChat>, StorageFailed> = (ids) => {
    const cold = ids.filter((id) => !this.#chats.has(id))
    const present = (loaded: ReadonlyMap<ChatId, WarmChat>): ReadonlyArray<WarmChat> =>
      ids.flatMap((id) => this.#chats.get(id) ?? loaded.get(id) ?? [])
    if (cold.length === 0) return Effect.succeed(present(new Map()))
    return Effect.map(Effect.flatMap(this.#store.chats(cold), this.#meet), (kept) =>
      // Held beside the cache as well: a list longer than the cache's bound would push its own beginning out.
      present(new Map(kept.map((one) => [one.chat.id, one])))
    )
  }

  /** Keeps chats that were read, once those whom they name are known: a push must be written without waiting. */
  readonly #meet = (stored: ReadonlyArray<StoredChat>): Effect.Effect<ReadonlyArray<WarmChat>, StorageFailed> => {
    const named = stored.flatMap(({ chat }) => [chat.createdBy, chat.editedBy].filter((user) => user !== null))
    return Effect.map(this.#users.some(named), () => stored.map((one) => this.keep(one)))
  }

  /** Takes what storage answered; the older of two accounts of one chat is dropped. */
  keep(stored: StoredChat): WarmChat {
    const known = this.#chats.get(stored.chat.id)
    if (known !== undefined) {
      if (stored.chat.version > known.chat.version) known.chat = stored.chat
      if (stored.head.seq > known.seq) Object.assign(known, stored.head)
      return known
    }
    const warm = new WarmChat(stored)
    this.#chats.set(stored.chat.id, warm)
    this.#byGid.set(stored.chat.gid, stored.chat.id)
    return warm
  }

  /**
   * Moves a chat forward by an entry that was committed; `relied` is the version that the script had decided on. Commits
   * of one chat may be told out of turn: a step that does not fit on what is here makes it forget.
   */
  advance(entry: Entry, relied: number | undefined): void {
    const warm = this.#chats.peek(entry.chat)
    if (warm === undefined) return
    if (entry.seq > warm.seq) {
      warm.seq = entry.seq
      warm.posted = entry.posted
    }
    if (entry.body._tag === "Posted") warm.activeAt = Math.max(warm.activeAt, entry.at)
    else if (entry.body._tag === "Changed") {
      if (warm.chat.version === relied) warm.chat = evolve(warm.chat, entry)
      else if (relied === undefined || warm.chat.version < relied) this.forget(entry.chat)
    }
  }

  forget(id: ChatId): void {
    const warm = this.#chats.peek(id)
    if (warm === undefined) return
    this.#chats.delete(id)
    this.#byGid.delete(warm.chat.gid)
  }
}
