/**
 * Recipients of an app's message: accounts in `toUser`, departments in `toDept`, both separated by `|`, or everyone with
 * `toAll`. Source: PROTOCOLS, "youdu".
 */
import type { Engine } from "@parley/core/Engine"
import type { UserId } from "@parley/core/Ids"
import type { Refused } from "@parley/core/Refused"
import { type AppScope, knownUser } from "@parley/core/rules/AppScope"
import type { StorageFailed } from "@parley/core/Store"
import { isRemoved, type User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import { field, type Fields, invalid, isFields, text } from "../_http/fields.ts"
import { type Departments, withChildren } from "./departments.ts"
import { departmentsOf, EMPTY_PROFILE, type Profiles } from "./profiles.ts"
import { knownUsers } from "./targets.ts"

/** Maximum number of departments in `toDept`. */
const MAX_DEPARTMENTS = 100
/** A department's id in decimal digits. */
const DEPARTMENT = /^[0-9]{1,15}$/

/** Reads a list that is separated by `|`; each name once. */
const listIn = (
  fields: Fields,
  name: string,
  noun: string,
  limit: number
): Effect.Effect<ReadonlyArray<string>, Refused> => {
  if (field(fields, name) === undefined) return Effect.succeed([])
  return Effect.flatMap(text(fields, name), (value) => {
    const names = new Set(value.split("|").flatMap((one) => (one.trim() === "" ? [] : [one.trim()])))
    return names.size > limit ? invalid(name, `must name at most ${limit} ${noun}`) : Effect.succeed([...names])
  })
}

interface Deps {
  readonly engine: Engine["Service"]
  readonly profiles: Profiles
  readonly departments: Departments
}

/**
 * Returns the recipients by id, each once: users within the scope. Refused with the unknown ones if some do not exist, or
 * are not within the scope.
 */
export const recipientsOf: (
  deps: Deps,
  scope: AppScope,
  fields: Fields
) => Effect.Effect<ReadonlyArray<User>, Refused | StorageFailed> = Effect.fnUntraced(function* (deps, scope, fields) {
  const { context } = deps.engine
  const limit = context.settings.membersPerRequest
  const accounts = yield* listIn(fields, "toUser", "users", limit)
  const departments = yield* listIn(fields, "toDept", "departments", MAX_DEPARTMENTS)
  if (departments.some((one) => !DEPARTMENT.test(one))) {
    return yield* invalid("toDept", "must have department ids, separated by |")
  }
  const hasNames = accounts.length + departments.length > 0
  // Clients that have no `toAll` to send may send it empty beside users.
  const toAll = hasNames ? undefined : field(fields, "toAll")
  if (!hasNames && toAll === undefined) return yield* invalid("toUser or toDept", "must name a recipient")
  if (toAll !== undefined && !isFields(toAll)) return yield* invalid("toAll", "must be an object")

  const found = new Map<UserId, User>()
  for (const user of yield* knownUsers(deps.engine, scope, "toUser", accounts)) found.set(user.id, user)
  if (departments.length > 0 || toAll !== undefined) {
    const all = (yield* context.users.all).filter((user) => !isRemoved(user) && knownUser.check(scope, user))
    const wanted =
      toAll === undefined
        ? yield* membersOf(deps, scope, departments.map(Number), all)
        : all.filter(({ id }) => field(toAll, "onlyOnline") !== true || context.presence.status(id) !== "offline")
    for (const user of wanted) found.set(user.id, user)
  }
  if (found.size > limit) return yield* invalid("toUser and toDept", `must name at most ${limit} users together`)
  return [...found.values()].sort((a, b) => a.id - b.id)
})

/** Returns the users of these departments and of those below them; all for the department 0, the root. */
const membersOf = Effect.fnUntraced(function* (
  { profiles, departments }: Deps,
  scope: AppScope,
  ids: ReadonlyArray<number>,
  all: ReadonlyArray<User>
): Effect.fn.Return<ReadonlyArray<User>, Refused | StorageFailed> {
  if (ids.includes(0)) return all
  const profileOf = yield* profiles.of(all)
  const of = (user: User) => departmentsOf(user, profileOf.get(user.account) ?? EMPTY_PROFILE)
  const known = yield* departments.list(scope, new Set(all.flatMap(of)))
  const unknown = ids.find((id) => !known.has(id))
  if (unknown !== undefined) {
    return yield* invalid("toDept", `must name departments that have a name or users, unlike ${unknown}`)
  }
  const wanted = new Set(ids.flatMap((id) => withChildren(known, id).map((one) => one.id)))
  return all.filter((user) => of(user).some((id) => wanted.has(id)))
})
