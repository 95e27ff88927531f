/**
 * Decisions that no commit confirms. A batch is refused by the store if its facts are outdated; a refusal, and a decision that there
 * is nothing to write, rest on the cache alone, which is behind other nodes until their notice arrives. Both are confirmed by the store,
 * so that a user who was just added on another node may send here, and one who was just removed there is added here.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { ChatCache } from "../cache/ChatCache.ts"
import type { Plan } from "../commands/CommandHandler.ts"
import type { ChatRef, Command } from "../model/Command.ts"
import type { Refused } from "../model/Refused.ts"
import type { StorageFailed, Store, VersionConflict, WriteBatch } from "../ports/Store.ts"

/** Commands that change a chat, unless they find it as they want it. */
const CHANGES: ReadonlySet<Command["_tag"]> = new Set([
  "JoinChat",
  "LeaveChat",
  "RenameChat",
  "AddMembers",
  "RemoveMembers",
  "EditChat",
  "ReviseGroup",
  "DissolveChat",
  "PublishChat",
  "SetAdmins",
  "PromoteMembers",
  "SetSenders",
  "SetSlowMode",
  "SilenceMembers",
  "BlockUsers"
])

const chatsOf = (command: Command): ReadonlyArray<ChatRef> => {
  if (command._tag === "SendMessages") return command.messages.map(({ chat }) => chat)
  return "chat" in command && command.chat !== undefined ? [command.chat] : []
}

interface Dependencies {
  readonly chats: ChatCache
  readonly store: Store["Service"]
  /** Drops facts that turned out to be outdated. */
  readonly invalidate: (conflict: VersionConflict) => void
}

/** Decides, and decides again if the decision needs confirmation and the store has other facts. */
export const confirmFacts = <Reply>(
  { chats, invalidate, store }: Dependencies,
  command: Command,
  decide: Effect.Effect<Plan<Reply>, Refused | StorageFailed>
): Effect.Effect<Plan<Reply>, Refused | StorageFailed> =>
  Effect.flatMap(Effect.result(decide), (decided) => {
    const settled = Effect.fromResult(decided)
    if (Result.isSuccess(decided) && (decided.success.batch !== undefined || !CHANGES.has(command._tag))) return settled
    const versions = new Map<number, WriteBatch["expectedVersions"][number]>()
    for (const ref of chatsOf(command)) {
      const chat = chats.getCached(ref)?.chat
      if (chat !== undefined) versions.set(chat.id, { chat: chat.id, version: chat.version })
    }
    if (versions.size === 0) return settled
    const isCurrent = store.commit({ expectedVersions: [...versions.values()], writes: [] }).pipe(
      Effect.as(true),
      Effect.catchTags({
        VersionConflict: (conflict) => {
          invalidate(conflict)
          return Effect.succeed(false)
        },
        // There are no messages and no records.
        Duplicate: () => Effect.succeed(true)
      })
    )
    return Effect.flatMap(isCurrent, (current) => (current ? settled : decide))
  })
