/** Tokens that stand for a password once. Source: PROTOCOLS, "Passwords". */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { createHash } from "node:crypto"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Credentials } from "@parley/core/Credentials"
import * as Parley from "@parley/core/Parley"
import type { Refused } from "@parley/core/Refused"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { HeldStore } from "./HeldStore.ts"
import { people } from "./harness.ts"
import { engineOn, DirectoryFixture, uuid, withUsersOf } from "./directoryFixture.ts"

const md5 = (text: string): string => createHash("md5").update(text).digest("hex")

const withFixture = <A, E>(test: Effect.Effect<A, E, Parley.Services | Store>, store = MemoryStore.make()) =>
  Effect.provide(test, engineOn(store))

let addresses = 0

const login = Effect.fnUntraced(function* (account: string, secret: string) {
  // Each from an address of its own: what is throttled by address is tested elsewhere.
  const address = `10.0.${addresses >> 8}.${addresses++ & 255}`
  return yield* (yield* Sessions).login({ account, secret, kind: "token", device: "", address })
})

const reasonOf = <A, R>(attempt: Effect.Effect<A, Refused, R>) =>
  Effect.map(Effect.flip(attempt), ({ reason }) => reason)

const mintFor = Effect.fnUntraced(function* (account: string, ttl?: string) {
  const user = yield* (yield* Users).byAccount(account)
  if (user === undefined) return yield* Effect.die(`no ${account}`)
  const { mint } = yield* Credentials
  return yield* ttl === undefined ? mint(user.id) : mint(user.id, { ttl: ttl as "1 minute" })
})

