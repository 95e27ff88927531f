/** The gids of messages sent lately: one that comes in as a message is not new. */
import { BoundedMap } from "./BoundedMap.ts"

export class SentIds {
  readonly #gids: BoundedMap<string, true>

  /** The limit is above that of unanswered requests, whose gids must be kept. */
  constructor(limit: number) {
    this.#gids = new BoundedMap(limit)
  }

  add(gids: Iterable<string>): void {
    for (const gid of gids) this.#gids.set(gid, true)
  }

  delete(gids: Iterable<string>): void {
    for (const gid of gids) this.#gids.delete(gid)
  }

  has(gid: string): boolean {
    return this.#gids.has(gid)
  }
}
