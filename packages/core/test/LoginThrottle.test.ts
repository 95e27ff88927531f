/** Failed logins, attempts under way, and the turns of slow hashes. Source: PROTOCOLS, "Passwords"; OWASP ASVS, V2.2. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Credentials } from "@parley/core/Credentials"
import * as Parley from "@parley/core/Parley"
import { Passwords } from "@parley/core/Passwords"
import type { Reason, Refused } from "@parley/core/Refused"
import { defaultSettings, type EngineSettings, Settings } from "@parley/core/Settings"
import { Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Context, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { people } from "./harness.ts"

/** Milliseconds of the test clock that one hash takes; one is computed at a time. */
const HASH = 1

/** Slow hashes, counted. */
class Hashes extends Context.Service<Hashes, { evaluated: number }>()("test/Hashes") {}

const slowPasswords = Layer.effectContext(
  Effect.sync(() => {
    const hashes = { evaluated: 0 }
    const passwords = Passwords.of({
      concurrency: 1,
      hash: (secret) => Effect.succeed(`$slow$${secret}`),
      verify: (secret, hash) =>
        Effect.suspend(() => {
          hashes.evaluated++
          return Effect.as(Effect.sleep(HASH), hash === `$slow$${secret}`)
        })
    })
    return Context.make(Hashes, hashes).pipe(Context.add(Passwords, passwords))
  })
)

const engineLayer = Parley.layer.pipe(Layer.provideMerge(Layer.merge(MemoryStore.layer, slowPasswords)))

const withFixture = <A, E>(
  test: Effect.Effect<A, E, Parley.Services | Store | Hashes>,
  settings: Partial<EngineSettings> = {}
): Effect.Effect<A, E> =>
  test.pipe(Effect.provide(engineLayer), Effect.provideService(Settings, { ...defaultSettings, ...settings }))

const HERE = "192.0.2.1"
const ELSEWHERE = "198.51.100.7"

type Result = Reason["_tag"] | "Right"

const login = Effect.fnUntraced(function* (account: string, password: string, address = HERE) {
  const credentials = yield* Credentials
  return yield* credentials.verify({ account, secret: yield* credentials.md5Secret(password), address })
})

const resultOf = <R>(attempt: Effect.Effect<unknown, Refused, R>): Effect.Effect<Result, never, R> =>
  Effect.match(attempt, { onSuccess: () => "Right" as const, onFailure: ({ reason }) => reason._tag })

/** One turn of the event loop: what is asynchronous beside the test clock goes on. */
const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** Hashes go on until it is done. */
const finish = Effect.fnUntraced(function* <A>(fiber: Fiber.Fiber<A>) {
  while (fiber.pollUnsafe() === undefined) {
    yield* turn
    yield* TestClock.adjust(HASH)
  }
  return yield* Fiber.join(fiber)
})

const start = <A, R>(attempts: ReadonlyArray<Effect.Effect<A, never, R>>) =>
  Effect.forkChild(Effect.all(attempts, { concurrency: "unbounded" }))

/** Runs them at once, until all have their result. */
const fastSend = <A, R>(attempts: ReadonlyArray<Effect.Effect<A, never, R>>) => Effect.flatMap(start(attempts), finish)

/** Waits until so many hashes have begun, without finishing any. */
const begun = Effect.fnUntraced(function* (hashes: number) {
  while ((yield* Hashes).evaluated < hashes) yield* turn
})

const one = <R>(attempt: Effect.Effect<unknown, Refused, R>) =>
  Effect.map(fastSend([resultOf(attempt)]), ([result]) => result)

const times = <A>(count: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))

const count = (results: ReadonlyArray<Result>, wanted: Result): number =>
  results.filter((result) => result === wanted).length

const ann = people({ account: "ann", password: "correct-horse-7" })

