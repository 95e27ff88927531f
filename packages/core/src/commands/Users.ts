/** What users do about themselves. */
import * as Effect from "effect/Effect"
import { audit } from "../logging/Audit.ts"
import type { ChangeStatus, ListUsers, ReadUserSettings, RenameUser, SaveUserSettings } from "../model/Command.ts"
import { nextUnkeptId } from "../model/Ids.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { User } from "../model/User.ts"
import { mapInSlices } from "../model/Slices.ts"
import { answer, type Attempt, type Desk, invalid, nameProblem, type Script } from "./CommandHandler.ts"

export const listUsers: Script<ListUsers> = Effect.fnUntraced(function* (desk) {
  return answer(yield* mapInSlices(yield* desk.users.all, (user) => desk.presence.of(user)))
})

export const renameUser: Script<RenameUser> = Effect.fnUntraced(function* (desk, attempt, { name }) {
  const problem = nameProblem(desk, name, false)
  if (problem !== undefined) return yield* refuse(problem)
  const { user } = attempt
  if (user.realname === name) return answer(user)
  const { external } = desk.users
  // Somebody else's users are theirs to change: there is nothing of it to write here.
  if (external !== undefined) yield* external.change(user.id, { realname: name })
  return {
    unit:
      external === undefined
        ? { relies: [], writes: [{ _tag: "ChangeUser", user: user.id, change: { realname: name } }] }
        : undefined,
    conclude: () => {
      if (external !== undefined) desk.users.change(user.id, { realname: name })
      const renamed = { ...user, realname: name }
      return {
        reply: renamed,
        announce: [
          {
            event: { _tag: "UserEvent", id: nextUnkeptId(), what: "renamed", user: desk.presence.of(renamed) },
            to: "everyone"
          }
        ]
      }
    }
  }
})

/** Only a user who is here has a status to change. */
export const changeStatus: Script<ChangeStatus> = Effect.fnUntraced(function* (desk, attempt, { status }) {
  const { user } = attempt
  if (desk.presence.status(user.id) === "offline") return yield* refuse({ _tag: "NotLoggedIn" })
  return {
    unit: undefined,
    conclude: () => {
      desk.presence.set(user.id, status)
      const present = desk.presence.of(user)
      return {
        reply: present,
        announce: [{ event: { _tag: "UserEvent", id: nextUnkeptId(), what: "status", user: present }, to: "everyone" }]
      }
    }
  }
})

/**
 * Whose settings: one's own, or anybody's for a system administrator, who alone learns that an account is unknown. Acting
 * on somebody else's is recorded as `act`.
 */
const whose = Effect.fnUntraced(function* (
  desk: Desk,
  attempt: Attempt,
  account: string | undefined,
  act: "settings.read" | "settings.save"
): Effect.fn.Return<User, Refused | StorageFailed> {
  if (account === undefined || account === attempt.user.account) return attempt.user
  if (!attempt.user.admin) return yield* refuse({ _tag: "Only", who: "oneself" })
  const [user] = yield* desk.users.byAccount([account])
  if (user === undefined) return yield* refuse({ _tag: "NoSuchUsers", users: [account] })
  if (user.id !== attempt.user.id) yield* audit(act, { actor: attempt.user.account, user: user.account })
  return user
})

export const readUserSettings: Script<ReadUserSettings> = Effect.fnUntraced(function* (desk, attempt, command) {
  const user = yield* whose(desk, attempt, command.account, "settings.read")
  return answer(yield* desk.store.settings(user.id))
})

export const saveUserSettings: Script<SaveUserSettings> = Effect.fnUntraced(function* (desk, attempt, command) {
  const user = yield* whose(desk, attempt, command.account, "settings.save")
  const limit = desk.settings.userSettings
  if (command.settings.length > limit) {
    return yield* refuse(invalid("settings", `must have at most ${limit} characters`))
  }
  if (!command.settings.isWellFormed()) return yield* refuse(invalid("settings", "must be well-formed Unicode"))
  return {
    unit: { relies: [], writes: [{ _tag: "SaveSettings", user: user.id, settings: command.settings }] },
    conclude: () => ({ reply: command.settings, announce: [] })
  }
})
