/**
 * Tokens that replace a password once: an application whose users have no password here mints one, and its client sends
 * it in place of the password, as it is or as its md5. They are records of the store, by their hash: they survive a
 * restart, and are shared by all nodes.
 *
 * The store ensures that a token is used once: a use writes a record that must be new. The record stays until
 * some time after the token expires, when no node can consider it valid any more. The store bounds the number of tokens per user
 * too: their list is written only if it is unchanged since it was read.
 */
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Semaphore from "effect/Semaphore"
import { refuseOnStorageFailure } from "../ports/StorageErrors.ts"
import type { UserId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { Engine } from "../engine/Engine.ts"
import type { StorageFailed, Store, Write } from "../ports/Store.ts"
import { textBytes } from "../model/Utf8.ts"

/** Owner of the engine's own records, which is not a protocol. */
const OWNER = "@parley/core"
const TOKEN = "oneTimeToken"
const USED = "oneTimeTokenUsed"
/** List of the tokens minted for a user, by which they are counted and cleared. */
const MINTED = "oneTimeTokensOf"

const TOKEN_BYTES = 32
/** Maximum number of stored tokens of one user. */
const MAX_PER_USER = 20
/** Milliseconds. */
const DEFAULT_TTL_MS = 60_000
const MAX_TTL_MS = 3_600_000
/** Milliseconds for which a token is stored after it expires. */
const RETENTION_MS = 60_000
/** Number of mint locks of one node; a user always has the same one. */
const MINT_LOCKS = 64
/** Maximum number of attempts to mint while other nodes mint for the same user. */
const MAX_ATTEMPTS = 20

const PLAIN = /^[A-Za-z0-9_-]{43}$/
const MD5 = /^[0-9a-f]{32}$/i

interface TokenRecord {
  readonly user: UserId
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

interface MintedToken {
  readonly hash: string
  readonly expiresAt: number
}

export interface OneTimeTokens {
  readonly mint: (user: UserId, ttl?: Duration.Input) => Effect.Effect<string, Refused>
  /** Uses up a token: returns whether the secret is an unused token of this user. */
  readonly use: (user: UserId, secret: string) => Effect.Effect<boolean, StorageFailed>
}

export const makeOneTimeTokens = (
  engine: Engine["Service"],
  store: Store["Service"],
  digest: Digest.Digest["Service"],
  random: SecureRandom.SecureRandom["Service"]
): OneTimeTokens => {
  const orUnavailable = refuseOnStorageFailure("one-time tokens")
  const mintLocks = Array.from({ length: MINT_LOCKS }, () => Semaphore.makeUnsafe(1))

  const record = (kind: string, key: string, value: unknown): Write => ({
    _tag: "PutRecord",
    record: { dialect: OWNER, kind, key, value }
  })

  /** Tokens are found by their md5, which is all that some clients can send. */
  const hashOf = (md5: string): Effect.Effect<string> => digest.digestHex(Digest.sha256, textBytes(md5.toLowerCase()))
  const md5Of = (token: string): Effect.Effect<string> => digest.digestHex(Digest.md5, textBytes(token))

  /** Returns undefined if another node has minted a token for this user meanwhile. */
  const tryMint = Effect.fnUntraced(function* (
    user: UserId,
    ttl: number
  ): Effect.fn.Return<string | undefined, Refused> {
    const now = yield* Clock.currentTimeMillis
    const earlier = yield* orUnavailable(store.record(OWNER, MINTED, String(user)))
    const minted = (earlier?.value ?? []) as ReadonlyArray<MintedToken>
    const retained = minted.filter(({ expiresAt }) => expiresAt + RETENTION_MS > now)
    if (retained.length >= MAX_PER_USER) {
      const free = Math.min(...retained.map(({ expiresAt }) => expiresAt)) + RETENTION_MS - now
      return yield* refuse({ _tag: "TooManyAttempts", retryAfterSeconds: Math.ceil(free / 1000) })
    }
    const token = Base64Url.encode(yield* random.randomBytes(TOKEN_BYTES))
    const hash = yield* hashOf(yield* md5Of(token))
    const expiresAt = now + ttl
    const expired = minted.filter((one) => !retained.includes(one))
    const writes: ReadonlyArray<Write> = [
      record(TOKEN, hash, { user, expiresAt } satisfies TokenRecord),
      {
        _tag: "PutRecord",
        record: {
          dialect: OWNER,
          kind: MINTED,
          key: String(user),
          value: [...retained, { hash, expiresAt }] satisfies ReadonlyArray<MintedToken>
        },
        expected: earlier?.value ?? null
      },
      ...expired.flatMap((one) => [record(TOKEN, one.hash, null), record(USED, one.hash, null)])
    ]
    return yield* engine.commit({ expectedVersions: [], writes }).pipe(
      Effect.as(token),
      Effect.catchTag("VersionConflict", () => Effect.undefined),
      orUnavailable
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
    mint: Effect.fnUntraced(function* (user, ttl = DEFAULT_TTL_MS) {
      const time = Duration.toMillis(ttl)
      if (!(time >= 1 && time <= MAX_TTL_MS)) {
        return yield* refuse({
          _tag: "Invalid",
          field: "ttl",
          problem: "must be more than 0 and at most an hour"
        })
      }
      // Concurrent mints for one user must be counted.
      const minting = mint(user, time)
      return yield* mintLocks[user % MINT_LOCKS]?.withPermits(1)(minting) ?? minting
    }),
    use: Effect.fnUntraced(function* (user, secret) {
      if (!MD5.test(secret) && !PLAIN.test(secret)) return false
      const hash = yield* hashOf(MD5.test(secret) ? secret : yield* md5Of(secret))
      const stored = (yield* store.record(OWNER, TOKEN, hash))?.value as TokenRecord | undefined
      if (stored === undefined || stored.user !== user || stored.expiresAt <= (yield* Clock.currentTimeMillis))
        return false
      const usedMark: Write = {
        _tag: "PutRecord",
        record: { dialect: OWNER, kind: USED, key: hash, value: true },
        once: true
      }
      return yield* engine
        .commit({ expectedVersions: [], writes: [usedMark] })
        .pipe(
          Effect.as(true),
          Effect.catchTags({ Duplicate: () => Effect.succeed(false), VersionConflict: () => Effect.succeed(false) })
        )
    })
  }
}
