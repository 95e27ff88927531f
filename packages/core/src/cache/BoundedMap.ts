/**
 * A map of at most `limit` entries. Over it, the entry used longest ago is evicted. A use costs one look into a `Map` and a
 * few pointers: moving an entry by deleting and setting it in the `Map` costs five times as much, and finding the oldest
 * there passes over all that were deleted before it.
 */
interface Entry<K, V> {
  readonly key: K
  value: V
  older: Entry<K, V> | undefined
  newer: Entry<K, V> | undefined
}

export class BoundedMap<K, V> {
  readonly #limit: number
  readonly #onEvict: ((value: V, key: K) => void) | undefined
  readonly #entries = new Map<K, Entry<K, V>>()
  #oldest: Entry<K, V> | undefined
  #newest: Entry<K, V> | undefined

  /** `onEvict` is called for entries over the limit, and not for those that are deleted or replaced. */
  constructor(limit: number, onEvict?: (value: V, key: K) => void) {
    this.#limit = limit
    this.#onEvict = onEvict
  }

  get size(): number {
    return this.#entries.size
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /** The value; the entry counts as used now. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry !== this.#newest) {
      this.#unlink(entry)
      this.#append(entry)
    }
    return entry.value
  }

  /** The value; the entry does not count as used. */
  peek(key: K): V | undefined {
    return this.#entries.get(key)?.value
  }

  /** Sets the value; the entry counts as used now. */
  set(key: K, value: V): void {
    const known = this.#entries.get(key)
    if (known !== undefined) this.#unlink(known)
    const entry: Entry<K, V> = known ?? { key, value, older: undefined, newer: undefined }
    entry.value = value
    this.#entries.set(key, entry)
    this.#append(entry)
    const oldest = this.#oldest
    if (this.#entries.size <= this.#limit || oldest === undefined) return
    this.delete(oldest.key)
    this.#onEvict?.(oldest.value, oldest.key)
  }

  delete(key: K): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#unlink(entry)
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
    this.#oldest = undefined
    this.#newest = undefined
  }

  keys(): IterableIterator<K> {
    return this.#entries.keys()
  }

  /** A copy. No entry counts as used. */
  values(): Array<V> {
    return Array.from(this.#entries.values(), ({ value }) => value)
  }

  #append(entry: Entry<K, V>): void {
    entry.older = this.#newest
    entry.newer = undefined
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  #unlink({ older, newer }: Entry<K, V>): void {
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
  }
}
