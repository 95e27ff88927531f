/**
 * Caches all users of one wire profile as JSON text in chunks. A chunk is encoded again only after one of its users changed: a login costs one
 * chunk regardless of the number of users, and all connections share the same bytes.
 */
import { EncodedChunk } from "@parley/core/Frame"
import type { Hub } from "@parley/core/Hub"
import { mapInSlices } from "@parley/core/Slices"
import type { User } from "@parley/core/User"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { type MembersFormat, membersText, type WireFormat } from "./encode.ts"

/** Size of a chunk's range of ids. Encoding a chunk takes about 0.25 ms. */
const IDS_PER_CHUNK = 256
/** Chunks that are encoded before other work runs. */
const CHUNKS_PER_SLICE = 8
/** Chunks whose user ids are encoded before other work runs. */
const MEMBER_CHUNKS_PER_SLICE = 32

/** Available in every runtime; this package's types depend on no runtime. */
declare const TextEncoder: new () => { readonly encode: (text: string) => Uint8Array }

const encoder = new TextEncoder()
const utf8 = (text: string): Uint8Array => encoder.encode(text)

class UserChunk {
  /** Ordered by id. */
  readonly users: ReadonlyArray<User>
  /** Whether this is the first chunk; the text of every other one begins with a comma. */
  readonly isFirst: boolean
  /** Unset until it is encoded. */
  list: EncodedChunk | undefined
  readonly #members = new Map<MembersFormat, EncodedChunk>()

  constructor(users: ReadonlyArray<User>, isFirst: boolean) {
    this.users = users
    this.isFirst = isFirst
  }

  members(format: MembersFormat): EncodedChunk {
    let members = this.#members.get(format)
    if (members === undefined) {
      const text = membersText(
        this.users.map(({ id }) => id),
        format
      )
      members = new EncodedChunk(this.isFirst ? text : `,${text}`)
      members.utf8(utf8)
      this.#members.set(format, members)
    }
    return members
  }

  hasMembers(format: MembersFormat): boolean {
    return this.#members.has(format)
  }

  isOf(users: ReadonlyArray<User>, from: number, to: number, isFirst: boolean): boolean {
    if (this.isFirst !== isFirst || this.users.length !== to - from) return false
    return this.users.every((user, index) => user === users[from + index])
  }
}

const keyOf = (id: number): number => Math.floor(id / IDS_PER_CHUNK)

export class UserListCache {
  readonly #hub: Hub["Service"]
  readonly #wireFormat: Pick<WireFormat, "jsonText" | "userJson">
  #users: ReadonlyArray<User> = []
  /** Chunks by range of ids, in order. */
  #chunks = new Map<number, UserChunk>()
  #stale = new Set<UserChunk>()
  /** Presence's change counter at the last refresh. */
  #changes = 0
  #version = ""
  #encoded: ReadonlyArray<EncodedChunk> | undefined
  /** Encoding in progress; concurrent callers wait for it. */
  #encoding: Deferred.Deferred<void> | undefined

  constructor(hub: Hub["Service"], wireFormat: Pick<WireFormat, "jsonText" | "userJson">) {
    this.#hub = hub
    this.#wireFormat = wireFormat
  }

