/**
 * The networks from which each account logged in lately. Failures of others do not lock such a login out. A record of the
 * store for each account: it survives a restart, and is good on every node.
 */
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import { BoundedMap } from "../cache/BoundedMap.ts"
import type { Engine } from "../engine/Engine.ts"
import type { Duplicate, VersionConflict, StorageFailed, Store } from "../ports/Store.ts"
import { textBytes } from "../model/Utf8.ts"

/** Not a protocol's: the engine's own records. */
const OWNER = "@parley/core"
const KIND = "knownAddresses"

const DAY = 86_400_000
/** Milliseconds for which an address stays known after a login. */
const KNOWN_FOR = 30 * DAY
/** Addresses of one account, at most; beyond it the one used longest ago goes. */
const PER_ACCOUNT = 8
/** Maximum number of accounts in memory; beyond it the one used longest ago is dropped. */
const MAX_ACCOUNTS = 20_000
/** Hex digits of an address's hash. The addresses themselves are not stored. */
const DIGITS = 32

interface Known {
  readonly address: string
  /** The last login, to the day; milliseconds since 1970. */
  readonly at: number
}

export interface KnownAddresses {
  /** Whether the account logged in from this network within 30 days. */
  readonly has: (account: string, network: string) => Effect.Effect<boolean, StorageFailed>
  /** Records a login. At most one write for each account, network and day. */
  readonly add: (account: string, network: string) => Effect.Effect<void>
  /** Removes the record of an account that is removed: the next user of that account begins without one. */
  readonly forget: (account: string) => Effect.Effect<void, VersionConflict | Duplicate | StorageFailed>
}

export const makeKnownAddresses = (
  engine: Engine["Service"],
  store: Store["Service"],
  digest: Digest.Digest["Service"]
): KnownAddresses => {
  const byAccount = new BoundedMap<string, ReadonlyArray<Known>>(MAX_ACCOUNTS)
  /** Counts `forget`: a login that is recorded meanwhile may be of an account that was removed. */
  let forgotten = 0

  const hashOf = (account: string, network: string): Effect.Effect<string> =>
    Effect.map(digest.digestHex(Digest.sha256, textBytes(`${account}\n${network}`)), (hash) => hash.slice(0, DIGITS))

  /** What is known of the account. Another node may have recorded more than what is here. */
  const read = Effect.fnUntraced(function* (account: string, address: string) {
    const here = byAccount.get(account)
    if (here?.some((one) => one.address === address) === true) return here
    const record = yield* store.record(OWNER, KIND, account)
    return (record?.value ?? []) as ReadonlyArray<Known>
  })

  return {
    has: Effect.fnUntraced(function* (account, network) {
      const address = yield* hashOf(account, network)
      const since = (yield* Clock.currentTimeMillis) - KNOWN_FOR
      return (yield* read(account, address)).some((one) => one.address === address && one.at >= since)
    }),
    add: Effect.fnUntraced(
      function* (account, network) {
        const before = forgotten
        const address = yield* hashOf(account, network)
        const now = yield* Clock.currentTimeMillis
        const stored = yield* read(account, address)
        if (forgotten !== before) return
        // What is here may have been added while storage was read.
        const known = byAccount.get(account) ?? stored
        if (known.some((one) => one.address === address && now - one.at < DAY)) {
          byAccount.set(account, known)
          return
        }
        const others = known.filter((one) => one.address !== address && now - one.at < KNOWN_FOR)
        const next = [{ address, at: now }, ...others].slice(0, PER_ACCOUNT)
        byAccount.set(account, next)
        yield* engine.commit({
          expectedVersions: [],
          writes: [{ _tag: "PutRecord", record: { dialect: OWNER, kind: KIND, key: account, value: next } }]
        })
      },
      Effect.catch((failed) => Effect.logWarning("the address of a login could not be recorded", failed))
    ),
    forget: Effect.fnUntraced(function* (account) {
      forgotten++
      byAccount.delete(account)
      yield* engine.commit({
        expectedVersions: [],
        writes: [{ _tag: "PutRecord", record: { dialect: OWNER, kind: KIND, key: account, value: null } }]
      })
    })
  }
}
