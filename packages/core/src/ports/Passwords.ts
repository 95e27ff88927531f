/** Port: password hashing, since each runtime has its own best function for it. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** Port: slow password hashes. */
export class Passwords extends Context.Service<
  Passwords,
  {
    /** Returns a slow, salted hash of the secret in PHC form (`$argon2id$…`, `$scrypt$…`). */
    readonly hash: (secret: string) => Effect.Effect<string>
    /** Returns whether the secret has that hash; false for a hash of an unknown kind. */
    readonly verify: (secret: string, hash: string) => Effect.Effect<boolean>
    /** Hashes computed concurrently; 2 if absent. Further logins are queued, fairly by address. */
    readonly concurrency?: number
  }
>()("@parley/core/Passwords") {}
