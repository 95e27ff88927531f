/** Commands on users: their own name, status and settings, and the list of users. */
import * as Effect from "effect/Effect"
import { audit } from "../logging/Audit.ts"
import type { ChangeStatus, ListUsers, ReadUserSettings, RenameUser, SaveUserSettings } from "../model/Command.ts"
import { nextEphemeralId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { User } from "../model/User.ts"
import { mapInSlices } from "../model/Slices.ts"
import {
  replyWith,
  type Invocation,
  type CommandContext,
  invalid,
  nameProblem,
  type CommandHandler,
  viewerOf
} from "./CommandHandler.ts"

export const listUsers: CommandHandler<ListUsers> = Effect.fnUntraced(function* (context, invocation) {
  const { users } = yield* context.visibility.all(viewerOf(invocation))
  return replyWith(yield* mapInSlices(users, (user) => context.presence.of(user)))
})

export const renameUser: CommandHandler<RenameUser> = Effect.fnUntraced(function* (context, invocation, { name }) {
  const problem = nameProblem(context, name, false)
  if (problem !== undefined) return yield* refuse(problem)
  const { user } = invocation
  if (user.realname === name) return replyWith(user)
  const { external } = context.users
  // Users of a directory are changed there; there is nothing to write here.
  if (external !== undefined) yield* external.change(user.id, { realname: name })
  return {
    batch:
      external === undefined
        ? { expectedVersions: [], writes: [{ _tag: "ChangeUser", user: user.id, change: { realname: name } }] }
        : undefined,
    toOutcome: () => {
      if (external !== undefined) context.users.change(user.id, { realname: name })
      const renamed = { ...user, realname: name }
      return {
        reply: renamed,
        broadcasts: [
          {
            event: { _tag: "UserEvent", id: nextEphemeralId(), what: "renamed", user: context.presence.of(renamed) },
            to: "everyone"
          }
        ]
      }
    }
  }
})

/** Only an online user has a status to change. */
export const changeStatus: CommandHandler<ChangeStatus> = Effect.fnUntraced(function* (
  context,
  invocation,
  { status }
) {
  const { user } = invocation
  if (context.presence.status(user.id) === "offline") return yield* refuse({ _tag: "NotLoggedIn" })
  return {
    batch: undefined,
    toOutcome: () => {
      context.presence.set(user.id, status)
      const present = context.presence.of(user)
      return {
        reply: present,
        broadcasts: [
          { event: { _tag: "UserEvent", id: nextEphemeralId(), what: "status", user: present }, to: "everyone" }
        ]
      }
    }
  }
})

/**
 * Returns the user whose settings are meant: the caller, or for a system administrator any user whom they may see; no other
 * caller learns that an account is unknown. Access to another user's settings is audited as `act`.
 */
const targetUser = Effect.fnUntraced(function* (
  context: CommandContext,
  invocation: Invocation,
  account: string | undefined,
  act: "settings.read" | "settings.save"
): Effect.fn.Return<User, Refused | StorageFailed> {
  if (account === undefined || account === invocation.user.account) return invocation.user
  if (!invocation.user.admin) return yield* refuse({ _tag: "Forbidden", requires: "oneself" })
  const found = yield* context.users.byAccount([account])
  const [user] = yield* context.visibility.known(viewerOf(invocation), found)
  if (user === undefined) return yield* refuse({ _tag: "NoSuchUsers", users: [account] })
  if (user.id !== invocation.user.id) yield* audit(act, { actor: invocation.user.account, user: user.account })
  return user
})

export const readUserSettings: CommandHandler<ReadUserSettings> = Effect.fnUntraced(
  function* (context, invocation, command) {
    const user = yield* targetUser(context, invocation, command.account, "settings.read")
    return replyWith(yield* context.store.settings(user.id))
  }
)

export const saveUserSettings: CommandHandler<SaveUserSettings> = Effect.fnUntraced(
  function* (context, invocation, command) {
    const user = yield* targetUser(context, invocation, command.account, "settings.save")
    const limit = context.settings.userSettings
    if (command.settings.length > limit) {
      return yield* refuse(invalid("settings", `must have at most ${limit} characters`))
    }
    if (!command.settings.isWellFormed()) return yield* refuse(invalid("settings", "must be well-formed Unicode"))
    return {
      batch: { expectedVersions: [], writes: [{ _tag: "SaveSettings", user: user.id, settings: command.settings }] },
      toOutcome: () => ({ reply: command.settings, broadcasts: [] })
    }
  }
)
