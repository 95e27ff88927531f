/**
 * Conversations of the hosted service, by the group that holds each here, and who gets signatures about them. The first
 * group that names a conversation holds it for good: else anybody could make a group with somebody else's `conversion_id`,
 * and administer it. Source: PROTOCOLS, "hisihi".
 */
import type { ExtraWrites } from "@parley/core/CommandRunner"
import type { Engine } from "@parley/core/Engine"
import { refuse, type Refused } from "@parley/core/Refused"
import { refusal } from "@parley/core/rules/Operations"
import * as Effect from "effect/Effect"
import type { Principal } from "./auth.ts"
import { available, put, type Records } from "./records.ts"
import { Failure } from "./errors.ts"

const KIND = "conversion"

/** Carries out what makes the group `gid`, together with its claim to the conversation where no group holds it. */
export const claimRecord = Effect.fnUntraced(function* <A>(
  records: Records,
  conversion: string,
  gid: string,
  make: (claim: ExtraWrites) => Effect.Effect<A, Refused>
): Effect.fn.Return<A, Refused> {
  if ((yield* records.find(KIND, conversion)) !== undefined) return yield* make([])
  return yield* Effect.catchIf(
    make([{ ...put(KIND, conversion, { gid }), once: true }]),
    // Another group was faster.
    ({ reason }) => reason._tag === "RecordTaken",
    () => make([])
  )
})

/**
 * Whether the asker may have a signature that lets these into the conversation, or removes them. An admin of its group may
 * for all; anybody else for oneself, as far as the group lets them join or leave where there is one.
 */
export const canSign = Effect.fnUntraced(function* (
  { records, engine }: { readonly records: Records; readonly engine: Engine["Service"] },
  { user, facts }: Principal,
  action: "invite" | "kick",
  conversion: string,
  clients: ReadonlyArray<string>
): Effect.fn.Return<void, Failure | Refused> {
  if (user === undefined) return
  const { gid } = ((yield* records.find(KIND, conversion))?.value ?? {}) as { readonly gid?: unknown }
  const chat = typeof gid === "string" ? (yield* available(engine.context.chats.find({ gid })))?.chat : undefined
  if (chat !== undefined && refusal("removeMembers", facts(chat)) === undefined) return
  if (clients.some((client) => client !== user.account)) {
    return yield* new Failure({
      code: "forbidden",
      message: "sorted_member_ids may name others only where you are an admin of the group of this conversation."
    })
  }
  const refused = chat && refusal(action === "invite" ? "join" : "leave", facts(chat))
  if (refused !== undefined) return yield* refuse(refused.reason)
})
