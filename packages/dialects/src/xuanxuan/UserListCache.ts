/**
 * All users as JSON text in chunks, each encoded again only when one of its users has changed: a login costs one chunk,
 * however many users there are, and all connections share the same bytes.
 */
import { EncodedChunk } from "@parley/core/Frame"
import type { Hub } from "@parley/core/Hub"
import { mapInSlices } from "@parley/core/Slices"
import type { User } from "@parley/core/User"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { type MembersAs, membersText, userJson } from "./encode.ts"

/** Ids of one chunk. Encoding a chunk takes about a quarter of a millisecond. */
const CHUNK = 256
/** Chunks that are encoded before other work is let through. */
const SLICE = 8
/** Chunks whose users' ids are written before other work is let through. */
const MEMBERS_SLICE = 32

/** Every runtime has it; this package's types name no runtime. */
declare const TextEncoder: new () => { readonly encode: (text: string) => Uint8Array }

const encoder = new TextEncoder()
const utf8 = (text: string): Uint8Array => encoder.encode(text)

class Chunk {
  /** By id. */
  readonly users: ReadonlyArray<User>
  /** Whether it is the first one: the text of each other one begins with a comma. */
  readonly leads: boolean
  /** Unset while it has to be encoded. */
  list: EncodedChunk | undefined
  readonly #members = new Map<MembersAs, EncodedChunk>()

  constructor(users: ReadonlyArray<User>, leads: boolean) {
    this.users = users
    this.leads = leads
  }

  members(form: MembersAs): EncodedChunk {
    let members = this.#members.get(form)
    if (members === undefined) {
      const text = membersText(
        this.users.map(({ id }) => id),
        form
      )
      members = new EncodedChunk(this.leads ? text : `,${text}`)
      members.utf8(utf8)
      this.#members.set(form, members)
    }
    return members
  }

  hasMembers(form: MembersAs): boolean {
    return this.#members.has(form)
  }

  isOf(users: ReadonlyArray<User>, from: number, to: number, leads: boolean): boolean {
    if (this.leads !== leads || this.users.length !== to - from) return false
    return this.users.every((user, index) => user === users[from + index])
  }
}

const keyOf = (id: number): number => Math.floor(id / CHUNK)

export class UserListCache {
  readonly #hub: Hub["Service"]
  #of: ReadonlyArray<User> = []
  /** By range of ids, in order. */
  #chunks = new Map<number, Chunk>()
  #stale = new Set<Chunk>()
  /** Presence's count of changes that the chunks have or are marked for. */
  #changes = 0
  #version = ""
  #pieces: ReadonlyArray<EncodedChunk> | undefined
  /** The encoding under way, which everybody else who needs it waits for. */
  #encoding: Deferred.Deferred<void> | undefined

  constructor(hub: Hub["Service"]) {
    this.#hub = hub
  }

  /** Encodes most of what has to be, in slices, and the members in this form; `pieces` and `members` do the rest. */
  ready(users: ReadonlyArray<User>, form?: MembersAs): Effect.Effect<void> {
    const list = this.#listReady(users)
    return form === undefined ? list : Effect.andThen(list, this.#membersReady(form))
  }

  #membersReady(form: MembersAs): Effect.Effect<void> {
    return Effect.suspend(() => {
      const chunks = Array.from(this.#chunks.values()).filter((chunk) => !chunk.hasMembers(form))
      return chunks.length === 0
        ? Effect.void
        : Effect.asVoid(mapInSlices(chunks, (chunk) => chunk.members(form), MEMBERS_SLICE))
    })
  }

  #listReady(users: ReadonlyArray<User>): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#look(users)
      if (this.#encoding !== undefined) return Effect.andThen(Deferred.await(this.#encoding), Effect.yieldNow)
      if (this.#stale.size <= SLICE) return Effect.void
      const encoding = Deferred.makeUnsafe<void>()
      this.#encoding = encoding
      const work = Effect.gen({ self: this }, function* () {
        while (this.#stale.size > SLICE) {
          yield* Effect.yieldNow
          this.#encode(SLICE)
        }
      })
      const end = Effect.sync(() => {
        this.#encoding = undefined
        Deferred.doneUnsafe(encoding, Effect.void)
      })
      // In a fiber of its own: the one that asked first may be interrupted, and the others wait.
      return Effect.andThen(
        Effect.forkDetach(Effect.ensuring(work, end), { startImmediately: true }),
        // What follows begins in a turn of its own.
        Effect.andThen(Deferred.await(encoding), Effect.yieldNow)
      )
    })
  }

  /** The users with their statuses, without brackets. The same array as long as it may be used again. */
  pieces(users: ReadonlyArray<User>): ReadonlyArray<EncodedChunk> {
    this.#look(users)
    if (this.#pieces !== undefined) return this.#pieces
    this.#encode(Infinity)
    const pieces: Array<EncodedChunk> = []
    for (const { list } of this.#chunks.values()) if (list !== undefined) pieces.push(list)
    this.#pieces = pieces
    return pieces
  }

  /** Everybody as the members of a system chat, without brackets. */
  members(users: ReadonlyArray<User>, form: MembersAs): ReadonlyArray<EncodedChunk> {
    this.#look(users)
    return Array.from(this.#chunks.values(), (chunk) => chunk.members(form))
  }

  /** Marks the chunks of which something has changed since the last time. */
  #look(users: ReadonlyArray<User>): void {
    const { presence, userListVersion: rosterVersion } = this.#hub
    const same = users === this.#of
    if (same && rosterVersion === this.#version) return
    if (!same) this.#divide(users)
    this.#of = users
    this.#version = rosterVersion
    this.#pieces = undefined
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

  #mark(chunk: Chunk): void {
    chunk.list = undefined
    this.#stale.add(chunk)
  }

  /** Keeps the chunks whose users are the same. */
  #divide(users: ReadonlyArray<User>): void {
    const before = this.#chunks
    this.#chunks = new Map()
    for (let from = 0, to = 0; from < users.length; from = to) {
      const key = keyOf(users[from]?.id ?? 0)
      while (to < users.length && keyOf(users[to]?.id ?? 0) === key) to++
      const leads = from === 0
      const known = before.get(key)
      const chunk = known?.isOf(users, from, to, leads) === true ? known : new Chunk(users.slice(from, to), leads)
      this.#chunks.set(key, chunk)
      if (chunk === known) before.delete(key)
      else this.#stale.add(chunk)
    }
    for (const gone of before.values()) this.#stale.delete(gone)
  }

  /** At most so many of the marked chunks. */
  #encode(limit: number): void {
    const { presence } = this.#hub
    let encoded = 0
    for (const chunk of this.#stale) {
      if (encoded++ >= limit) return
      const text = chunk.users.map((user) => JSON.stringify(userJson(presence.of(user)))).join(",")
      chunk.list = new EncodedChunk(chunk.leads ? text : `,${text}`)
      // Here, a slice at a time: a transport would do it for all chunks at once.
      chunk.list.utf8(utf8)
      this.#stale.delete(chunk)
    }
  }
}
