import { assert, it } from "@effect/vitest"
import { Passwords } from "@parley/core/Passwords"
import * as WebPasswords from "@parley/core/WebPasswords"
import { Effect } from "effect"

it.live("a password has a salted hash that verifies it and nothing else", () =>
  Effect.gen(function* () {
    const { hash, verify } = yield* Passwords
    const [one, other] = [yield* hash("s€cret"), yield* hash("s€cret")]
    assert.match(one, /^\$pbkdf2-sha256\$i=600000\$[0-9a-f]{32}\$[0-9a-f]{64}$/)
    assert.notStrictEqual(one, other)
    assert.isTrue(yield* verify("s€cret", one))
    assert.isFalse(yield* verify("secret", one))
    const changed = one.slice(0, -1) + (one.endsWith("0") ? "1" : "0")
    for (const unknown of [
      changed,
      "",
      "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$dGFn",
      one.replace("600000", "99999999")
    ]) {
      assert.isFalse(yield* verify("s€cret", unknown))
    }
  }).pipe(Effect.provide(WebPasswords.layer))
)
