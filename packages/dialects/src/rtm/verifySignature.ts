/**
 * Verifies the signatures of logins and of changes of conversations: HMAC-SHA1 with the app's master key over the signed parts joined by
 * `:`, in hex. Source: RTM, "Signatures"; the endpoints of `hisihi` make them (seeds/001).
 */
import { textBytes } from "@parley/core/Utf8"
import * as Mac from "effect/crypto/Mac"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Result from "effect/Result"

/** Milliseconds for which a signature is valid, before and after its time. */
const VALIDITY = 6 * 60 * 60 * 1000
/** A smaller timestamp is in seconds: as milliseconds it would be in 1970. */
const FIRST_MILLISECONDS = 100_000_000_000
const MAX_NONCE = 256

/** The signed operation of a client. */
export type Signed =
  | { readonly _tag: "Login" }
  | { readonly _tag: "Start"; readonly members: ReadonlyArray<string> }
  | {
      readonly _tag: "Change"
      readonly conversation: string
      readonly members: ReadonlyArray<string>
      /** Of members, and of blocked clients. */
      readonly action: "invite" | "kick" | "conversation-block-clients" | "conversation-unblock-clients"
    }

/** Fields of a signature, as they came. */
export interface Signature {
  readonly s?: string | undefined
  /** Seconds or milliseconds since 1970. */
  readonly t?: number | bigint | string | undefined
  readonly n?: string | undefined
}

/** Joins ids in the signed order. */
const sorted = (ids: ReadonlyArray<string>): string => ids.toSorted().join(":")

const partsOf = (app: string, client: string, signed: Signed, time: string, nonce: string): ReadonlyArray<string> => {
  switch (signed._tag) {
    case "Login":
      return [app, client, "", time, nonce]
    case "Start":
      return [app, client, sorted(signed.members), time, nonce]
    case "Change":
      return [app, client, signed.conversation, sorted(signed.members), time, nonce, signed.action]
  }
}

/** Returns the signature of an operation, in lower-case hex. `time`: milliseconds since 1970. */
export const makeSignature = Effect.fnUntraced(function* (
  mac: Mac.Mac["Service"],
  { app, client, key }: { readonly app: string; readonly client: string; readonly key: string },
  signed: Signed,
  { time, nonce }: { readonly time: number; readonly nonce: string }
): Effect.fn.Return<string> {
  const secret = yield* Effect.orDie(Mac.key(Mac.hmacSha1, textBytes(key)))
  const message = partsOf(app, client, signed, String(time), nonce).join(":")
  return Hex.encode(yield* Effect.orDie(mac.sign(secret, textBytes(message))))
})

/**
 * Whether the signature is that of the operation, and its time within six hours of `now` (milliseconds since 1970). Comparison takes
 * the same time wherever the difference is.
 */
export const verifySignature = Effect.fnUntraced(function* (
  mac: Mac.Mac["Service"],
  { app, client, key }: { readonly app: string; readonly client: string; readonly key: string },
  signed: Signed,
  { n = "", s = "", t }: Signature,
  now: number
): Effect.fn.Return<boolean> {
  const time = String(t ?? "")
  if (!/^[1-9]\d{0,15}$/.test(time) || n === "" || n.length > MAX_NONCE) return false
  const at = Number(time) < FIRST_MILLISECONDS ? Number(time) * 1000 : Number(time)
  if (Math.abs(now - at) > VALIDITY) return false
  const given = /^[0-9a-f]{40}$/i.test(s) ? Result.getOrUndefined(Hex.decode(s)) : undefined
  if (given === undefined) return false
  const secret = yield* Effect.orDie(Mac.key(Mac.hmacSha1, textBytes(key)))
  const message = partsOf(app, client, signed, time, n).join(":")
  return yield* Effect.orDie(mac.verify(secret, given, textBytes(message)))
})
