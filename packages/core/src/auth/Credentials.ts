/**
 * Passwords. The stored hash is a slow salted hash of the md5 hex that chat clients send, so that both forms verify.
 * Passwords verified before are recognised by a keyed, in-memory digest, so that a storm of reconnects is not limited
 * by the slow hash. A token minted for a user replaces the password once.
 *
 * Failed attempts are throttled by account and by address (for IPv6: by /64 network), and addresses share the slow hash
 * fairly. From an address of a recent login of the account, only the account's own failures from there count.
 */
import { resolveIdentity } from "./resolveIdentity.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import { Authenticator, DEFAULT_TIMEOUT } from "../ports/Authenticator.ts"
import { refuseOnStorageFailure, logStorageFailure } from "../ports/StorageErrors.ts"
import { networkOf, plainAddress } from "../ports/ClientAddress.ts"
import { Hub } from "../delivery/Hub.ts"
import { Engine } from "../engine/Engine.ts"
import { HashQueue, type Kind } from "./HashQueue.ts"
import type { UserId } from "../model/Ids.ts"
import { BoundedMap } from "../cache/BoundedMap.ts"
import { makeKnownAddresses } from "./KnownAddresses.ts"
import { type Attempts, LoginThrottle } from "./LoginThrottle.ts"
import { makeOneTimeTokens } from "./OneTimeTokens.ts"
import { Passwords } from "../ports/Passwords.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { enforceAccountName } from "../model/AccountName.ts"
import { passwordLengthProblem } from "../rules/PasswordLength.ts"
import { Settings } from "../ports/Settings.ts"
import { Store } from "../ports/Store.ts"
import type { User } from "../model/User.ts"
import { textBytes } from "../model/Utf8.ts"

/** Failures allowed for one address as a multiple of those for one account: an office shares an address. */
const ADDRESS_FACTOR = 3
/** Maximum number of characters of an account in a throttle key: no account is longer, and keys are stored. */
const MAX_KEY_LENGTH = 512
/** Maximum number of passwords that are recognised without the slow hash. */
const MAX_RECOGNISED = 200_000
/** Concurrent hashes, unless `Passwords` sets its own number. */
const DEFAULT_CONCURRENCY = 2
/** Milliseconds. */
const HOUR_MS = 3_600_000
/** The engine's own hashes, of new passwords, share the queue as one address. */
const ENGINE_ADDRESS = ""

interface Attempt {
  readonly account: string
  /** `md5(password)`; a minted token may be sent as it is. */
  readonly secret: string
  /** The password itself, if the protocol sends it, for `Authenticator.verifyPassword`. */
  readonly password?: string
  readonly address: string
}

/** Origin of an attempt, for its turn in the hash queue. */
interface AttemptSource {
  readonly kind: Kind
  readonly network: string
}

/** Passwords and login tokens, with throttling of failed logins. */
export class Credentials extends Context.Service<
  Credentials,
  {
    /**
     * Returns `md5(password)` as 32 lower-case hex digits: the form that chat clients send, and that is hashed and
     * stored. Refused with `Invalid`, before hashing, for a password of more than `MAX_PASSWORD_BYTES`.
     */
    readonly md5Secret: (password: string) => Effect.Effect<string, Refused>
    /** Returns the hash to store for a password: of its md5 hex, in PHC form. Refused as by `md5Secret`. */
    readonly hash: (password: string) => Effect.Effect<string, Refused>
    /**
     * Returns the user with that account and secret: the password's, or a token that was minted for the user. Refused
     * with `WrongPassword`, with `TooManyAttempts` after too many failures, and with `RateLimited` if too many logins
     * are queued; with `Invalid`, without counting an attempt, if the password or the secret has more than
     * `MAX_PASSWORD_BYTES`.
     */
    readonly verify: (attempt: Attempt) => Effect.Effect<User, Refused>
    /**
     * Returns a token that replaces the user's password once, wherever a password is accepted, for `ttl` (by default a
     * minute, at most an hour). For users whom the embedder has authenticated: its holder acts as the user.
     * Refused with `NoSuchUsers` for an unknown or disabled user, and with `TooManyAttempts` while 20 of the user's
     * tokens are stored, each until a minute after it expires.
     */
    readonly mint: (user: UserId, options?: { readonly ttl?: Duration.Input }) => Effect.Effect<string, Refused>
    /** Logins that were refused since the start, by reason; `other` has all other reasons. */
    readonly failures: Readonly<Record<"WrongPassword" | "TooManyAttempts" | "RateLimited" | "other", number>>
    /** Removes the record of addresses from which the account logged in, for an account that is removed. */
    readonly forgetAddresses: (account: string) => Effect.Effect<void, Refused>
  }
