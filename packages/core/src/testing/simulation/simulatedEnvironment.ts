/** Time, order, random numbers and digests of an engine that depend on a seed only. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import type { Environment } from "../../api/Runtime.ts"
import { Passwords } from "../../ports/Passwords.ts"
import type { SeededRandom } from "./SeededRandom.ts"
import { sha256 } from "./sha256.ts"
import type { VirtualTime } from "./VirtualTime.ts"

const digestOf = (algorithm: Digest.Algorithm, data: Uint8Array): Effect.Effect<Uint8Array> => {
  if (algorithm.implementation !== undefined) return Effect.succeed(algorithm.implementation(data))
  if (algorithm.name === "SHA-256") return Effect.sync(() => sha256(data))
  return Effect.die(new Error(`${algorithm.name} is not simulated`))
}

const digest = Digest.Digest.of({
  digest: digestOf,
  digestHex: (algorithm, data) => Effect.map(digestOf(algorithm, data), Hex.encode)
})

/** Cheap hashes: a simulation has no secrets. */
export const simulatedPasswords: Layer.Layer<Passwords> = Layer.succeed(
  Passwords,
  Passwords.of({
    hash: (secret) => Effect.succeed(`$plain$${secret}`),
    verify: (secret, hash) => Effect.succeed(hash === `$plain$${secret}`)
  })
)

/** Returns the environment of a simulated engine. */
export const simulatedEnvironment = (time: VirtualTime, random: SeededRandom): Environment => {
  const numbers = {
    nextIntUnsafe: () => random.below(Number.MAX_SAFE_INTEGER),
    nextDoubleUnsafe: () => random.next()
  }
  return {
    references: Context.empty().pipe(
      Context.add(Clock.Clock, time.clock),
      Context.add(Scheduler.Scheduler, time.scheduler),
      Context.add(Random.Random, numbers)
    ),
    random: Layer.succeed(
      SecureRandom.SecureRandom,
      SecureRandom.make((size) => random.bytes(size))
    ),
    digest: Layer.succeed(Digest.Digest, digest)
  }
}
