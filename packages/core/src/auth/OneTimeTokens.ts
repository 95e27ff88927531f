/**
 * Tokens that stand for a password once: an application whose users have no password here mints one, and its client sends
 * it in the password's place, as it is or as its md5. They are records of the store, by their hash: they survive a
 * restart, and are good on every node.
 *
 * That a token is good once is kept by the store: who uses it writes a mark that must be new. The mark stays until a
 * while after the token's time, when nobody can have seen the token as good any more. That a user has a bounded number of
 * tokens is kept by the store as well: the list of them is written only while it is as it was read.
 */
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Semaphore from "effect/Semaphore"
import { refuseOnStorageFailure as availableOr } from "../ports/StorageErrors.ts"
import type { UserId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { Engine } from "../engine/Engine.ts"
import type { StorageFailed, Store, Write } from "../ports/Store.ts"
import { textBytes } from "../model/Utf8.ts"

/** Not a protocol's: the engine's own records. */
const OWNER = "@parley/core"
const TOKEN = "oneTimeToken"
const USED = "oneTimeTokenUsed"
/** The tokens that were minted for a user, so that they can be counted and cleared away. */
const MINTED = "oneTimeTokensOf"

const BYTES = 32
/** Tokens of one user that are kept at once, at most. */
const PER_USER = 20
/** Milliseconds. */
const DEFAULT_TTL = 60_000
const MAX_TTL = 3_600_000
/** Milliseconds for which a token is still kept after its time. */
const AFTERWARDS = 60_000
/** Tokens minted at the same time by one node, at most; of one user one. */
const MINTING = 64
/** How often a token is minted again since another node has minted one for the same user meanwhile. */
const MAX_ATTEMPTS = 20

const PLAIN = /^[A-Za-z0-9_-]{43}$/
const MD5 = /^[0-9a-f]{32}$/i

interface Kept {
  readonly user: UserId
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

interface Minted {
  readonly hash: string
  readonly expiresAt: number
}

export interface OneTimeTokens {
  readonly mint: (user: UserId, ttl?: Duration.Input) => Effect.Effect<string, Refused>
  /** Whether the secret is a token of this user that was not used; it is used then. */
  readonly use: (user: UserId, secret: string) => Effect.Effect<boolean, StorageFailed>
}

export const makeOneTimeTokens = (
  engine: Engine["Service"],
  store: Store["Service"],
  digest: Digest.Digest["Service"],
  random: SecureRandom.SecureRandom["Service"]
): OneTimeTokens => {
  const available = availableOr("one-time tokens")
  const turns = Array.from({ length: MINTING }, () => Semaphore.makeUnsafe(1))

  const record = (kind: string, key: string, value: unknown): Write => ({
    _tag: "PutRecord",
    record: { dialect: OWNER, kind, key, value }
  })

  /** Tokens are found by what a client that only knows an md5 can send as well. */
  const hashOf = (md5: string): Effect.Effect<string> => digest.digestHex(Digest.sha256, textBytes(md5.toLowerCase()))
  const md5Of = (token: string): Effect.Effect<string> => digest.digestHex(Digest.md5, textBytes(token))

  /** Nothing where somebody else has minted one for this user meanwhile. */
  const tryMint = Effect.fnUntraced(function* (
    user: UserId,
    ttl: number
  ): Effect.fn.Return<string | undefined, Refused> {
    const now = yield* Clock.currentTimeMillis
    const earlier = yield* available(store.record(OWNER, MINTED, String(user)))
    const minted = (earlier?.value ?? []) as ReadonlyArray<Minted>
    const kept = minted.filter(({ expiresAt }) => expiresAt + AFTERWARDS > now)
    if (kept.length >= PER_USER) {
      const free = Math.min(...kept.map(({ expiresAt }) => expiresAt)) + AFTERWARDS - now
      return yield* refuse({ _tag: "TooManyAttempts", retryAfterSeconds: Math.ceil(free / 1000) })
    }
    const token = Base64Url.encode(yield* random.randomBytes(BYTES))
    const hash = yield* hashOf(yield* md5Of(token))
    const expiresAt = now + ttl
    const over = minted.filter((one) => !kept.includes(one))
    const writes: ReadonlyArray<Write> = [
      record(TOKEN, hash, { user, expiresAt } satisfies Kept),
      {
        _tag: "PutRecord",
        record: {
          dialect: OWNER,
          kind: MINTED,
          key: String(user),
          value: [...kept, { hash, expiresAt }] satisfies ReadonlyArray<Minted>
        },
        expected: earlier?.value ?? null
      },
      ...over.flatMap((one) => [record(TOKEN, one.hash, null), record(USED, one.hash, null)])
    ]
    return yield* engine.commit({ expectedVersions: [], writes }).pipe(
      Effect.as(token),
      Effect.catchTag("VersionConflict", () => Effect.undefined),
      available
    )
  })

  const mint = Effect.fnUntraced(function* (user: UserId, ttl: number): Effect.fn.Return<string, Refused> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const token = yield* tryMint(user, ttl)
      if (token !== undefined) return token
    }
    return yield* refuse({ _tag: "Busy" })
  })

  return {
    mint: Effect.fnUntraced(function* (user, ttl = DEFAULT_TTL) {
      const time = Duration.toMillis(ttl)
      if (!(time >= 1 && time <= MAX_TTL)) {
        return yield* refuse({
          _tag: "Invalid",
          field: "ttl",
          problem: "must be more than nothing and at most an hour"
        })
      }
      // Who is minted for side by side is counted all the same.
      const minting = mint(user, time)
      return yield* turns[user % MINTING]?.withPermits(1)(minting) ?? minting
    }),
    use: Effect.fnUntraced(function* (user, secret) {
      if (!MD5.test(secret) && !PLAIN.test(secret)) return false
      const hash = yield* hashOf(MD5.test(secret) ? secret : yield* md5Of(secret))
      const kept = (yield* store.record(OWNER, TOKEN, hash))?.value as Kept | undefined
      if (kept === undefined || kept.user !== user || kept.expiresAt <= (yield* Clock.currentTimeMillis)) return false
      const mark: Write = {
        _tag: "PutRecord",
        record: { dialect: OWNER, kind: USED, key: hash, value: true },
        once: true
      }
      return yield* engine
        .commit({ expectedVersions: [], writes: [mark] })
        .pipe(
          Effect.as(true),
          Effect.catchTags({ Duplicate: () => Effect.succeed(false), VersionConflict: () => Effect.succeed(false) })
        )
    })
  }
}
