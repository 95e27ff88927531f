/** Which chats an application reaches, which is no user and in no chat. */
import type { Chat } from "../model/Chat.ts"
import type { Reason } from "../model/Refused.ts"
import type { User } from "../model/User.ts"

/** How far an application reaches: the groups of one organisation, or all groups where it stands for the whole system. */
export type AppScope = { readonly organisation: number } | "everywhere"

export interface AppScopeFacts {
  readonly scope: AppScope
  readonly chat: Pick<Chat, "type" | "dissolved">
  /** Its members, or who would be. */
  readonly members: Iterable<Pick<User, "organisation">>
}

/**
 * A declared difference between protocols: an application acts for users without being one, so membership cannot decide
 * what it sees. What it does there is decided by the rules for the user it names. Source: PROTOCOLS, "youdu".
 */
export const reachable: {
  readonly name: string
  readonly check: (facts: AppScopeFacts) => Reason | undefined
} = {
  name: "an application reaches groups that have a member of its organisation",
  check: ({ scope: reach, chat, members }) => {
    if (chat.type !== "group" || chat.dissolved) return { _tag: "NoSuchChat" }
    if (reach === "everywhere") return undefined
    for (const { organisation } of members) if (organisation === reach.organisation) return undefined
    return { _tag: "NoSuchChat" }
  }
}
