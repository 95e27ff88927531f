/**
 * Passwords: what is stored is a slow salted hash of the md5 hex that chat clients send, so that both forms verify. A
 * password that was verified before is recognised by a keyed, in-memory digest, so that a storm of reconnects is not
 * bound by the slow hash. A token that was minted for a user stands for the password once.
 *
 * Failed attempts are throttled by account and by address (of IPv6: by /64 network), and addresses share the slow hash
 * fairly. From an address that the account logged in from lately, only the account's own failures from there count.
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
import { refuseOnStorageFailure as availableOr, logStorageFailure } from "../ports/StorageErrors.ts"
import { networkOf, plainAddress } from "../ports/ClientAddress.ts"
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

/** One address may fail so many times as often as one account: an office shares one. */
const ADDRESS_FACTOR = 3
/** Characters of an account by which its failures are counted: nobody's account is longer, and keys are kept. */
const COUNTED_BY = 512
/** Maximum number of passwords that are recognised without the slow hash. */
const LIMIT = 200_000
/** Hashes computed side by side, unless `Passwords` has a number of its own. */
const CONCURRENCY = 2
/** Milliseconds. */
const HOUR = 3_600_000
/** The engine's own hashes, of new passwords, share the queue as one address. */
const OWN = ""

interface Attempt {
  readonly account: string
  /** `md5(password)`; a minted token also as it is. */
  readonly secret: string
  /** The password itself, where the protocol has it: what `Authenticator.verifyPassword` is asked about. */
  readonly password?: string
  readonly address: string
}

/** Where an attempt comes from, for its turn among the hashes. */
interface AttemptSource {
  readonly kind: Kind
  readonly network: string
}

export class Credentials extends Context.Service<
  Credentials,
  {
    /**
     * `md5(password)` as 32 lower-case hex digits: what chat clients send, and what is hashed and stored. Refused with
     * `Invalid` for a password of more than `MAX_PASSWORD_BYTES`, none of which is hashed then.
     */
    readonly md5Secret: (password: string) => Effect.Effect<string, Refused>
    /** What to store for a password: a hash of its md5 hex, in PHC form. Refused as by `secretOf`. */
    readonly hash: (password: string) => Effect.Effect<string, Refused>
    /**
     * The user with that account and secret: the password's, or a token that was minted for the user. Refused with
     * `WrongPassword`, with `TooManyAttempts` after too many failures, and with `RateLimited` where too many logins wait;
     * with `Invalid`, without an attempt, where the password or the secret has more than `MAX_PASSWORD_BYTES`.
     */
    readonly verify: (attempt: Attempt) => Effect.Effect<User, Refused>
    /**
     * A token that stands for the user's password once, wherever a password is taken, for `ttl` (by default a minute, at
     * most an hour). For those whom the embedder has authenticated: whoever has the token is the user. Refused with
     * `NoSuchUsers` for who does not exist or is disabled, and with `TooManyAttempts` while 20 of the user's are kept,
     * each until a minute after its time.
     */
    readonly mint: (user: UserId, options?: { readonly ttl?: Duration.Input }) => Effect.Effect<string, Refused>
    /** Removes the record of addresses that the account logged in from: for an account that is removed. */
    readonly forgetAddresses: (account: string) => Effect.Effect<void, Refused>
  }
