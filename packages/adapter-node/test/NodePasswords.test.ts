import { Passwords } from "@parley/core/Passwords"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as NodePasswords from "../src/NodePasswords.ts"

describe.each(["argon2id", "scrypt"] as const)("passwords with %s", (kind) => {
  it.live("a hash verifies its secret only, and is salted", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      const hash = yield* passwords.hash("opensesame 芝麻")
      assert.match(
        hash,
        kind === "argon2id"
          ? /^\$argon2id\$v=19\$m=47104,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/
          : /^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/
      )
      assert.isTrue(yield* passwords.verify("opensesame 芝麻", hash))
      assert.isFalse(yield* passwords.verify("opensesame", hash))
      assert.isFalse(yield* passwords.verify("", hash))
      assert.notStrictEqual(yield* passwords.hash("opensesame 芝麻"), hash)
    }).pipe(Effect.provide(NodePasswords.layerOf(kind)))
  )
})

describe("passwords", () => {
  it.live("either kind is verified, whichever is written", () =>
    Effect.gen(function* () {
      const old = yield* Effect.flatMap(Passwords, (passwords) => passwords.hash("secret")).pipe(
        Effect.provide(NodePasswords.layerOf("scrypt"))
      )
      const passwords = yield* Passwords
      assert.match(yield* passwords.hash("secret"), /^\$argon2id\$/)
      assert.isTrue(yield* passwords.verify("secret", old))
    }).pipe(Effect.provide(NodePasswords.layer))
  )

  it.live("a test vector made by another implementation verifies", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      // RFC 7914, 12: P="pleaseletmein", S="SodiumChloride", N=16384, r=8, p=1, first 32 bytes.
      const tag = Buffer.from("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2", "hex")
      const salt = Buffer.from("SodiumChloride").toString("base64").replaceAll("=", "")
      const hash = `$scrypt$ln=14,r=8,p=1$${salt}$${tag.toString("base64").replaceAll("=", "")}`
      assert.isTrue(yield* passwords.verify("pleaseletmein", hash))
      assert.isFalse(yield* passwords.verify("pleaseletmeout", hash))
    }).pipe(Effect.provide(NodePasswords.layer))
  )

  it.live("what is no hash of ours verifies nothing", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      for (const hash of [
        "",
        "secret",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA",
        "$argon2id$v=19$m=99999999999,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=60,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=,r=,p=$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$r=8$AAAA$AAAA"
      ]) {
        assert.isFalse(yield* passwords.verify("secret", hash), hash)
      }
    }).pipe(Effect.provide(NodePasswords.layer))
  )

  it.live("hashing leaves the event loop free", () =>
    Effect.gen(function* () {
      const passwords = yield* Passwords
      let turns = 0
      const count = (): void => {
        turns += 1
        timer = setImmediate(count)
      }
      let timer = setImmediate(count)
      yield* passwords.hash("secret")
      clearImmediate(timer)
      assert.isAbove(turns, 5)
    }).pipe(Effect.provide(NodePasswords.layer))
  )
})
