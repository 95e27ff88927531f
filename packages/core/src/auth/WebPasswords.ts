/**
 * Password hashes by the platform's WebCrypto, for embedding without a runtime's own functions: PBKDF2 with SHA-256.
 * Prefer Argon2id or scrypt if available; hashes of one kind do not verify against another.
 */
import * as Kdf from "effect/crypto/Kdf"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import { Passwords } from "../ports/Passwords.ts"
import { textBytes } from "../model/Utf8.ts"

/** By OWASP's password storage cheat sheet. */
const ITERATIONS = 600_000
/** Maximum number of rounds of any stored hash. */
const MAX_ITERATIONS = 10_000_000
/** Bytes of salt and tag. */
const SALT = 16
const TAG = 32

/** Salt and tag as lower-case hex. */
const FORM = /^\$pbkdf2-sha256\$i=([1-9][0-9]{0,7})\$([0-9a-f]{32})\$([0-9a-f]{64})$/

/** Compares in constant time for a given length. */
const isSame = (a: string, b: string): boolean => {
  let difference = a.length ^ b.length
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index)
  return difference === 0
}

/**
 * Password hashes by WebCrypto: PBKDF2 with SHA-256 and 600,000 iterations. Source: OWASP Password Storage Cheat
 * Sheet.
 */
export const layer: Layer.Layer<Passwords> = Layer.effect(
  Passwords,
  Effect.gen(function* () {
    const kdf = yield* Kdf.Kdf
    const random = yield* SecureRandom.SecureRandom
    const derive = (secret: string, salt: Uint8Array, iterations: number): Effect.Effect<string> =>
      kdf
        .derive(Kdf.pbkdf2({ hash: Digest.sha256, iterations }), textBytes(secret), { salt, length: TAG })
        .pipe(Effect.map(Hex.encode), Effect.orDie)
    const write = (secret: string, salt: string, bytes: Uint8Array, iterations: number): Effect.Effect<string> =>
      Effect.map(derive(secret, bytes, iterations), (tag) => `$pbkdf2-sha256$i=${iterations}$${salt}$${tag}`)

    return Passwords.of({
      hash: Effect.fnUntraced(function* (secret) {
        const salt = yield* random.randomBytes(SALT)
        return yield* write(secret, Hex.encode(salt), salt, ITERATIONS)
      }),
      verify: Effect.fnUntraced(function* (secret, hash) {
        const [, rounds = "", salt = ""] = FORM.exec(hash) ?? []
        const iterations = Number(rounds)
        if (salt === "" || iterations > MAX_ITERATIONS) return false
        const bytes = yield* Effect.orDie(Effect.fromResult(Hex.decode(salt)))
        return isSame(yield* write(secret, salt, bytes, iterations), hash)
      })
    })
  })
).pipe(Layer.provide([Kdf.layerWebCrypto, SecureRandom.layerWebCrypto]))