>()("@parley/core/Credentials") {
  static readonly layer: Layer.Layer<
    Credentials,
    never,
    Engine | Store | Passwords | Digest.Digest | SecureRandom.SecureRandom
  > = Layer.effect(
    Credentials,
    Effect.gen(function* () {
      const engine = yield* Engine
      const { context: desk } = engine
      const { verifyPassword, timeout = DEFAULT_TIMEOUT } = yield* Authenticator
      const store = yield* Store
      const passwords = yield* Passwords
      const digest = yield* Digest.Digest
      const random = yield* SecureRandom.SecureRandom
      const settings = yield* Settings
      const oneTime = makeOneTimeTokens(engine, store, digest, random)
      const { loginAttempts } = settings
      const window = settings.loginWindow * 1000
      const accounts = new LoginThrottle([
        { failures: loginAttempts, window },
        { failures: Math.max(loginAttempts, settings.loginAttemptsPerHour), window: HOUR }
      ])
      const addresses = new LoginThrottle([{ failures: loginAttempts * ADDRESS_FACTOR, window }])
      const known = makeKnownAddresses(engine, store, digest)
      const queue = new HashQueue(passwords.concurrency ?? CONCURRENCY)
      const scope = yield* Effect.scope
      const clock = yield* Clock.Clock
      const now = (): number => clock.currentTimeMillisUnsafe()
      const key = Hex.encode(yield* random.randomBytes(32))
      const recognised = new BoundedMap<UserId, string>(LIMIT)
      /** Verified against where there is no account, so that it takes as long. */
      const nobody = yield* Effect.cached(passwords.hash(key))

      const available = availableOr("users")

      const bounded = (password: string): Effect.Effect<void, Refused> => {
        const problem = passwordLengthProblem(password)
        return problem === undefined ? Effect.void : refuse({ _tag: "Invalid", field: "password", problem })
      }

      const secretOf = (password: string): Effect.Effect<string, Refused> =>
        Effect.andThen(
          bounded(password),
          Effect.suspend(() => digest.digestHex(Digest.md5, textBytes(password)))
        )

      const matches = Effect.fnUntraced(function* (user: User | undefined, secret: string, from: AttemptSource) {
        const stored = user === undefined || user.disabled ? null : yield* store.password(user.id)
        const mark =
          stored === null ? "" : yield* digest.digestHex(Digest.sha256, textBytes(`${key}:${stored}:${secret}`))
        if (user !== undefined && stored !== null && recognised.get(user.id) === mark) return true
        if (user !== undefined && !user.disabled && (yield* oneTime.use(user.id, secret))) return true
        const hash = user === undefined || stored === null ? yield* nobody : stored
        const isRight = yield* queue.run(from.kind, from.network, passwords.verify(secret, hash))
        if (user === undefined || stored === null || !isRight) return false
        recognised.set(user.id, mark)
        return true
      })

      /** The name by which attempts and addresses of an account are counted and kept. */
      const keyOf = (account: string): string => {
        const typed = account.slice(0, COUNTED_BY)
        return enforceAccountName(typed) ?? typed
      }

      /** Whose account and password these are by what the embedder says. */
      const vouched = Effect.fnUntraced(function* (account: string, password: string | undefined) {
        if (verifyPassword === undefined || password === undefined) return undefined
        const identity = yield* Effect.timeout(
          Effect.suspend(() => verifyPassword(account, password)),
          timeout
        )
        const user = yield* resolveIdentity(desk.users, identity)
        return user?.disabled === false ? user : undefined
      })

      /** The user whose secret this is; undefined for nobody. */
      const check = ({ account, secret, password }: Attempt, from: AttemptSource) =>
        Effect.gen(function* () {
          const [user] = yield* desk.users.resolve([account])
          return (yield* matches(user, secret, from)) ? user : yield* vouched(account, password)
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
       * Runs a check as an attempt that is counted by these keys. Without a result it failed; so it did if it was
       * interrupted, since a password that was verified before shows as right at once.
       */
      const counted = (
        keys: ReadonlyArray<readonly [LoginThrottle, string]>,
        checking: Effect.Effect<User | undefined, Refused>
      ): Effect.Effect<User | undefined, Refused> => {
        const [first, ...others] = keys
        if (first === undefined) return checking
        const [throttle, name] = first
        return Effect.acquireUseRelease(
          throttle.enter(name, now),
          () => counted(others, checking),
          (attempts: Attempts, exit) =>
            Effect.sync(() => {
              const failed = Exit.isSuccess(exit) ? exit.value === undefined : Cause.hasInterruptsOnly(exit.cause)
              throttle.leave(attempts, failed, now())
            })
        )
      }

      return Credentials.of({
        md5Secret: secretOf,
        hash: (password) =>
          Effect.flatMap(secretOf(password), (secret) => queue.run("known", OWN, passwords.hash(secret))),
        mint: Effect.fnUntraced(function* (id, options) {
          const user = yield* available(desk.users.find(id))
          if (user === undefined || user.disabled) return yield* refuse({ _tag: "NoSuchUsers", users: [String(id)] })
          return yield* oneTime.mint(id, options?.ttl)
        }),
        forgetAddresses: (account) => available(known.forget(keyOf(account))),
        verify: Effect.fnUntraced(function* (attempt) {
          yield* bounded(attempt.secret)
          if (attempt.password !== undefined) yield* bounded(attempt.password)
          const network = networkOf(plainAddress(attempt.address))
          const account = keyOf(attempt.account)
          const isKnown = yield* available(known.has(account, network))
          const kind = isKnown ? "known" : "unknown"
          // The address first: attempts that wait for their address hold nothing of the account.
          const keys = isKnown
            ? ([[accounts, `${account}\n${network}`]] as const)
            : ([
                [addresses, network],
                [accounts, account]
              ] as const)
          const checking = queue.admit(kind, network, check(attempt, { kind, network }))
          const user = yield* counted(keys, checking)
          if (user === undefined) return yield* refuse({ _tag: "WrongPassword" })
          yield* Effect.forkIn(known.add(account, network), scope)
          return user
        })
      })
    })
  )
}