  /** Encodes most stale chunks in slices, and the members in this format; `chunks` and `members` encode the rest. */
  prepare(users: ReadonlyArray<User>, format?: MembersFormat): Effect.Effect<void> {
    const list = this.#prepareList(users)
    return format === undefined ? list : Effect.andThen(list, this.#prepareMembers(format))
  }

  #prepareMembers(format: MembersFormat): Effect.Effect<void> {
    return Effect.suspend(() => {
      const chunks = Array.from(this.#chunks.values()).filter((chunk) => !chunk.hasMembers(format))
      return chunks.length === 0
        ? Effect.void
        : Effect.asVoid(mapInSlices(chunks, (chunk) => chunk.members(format), MEMBER_CHUNKS_PER_SLICE))
    })
  }

  #prepareList(users: ReadonlyArray<User>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#refresh(users)
      if (this.#encoding !== undefined) return Effect.andThen(Deferred.await(this.#encoding), Effect.yieldNow)
      if (this.#stale.size <= CHUNKS_PER_SLICE) return Effect.void
      const encoding = Deferred.makeUnsafe<void>()
      this.#encoding = encoding
      const work = Effect.gen({ self: this }, function* () {
        while (this.#stale.size > CHUNKS_PER_SLICE) {
          yield* Effect.yieldNow
          this.#encode(CHUNKS_PER_SLICE)
        }
      })
      const end = Effect.sync(() => {
        this.#encoding = undefined
        Deferred.doneUnsafe(encoding, Effect.void)
      })
      // Runs in a separate fiber: the first caller may be interrupted while others wait.
      return Effect.andThen(
        Effect.forkDetach(Effect.ensuring(work, end), { startImmediately: true }),
        // Continues in a new turn.
        Effect.andThen(Deferred.await(encoding), Effect.yieldNow)
      )
    })
  }

  /** Returns users with their statuses, without brackets; the same array until a user changes. */
  chunks(users: ReadonlyArray<User>): ReadonlyArray<EncodedChunk> {
    this.#refresh(users)
    if (this.#encoded !== undefined) return this.#encoded
    this.#encode(Infinity)
    const encoded: Array<EncodedChunk> = []
    for (const { list } of this.#chunks.values()) if (list !== undefined) encoded.push(list)
    this.#encoded = encoded
    return encoded
  }

  /** Returns all users as members of a system chat, without brackets. */
  members(users: ReadonlyArray<User>, format: MembersFormat): ReadonlyArray<EncodedChunk> {
    this.#refresh(users)
    return Array.from(this.#chunks.values(), (chunk) => chunk.members(format))
  }

  /** Marks chunks that changed since the last call. */
  #refresh(users: ReadonlyArray<User>): void {
    const { presence, userListVersion: version } = this.#hub
    const same = users === this.#users
    if (same && version === this.#version) return
    if (!same) this.#partition(users)
    this.#users = users
    this.#version = version
    this.#encoded = undefined
    const changed = presence.changedSince(this.#changes)
    this.#changes = presence.changes
    if (changed === undefined) for (const chunk of this.#chunks.values()) this.#mark(chunk)
    else {
      for (const user of changed) {
        const chunk = this.#chunks.get(keyOf(user))
        if (chunk !== undefined) this.#mark(chunk)
      }
    }
  }

  #mark(chunk: UserChunk): void {
    chunk.list = undefined
    this.#stale.add(chunk)
  }

  /** Splits users into chunks; keeps chunks whose users are the same. */
  #partition(users: ReadonlyArray<User>): void {
    const before = this.#chunks
    this.#chunks = new Map()
    for (let from = 0, to = 0; from < users.length; from = to) {
      const key = keyOf(users[from]?.id ?? 0)
      while (to < users.length && keyOf(users[to]?.id ?? 0) === key) to++
      const isFirst = from === 0
      const existing = before.get(key)
      const chunk =
        existing?.isOf(users, from, to, isFirst) === true ? existing : new UserChunk(users.slice(from, to), isFirst)
      this.#chunks.set(key, chunk)
      if (chunk === existing) before.delete(key)
      else this.#stale.add(chunk)
    }
    for (const removed of before.values()) this.#stale.delete(removed)
  }

  /** Encodes at most `limit` stale chunks. */
  #encode(limit: number): void {
    const { presence } = this.#hub
    const { jsonText, userJson } = this.#wireFormat
    let encoded = 0
    for (const chunk of this.#stale) {
      if (encoded++ >= limit) return
      const text = jsonText(chunk.users.map((user) => JSON.stringify(userJson(presence.of(user)))).join(","))
      chunk.list = new EncodedChunk(chunk.isFirst ? text : `,${text}`)
      // Encodes to UTF-8 here, slice by slice; a transport would do it for all chunks at once.
      chunk.list.utf8(utf8)
      this.#stale.delete(chunk)
    }
  }
}
