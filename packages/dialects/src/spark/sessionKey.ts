/** What a set of members is known by. Source: seeds/000, "开启会话": `Members.sort().join().md5()`. */
import { type Chat, VIA } from "@parley/core/Chat"
import type { UserId } from "@parley/core/Ids"
import { textBytes } from "@parley/core/Utf8"
import * as Digest from "effect/crypto/Digest"
import type * as Effect from "effect/Effect"

/** This protocol's name where the store and the engine know it. */
export const DIALECT = "spark"

/** What a client's own keys begin with among a chat's attributes, where other protocols keep theirs too. */
export const ATTRIBUTE = `${DIALECT}.`

/** By code units, as the document's `sort()` does. */
export const sorted = (accounts: ReadonlyArray<string>): ReadonlyArray<string> => [...accounts].sort()

/** 32 lower-case hex digits; `accounts` are sorted. */
export const sessionKeyOf = (
  digest: Digest.Digest["Service"],
  accounts: ReadonlyArray<string>
): Effect.Effect<string> => digest.digestHex(Digest.md5, textBytes(accounts.join(",")))

/** Whether it was started here and has exactly these members now. */
export const isSessionOf = (chat: Chat, members: ReadonlySet<UserId>): boolean =>
  chat.type === "group" &&
  !chat.dissolved &&
  chat.attributes[VIA] === DIALECT &&
  chat.members.size === members.size &&
  [...members].every((user) => chat.members.has(user))
