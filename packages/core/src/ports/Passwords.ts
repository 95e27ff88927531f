/** Password hashing, as a port, since each runtime has its own best function for it. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

export class Passwords extends Context.Service<
  Passwords,
  {
    /** A slow, salted hash of the secret in PHC form (`$argon2id$…`, `$scrypt$…`). */
    readonly hash: (secret: string) => Effect.Effect<string>
    /** Whether the secret has that hash. A hash of an unknown kind verifies nothing. */
    readonly verify: (secret: string, hash: string) => Effect.Effect<boolean>
    /** Hashes that it computes side by side; 2 if absent. Logins beyond it wait for their turn, fairly by address. */
    readonly concurrency?: number
  }
>()("@parley/core/Passwords") {}
