/** Caches of encoded user lists: one of a wire profile for all viewers who see the same users. */
import { BoundedMap } from "@parley/core/BoundedMap"
import type { Hub } from "@parley/core/Hub"
import type { WireFormat } from "./encode.ts"
import { UserListCache } from "./UserListCache.ts"

/** Maximum number of caches. Each has an encoding of its users; with organisations, all of them have one of each user. */
const MAX_LISTS = 10_000

export class UserLists {
  readonly #hub: Hub["Service"]
  readonly #wireFormat: Pick<WireFormat, "jsonText" | "userJson">
  readonly #lists = new BoundedMap<string, UserListCache>(MAX_LISTS)

  constructor(hub: Hub["Service"], wireFormat: Pick<WireFormat, "jsonText" | "userJson">) {
    this.#hub = hub
    this.#wireFormat = wireFormat
  }

  /** Returns the cache of a list by its key (`VisibleList`); a new one for a list of a single viewer. */
  of(key: string | undefined): UserListCache {
    const cached = key === undefined ? undefined : this.#lists.get(key)
    if (cached !== undefined) return cached
    const list = new UserListCache(this.#hub, this.#wireFormat)
    if (key !== undefined) this.#lists.set(key, list)
    return list
  }
}
