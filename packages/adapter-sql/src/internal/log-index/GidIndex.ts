/**
 * Messages by gid: the index `log_by_gid` and a change buffer in memory.
 *
 * Gids arrive in random order, so a few thousand new ones hardly share a page of the index. The change buffer holds
 * more, in slices of the key space: a slice covers few pages and is written as a whole. Entries above
 * `log_indexed.gids` may or may not be in the index; writing one twice is harmless.
 */
import { hash, randomInt } from "node:crypto"
import type { DatabaseSync } from "node:sqlite"
import type { EntryId } from "@parley/core/Ids"
import type { Statements } from "../Statements.ts"

/** Number of slices, one for each first hexadecimal digit of a fingerprint of eleven; and the size of one. */
const SLICES = 16
const SLICE_SIZE = 16 ** 10

/**
 * Returns the key of a gid in the index, an integer of six bytes: the index has a third of the pages of one over gids of
 * 36 characters. Two gids may share a fingerprint, so lookups compare the gid. The hash is cryptographic so that clients
 * cannot choose colliding gids.
 */
export const fingerprint = (gid: string): number => Number.parseInt(hash("sha256", gid).slice(0, 11), 16)

/** Registers `fingerprint(gid)` as an SQL function of this connection. */
export const provideFingerprint = (database: DatabaseSync): void =>
  database.function("fingerprint", { deterministic: true, directOnly: true }, (gid) => fingerprint(String(gid)))

const FIND = `SELECT log.id FROM log_by_gid AS by_gid CROSS JOIN log ON log.id = by_gid.id
  WHERE by_gid.fingerprint = ? AND log.gid = ?`

const PUT = "INSERT INTO log_by_gid (fingerprint, id) VALUES (?, ?) ON CONFLICT DO NOTHING"

/** A message that may be missing from the index. */
interface BufferedGid {
  readonly id: EntryId
  readonly gid: string
  readonly fingerprint: number
  /** The previous one with the same key. */
  before: BufferedGid | undefined
}

const [LOW, HIGH] = [randomInt(2 ** 31) * 2 + 1, randomInt(2 ** 31) * 2 + 1]
/**
 * Returns 30 bits of a fingerprint as the key of a `Map`, mixed with secret numbers. V8 interns each new string that is
 * looked up in a map, and boxes larger numbers.
 */
const keyOf = (print: number): number => (Math.imul(print, LOW) + Math.imul(print / 2 ** 32, HIGH)) >>> 2

/** Minimum number of gids written in one step: fewer hardly share a page. */
const MIN_STEP = 2048

/** Belongs to the writing connection; valid within its open transaction, or since the last one. */
export class GidIndex {
  readonly #db: Statements
  #isLoaded = false
  /** By key. */
  readonly #changeBuffer = new Map<number, BufferedGid>()
  /** The buffer by slice of the key space; each slice is ordered by id. */
  #slices: Array<Array<BufferedGid>> = []

  constructor(db: Statements) {
    this.#db = db
    this.invalidate()
  }

  /** Number of buffered gids. */
  get size(): number {
    return this.#slices.reduce((size, slice) => size + slice.length, 0)
  }

  /** Drops the buffer, which may differ from the database; it is loaded again on next use. */
  invalidate(): void {
    this.#isLoaded = false
    this.#changeBuffer.clear()
    this.#slices = Array.from({ length: SLICES }, () => [])
  }

  /** Loads the buffer from the log if it is not loaded. */
  load(): void {
    if (this.#isLoaded) return
    // A failed attempt may have loaded a part.
    this.invalidate()
    const mark = this.#db.one<{ gids: number }>("SELECT gids FROM log_indexed")?.gids ?? 0
    const rows = this.#db.lists<readonly [EntryId, string]>(
      "SELECT id, gid FROM log WHERE id > ? AND gid IS NOT NULL ORDER BY id",
      mark
    )
    for (const [id, gid] of rows) this.add(gid, fingerprint(gid), id)
    this.#isLoaded = true
  }

  /** Returns the message with this gid. */
  find(gid: string, print = fingerprint(gid)): EntryId | undefined {
    this.load()
    for (let one = this.#changeBuffer.get(keyOf(print)); one !== undefined; one = one.before) {
      if (one.gid === gid) return one.id
    }
    return this.#db.one<{ id: EntryId }>(FIND, print, gid)?.id
  }

  /** Adds the newest message of the log. */
  add(gid: string, print: number, id: EntryId): void {
    const key = keyOf(print)
    const one: BufferedGid = { id, gid, fingerprint: print, before: this.#changeBuffer.get(key) }
    this.#changeBuffer.set(key, one)
    this.#slices[Math.floor(print / SLICE_SIZE)]?.push(one)
  }

  /** Removes messages added after the entry `newest`. */
  truncate(newest: number): void {
    for (const slice of this.#slices) {
      for (let last = slice.at(-1); last !== undefined && last.id > newest; last = slice.at(-1)) {
        slice.pop()
        this.#drop(last)
      }
    }
  }

  /**
   * Writes buffered gids to the index, fullest slice first, until `keep` remain or `most` (at least `MIN_STEP`) are
   * written. Returns the entry up to which the index is complete, where `newest` is the log's last entry, and a function
   * to call after the transaction has committed.
   */
  index(newest: number, most: number, keep: number): { readonly mark: number; readonly onCommitted: () => void } {
    const limit = Math.max(MIN_STEP, most)
    let left = this.size
    let put = 0
    let mark = newest
    const ends: Array<() => void> = []
    for (const slice of this.#slices.toSorted((one, other) => other.length - one.length)) {
      const count = left > keep ? Math.min(slice.length, limit - put) : 0
      const part = slice.slice(0, count).sort((one, other) => one.fingerprint - other.fingerprint)
      for (const { id, fingerprint: print } of part) this.#db.run(PUT, print, id)
      left -= count
      put += count
      const next = slice[count]
      if (next !== undefined) mark = Math.min(mark, next.id - 1)
      ends.push(() => {
        for (const one of slice.splice(0, count)) this.#drop(one)
      })
    }
    const onCommitted = (): void => {
      for (const end of ends) end()
    }
    return { mark, onCommitted }
  }

  #drop(one: BufferedGid): void {
    const key = keyOf(one.fingerprint)
    let after = this.#changeBuffer.get(key)
    if (after === one) {
      if (one.before === undefined) this.#changeBuffer.delete(key)
      else this.#changeBuffer.set(key, one.before)
      return
    }
    while (after !== undefined && after.before !== one) after = after.before
    if (after !== undefined) after.before = one.before
  }
}