describe("failed logins", () => {
  it.effect("of one address are evaluated up to the allowed failures, however many are concurrent", () =>
    withFixture(
      Effect.gen(function* () {
        const results = yield* fastSend(times(600, (index) => resultOf(login(`guess${index}`, "wrong"))))
        assert.strictEqual((yield* Hashes).evaluated, 30)
        assert.strictEqual(count(results, "WrongPassword"), 30)
        assert.strictEqual(count(results, "TooManyAttempts"), 570)
      })
    )
  )

  it.effect("with a password or a secret of more than 1,024 bytes are refused unhashed and uncounted", () =>
    withFixture(
      Effect.gen(function* () {
        yield* ann
        const { verify, md5Secret: secretOf } = yield* Credentials
        const long = "密".repeat(342)
        const refused = yield* Effect.flip(secretOf(long))
        assert.deepInclude(refused.reason, { _tag: "Invalid", field: "password" })
        const attempts = [
          { account: "ann", secret: long, address: HERE },
          { account: "ann", secret: yield* secretOf("wrong"), password: "x".repeat(1_000_000), address: HERE }
        ]
        for (const attempt of attempts) {
          for (const result of yield* fastSend(times(50, () => resultOf(verify(attempt))))) {
            assert.strictEqual(result, "Invalid")
          }
        }
        assert.strictEqual((yield* Hashes).evaluated, 0)
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "Right")
      })
    )
  )

  it.effect("beyond the queue are refused at once", () =>
    withFixture(
      Effect.gen(function* () {
        const results = yield* fastSend(times(1100, (index) => resultOf(login(`guess${index}`, "wrong"))))
        assert.strictEqual(count(results, "RateLimited"), 70)
        assert.strictEqual((yield* Hashes).evaluated, 30)
      })
    )
  )

  it.effect("of IPv6 count by /64 network", () =>
    withFixture(
      Effect.gen(function* () {
        const from = (index: number, network: string) => `${network}:${index.toString(16)}`
        const flood = times(60, (index) => resultOf(login(`guess${index}`, "wrong", from(index, "2001:db8:1:2:3:4:5"))))
        assert.strictEqual(count(yield* fastSend(flood), "WrongPassword"), 30)
        for (const address of ["2001:db8:1:2::1", "2001:DB8:1:2::FFFF", "2001:db8:1:2::1%eth0"]) {
          assert.strictEqual(yield* one(login("ann", "x", address)), "TooManyAttempts")
        }
        assert.strictEqual(yield* one(login("ann", "x", "2001:db8:1:3::1")), "WrongPassword")
      })
    )
  )

  it.effect("of one account are limited to 100 an hour from all unknown addresses together", () =>
    withFixture(
      Effect.gen(function* () {
        yield* ann
        let evaluated = 0
        for (let minute = 0; minute < 20; minute++) {
          const guesses = times(10, (index) => resultOf(login("ann", "wrong", `10.0.${minute}.${index}`)))
          evaluated += count(yield* fastSend(guesses), "WrongPassword")
          yield* TestClock.adjust("40 seconds")
        }
        assert.strictEqual(evaluated, 100)
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "TooManyAttempts")
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "Right")
      })
    )
  )
})

describe("an address of a recent login", () => {
  /** Uses up the failures of the account and of the address. */
  const flood = Effect.gen(function* () {
    yield* fastSend(times(20, () => resultOf(login("ann", "wrong", ELSEWHERE))))
    yield* fastSend(times(60, (index) => resultOf(login(`guess${index}`, "wrong", HERE))))
  })

  it.effect("is not locked out by failures from other addresses", () =>
    withFixture(
      Effect.gen(function* () {
        yield* ann
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "Right")
        yield* flood
        assert.strictEqual(yield* one(login("ann", "correct-horse-7", ELSEWHERE)), "TooManyAttempts")
        assert.strictEqual(yield* one(login("ben", "correct-horse-7", HERE)), "TooManyAttempts")
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "Right")
      })
    )
  )

  it.effect("is throttled by its own failures for that account", () =>
    withFixture(
      Effect.gen(function* () {
        yield* ann
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "Right")
        const results = yield* fastSend(times(20, () => resultOf(login("ann", "wrong"))))
        assert.strictEqual(count(results, "WrongPassword"), 10)
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "TooManyAttempts")
        assert.strictEqual(yield* one(login("ann", "correct-horse-7", ELSEWHERE)), "Right")
      })
    )
  )

  it.effect("is known after a restart, for 30 days", () =>
    Effect.gen(function* () {
      const store = Context.get(yield* Layer.build(MemoryStore.layer), Store)
      const start = <A, E>(test: Effect.Effect<A, E, Parley.Services | Hashes>) =>
        Effect.provide(test, Parley.layer.pipe(Layer.provideMerge(slowPasswords)), { local: true }).pipe(
          Effect.provideService(Store, store)
        )
      yield* start(
        Effect.gen(function* () {
          yield* ann
          assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "Right")
          // The address is recorded after the login.
          const record = Effect.andThen(Effect.yieldNow, store.record("@parley/core", "knownAddresses", "ann"))
          yield* Effect.repeat(record, { until: (found) => found !== undefined })
        })
      )
      assert.notInclude(JSON.stringify(yield* store.records("@parley/core", "knownAddresses")), HERE)
      yield* start(
        Effect.gen(function* () {
          yield* flood
          assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "Right")
          yield* TestClock.adjust("31 days")
          yield* flood
          assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "TooManyAttempts")
        })
      )
    })
  )

  it.effect("is removed with the account, which may be taken by another user", () =>
    withFixture(
      Effect.gen(function* () {
        const [users, store] = [yield* Users, yield* Store]
        yield* ann
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "Right")
        const record = Effect.andThen(Effect.yieldNow, store.record("@parley/core", "knownAddresses", "ann"))
        yield* Effect.repeat(record, { until: (found) => found !== undefined })
        yield* users.remove("ann")
        assert.isUndefined(yield* record)
        yield* ann
        yield* flood
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "TooManyAttempts")
      })
    )
  )

  it.effect("is one of at most eight", () =>
    withFixture(
      Effect.gen(function* () {
        yield* ann
        const store = yield* Store
        for (let index = 0; index < 12; index++) yield* one(login("ann", "correct-horse-7", `10.0.0.${index}`))
        const record = yield* store.record("@parley/core", "knownAddresses", "ann")
        assert.lengthOf(record?.value as ReadonlyArray<unknown>, 8)
      })
    )
  )
})

