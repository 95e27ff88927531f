/**
 * Derives ids of new sessions. Users who concurrently start a session with the same members get the same id, hence one
 * session. The id is derived with a secret of the database: if it could be computed from accounts, any protocol that
 * creates chats by gid would reveal which users share a session.
 */
import type { Engine } from "@parley/core/Engine"
import type { StorageFailed } from "@parley/core/Store"
import { textBytes } from "@parley/core/Utf8"
import * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import { DIALECT } from "./sessionKey.ts"

const KIND = "secret"
const KEY = "session-ids"
/** Size of the secret, in bytes. */
const SECRET_SIZE = 32
/** Hex digits in an id: 128 bits. */
const ID_DIGITS = 32

export class SessionIds {
  readonly #engine: Engine["Service"]
  readonly #digest: Digest.Digest["Service"]
  readonly #random: SecureRandom.SecureRandom["Service"]
  #secret: string | undefined

  constructor(
    engine: Engine["Service"],
    digest: Digest.Digest["Service"],
    random: SecureRandom.SecureRandom["Service"]
  ) {
    this.#engine = engine
    this.#digest = digest
    this.#random = random
  }

  /** Returns the id of the nth session, from 0, of these sorted accounts. */
  readonly idOf = Effect.fnUntraced(function* (
    this: SessionIds,
    accounts: ReadonlyArray<string>,
    nth: number
  ): Effect.fn.Return<string, StorageFailed> {
    const secret = (this.#secret ??= yield* loadSecret(this.#engine, this.#random))
    const text = `${secret}:${nth}:${accounts.join(",")}`
    const digits = yield* this.#digest.digestHex(Digest.sha256, textBytes(text))
    return `${DIALECT}-${digits.slice(0, ID_DIGITS)}`
  })
}

/** Returns the database's secret, created once; if several nodes create one, the first stored counts. */
const loadSecret = Effect.fnUntraced(function* (
  { context: { store }, commit }: Engine["Service"],
  random: SecureRandom.SecureRandom["Service"]
): Effect.fn.Return<string, StorageFailed> {
  for (;;) {
    const stored = (yield* store.record(DIALECT, KIND, KEY))?.value
    if (typeof stored === "string") return stored
    const value = Hex.encode(yield* random.randomBytes(SECRET_SIZE))
    const record = { dialect: DIALECT, kind: KIND, key: KEY, value }
    yield* commit({ expectedVersions: [], writes: [{ _tag: "PutRecord", record, once: true }] }).pipe(
      Effect.catchTags({ Duplicate: () => Effect.void, VersionConflict: () => Effect.void })
    )
  }
})
