/** The gids of what was sent lately: should one come in as a message, it is no news. */
export class Sent {
  /** The oldest first. */
  readonly #gids = new Set<string>()
  readonly #limit: number

  /** What is not answered yet must not be forgotten, so the limit is above that of requests. */
  constructor(limit: number) {
    this.#limit = limit
  }

  add(gids: Iterable<string>): void {
    for (const gid of gids) this.#gids.add(gid)
    for (const oldest of this.#gids) {
      if (this.#gids.size <= this.#limit) return
      this.#gids.delete(oldest)
    }
  }

  delete(gids: Iterable<string>): void {
    for (const gid of gids) this.#gids.delete(gid)
  }

  has(gid: string): boolean {
    return this.#gids.has(gid)
  }
}
