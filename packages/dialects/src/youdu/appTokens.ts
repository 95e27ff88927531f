/**
 * Access tokens of apps: opaque, stored as hashes only, valid for a fixed time. They are records of this protocol instead of
 * sessions, since apps are not users. Source: PROTOCOLS, "youdu".
 */
import { refuseOnStorageFailure } from "@parley/core/StorageErrors"
import type { Engine } from "@parley/core/Engine"
import { type Refused, refuse } from "@parley/core/Refused"
import type { Store, Write } from "@parley/core/Store"
import { textBytes } from "@parley/core/Utf8"
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Semaphore from "effect/Semaphore"
import { DIALECT } from "./apps.ts"

const KIND = "token"
/** Proofs that apps have used, each until it would be too old anyway. */
const PROOF_KIND = "used"
/** Maximum number of used proofs; beyond it no token is issued until the oldest proofs expire. */
const MAX_PROOFS = 10_000
/** Random bytes in a token. */
const TOKEN_SIZE = 32
/** Distinguishes tokens of apps from those of sessions, which never contain `.`, so that neither is looked up as the other. */
const TOKEN_PREFIX = "app."
/** Maximum number of valid tokens of one app; beyond it the oldest ones are removed. */
const MAX_TOKENS_PER_APP = 100

interface StoredToken {
  /** The app's name. */
  readonly app: string
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface AppTokens {
  /**
   * Issues a token for an app, for a proof that is valid once, until `expiresAt` (milliseconds since 1970); undefined if the
   * proof was used before. `fingerprint` identifies the proof.
   */
  readonly issue: (
    app: string,
    proof: { readonly fingerprint: string; readonly expiresAt: number }
  ) => Effect.Effect<string | undefined, Refused>
  /** Returns the name of the token's app while the token is valid. */
  readonly appOf: (token: string) => Effect.Effect<string | undefined, Refused>
  /** Returns the SHA-256 in lower-case hex. */
  readonly hashOf: (token: string) => Effect.Effect<string>
}

interface TokenDeps {
  readonly store: Store["Service"]
  readonly engine: Engine["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly digest: Digest.Digest["Service"]
  /** Lifetime of a token, in seconds. */
  readonly lifetime: number
}

const orUnavailable = refuseOnStorageFailure("tokens of apps")

/** Valid tokens were removed, which other nodes may have in memory. */
const NOTE: Write = { _tag: "NoteChange", change: { _tag: "RecordsChanged", dialect: DIALECT, kind: KIND } }

export const makeAppTokens = ({ store, engine, random, digest, lifetime }: TokenDeps): AppTokens => {
  /** Valid tokens by hash. Others may still be stored. */
  const cache = new Map<string, StoredToken>()
  /** Number of commits that may remove tokens. A token that was read during one is not cached. */
  let commits = 0
  engine.onRecordsChanged(DIALECT, KIND, () => {
    commits++
    cache.clear()
  })
  const hashOf = (token: string): Effect.Effect<string> => digest.digestHex(Digest.sha256, textBytes(token))

  const put = (key: string, value: StoredToken | null): Write => ({
    _tag: "PutRecord",
    record: { dialect: DIALECT, kind: KIND, key, value }
  })

  /** Serializes issuing, so that limits also hold for concurrent requests. */
  const issuing = Semaphore.makeUnsafe(1)

  const issue = Effect.fnUntraced(function* (
    app: string,
    { fingerprint, expiresAt }: { readonly fingerprint: string; readonly expiresAt: number }
  ): Effect.fn.Return<string | undefined, Refused> {
    const now = yield* Clock.currentTimeMillis
    const token = `${TOKEN_PREFIX}${Base64Url.encode(yield* random.randomBytes(TOKEN_SIZE))}`
    const hash = yield* hashOf(token)
    const value: StoredToken = { app, issuedAt: now, expiresAt: now + lifetime * 1000 }
    const stored = (yield* orUnavailable(store.records(DIALECT, KIND))).map(({ key, value: one }) => ({
      key,
      ...(one as StoredToken)
    }))
    const others = stored
      .filter((one) => one.app === app && one.expiresAt > now)
      .sort((a, b) => b.issuedAt - a.issuedAt)
      .slice(MAX_TOKENS_PER_APP - 1)
    const removed = [...stored.filter((one) => one.expiresAt <= now), ...others].map(({ key }) => key)
    const proofs = yield* orUnavailable(store.records(DIALECT, PROOF_KIND))
    const isExpired = (one: unknown): boolean => typeof one !== "number" || one < now
    if (proofs.filter(({ value: one }) => !isExpired(one)).length >= MAX_PROOFS) {
      return yield* refuse({ _tag: "RateLimited", retryAfterSeconds: Math.max(1, Math.ceil((expiresAt - now) / 1000)) })
    }
    const proof = { dialect: DIALECT, kind: PROOF_KIND, key: yield* hashOf(`${app}:${fingerprint}`), value: expiresAt }
    const isNew = yield* orUnavailable(
      engine
        .commit({
          expectedVersions: [],
          writes: [
            { _tag: "PutRecord", record: proof, once: true },
            put(hash, value),
            ...removed.map((key) => put(key, null)),
            ...proofs
              .filter((one) => isExpired(one.value) && one.key !== proof.key)
              .map((one): Write => ({ _tag: "PutRecord", record: { ...one, value: null } })),
            ...(others.length > 0 ? [NOTE] : [])
          ]
        })
        .pipe(
          Effect.as(true),
          Effect.catchTag("Duplicate", () => Effect.succeed(false))
        )
    )
    if (!isNew) return undefined
    commits++
    for (const key of removed) cache.delete(key)
    cache.set(hash, value)
    return token
  })

  return {
    hashOf,
    issue: (app, proof) => issuing.withPermits(1)(issue(app, proof)),
    appOf: Effect.fnUntraced(function* (token) {
      if (!token.startsWith(TOKEN_PREFIX) || token.length > 256) return undefined
      const hash = yield* hashOf(token)
      let found = cache.get(hash)
      if (found === undefined) {
        const before = commits
        const record = yield* orUnavailable(store.record(DIALECT, KIND, hash))
        if (record === undefined) return undefined
        found = record.value as StoredToken
        if (commits === before) cache.set(hash, found)
      }
      if (found.expiresAt > (yield* Clock.currentTimeMillis)) return found.app
      cache.delete(hash)
      return undefined
    })
  }
}