>()("@parley/core/Credentials") {
  /** The service, on the store and the settings of the same scope. */
  static readonly layer: Layer.Layer<
    Credentials,
    never,
    Engine | Hub | Store | Passwords | Digest.Digest | SecureRandom.SecureRandom
  > = Layer.effect(
    Credentials,
    Effect.gen(function* () {
      const engine = yield* Engine
      const { context } = engine
      const { verifyPassword, timeout = DEFAULT_TIMEOUT } = yield* Authenticator
      const store = yield* Store
      const passwords = yield* Passwords
      const digest = yield* Digest.Digest
      const random = yield* SecureRandom.SecureRandom
      const settings = yield* Settings
      const oneTime = makeOneTimeTokens(engine, store, digest, random)
      const { loginAttempts } = settings
      const window = settings.loginWindow * 1000
      const hub = yield* Hub
      const nodes = (): number => hub.nodes?.count() ?? 1
      const accounts = new LoginThrottle(
        [
          { failures: loginAttempts, window },
          { failures: Math.max(loginAttempts, settings.loginAttemptsPerHour), window: HOUR_MS }
        ],
        nodes
      )
      const addresses = new LoginThrottle([{ failures: loginAttempts * ADDRESS_FACTOR, window }], nodes)
      const knownAddresses = makeKnownAddresses(engine, store, digest)
      const queue = new HashQueue(passwords.concurrency ?? DEFAULT_CONCURRENCY)
      const scope = yield* Effect.scope
      const clock = yield* Clock.Clock
      const now = (): number => clock.currentTimeMillisUnsafe()
      const key = Hex.encode(yield* random.randomBytes(32))
      const verifiedCache = new BoundedMap<UserId, string>(MAX_RECOGNISED)
      /** Verified for unknown accounts, so that it takes as long. */
      const decoyHash = yield* Effect.cached(passwords.hash(key))

      const orUnavailable = refuseOnStorageFailure("users")

      const checkLength = (password: string): Effect.Effect<void, Refused> => {
        const problem = passwordLengthProblem(password)
        return problem === undefined ? Effect.void : refuse({ _tag: "Invalid", field: "password", problem })
      }

      const md5Secret = (password: string): Effect.Effect<string, Refused> =>
        Effect.andThen(
          checkLength(password),
          Effect.suspend(() => digest.digestHex(Digest.md5, textBytes(password)))
        )

      const verifyStored = Effect.fnUntraced(function* (user: User | undefined, secret: string, from: AttemptSource) {
        const stored = user === undefined || user.disabled ? null : yield* store.password(user.id)
        const verifiedDigest =
          stored === null ? "" : yield* digest.digestHex(Digest.sha256, textBytes(`${key}:${stored}:${secret}`))
        if (user !== undefined && stored !== null && verifiedCache.get(user.id) === verifiedDigest) return true
        if (user !== undefined && !user.disabled && (yield* oneTime.use(user.id, secret))) return true
        const hash = user === undefined || stored === null ? yield* decoyHash : stored
        const isVerified = yield* queue.run(from.kind, from.network, passwords.verify(secret, hash))
        if (user === undefined || stored === null || !isVerified) return false
        verifiedCache.set(user.id, verifiedDigest)
        return true
      })

      /** Returns the key by which attempts and addresses of an account are counted and stored. */
      const keyOf = (account: string): string => {
        const given = account.slice(0, MAX_KEY_LENGTH)
        return enforceAccountName(given) ?? given
      }

      /** Verifies against the embedder's `verifyPassword`. */
      const verifyExternally = Effect.fnUntraced(function* (account: string, password: string | undefined) {
        if (verifyPassword === undefined || password === undefined) return undefined
        const identity = yield* Effect.timeout(
          Effect.suspend(() => verifyPassword(account, password)),
          timeout
        )
        const user = yield* resolveIdentity(context.users, identity, "verifyPassword")
        return user?.disabled === false ? user : undefined
      })

      /** Returns the user with this secret, or undefined. */
      const identify = ({ account, secret, password }: Attempt, from: AttemptSource) =>
        Effect.gen(function* () {
          const [user] = yield* context.users.resolve([account])
          return (yield* verifyStored(user, secret, from)) ? user : yield* verifyExternally(account, password)
        }).pipe(
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.interrupt
              : Effect.andThen(
                  logStorageFailure("a password could not be read", cause),
                  refuse({ _tag: "Unavailable" })
                )
          )
        )

      /**
       * Runs a check as an attempt that is counted by these keys. An attempt without a result counts as a
       * failure. So does an interrupted one: a recognised password would have been accepted without a wait.
       */
      const runCounted = (
        keys: ReadonlyArray<readonly [LoginThrottle, string]>,
        attempt: Effect.Effect<User | undefined, Refused>
      ): Effect.Effect<User | undefined, Refused> => {
        const [first, ...others] = keys
        if (first === undefined) return attempt
        const [throttle, name] = first
        return Effect.acquireUseRelease(
          throttle.enter(name, now),
          () => runCounted(others, attempt),
          (attempts: Attempts, exit) =>
            Effect.sync(() => {
              const failed = Exit.isSuccess(exit) ? exit.value === undefined : Cause.hasInterruptsOnly(exit.cause)
              throttle.leave(attempts, failed, now())
            })
        )
      }

      const failures = { WrongPassword: 0, TooManyAttempts: 0, RateLimited: 0, other: 0 }
      const countFailure = ({ reason: { _tag } }: Refused): Effect.Effect<void> =>
        Effect.sync(() => {
          const isLimit = _tag === "WrongPassword" || _tag === "TooManyAttempts" || _tag === "RateLimited"
          failures[isLimit ? _tag : "other"]++
        })

      return Credentials.of({
        failures,
        md5Secret,
        hash: (password) =>
          Effect.flatMap(md5Secret(password), (secret) => queue.run("known", ENGINE_ADDRESS, passwords.hash(secret))),
        mint: Effect.fnUntraced(function* (id, options) {
          const user = yield* orUnavailable(context.users.find(id))
          if (user === undefined || user.disabled) return yield* refuse({ _tag: "NoSuchUsers", users: [String(id)] })
          return yield* oneTime.mint(id, options?.ttl)
        }),
        forgetAddresses: (account) => orUnavailable(knownAddresses.remove(keyOf(account))),
        verify: Effect.fnUntraced(function* (attempt) {
          yield* checkLength(attempt.secret)
          if (attempt.password !== undefined) yield* checkLength(attempt.password)
          const network = networkOf(plainAddress(attempt.address))
          const account = keyOf(attempt.account)
          const isKnown = yield* orUnavailable(knownAddresses.has(account, network))
          const kind = isKnown ? "known" : "unknown"
          // The address first: attempts that wait for their address hold nothing of the account.
          const keys = isKnown
            ? ([[accounts, `${account}\n${network}`]] as const)
            : ([
                [addresses, network],
                [accounts, account]
              ] as const)
          const check = queue.admit(kind, network, identify(attempt, { kind, network }))
          const user = yield* runCounted(keys, check)
          if (user === undefined) return yield* refuse({ _tag: "WrongPassword" })
          yield* Effect.forkIn(knownAddresses.add(account, network), scope)
          return user
        }, Effect.tapError(countFailure))
      })
    })
  )
}
