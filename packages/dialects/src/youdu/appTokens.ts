/**
 * The tokens of apps: opaque, stored as their hash only, good for a fixed time. They are records of this protocol and not
 * sessions, since an app is no user. Source: PROTOCOLS, "youdu".
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
/** Proofs of apps that have been used, each until it would be too old anyhow. */
const USED = "used"
/** Proofs that count as used at one time, at most; beyond them no token is issued until the oldest are too old. */
const MAX_USED = 10_000
const BYTES = 32
/** No token of a session begins so, since `.` is no digit of theirs: neither kind is looked for among the other. */
const PREFIX = "app."
/** Live tokens of one app, at most; beyond it the oldest end. */
const PER_APP = 100

interface StoredToken {
  /** The app's name. */
  readonly app: string
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface AppTokens {
  /**
   * A fresh token for an app, for a proof that counts once, until `until` (milliseconds since 1970); undefined where the
   * proof was used before. `mark` is what the proof is known by.
   */
  readonly issue: (
    app: string,
    proof: { readonly mark: string; readonly until: number }
  ) => Effect.Effect<string | undefined, Refused>
  /** The name of the app whose token this is, while it is good. */
  readonly appOf: (token: string) => Effect.Effect<string | undefined, Refused>
  /** SHA-256, lower-case hex. */
  readonly hashOf: (token: string) => Effect.Effect<string>
}

interface TokenDeps {
  readonly store: Store["Service"]
  readonly engine: Engine["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly digest: Digest.Digest["Service"]
  /** Seconds for which a token is good. */
  readonly lifetime: number
}

const readable = refuseOnStorageFailure("tokens of apps")

export const makeAppTokens = ({ store, engine, random, digest, lifetime }: TokenDeps): AppTokens => {
  /** Of live tokens, by hash. What is not here may still be stored. */
  const held = new Map<string, StoredToken>()
  /** Counts commits after which tokens have ended: what was being read meanwhile is not kept. */
  let endings = 0
  const hashOf = (token: string): Effect.Effect<string> => digest.digestHex(Digest.sha256, textBytes(token))

  const put = (key: string, value: StoredToken | null): Write => ({
    _tag: "PutRecord",
    record: { dialect: DIALECT, kind: KIND, key, value }
  })

  /** What is issued side by side is counted all the same. */
  const issuing = Semaphore.makeUnsafe(1)

  const issue = Effect.fnUntraced(function* (
    app: string,
    { mark, until }: { readonly mark: string; readonly until: number }
  ): Effect.fn.Return<string | undefined, Refused> {
    const now = yield* Clock.currentTimeMillis
    const token = `${PREFIX}${Base64Url.encode(yield* random.randomBytes(BYTES))}`
    const hash = yield* hashOf(token)
    const value: StoredToken = { app, issuedAt: now, expiresAt: now + lifetime * 1000 }
    const stored = (yield* readable(store.records(DIALECT, KIND))).map(({ key, value: one }) => ({
      key,
      ...(one as StoredToken)
    }))
    const others = stored
      .filter((one) => one.app === app && one.expiresAt > now)
      .sort((a, b) => b.issuedAt - a.issuedAt)
      .slice(PER_APP - 1)
    const over = [...stored.filter((one) => one.expiresAt <= now), ...others].map(({ key }) => key)
    const used = yield* readable(store.records(DIALECT, USED))
    const isOver = (one: unknown): boolean => typeof one !== "number" || one < now
    if (used.filter(({ value: one }) => !isOver(one)).length >= MAX_USED) {
      return yield* refuse({ _tag: "RateLimited", retryAfterSeconds: Math.max(1, Math.ceil((until - now) / 1000)) })
    }
    const proof = { dialect: DIALECT, kind: USED, key: yield* hashOf(`${app}:${mark}`), value: until }
    const isNew = yield* readable(
      engine
        .commit({
          expectedVersions: [],
          writes: [
            { _tag: "PutRecord", record: proof, once: true },
            put(hash, value),
            ...over.map((key) => put(key, null)),
            ...used
              .filter((one) => isOver(one.value) && one.key !== proof.key)
              .map((one): Write => ({ _tag: "PutRecord", record: { ...one, value: null } }))
          ]
        })
        .pipe(
          Effect.as(true),
          Effect.catchTag("Duplicate", () => Effect.succeed(false))
        )
    )
    if (!isNew) return undefined
    endings++
    for (const key of over) held.delete(key)
    held.set(hash, value)
    return token
  })

  return {
    hashOf,
    issue: (app, proof) => issuing.withPermits(1)(issue(app, proof)),
    appOf: Effect.fnUntraced(function* (token) {
      if (!token.startsWith(PREFIX) || token.length > 256) return undefined
      const hash = yield* hashOf(token)
      let found = held.get(hash)
      if (found === undefined) {
        const before = endings
        const record = yield* readable(store.record(DIALECT, KIND, hash))
        if (record === undefined) return undefined
        found = record.value as StoredToken
        if (endings === before) held.set(hash, found)
      }
      if (found.expiresAt > (yield* Clock.currentTimeMillis)) return found.app
      held.delete(hash)
      return undefined
    })
  }
}
