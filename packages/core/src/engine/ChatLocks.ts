/**
 * Chat locks on this node: the ordered fallback of conflicting commands. Commands that leave the chat's version
 * unchanged share a lock; a command that changes it takes an exclusive one. Each chat grants its locks in the order of
 * the requests. A chat without changes has no lock.
 */
import * as Effect from "effect/Effect"
import type { ChatId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"

export type LockMode = "shared" | "exclusive"

/** By chat. */
export type LockRequest = ReadonlyMap<ChatId, LockMode>

/**
 * Maximum number of commands that wait for one chat: about half a minute of changes. Further ones are refused as busy.
 */
const MAX_WAITING = 10_000

interface Waiter {
  readonly mode: LockMode
  readonly granted: () => void
}

/** Holders of one chat's lock, and its waiters in order. Removed when both are empty. */
class ChatLock {
  shared = 0
  exclusive = false
  readonly waiting: Array<Waiter> = []

  get isFree(): boolean {
    return this.shared === 0 && !this.exclusive && this.waiting.length === 0
  }

  /** Whether a new request gets the lock without waiting. */
  admits(mode: LockMode): boolean {
    if (this.exclusive || this.waiting.length > 0) return false
    return mode === "shared" || this.shared === 0
  }

  take(mode: LockMode): void {
    if (mode === "shared") this.shared++
    else this.exclusive = true
  }

  /** Grants the lock to the first waiter, and to those after it that can share it. */
  grant(): void {
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      if (this.exclusive || (next.mode === "exclusive" && this.shared > 0)) return
      this.waiting.shift()
      this.take(next.mode)
      next.granted()
    }
  }
}

export class ChatLocks {
  readonly #locks = new Map<ChatId, ChatLock>()
  readonly #maxWaiting: number

  constructor(maxWaiting: number = MAX_WAITING) {
    this.#maxWaiting = maxWaiting
  }

  /** Returns whether the chat has no exclusive holder and no waiters: decisions on it then need no lock. */
  isOpen(chat: ChatId): boolean {
    if (this.#locks.size === 0) return true
    return this.#locks.get(chat)?.admits("shared") ?? true
  }

  /** Returns the lock holder of one command. */
  holder(): LockHolder {
    return new LockHolder(this.#locks, this.#maxWaiting)
  }
}

/** The locks that one command holds. */
export class LockHolder {
  readonly #locks: Map<ChatId, ChatLock>
  readonly #maxWaiting: number
  readonly #held = new Map<ChatId, LockMode>()

  constructor(locks: Map<ChatId, ChatLock>, maxWaiting: number) {
    this.#locks = locks
    this.#maxWaiting = maxWaiting
  }

  /** Returns whether it holds all of these, exclusively if requested. */
  holds(wanted: LockRequest): boolean {
    for (const [chat, mode] of wanted) {
      const held = this.#held.get(chat)
      if (held === undefined || (mode === "exclusive" && held === "shared")) return false
    }
    return true
  }

  /**
   * Takes the exclusive locks if no requested lock is blocked, otherwise none. Shared ones are checked, but not taken.
   * Returns whether the command may continue.
   */
  tryTake(wanted: LockRequest): boolean {
    for (const [chat, mode] of wanted) {
      if (!this.#held.has(chat) && this.#locks.get(chat)?.admits(mode) === false) return false
    }
    for (const [chat, mode] of wanted) {
      if (mode === "exclusive" && !this.#held.has(chat)) this.#take(chat, mode)
    }
    return true
  }

  /**
   * Releases its locks and waits for all of these, chat by chat in the order of their ids, so that no two commands wait
   * for each other. Interruption leaves the queue; `release` releases the locks granted before.
   */
  acquire(wanted: LockRequest): Effect.Effect<void, Refused> {
    const ordered = [...wanted].sort(([one], [other]) => one - other)
    return Effect.suspend(() => {
      this.release()
      return Effect.forEach(ordered, ([chat, mode]) => this.#wait(chat, mode), { discard: true })
    })
  }

  release(): void {
    for (const [chat, mode] of this.#held) {
      const lock = this.#locks.get(chat)
      if (lock === undefined) continue
      if (mode === "shared") lock.shared--
      else lock.exclusive = false
      this.#grantOrRemove(chat, lock)
    }
    this.#held.clear()
  }

  #wait(chat: ChatId, mode: LockMode): Effect.Effect<void, Refused> {
    return Effect.callback((resume) => {
      const lock = this.#locks.get(chat)
      if (lock === undefined || lock.admits(mode)) {
        this.#take(chat, mode)
        return resume(Effect.void)
      }
      if (lock.waiting.length >= this.#maxWaiting) return resume(refuse({ _tag: "Busy" }))
      const waiter: Waiter = {
        mode,
        granted: () => {
          this.#held.set(chat, mode)
          resume(Effect.void)
        }
      }
      lock.waiting.push(waiter)
      return Effect.sync(() => {
        const index = lock.waiting.indexOf(waiter)
        if (index === -1) return
        lock.waiting.splice(index, 1)
        this.#grantOrRemove(chat, lock)
      })
    })
  }

  #take(chat: ChatId, mode: LockMode): void {
    let lock = this.#locks.get(chat)
    if (lock === undefined) this.#locks.set(chat, (lock = new ChatLock()))
    lock.take(mode)
    this.#held.set(chat, mode)
  }

  #grantOrRemove(chat: ChatId, lock: ChatLock): void {
    lock.grant()
    if (lock.isFree) this.#locks.delete(chat)
  }
}
