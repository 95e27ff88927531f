/** Gids of recently sent messages; an incoming message with such a gid is not new. */
import { BoundedMap } from "./BoundedMap.ts"

export class SentIds {
  readonly #gids: BoundedMap<string, true>

  /** `limit` must exceed the maximum number of pending requests, whose gids must be kept. */
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
