/**
 * Users and departments of the app's organisation. Users are those of the engine: what is made here is a user everywhere.
 * Source: PROTOCOLS, "youdu"; the public documentation, "用户管理", "部门管理".
 */
import { enforceAccountName } from "@parley/core/AccountName"
import { audit } from "@parley/core/Audit"
import type { Engine } from "@parley/core/Engine"
import { type Refused, refuse } from "@parley/core/Refused"
import { knownUser, managedUser } from "@parley/core/rules/AppScope"
import { costOfUsers } from "@parley/core/rules/Cost"
import { mapInSlices } from "@parley/core/Slices"
import type { StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import type { Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"
import { field, type Fields, invalid } from "../_http/fields.ts"
import type { RouteTable } from "../_http/protocolRoutes.ts"
import { isHead, type Operations, type RequestContext } from "./operations.ts"
import { type Departments, withChildren } from "./departments.ts"
import { listJson } from "./listJson.ts"
import { account, type Lengths } from "./params.ts"
import {
  departmentsOf,
  EMPTY_PROFILE,
  type Profile,
  type Profiles,
  profileIn,
  putProfile,
  shortText
} from "./profiles.ts"
import { wordsOf } from "./responses.ts"
import { knownUsers } from "./targets.ts"

export interface UserDeps {
  readonly engine: Engine["Service"]
  readonly users: Users["Service"]
  readonly profiles: Profiles
  readonly departments: Departments
  readonly lengths: Lengths
}

/** Cost of adding, changing or removing a user. */
const CHANGE_COST = 10
/** States of an account. Source: the public documentation, "用户管理". */
const DISABLED = -1
const ENABLED = 1

const WORDS = wordsOf(
  "group",
  { account: "userId", realname: "name" },
  { AccountTaken: "userId is taken.", Forbidden: "An app may not manage system administrators." }
)

/** `simplelist` has the first four and `dept`. */
const userJson = (user: User, profile: Profile) => {
  const dept = departmentsOf(user, profile)
  return {
    gid: user.id,
    userId: user.account,
    name: user.realname,
    gender: profile.gender,
    mobile: profile.mobile,
    phone: profile.phone,
    email: profile.email,
    shortCode: profile.shortCode,
    enableState: user.disabled ? DISABLED : ENABLED,
    dept,
    deptDetail: dept.map((deptId) => ({ deptId, position: user.role, weight: 0, sortId: 0 })),
    attrs: profile.attrs
  }
}

const userFor = Effect.fnUntraced(function* (
  { engine, lengths }: UserDeps,
  { scope, fields }: RequestContext
): Effect.fn.Return<User, Refused | StorageFailed> {
  const [user] = yield* knownUsers(engine, scope, "userId", [yield* account(fields, "userId", lengths)])
  return user ?? (yield* refuse({ _tag: "NoSuchUsers", users: [] }))
})

const getUser = Effect.fnUntraced(function* (deps: UserDeps, context: RequestContext) {
  const user = yield* userFor(deps, context)
  return userJson(user, (yield* deps.profiles.find(user.account)) ?? EMPTY_PROFILE)
})

/** Reads a department's id, from a query or a body; 0, the root, if it is absent. */
const departmentIn = (fields: Fields, name: string): Effect.Effect<number, Refused> => {
  const value = field(fields, name) ?? ""
  if (value === "") return Effect.succeed(0)
  return typeof value === "string" && /^[0-9]{1,15}$/.test(value)
    ? Effect.succeed(Number(value))
    : invalid(name, "must be a department's id")
}

interface Person {
  readonly user: User
  readonly profile: Profile
}

/** Returns the users whom the app can access, with their profiles. */
const people = Effect.fnUntraced(function* (
  { engine, profiles }: UserDeps,
  { scope, principal }: RequestContext
): Effect.fn.Return<ReadonlyArray<Person>, StorageFailed> {
  const known = (yield* engine.context.users.all).filter((user) => knownUser.check(scope, user))
  engine.limits.owe(principal.payer, costOfUsers(known.length))
  const found = yield* profiles.of(known)
  return yield* mapInSlices(known, (user) => ({ user, profile: found.get(user.account) ?? EMPTY_PROFILE }))
})

/** Returns the users of the department in `deptId`, or all for the root. A department exists if it has a name or a user. */
const peopleIn = Effect.fnUntraced(function* (
  deps: UserDeps,
  context: RequestContext
): Effect.fn.Return<ReadonlyArray<Person>, Refused | StorageFailed> {
  const id = yield* departmentIn(context.fields, "deptId")
  const all = yield* people(deps, context)
  // Few operations for each user, so that they need no slices.
  const members = id === 0 ? all : all.filter(({ user, profile }) => departmentsOf(user, profile).includes(id))
  if (id !== 0 && members.length === 0 && !(yield* departments(deps, context, [])).has(id)) {
    return yield* noSuchDepartment("deptId")
  }
  return members
})

const noSuchDepartment = (name: string): Refused => invalid(name, "must be a department that has a name or users")

const listUsers = Effect.fnUntraced(function* (deps: UserDeps, context: RequestContext) {
  return yield* listJson("userList", yield* peopleIn(deps, context), ({ user, profile }) => userJson(user, profile))
})

const listUsersSimply = Effect.fnUntraced(function* (deps: UserDeps, context: RequestContext) {
  return yield* listJson("userList", yield* peopleIn(deps, context), ({ user, profile }) => {
    const { gid, userId, name, gender, dept } = userJson(user, profile)
    return { gid, userId, name, gender, dept }
  })
})

/** Lists a department and those below it. */
const listDepartments = Effect.fnUntraced(function* (deps: UserDeps, context: RequestContext) {
  const id = yield* departmentIn(context.fields, "id")
  const all = yield* departments(deps, context, yield* people(deps, context))
  if (id !== 0 && !all.has(id)) return yield* noSuchDepartment("id")
  return { deptList: withChildren(all, id) }
})

const departments = (deps: UserDeps, { scope }: RequestContext, all: ReadonlyArray<Person>) =>
  deps.departments.list(scope, new Set(all.flatMap(({ user, profile }) => departmentsOf(user, profile))))

const createUser = Effect.fnUntraced(function* (deps: UserDeps, context: RequestContext) {
  const { scope, fields, principal } = context
  const userId = yield* account(fields, "userId", deps.lengths)
  const name = yield* shortText(fields, "name")
  const enableState = field(fields, "enableState") ?? ENABLED
  if (enableState !== DISABLED && enableState !== 0 && enableState !== ENABLED) {
    return yield* invalid("enableState", "must be -1, 0 or 1")
  }
  const profile: Profile = { ...EMPTY_PROFILE, ...(yield* profileIn(fields)) }
  yield* deps.engine.limits.charge(principal.payer, CHANGE_COST)
  const key = enforceAccountName(userId) ?? userId
  const [user] = yield* deps.users.add(
    [
      {
        account: userId,
        ...(name !== undefined && name.trim() !== "" && { realname: name }),
        dept: profile.dept[0] ?? 0,
        organisation: scope === "everywhere" ? null : scope.organisation,
        disabled: enableState === DISABLED
      }
    ],
    [putProfile(key, profile)]
  )
  yield* audit("youdu.user.create", { actor: principal.payer, user: user?.account ?? key })
  return {}
})

const updateUser = Effect.fnUntraced(function* (deps: UserDeps, context: RequestContext) {
  const { scope, fields, principal } = context
  yield* account(fields, "userId", deps.lengths)
  const name = yield* shortText(fields, "name")
  if (name !== undefined && name.trim() === "") return yield* invalid("name", "must not be blank")
  const change = yield* profileIn(fields)
  const user = yield* userFor(deps, context)
  const refused = managedUser.check(scope, user)
  if (refused !== undefined) return yield* refuse(refused)
  yield* deps.engine.limits.charge(principal.payer, CHANGE_COST)
  const before = yield* deps.profiles.find(user.account)
  const [dept] = change.dept ?? []
  yield* deps.users.change(
    user.account,
    { ...(name !== undefined && { realname: name }), ...(dept !== undefined && { dept }) },
    [putProfile(user.account, { ...(before ?? EMPTY_PROFILE), ...change }, before ?? null)]
  )
  yield* audit("youdu.user.update", { actor: principal.payer, user: user.account })
  return {}
})

const deleteUser = Effect.fnUntraced(function* (deps: UserDeps, context: RequestContext) {
  if (isHead(context)) return {}
  const { scope, principal } = context
  const user = yield* userFor(deps, context)
  const refused = managedUser.check(scope, user)
  if (refused !== undefined) return yield* refuse(refused)
  yield* deps.engine.limits.charge(principal.payer, CHANGE_COST)
  yield* deps.users.remove(user.account)
  yield* audit("youdu.user.delete", { actor: principal.payer, user: user.account })
  return {}
})

/** SDKs send `delete` as GET or as POST, in both cases with the user in the query. */
export const userRoutes = (deps: UserDeps, { inBody, inQuery }: Operations): RouteTable => {
  const remove = inQuery(["userId"], (context) => deleteUser(deps, context), WORDS)
  return {
    "/cgi/user/get": { GET: inQuery(["userId"], (context) => getUser(deps, context), WORDS) },
    "/cgi/user/list": { GET: inQuery(["deptId"], (context) => listUsers(deps, context), WORDS) },
    "/cgi/user/simplelist": { GET: inQuery(["deptId"], (context) => listUsersSimply(deps, context), WORDS) },
    "/cgi/user/create": { POST: inBody((context) => createUser(deps, context), WORDS) },
    "/cgi/user/update": { POST: inBody((context) => updateUser(deps, context), WORDS) },
    "/cgi/user/delete": { GET: remove, POST: remove },
    "/cgi/dept/list": { GET: inQuery(["id"], (context) => listDepartments(deps, context), WORDS) }
  }
}
