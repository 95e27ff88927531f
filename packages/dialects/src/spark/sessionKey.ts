/** Key of a set of members. Source: seeds/000, "开启会话": `Members.sort().join().md5()`. */
import { type Chat, VIA } from "@parley/core/Chat"
import type { UserId } from "@parley/core/Ids"
import { textBytes } from "@parley/core/Utf8"
import * as Digest from "effect/crypto/Digest"
import type * as Effect from "effect/Effect"

/** This protocol's name in the store and the engine. */
export const DIALECT = "spark"

/** Prefix of clients' keys among a chat's attributes, which other protocols use as well. */
export const ATTRIBUTE = `${DIALECT}.`

/** Sorts by code units, like the document's `sort()`. */
export const sorted = (accounts: ReadonlyArray<string>): ReadonlyArray<string> => [...accounts].sort()

/** Returns 32 lower-case hex digits; `accounts` must be sorted. */
export const sessionKeyOf = (
  digest: Digest.Digest["Service"],
  accounts: ReadonlyArray<string>
): Effect.Effect<string> => digest.digestHex(Digest.md5, textBytes(accounts.join(",")))

/** Returns whether the chat was created by this protocol and has exactly these members. */
export const isSessionOf = (chat: Chat, members: ReadonlySet<UserId>): boolean =>
  chat.type === "group" &&
  !chat.dissolved &&
  chat.attributes[VIA] === DIALECT &&
  chat.members.size === members.size &&
  [...members].every((user) => chat.members.has(user))
