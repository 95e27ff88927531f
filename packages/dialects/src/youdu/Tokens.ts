/**
 * The tokens of apps: opaque, stored as their hash only, good for a fixed time. They are records of this protocol and not
 * sessions, since an app is no user. Source: PROTOCOLS, "youdu".
 */
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
import { DIALECT } from "./Apps.ts"

const KIND = "token"
const BYTES = 32
/** No token of a session begins so, since `.` is no digit of theirs: neither kind is looked for among the other. */
const PREFIX = "app."
/** Live tokens of one app, at most; beyond it the oldest end. */
const PER_APP = 100

interface Held {
  /** The app's name. */
  readonly app: string
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export interface Tokens {
  /** A fresh token for an app. */
  readonly issue: (app: string) => Effect.Effect<string, Refused>
  /** The name of the app whose token this is, while it is good. */
  readonly appOf: (token: string) => Effect.Effect<string | undefined, Refused>
  /** SHA-256, lower-case hex. */
  readonly hashOf: (token: string) => Effect.Effect<string>
}

interface Grounds {
  readonly store: Store["Service"]
  readonly engine: Engine["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly digest: Digest.Digest["Service"]
  /** Seconds for which a token is good. */
  readonly lifetime: number
}

const available = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, Refused> =>
  Effect.catch(effect, (failed) =>
    Effect.andThen(
      Effect.logError("tokens of apps could not be read or written", failed),
      refuse({ _tag: "Unavailable" })
    )
  )

export const makeTokens = ({ store, engine, random, digest, lifetime }: Grounds): Tokens => {
  /** Of live tokens, by hash. What is not here may still be stored. */
  const held = new Map<string, Held>()
  /** Counts commits after which tokens have ended: what was being read meanwhile is not kept. */
  let endings = 0
  const hashOf = (token: string): Effect.Effect<string> => digest.digestHex(Digest.sha256, textBytes(token))

  const put = (key: string, value: Held | null): Write => ({
    _tag: "PutRecord",
    record: { dialect: DIALECT, kind: KIND, key, value }
  })

  /** What is issued side by side is counted all the same. */
  const issuing = Semaphore.makeUnsafe(1)

  const issue = Effect.fnUntraced(function* (app: string): Effect.fn.Return<string, Refused> {
    const now = yield* Clock.currentTimeMillis
    const token = `${PREFIX}${Base64Url.encode(yield* random.randomBytes(BYTES))}`
    const hash = yield* hashOf(token)
    const value: Held = { app, issuedAt: now, expiresAt: now + lifetime * 1000 }
    const stored = (yield* available(store.records(DIALECT, KIND))).map(({ key, value: one }) => ({
      key,
      ...(one as Held)
    }))
    const others = stored
      .filter((one) => one.app === app && one.expiresAt > now)
      .sort((a, b) => b.issuedAt - a.issuedAt)
      .slice(PER_APP - 1)
    const over = [...stored.filter((one) => one.expiresAt <= now), ...others].map(({ key }) => key)
    yield* available(engine.commit({ relies: [], writes: [put(hash, value), ...over.map((key) => put(key, null))] }))
    endings++
    for (const key of over) held.delete(key)
    held.set(hash, value)
    return token
  })

  return {
    hashOf,
    issue: (app) => issuing.withPermits(1)(issue(app)),
    appOf: Effect.fnUntraced(function* (token) {
      if (!token.startsWith(PREFIX) || token.length > 256) return undefined
      const hash = yield* hashOf(token)
      let found = held.get(hash)
      if (found === undefined) {
        const before = endings
        const record = yield* available(store.record(DIALECT, KIND, hash))
        if (record === undefined) return undefined
        found = record.value as Held
        if (endings === before) held.set(hash, found)
      }
      if (found.expiresAt > (yield* Clock.currentTimeMillis)) return found.app
      held.delete(hash)
      return undefined
    })
  }
}
