/**
 * Messages by gid: the index `log_by_gid`, and those that the writer has not put there yet.
 *
 * Gids come in no order, so a page of the index is changed for hardly more than one of a few thousand. Many more wait
 * here, in slices of the index: one slice is a small part of its pages, and all that goes there goes at once. What is
 * above `log_indexed.gids` may be in the index or not, so an entry that is put there twice does no harm.
 */
import { hash, randomInt } from "node:crypto"
import type { DatabaseSync } from "node:sqlite"
import type { EntryId } from "@parley/core/Ids"
import type { Statements } from "../Statements.ts"

/** By the first of a fingerprint's eleven digits. */
const SLICES = 16
const SLICE = 16 ** 10

/**
 * What a message is looked up by in place of its gid, an integer of six bytes: the index has a third of the pages that one
 * over gids of 36 characters has. Two gids may share one, so whoever finds an entry by it compares the gid. It is
 * of a cryptographic hash so that nobody can choose gids that all share one.
 */
export const fingerprint = (gid: string): number => Number.parseInt(hash("sha256", gid).slice(0, 11), 16)

/** `fingerprint(gid)` for the SQL of this connection. */
export const provideFingerprint = (database: DatabaseSync): void =>
  database.function("fingerprint", { deterministic: true, directOnly: true }, (gid) => fingerprint(String(gid)))

const FIND = `SELECT log.id FROM log_by_gid AS place CROSS JOIN log ON log.id = place.id
  WHERE place.fingerprint = ? AND log.gid = ?`

const PUT = "INSERT INTO log_by_gid (fingerprint, id) VALUES (?, ?) ON CONFLICT DO NOTHING"

/** A message that may not be in the index. */
interface BufferedGid {
  readonly id: EntryId
  readonly gid: string
  readonly fingerprint: number
  /** The one before it with the same key. */
  before: BufferedGid | undefined
}

const [LOW, HIGH] = [randomInt(2 ** 31) * 2 + 1, randomInt(2 ** 31) * 2 + 1]
/**
 * Of a fingerprint, 30 bits for a `Map`, by numbers that nobody outside knows. V8 makes each new string that is looked up in
 * one an entry of its table of all names, and boxes larger numbers.
 */
const keyOf = (print: number): number => (Math.imul(print, LOW) + Math.imul(print / 2 ** 32, HIGH)) >>> 2

/** In one go, at least: with fewer, hardly two change the same page. */
const MIN_STEP = 2048

/** Of one connection that writes, true within the transaction that is open, or since the last one. */
export class GidIndex {
  readonly #db: Statements
  #isLoaded = false
  /** By key. */
  readonly #changeBuffer = new Map<number, BufferedGid>()
  /** Each by id. */
  #slices: Array<Array<BufferedGid>> = []

  constructor(db: Statements) {
    this.#db = db
    this.invalidate()
  }

  /** How many wait. */
  get size(): number {
    return this.#slices.reduce((size, slice) => size + slice.length, 0)
  }

  /** To be looked up again: what it has may not be what the database has. */
  invalidate(): void {
    this.#isLoaded = false
    this.#changeBuffer.clear()
    this.#slices = Array.from({ length: SLICES }, () => [])
  }

  /** Reads what waits, where that is not known. */
  load(): void {
    if (this.#isLoaded) return
    // Half of it may be there, of an attempt that failed.
    this.invalidate()
    const mark = this.#db.one<{ gids: number }>("SELECT gids FROM log_indexed")?.gids ?? 0
    const rows = this.#db.lists<readonly [EntryId, string]>(
      "SELECT id, gid FROM log WHERE id > ? AND gid IS NOT NULL ORDER BY id",
      mark
    )
    for (const [id, gid] of rows) this.add(gid, fingerprint(gid), id)
    this.#isLoaded = true
  }

  /** The message with this gid. */
  find(gid: string, print = fingerprint(gid)): EntryId | undefined {
    this.load()
    for (let one = this.#changeBuffer.get(keyOf(print)); one !== undefined; one = one.before) {
      if (one.gid === gid) return one.id
    }
    return this.#db.one<{ id: EntryId }>(FIND, print, gid)?.id
  }

  /** A message that was appended to the log, after all others. */
  add(gid: string, print: number, id: EntryId): void {
    const key = keyOf(print)
    const one: BufferedGid = { id, gid, fingerprint: print, before: this.#changeBuffer.get(key) }
    this.#changeBuffer.set(key, one)
    this.#slices[Math.floor(print / SLICE)]?.push(one)
  }

  /** Takes back what was added after the entry `newest`. */
  truncate(newest: number): void {
    for (const slice of this.#slices) {
      for (let last = slice.at(-1); last !== undefined && last.id > newest; last = slice.at(-1)) {
        slice.pop()
        this.#drop(last)
      }
    }
  }

  /**
   * Puts what waits into the index, slice by slice, the fullest one first, until `keep` are left or `most` are put there,
   * but not fewer than a slice is worth. Answers up to which entry the index has all, where `newest` is the log's last
   * one, and what is to be called when the transaction has taken effect.
   */
  index(newest: number, most: number, keep: number): { readonly mark: number; readonly taken: () => void } {
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
    const taken = (): void => {
      for (const end of ends) end()
    }
    return { mark, taken }
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
