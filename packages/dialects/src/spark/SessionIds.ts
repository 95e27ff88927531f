/**
 * Ids of new sessions. Two who start a session of one set at the same moment get the same id, so they meet in one session;
 * nobody else can guess it, since it is derived with a secret of the database: an id that could be computed from accounts
 * would tell, through any protocol that makes chats by their gid, who has a session with whom.
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
/** Bytes of the secret. */
const SECRET = 32
/** Hex digits of an id: 128 bits. */
const DIGITS = 32

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

  /** The id of the session that is started for the nth time, from 0, for these accounts, which are sorted. */
  readonly of = Effect.fnUntraced(function* (
    this: SessionIds,
    accounts: ReadonlyArray<string>,
    nth: number
  ): Effect.fn.Return<string, StorageFailed> {
    const secret = (this.#secret ??= yield* secretOf(this.#engine, this.#random))
    const text = `${secret}:${nth}:${accounts.join(",")}`
    const digits = yield* this.#digest.digestHex(Digest.sha256, textBytes(text))
    return `${DIALECT}-${digits.slice(0, DIGITS)}`
  })
}

/** The database's secret, made once; of several nodes that make one, the first to be stored counts. */
const secretOf = Effect.fnUntraced(function* (
  { context: desk, commit }: Engine["Service"],
  random: SecureRandom.SecureRandom["Service"]
): Effect.fn.Return<string, StorageFailed> {
  for (;;) {
    const stored = (yield* desk.store.record(DIALECT, KIND, KEY))?.value
    if (typeof stored === "string") return stored
    const value = Hex.encode(yield* random.randomBytes(SECRET))
    const record = { dialect: DIALECT, kind: KIND, key: KEY, value }
    yield* commit({ expectedVersions: [], writes: [{ _tag: "PutRecord", record, once: true }] }).pipe(
      Effect.catchTags({ Duplicate: () => Effect.void, VersionConflict: () => Effect.void })
    )
  }
})
