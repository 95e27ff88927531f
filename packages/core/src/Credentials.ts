/**
 * Passwords: what is stored is a slow salted hash of the md5 hex that chat clients send, so that both forms verify. A
 * password that was verified before is recognised by a keyed, in-memory digest, so that a storm of reconnects is not
 * bound by the slow hash. A token that was minted for a user stands for the password once. Failed attempts are throttled
 * by account and by address.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import { Authenticator, DEFAULT_TIMEOUT, identified } from "./Authenticator.ts"
import { available as availableOr } from "./Availability.ts"
import { Engine } from "./Engine.ts"
import { FailedLogins } from "./FailedLogins.ts"
import type { UserId } from "./Ids.ts"
import { makeOneTimeTokens } from "./OneTimeTokens.ts"
import { Passwords } from "./Passwords.ts"
import { type Refused, refuse } from "./Refused.ts"
import { Settings } from "./Settings.ts"
import { Store } from "./Store.ts"
import type { User } from "./User.ts"
import { textBytes } from "./Utf8.ts"

/** One address may fail so many times as often as one account: an office shares one. */
const ADDRESS_FACTOR = 3
/** Characters of an account by which its failures are counted: nobody's account is longer, and keys are kept. */
const COUNTED_BY = 512
/** Passwords recognised without the slow hash, at most. */
const LIMIT = 200_000

export class Credentials extends Context.Service<
  Credentials,
  {
    /** `md5(password)` as 32 lower-case hex digits: what chat clients send, and what is hashed and stored. */
    readonly secretOf: (password: string) => Effect.Effect<string>
    /** What to store for a password: a hash of its md5 hex, in PHC form. */
    readonly hash: (password: string) => Effect.Effect<string>
    /** The user with that account and secret: the password's, or a token that was minted for the user. */
    readonly verify: (attempt: {
      readonly account: string
      /** `md5(password)`; a minted token also as it is. */
      readonly secret: string
      /** The password itself, where the protocol has it: what `Authenticator.verifyPassword` is asked about. */
      readonly password?: string
      readonly address: string
    }) => Effect.Effect<User, Refused>
    /**
     * A token that stands for the user's password once, wherever a password is taken, for `ttl` (by default a minute, at
     * most an hour). For those whom the embedder has authenticated: whoever has the token is the user. Refused with
     * `NoSuchUsers` for who does not exist or is disabled, and with `TooManyAttempts` while 20 of the user's are kept,
     * each until a minute after its time.
     */
    readonly mint: (user: UserId, options?: { readonly ttl?: Duration.Input }) => Effect.Effect<string, Refused>
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
      const { desk } = engine
      const { verifyPassword, timeout = DEFAULT_TIMEOUT } = yield* Authenticator
      const store = yield* Store
      const passwords = yield* Passwords
      const digest = yield* Digest.Digest
      const random = yield* SecureRandom.SecureRandom
      const settings = yield* Settings
      const oneTime = makeOneTimeTokens(engine, store, digest, random)
      const failed = new FailedLogins(settings.loginWindow)
      const key = Hex.encode(yield* random.randomBytes(32))
      const recognised = new Map<UserId, string>()
      /** Verified against where there is no account, so that it takes as long. */
      const nobody = yield* Effect.cached(passwords.hash(key))

      const available = availableOr("users")

      const secretOf = (password: string): Effect.Effect<string> => digest.digestHex(Digest.md5, textBytes(password))

      const matches = Effect.fnUntraced(function* (user: User | undefined, secret: string) {
        const stored = user === undefined || user.disabled ? null : yield* store.password(user.id)
        const mark =
          stored === null ? "" : yield* digest.digestHex(Digest.sha256, textBytes(`${key}:${stored}:${secret}`))
        if (user !== undefined && stored !== null && recognised.get(user.id) === mark) return true
        if (user !== undefined && !user.disabled && (yield* oneTime.use(user.id, secret))) return true
        if (user === undefined || stored === null) {
          yield* passwords.verify(secret, yield* nobody)
          return false
        }
        if (!(yield* passwords.verify(secret, stored))) return false
        if (recognised.size >= LIMIT) recognised.clear()
        recognised.set(user.id, mark)
        return true
      })

      /** Whose account and password these are by what the embedder says. */
      const vouched = Effect.fnUntraced(function* (account: string, password: string | undefined) {
        if (verifyPassword === undefined || password === undefined) return undefined
        const identity = yield* Effect.timeout(
          Effect.suspend(() => verifyPassword(account, password)),
          timeout
        )
        const user = yield* identified(desk.users, identity)
        return user?.disabled === false ? user : undefined
      })

      return Credentials.of({
        secretOf,
        hash: (password) => Effect.flatMap(secretOf(password), passwords.hash),
        mint: Effect.fnUntraced(function* (id, options) {
          const user = yield* available(desk.users.find(id))
          if (user === undefined || user.disabled) return yield* refuse({ _tag: "NoSuchUsers", users: [String(id)] })
          return yield* oneTime.mint(id, options?.ttl)
        }),
        verify: Effect.fnUntraced(function* ({ account, secret, password, address }) {
          const now = yield* Clock.currentTimeMillis
          const byAccount = `account:${account.slice(0, COUNTED_BY)}`
          const byAddress = `address:${address}`
          const wait =
            failed.wait(byAccount, settings.loginAttempts, now) ??
            failed.wait(byAddress, settings.loginAttempts * ADDRESS_FACTOR, now)
          if (wait !== undefined) return yield* refuse({ _tag: "TooManyAttempts", retryAfterSeconds: wait })
          // Counted before it is known, so that attempts side by side are counted too.
          failed.add(byAccount, now)
          const checked = yield* Effect.gen(function* () {
            const [user] = yield* desk.users.byAccount([account])
            return (yield* matches(user, secret)) ? user : yield* vouched(account, password)
          }).pipe(
            Effect.catchCause((cause) =>
              Effect.andThen(
                Effect.logError("a password could not be read", cause),
                Effect.suspend(() => {
                  failed.takeBack(byAccount)
                  return refuse({ _tag: "Unavailable" })
                })
              )
            )
          )
          if (checked === undefined) {
            failed.add(byAddress, now)
            return yield* refuse({ _tag: "WrongPassword" })
          }
          failed.takeBack(byAccount)
          return checked
        })
      })
    })
  )
}
