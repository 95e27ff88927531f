/** Chats that an application can access. An application is not a user, and a member of no chat. */
import type { Chat } from "../model/Chat.ts"
import type { Reason } from "../model/Refused.ts"
import type { User } from "../model/User.ts"

/** Scope of an application: the groups of one organisation, or all groups if it represents the whole system. */
export type AppScope = { readonly organisation: number } | "everywhere"

/** Facts for the decision of whether an app may act on a chat. */
export interface AppScopeFacts {
  readonly scope: AppScope
  readonly chat: Pick<Chat, "type" | "dissolved">
  /** The chat's members, or the prospective ones. */
  readonly members: Iterable<Pick<User, "organisation">>
}

/**
 * A declared difference between protocols: an application acts for users without being one, so membership cannot decide
 * what it sees. The user it names is subject to the usual rules. Source: PROTOCOLS, "youdu".
 */
export const reachable: {
  readonly name: string
  readonly check: (facts: AppScopeFacts) => Reason | undefined
} = {
  name: "an application reaches groups that have a member of its organisation",
  check: ({ scope, chat, members }) => {
    if (chat.type !== "group" || chat.dissolved) return { _tag: "NoSuchChat" }
    if (scope === "everywhere") return undefined
    for (const { organisation } of members) if (organisation === scope.organisation) return undefined
    return { _tag: "NoSuchChat" }
  }
}
