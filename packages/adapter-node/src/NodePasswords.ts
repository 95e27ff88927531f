/**
 * Password hashing with Node's cryptography on its worker threads: Argon2id since Node 24.7, scrypt before. Costs follow
 * OWASP's password storage cheat sheet.
 */
import { Passwords } from "@parley/core/Passwords"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as crypto from "node:crypto"
import { availableParallelism } from "node:os"

const SALT = 16
const TAG = 32

/**
 * KiB of memory, passes, lanes. The OWASP option with the most memory: glibc returns allocations over 32 MiB to the
 * system after use, while smaller ones stay with each thread.
 */
const ARGON2 = { m: 47_104, t: 1, p: 1 }
/** log2 of the cost, block size, lanes. */
const SCRYPT = { ln: 15, r: 8, p: 3 }

/** Maximum memory of one hash computation, in bytes, for any stored hash. */
const MAX_MEMORY = 256 * 1024 * 1024

type Kind = "argon2id" | "scrypt"

interface Parsed {
  readonly kind: Kind
  readonly costs: Readonly<Record<string, number>>
  readonly salt: Buffer
  readonly tag: Buffer
}

/** Undefined before Node 24.7, contrary to its type. */
const argon2: typeof crypto.argon2 | undefined = crypto.argon2

const base64 = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "")

const PHC = /^\$(argon2id\$v=19|scrypt)\$([a-z0-9=,]+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

const parse = (hash: string): Parsed | undefined => {
  const [, kind = "", costs = "", salt = "", tag = ""] = PHC.exec(hash) ?? []
  if (kind === "") return undefined
  return {
    kind: kind === "scrypt" ? "scrypt" : "argon2id",
    costs: Object.fromEntries(
      costs.split(",").map((cost): [string, number] => {
        const [name = "", value = ""] = cost.split("=")
        return [name, Number(value)]
      })
    ),
    salt: Buffer.from(salt, "base64"),
    tag: Buffer.from(tag, "base64")
  }
}

const costOf = ({ costs }: Parsed, name: string): number => costs[name] ?? Number.NaN

/**
 * Whether `verify` supports this hash: PHC format, a function of this Node version, costs within the bounds, and valid
 * lengths of salt and tag.
 */
export const isHash = (hash: string): boolean => {
  const parsed = parse(hash)
  if (parsed === undefined || parsed.salt.length < 8 || parsed.tag.length < 16) return false
  const of = (name: string): number => costOf(parsed, name)
  const isCost = (name: string, most: number): boolean =>
    Number.isInteger(of(name)) && of(name) >= 1 && of(name) <= most
  return parsed.kind === "argon2id"
    ? argon2 !== undefined &&
        isCost("t", 100) &&
        isCost("p", 255) &&
        isCost("m", MAX_MEMORY / 1024) &&
        of("m") >= 8 * of("p")
    : isCost("ln", 30) &&
        isCost("r", 1024) &&
        isCost("p", 100) &&
        scryptMemory(of("ln"), of("r"), of("p")) <= MAX_MEMORY
}

/** Returns the memory that scrypt needs, in bytes: a little more than 128 * N * r. */
const scryptMemory = (ln: number, r: number, p: number): number => 128 * 2 ** ln * r + 128 * r * p + 1024 * 1024

/**
 * Returns the tag of a secret; undefined for invalid costs or an unsupported function. Uninterruptible: a started worker
 * thread computes to the end and must keep its permit until then.
 */
const derive = (secret: string, { kind, costs, salt, tag }: Parsed): Effect.Effect<Buffer | undefined> =>
  Effect.callback<Buffer | undefined>((resume) => {
    const done = (error: Error | null, derived: Buffer): void =>
      resume(Effect.succeed(error === null ? derived : undefined))
    try {
      if (kind === "argon2id") {
        const { m = 0, t = 0, p = 0 } = costs
        if (argon2 === undefined || m * 1024 > MAX_MEMORY || t > 100) return resume(Effect.undefined)
        argon2(
          "argon2id",
          { message: secret, nonce: salt, memory: m, passes: t, parallelism: p, tagLength: tag.length },
          done
        )
      } else {
        const { ln = 0, r = 0, p = 0 } = costs
        const memory = scryptMemory(ln, r, p)
        if (!(memory <= MAX_MEMORY) || p > 100) return resume(Effect.undefined)
        crypto.scrypt(secret, salt, tag.length, { N: 2 ** ln, r, p, maxmem: memory }, done)
      }
    } catch {
      // Costs that the function rejects, in a foreign hash.
      resume(Effect.undefined)
    }
  }).pipe(Effect.uninterruptible)

const format = ({ kind, costs, salt }: Parsed, tag: Buffer): string => {
  const written = Object.entries(costs).map(([name, value]) => `${name}=${value}`)
  return `$${kind === "argon2id" ? "argon2id$v=19" : "scrypt"}$${written.join(",")}$${base64(salt)}$${base64(tag)}`
}

/** Node's default number of worker threads. */
const POOL = 4

/**
 * Returns the number of concurrent hash computations. The worker threads also read files, so one of them stays free. On
 * machines with many cores, `UV_THREADPOOL_SIZE` (read by Node at startup) adds threads.
 */
const maxConcurrency = (): number => {
  const threads = Number(process.env["UV_THREADPOOL_SIZE"] ?? POOL)
  return Math.max(1, Math.min((Number.isInteger(threads) && threads > 0 ? threads : POOL) - 1, availableParallelism()))
}

/** Hashes by one function: for tests, and for databases shared with an older Node. */
export const layerOf = (kind: Kind): Layer.Layer<Passwords> =>
  Layer.effect(
    Passwords,
    Effect.gen(function* () {
      const concurrency = maxConcurrency()
      const turns = yield* Semaphore.make(concurrency)
      const costs = kind === "argon2id" ? ARGON2 : SCRYPT
      return Passwords.of({
        concurrency,
        hash: (secret) =>
          Effect.suspend(() => {
            const wanted = { kind, costs, salt: crypto.randomBytes(SALT), tag: Buffer.alloc(TAG) }
            return turns
              .withPermit(derive(secret, wanted))
              .pipe(
                Effect.flatMap((tag) =>
                  tag === undefined ? Effect.die(new Error(`${kind} failed`)) : Effect.succeed(format(wanted, tag))
                )
              )
          }),
        verify: (secret, hash) =>
          Effect.suspend(() => {
            const parsed = parse(hash)
            if (parsed === undefined) return Effect.succeed(false)
            return turns
              .withPermit(derive(secret, parsed))
              .pipe(
                Effect.map(
                  (tag) =>
                    tag !== undefined && tag.length === parsed.tag.length && crypto.timingSafeEqual(tag, parsed.tag)
                )
              )
          })
      })
    })
  )

/** Hashes by the best function of this Node version. */
export const layer: Layer.Layer<Passwords> = layerOf(argon2 === undefined ? "scrypt" : "argon2id")
