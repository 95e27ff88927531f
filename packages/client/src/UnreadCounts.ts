/**
 * Keeps unread counts up to date while the application listens for them. The server counts: a chat in which something
 * happened is counted again, several events within a short time together.
 */
import { type Clock } from "./backoff.ts"
import { ParleyError } from "./ParleyError.ts"
import type { Unread } from "./protocol.ts"

/** Milliseconds for which events of a chat are gathered. */
const DELAY = 200
/** Milliseconds after which a refused count is repeated, for example one over the rate limit. */
const RETRY_DELAY = 2000

export interface UnreadSettings {
  readonly clock: Clock
  /** Asks the server: for one chat, or for all chats that have unread messages. */
  readonly count: (gid: string | undefined) => Promise<ReadonlyArray<Unread>>
  /** Whether this user is in the chat. */
  readonly isMember: (gid: string) => boolean
  readonly emit: (unread: Unread) => void
}

export class UnreadCounts {
  readonly #settings: UnreadSettings
  /** Chats with unread messages. */
  readonly #counts = new Map<string, Unread>()
  readonly #dirty = new Set<string>()
  #timer: unknown
  #started = false

  constructor(settings: UnreadSettings) {
    this.#settings = settings
  }

  /** Chats with unread messages, by gid. */
  get counts(): ReadonlyMap<string, Unread> {
    return this.#counts
  }

  /** Counts all chats: at first, and after each login. */
  async start(): Promise<void> {
    this.#started = true
    this.#dirty.clear()
    const all = await this.#settings.count(undefined).catch((error: unknown) => this.#retry(error, () => this.start()))
    if (all === undefined) return
    const gids = new Set(all.map(({ gid }) => gid))
    for (const gid of this.#counts.keys()) if (!gids.has(gid)) this.#set({ gid, count: 0, more: false, id: 0 })
    for (const unread of all) this.#set(unread)
  }

  /** Something happened in a chat: a message, or a read mark of this user. */
  touch(gid: string): void {
    if (!this.#started) return
    this.#dirty.add(gid)
    this.#timer ??= this.#settings.clock.setTimeout(() => this.#countDirty(), DELAY)
  }

  end(): void {
    this.#started = false
    this.#settings.clock.clearTimeout(this.#timer)
  }

  #countDirty(): void {
    this.#timer = undefined
    const gids = [...this.#dirty]
    this.#dirty.clear()
    for (const gid of gids) void this.#count(gid)
  }

  async #count(gid: string): Promise<void> {
    const none: Unread = { gid, count: 0, more: false, id: 0 }
    if (!this.#settings.isMember(gid)) return this.#set(none)
    const counted = await this.#settings
      .count(gid)
      .catch((error: unknown) => this.#retry(error, async () => this.touch(gid)))
    if (counted !== undefined) this.#set(counted[0] ?? none)
  }

  /** A lost connection needs no repetition: the next login counts all chats. */
  #retry(error: unknown, again: () => Promise<void>): undefined {
    if (!this.#started || !(error instanceof ParleyError) || error.code !== "refused") return
    this.#settings.clock.setTimeout(() => {
      if (this.#started) void again()
    }, RETRY_DELAY)
  }

  #set(unread: Unread): void {
    const { gid, count, more } = unread
    const before = this.#counts.get(gid)
    if (before === undefined ? count === 0 : before.count === count && before.more === more) return
    if (count === 0) this.#counts.delete(gid)
    else this.#counts.set(gid, unread)
    this.#settings.emit(unread)
  }
}
