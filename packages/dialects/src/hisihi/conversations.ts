/**
 * Maps conversations of the hosted service to groups, and authorizes signatures for them. The first group that names a
 * conversation claims it permanently; otherwise any user could administer a conversation by creating a group with its
 * `conversion_id`. Source: PROTOCOLS, "hisihi".
 */
import type { ExtraWrites } from "@parley/core/CommandRunner"
import type { Engine } from "@parley/core/Engine"
import { refuse, type Refused } from "@parley/core/Refused"
import { refusal } from "@parley/core/rules/Operations"
import * as Effect from "effect/Effect"
import type { Principal } from "./auth.ts"
import { orUnavailable, put, type Records } from "./records.ts"
import { Failure } from "./errors.ts"

const KIND = "conversion"

/** Runs `create` for the group `gid`, with a claim to the conversation if no group has claimed it. */
export const claimRecord = Effect.fnUntraced(function* <A>(
  records: Records,
  conversion: string,
  gid: string,
  create: (claim: ExtraWrites) => Effect.Effect<A, Refused>
): Effect.fn.Return<A, Refused> {
  if ((yield* records.find(KIND, conversion)) !== undefined) return yield* create([])
  return yield* Effect.catchIf(
    create([{ ...put(KIND, conversion, { gid }), once: true }]),
    // Another group claimed it concurrently.
    ({ reason }) => reason._tag === "RecordTaken",
    () => create([])
  )
})

/**
 * Checks whether the caller may get a signature that adds these clients to the conversation or removes them. Admins of its
 * group may for all clients; other users only for themselves, if the group, when there is one, lets them join or leave.
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
  const chat = typeof gid === "string" ? (yield* orUnavailable(engine.context.chats.find({ gid })))?.chat : undefined
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
