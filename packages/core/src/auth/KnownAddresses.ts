/**
 * Networks from which each account recently logged in. Other users' failures do not lock such a login out. Each account
 * has a record in the store, which survives a restart and is shared by all nodes.
 */
import * as Clock from "effect/Clock"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import { BoundedMap } from "../cache/BoundedMap.ts"
import type { Engine } from "../engine/Engine.ts"
import type { Duplicate, VersionConflict, StorageFailed, Store } from "../ports/Store.ts"
import { textBytes } from "../model/Utf8.ts"

/** Owner of the engine's own records, which is not a protocol. */
const OWNER = "@parley/core"
const KIND = "knownAddresses"

const DAY_MS = 86_400_000
/** Milliseconds for which an address stays known after a login. */
const TTL_MS = 30 * DAY_MS
/** Maximum number of addresses of one account; beyond it the least recently used one is dropped. */
const MAX_ADDRESSES = 8
/** Maximum number of accounts in memory; beyond it the least recently used one is dropped. */
const MAX_ACCOUNTS = 20_000
/** Hex digits of an address's hash. The addresses themselves are not stored. */
const HASH_DIGITS = 32

interface KnownAddress {
  readonly address: string
  /** Day of the last login; milliseconds since 1970. */
  readonly at: number
}

export interface KnownAddresses {
  /** Returns whether the account logged in from this network within 30 days. */
  readonly has: (account: string, network: string) => Effect.Effect<boolean, StorageFailed>
  /** Records a login. At most one write for each account, network and day. */
  readonly add: (account: string, network: string) => Effect.Effect<void>
  /** Removes the record of an account that is removed: the next user of that account begins without one. */
  readonly remove: (account: string) => Effect.Effect<void, VersionConflict | Duplicate | StorageFailed>
}

export const makeKnownAddresses = (
  engine: Engine["Service"],
  store: Store["Service"],
  digest: Digest.Digest["Service"]
): KnownAddresses => {
  const byAccount = new BoundedMap<string, ReadonlyArray<KnownAddress>>(MAX_ACCOUNTS)
  /** Number of removals: a login recorded meanwhile may belong to a removed account. */
  let removals = 0

  const hashOf = (account: string, network: string): Effect.Effect<string> =>
    Effect.map(digest.digestHex(Digest.sha256, textBytes(`${account}\n${network}`)), (hash) =>
      hash.slice(0, HASH_DIGITS)
    )

  /** Returns the addresses of the account. Another node may have recorded more than the cached ones. */
  const read = Effect.fnUntraced(function* (account: string, address: string) {
    const cached = byAccount.get(account)
    if (cached?.some((one) => one.address === address) === true) return cached
    const record = yield* store.record(OWNER, KIND, account)
    return (record?.value ?? []) as ReadonlyArray<KnownAddress>
  })

  return {
    has: Effect.fnUntraced(function* (account, network) {
      const address = yield* hashOf(account, network)
      const since = (yield* Clock.currentTimeMillis) - TTL_MS
      return (yield* read(account, address)).some((one) => one.address === address && one.at >= since)
    }),
    add: Effect.fnUntraced(
      function* (account, network) {
        const before = removals
        const address = yield* hashOf(account, network)
        const now = yield* Clock.currentTimeMillis
        const stored = yield* read(account, address)
        if (removals !== before) return
        // The cached addresses may have changed during the read.
        const current = byAccount.get(account) ?? stored
        if (current.some((one) => one.address === address && now - one.at < DAY_MS)) {
          byAccount.set(account, current)
          return
        }
        const others = current.filter((one) => one.address !== address && now - one.at < TTL_MS)
        const next = [{ address, at: now }, ...others].slice(0, MAX_ADDRESSES)
        byAccount.set(account, next)
        yield* engine.commit({
          expectedVersions: [],
          writes: [{ _tag: "PutRecord", record: { dialect: OWNER, kind: KIND, key: account, value: next } }]
        })
      },
      Effect.catch((failed) => Effect.logWarning("the address of a login could not be recorded", failed))
    ),
    remove: Effect.fnUntraced(function* (account) {
      removals++
      byAccount.delete(account)
      yield* engine.commit({
        expectedVersions: [],
        writes: [{ _tag: "PutRecord", record: { dialect: OWNER, kind: KIND, key: account, value: null } }]
      })
    })
  }
}
