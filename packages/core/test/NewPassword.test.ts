/** Rules for new passwords. Source: OWASP ASVS 4.0.3, 2.1.1 and 2.1.7. */
import { assert, describe, it } from "@effect/vitest"
import type { Refused } from "@parley/core/Refused"
import { newPasswordProblem } from "@parley/core/rules/NewPassword"
import { defaultSettings, Settings } from "@parley/core/Settings"
import { Users } from "@parley/core/Users"
import { Effect } from "effect"
import { engineLayer } from "./harness.ts"

describe("a new password", () => {
  for (const password of ["plum-tractor-46", "correct horse", "张三李四王五赵六", "x9$kQ2!p"]) {
    it(`may be ${JSON.stringify(password)}`, () => assert.isUndefined(newPasswordProblem(password, "ann", 8)))
  }

  const refused: ReadonlyArray<readonly [password: string, problem: string]> = [
    ["", "empty"],
    ["x9$kQ2!", "at least 8 characters"],
    ["张三李四", "at least 8 characters"],
    ["Password123", "common"],
    ["iloveyou", "common"],
    ["12345678", "common"],
    ["87654321", "common"],
    ["qwertyuiop", "common"],
    ["1q2w3e4r", "common"],
    ["11111111", "common"],
    ["abcabcabc", "common"],
    ["Ann@Example", "must not be the account"]
  ]
  for (const [password, problem] of refused) {
    it(`may not be ${JSON.stringify(password)}`, () =>
      assert.include(newPasswordProblem(password, "ann@example", 8), problem))
  }

  it("is only checked for being empty if the minimum is 0", () => {
    assert.isUndefined(newPasswordProblem("1", "ann", 0))
    assert.isString(newPasswordProblem("", "ann", 0))
  })

  it.effect("is refused for new users and for a change, with the name of the setting", () =>
    Effect.gen(function* () {
      const users = yield* Users
      const problemOf = <A>(attempt: Effect.Effect<A, Refused>) =>
        Effect.map(Effect.flip(attempt), ({ reason }) => (reason._tag === "Invalid" ? reason.problem : reason._tag))
      assert.include(yield* problemOf(users.add([{ account: "ann", password: "123456" }])), "passwords.minimum")
      yield* users.add([{ account: "ann", password: "plum-tractor-46" }, { account: "ben" }])
      assert.include(yield* problemOf(users.setPassword("ann", "password1")), "passwords.minimum")
      const long = "plum-tractor-46 ".repeat(64)
      assert.include(yield* problemOf(users.setPassword("ann", `${long}x`)), "at most 1024 bytes")
      assert.include(yield* problemOf(users.add([{ account: "cat", password: `${long}x` }])), "at most 1024 bytes")
      yield* users.setPassword("ben", `${long.slice(2)}é`)
      yield* users.setPassword("ann", "stone-basket-17")
    }).pipe(Effect.provide(engineLayer), Effect.provideService(Settings, { ...defaultSettings, passwordsMinimum: 8 }))
  )
})