describe("a one-time token", () => {
  it.effect("replaces the password as it is, and as the md5 of chat clients, in either case", () =>
    withFixture(
      Effect.gen(function* () {
        yield* people("ann", { account: "ben", password: "correct-horse-7" })
        for (const account of ["ann", "ben"]) {
          assert.strictEqual((yield* login(account, yield* mintFor(account))).user.account, account)
          assert.strictEqual((yield* login(account, md5(yield* mintFor(account)))).user.account, account)
          assert.strictEqual((yield* login(account, md5(yield* mintFor(account)).toUpperCase())).user.account, account)
        }
        assert.strictEqual(
          (yield* login("ben", md5("correct-horse-7"))).user.account,
          "ben",
          "the password is still good"
        )
      })
    )
  )

  it.effect("has 256 random bits, and is stored as a hash only", () => {
    const store = MemoryStore.make()
    return withFixture(
      Effect.gen(function* () {
        yield* people("ann")
        const tokens = yield* Effect.all([mintFor("ann"), mintFor("ann")])
        for (const token of tokens) assert.match(token, /^[A-Za-z0-9_-]{43}$/)
        assert.notStrictEqual(tokens[0], tokens[1])
        const kinds = ["oneTimeToken", "oneTimeTokensOf"]
        const stored = JSON.stringify(yield* Effect.forEach(kinds, (kind) => store.records("@parley/core", kind)))
        for (const token of tokens) {
          assert.notInclude(stored, token)
          assert.notInclude(stored, md5(token))
        }
      }),
      store
    )
  })

  it.effect("is valid once, in either form, even for concurrent logins on two nodes", () => {
    const store = MemoryStore.make()
    const attempts = (token: string) =>
      withFixture(
        Effect.forEach(
          Array.from({ length: 4 }, (_, n) => (n % 2 === 0 ? token : md5(token))),
          (secret) => Effect.exit(login("ann", secret)),
          { concurrency: "unbounded" }
        ),
        store
      )
    return Effect.gen(function* () {
      const token = yield* withFixture(Effect.andThen(people("ann"), mintFor("ann")), store)
      const exits = yield* Effect.all([attempts(token), attempts(token)], { concurrency: "unbounded" })
      assert.lengthOf(exits.flat().filter(Exit.isSuccess), 1)
      assert.lengthOf((yield* attempts(token)).filter(Exit.isSuccess), 0)
    })
  })

  it.effect("is valid after a restart, until it expires", () => {
    const store = MemoryStore.make()
    return Effect.gen(function* () {
      const [first, second, third] = yield* withFixture(
        Effect.andThen(people("ann"), Effect.all([mintFor("ann"), mintFor("ann"), mintFor("ann", "10 minutes")])),
        store
      )
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual((yield* withFixture(login("ann", first), store)).user.account, "ann")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* withFixture(reasonOf(login("ann", second)), store))._tag, "WrongPassword")
      yield* TestClock.adjust("8 minutes")
      assert.strictEqual((yield* withFixture(login("ann", third), store)).user.account, "ann")
    })
  })

  it.effect("is valid for its user only, unless disabled", () =>
    withFixture(
      Effect.gen(function* () {
        yield* people("ann", "ben")
        const users = yield* Users
        const token = yield* mintFor("ann")
        assert.strictEqual((yield* reasonOf(login("ben", token)))._tag, "WrongPassword")
        assert.strictEqual((yield* reasonOf(login("nobody", token)))._tag, "WrongPassword")
        yield* users.setDisabled("ann", true)
        assert.strictEqual((yield* reasonOf(login("ann", token)))._tag, "WrongPassword")
        assert.strictEqual((yield* reasonOf(mintFor("ann")))._tag, "NoSuchUsers")
        yield* users.setDisabled("ann", false)
        assert.strictEqual((yield* login("ann", token)).user.account, "ann", "wrong attempts did not use it up")
      })
    )
  )

  it.effect("is one of a bounded number, which are cleared after they expire", () => {
    const store = MemoryStore.make()
    return withFixture(
      Effect.gen(function* () {
        yield* people("ann", "ben")
        const many = Effect.forEach(Array.from({ length: 20 }), () => mintFor("ann"), { concurrency: "unbounded" })
        const [first = ""] = yield* many
        yield* login("ann", first)
        assert.deepStrictEqual(yield* reasonOf(mintFor("ann")), { _tag: "TooManyAttempts", retryAfterSeconds: 120 })
        yield* mintFor("ben")
        yield* TestClock.adjust("2 minutes")
        yield* many
        assert.lengthOf(yield* store.records("@parley/core", "oneTimeToken"), 21)
        assert.lengthOf(yield* store.records("@parley/core", "oneTimeTokenUsed"), 0)
      }),
      store
    )
  })

  it.effect("is one of a bounded number even if two nodes mint concurrently", () => {
    const held = new HeldStore(MemoryStore.make())
    const onNode = <A, E>(work: Effect.Effect<A, E, Parley.Services | Store>) => withFixture(work, held.store)
    return Effect.gen(function* () {
      yield* onNode(people("ann"))
      for (let n = 0; n < 19; n++) yield* onNode(mintFor("ann"))
      const reading = held.hold("record", "after")
      const one = yield* Effect.forkChild(Effect.exit(onNode(mintFor("ann"))))
      yield* reading.reached
      const other = yield* onNode(mintFor("ann"))
      reading.release()
      const exit = yield* Fiber.join(one)
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual((yield* onNode(reasonOf(mintFor("ann"))))._tag, "TooManyAttempts")
      assert.lengthOf(yield* held.store.records("@parley/core", "oneTimeToken"), 20)
      yield* onNode(login("ann", other))
    })
  })

  it.effect("is minted again after a concurrent mint of another node, and both are valid", () => {
    const held = new HeldStore(MemoryStore.make())
    const onNode = <A, E>(work: Effect.Effect<A, E, Parley.Services | Store>) => withFixture(work, held.store)
    return Effect.gen(function* () {
      yield* onNode(people("ann"))
      const reading = held.hold("record", "after")
      const one = yield* Effect.forkChild(onNode(mintFor("ann")))
      yield* reading.reached
      const other = yield* onNode(mintFor("ann"))
      reading.release()
      yield* onNode(login("ann", yield* Fiber.join(one)))
      yield* onNode(login("ann", other))
      const minted = yield* held.store.record("@parley/core", "oneTimeTokensOf", "1")
      assert.lengthOf(minted?.value as ReadonlyArray<unknown>, 2)
    })
  })

  it.effect("is valid for at most an hour", () =>
    withFixture(
      Effect.gen(function* () {
        yield* people("ann")
        for (const ttl of ["0 millis", "61 minutes", "Infinity"]) {
          assert.deepInclude(yield* reasonOf(mintFor("ann", ttl)), { _tag: "Invalid", field: "ttl" })
        }
      })
    )
  )

  it.effect("that is wrong counts as a wrong password", () =>
    withFixture(
      Effect.gen(function* () {
        yield* people("ann")
        for (let n = 0; n < 10; n++)
          assert.strictEqual((yield* reasonOf(login("ann", md5(`x${n}`))))._tag, "WrongPassword")
        assert.strictEqual((yield* reasonOf(login("ann", md5("x"))))._tag, "TooManyAttempts")
      })
    )
  )

  it.effect("lets users of an external directory log in without a password here", () =>
    withUsersOf(new DirectoryFixture("ann").port)(
      Effect.gen(function* () {
        const token = yield* mintFor("ann")
        const { user } = yield* login("ann", md5(token))
        assert.strictEqual((yield* (yield* Users).byExternalId(uuid("ann")))?.id, user.id)
      })
    )
  )
})
