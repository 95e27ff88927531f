/** Users and chats that an application can access. An application is not a user, and a member of no chat. */
import type { AppScope } from "../model/AppScope.ts"
import { type Chat, ORGANISATION } from "../model/Chat.ts"
import type { UserId } from "../model/Ids.ts"
import type { Reason } from "../model/Refused.ts"
import type { User } from "../model/User.ts"

export type { AppScope } from "../model/AppScope.ts"

/** Facts for the decision of whether an app may act on a chat. */
export interface AppScopeFacts {
  /** Scope of the application. */
  readonly scope: AppScope
  /** The chat that it names. */
  readonly chat: Pick<Chat, "type" | "dissolved" | "attributes">
  /** The chat's members, or the prospective ones. */
  readonly members: Iterable<Pick<User, "organisation">>
}

/** Returns whether the chat was created for the app's organisation; true for every chat if the app has the whole system. */
const isCreatedFor = (scope: AppScope, { attributes }: Pick<Chat, "attributes">): boolean =>
  scope === "everywhere" || attributes[ORGANISATION] === scope.organisation

/**
 * A declared difference between protocols: an application acts for users without being one, so membership cannot decide
 * what it sees. The user it names is subject to the usual rules. Source: PROTOCOLS, "youdu".
 */
export const reachable: {
  readonly name: string
  readonly check: (facts: AppScopeFacts) => Reason | undefined
} = {
  name: "an application reaches groups that have a member of its organisation, or were created for it",
  check: ({ scope, chat, members }) => {
    if (chat.type !== "group" || chat.dissolved) return { _tag: "NoSuchChat" }
    if (isCreatedFor(scope, chat)) return undefined
    for (const { organisation } of members) if (isOf(scope, organisation)) return undefined
    return { _tag: "NoSuchChat" }
  }
}

const isOf = (scope: AppScope, organisation: number | null): boolean =>
  scope === "everywhere" || organisation === scope.organisation

/** Rights of an application in one chat. */
export interface AppRights {
  /** Whether it has all rights: the chat was created for its organisation, or it has the whole system. */
  readonly all: boolean
  /** Otherwise, the members of its organisation: it has their rights. */
  readonly members: ReadonlySet<UserId>
}

/**
 * A declared difference between protocols: an application that names no user has the rights of all members of its
 * organisation, and all rights in a group that was created for its organisation. Source: PROTOCOLS, "youdu".
 */
export const appRights = (
  scope: AppScope,
  chat: Pick<Chat, "attributes">,
  members: Iterable<Pick<User, "id" | "organisation">>
): AppRights => ({
  all: isCreatedFor(scope, chat),
  members: new Set(Array.from(members).flatMap(({ id, organisation }) => (isOf(scope, organisation) ? [id] : [])))
})

/** To an application, a user of another organisation is indistinguishable from a missing one. */
export const knownUser: {
  readonly name: string
  readonly check: (scope: AppScope, user: Pick<User, "organisation">) => boolean
} = {
  name: "an application can access the users of its organisation",
  check: (scope, { organisation }) => isOf(scope, organisation)
}

/** Refuses users whom an application may not change or remove, although it can access them. */
export const managedUser: {
  readonly name: string
  readonly check: (scope: AppScope, user: Pick<User, "admin">) => Reason | undefined
} = {
  name: "an application manages users who are not system administrators",
  check: (scope, { admin }) =>
    scope === "everywhere" || !admin ? undefined : { _tag: "Forbidden", requires: "system administrators" }
}