describe("concurrent attempts", () => {
  it.effect("of one account that are all correct succeed, whatever their number", () =>
    withFixture(
      Effect.gen(function* () {
        yield* ann
        assert.deepStrictEqual(
          yield* fastSend(times(12, () => resultOf(login("ann", "correct-horse-7")))),
          times(12, () => "Right")
        )
        assert.deepStrictEqual(
          yield* fastSend(times(200, () => resultOf(login("ann", "correct-horse-7", ELSEWHERE)))),
          times(200, () => "Right")
        )
      })
    )
  )

  it.effect("are bounded in total: further ones are refused without evaluation", () =>
    withFixture(
      Effect.gen(function* () {
        const results: Array<Result> = []
        const flood = yield* start(
          times(2500, (index) =>
            Effect.tap(resultOf(login(`guess${index}`, "wrong", `10.0.${index % 200}.1`)), (result) =>
              Effect.sync(() => results.push(result))
            )
          )
        )
        while (results.length < 500) yield* turn
        assert.strictEqual(count(results, "RateLimited"), 500)
        assert.strictEqual((yield* Hashes).evaluated, 1)
        yield* Fiber.interrupt(flood).pipe(Effect.forkChild, Effect.flatMap(finish))
      }),
      { loginAttempts: 1000 }
    )
  )

  it.effect("that are interrupted count as failed after the password was read", () =>
    withFixture(
      Effect.gen(function* () {
        yield* ann
        for (let index = 0; index < 10; index++) {
          const attempt = yield* start([resultOf(login("ann", "wrong"))])
          yield* begun(index + 1)
          yield* Fiber.interrupt(attempt).pipe(Effect.forkChild, Effect.flatMap(finish))
        }
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "TooManyAttempts")
      })
    )
  )

  it.effect("that are interrupted in the queue hold nothing", () =>
    withFixture(
      Effect.gen(function* () {
        yield* ann
        const holding = yield* start([resultOf(login("ann", "correct-horse-7"))])
        yield* begun(1)
        const waiting = yield* start(times(100, () => resultOf(login("ann", "wrong"))))
        for (let turns = 0; turns < 10; turns++) yield* turn
        yield* Fiber.interrupt(waiting)
        assert.deepStrictEqual(yield* finish(holding), ["Right"])
        assert.strictEqual((yield* Hashes).evaluated, 1)
        assert.strictEqual(yield* one(login("ann", "correct-horse-7")), "Right")
      }),
      { loginAttempts: 1 }
    )
  )

  it.effect("take one hash each, whether the account exists or not", () =>
    withFixture(
      Effect.gen(function* () {
        yield* people({ account: "ann", password: "correct-horse-7" }, "nopassword")
        const hashes = yield* Hashes
        for (const account of ["ann", "nobody", "nopassword"]) {
          hashes.evaluated = 0
          assert.strictEqual(yield* one(login(account, "wrong")), "WrongPassword")
          assert.strictEqual(hashes.evaluated, 1)
        }
      })
    )
  )
})
