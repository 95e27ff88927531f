/**
 * A map of at most `limit` entries. Over it, the least recently used entry is evicted. A use costs one look into a
 * `Map` and a few pointers: moving an entry by deleting and setting it in the `Map` costs five times as much, and
 * finding the oldest entry there passes over all earlier deleted ones.
 */
interface Entry<K, V> {
  readonly key: K
  value: V
  older: Entry<K, V> | undefined
  newer: Entry<K, V> | undefined
}

/** A map that evicts the least recently used entry beyond `limit` entries. */
export class BoundedMap<K, V> {
  readonly #limit: number
  readonly #onEvict: ((value: V, key: K) => void) | undefined
  readonly #entries = new Map<K, Entry<K, V>>()
  #oldest: Entry<K, V> | undefined
  #newest: Entry<K, V> | undefined

  /** `onEvict` is called for entries over the limit, and not for deleted or replaced ones. */
  constructor(limit: number, onEvict?: (value: V, key: K) => void) {
    this.#limit = limit
    this.#onEvict = onEvict
  }

  /** Number of entries. */
  get size(): number {
    return this.#entries.size
  }

  /** Returns whether there is an entry, without marking it as used. */
  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /** Returns the value and marks the entry as used. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry !== this.#newest) {
      this.#unlink(entry)
      this.#append(entry)
    }
    return entry.value
  }

  /** Returns the value without marking the entry as used. */
  peek(key: K): V | undefined {
    return this.#entries.get(key)?.value
  }

  /** Sets the value and marks the entry as used. */
  set(key: K, value: V): void {
    const existing = this.#entries.get(key)
    if (existing !== undefined) this.#unlink(existing)
    const entry: Entry<K, V> = existing ?? { key, value, older: undefined, newer: undefined }
    entry.value = value
    this.#entries.set(key, entry)
    this.#append(entry)
    const oldest = this.#oldest
    if (this.#entries.size <= this.#limit || oldest === undefined) return
    this.delete(oldest.key)
    this.#onEvict?.(oldest.value, oldest.key)
  }

  /** Removes an entry; returns whether there was one. `onEvict` is not called. */
  delete(key: K): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#unlink(entry)
    return this.#entries.delete(key)
  }

  /** Removes all entries. `onEvict` is not called. */
  clear(): void {
    this.#entries.clear()
    this.#oldest = undefined
    this.#newest = undefined
  }

  /** Returns the keys in the order of their first insertion. */
  keys(): IterableIterator<K> {
    return this.#entries.keys()
  }

  /** Returns a copy of the values without marking any entry as used. */
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
