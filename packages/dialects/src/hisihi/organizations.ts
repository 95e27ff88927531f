/**
 * Lists groups and contacts of organisations, and records broadcasts to classes. A class is an organisation.
 * Source: seeds/001, 获取机构下所有群组, 获取所有联系人, 向班级群发消息.
 */
import { audit } from "@parley/core/Audit"
import type { OperatorCommand } from "@parley/core/Dialect"
import { refuse, type Refused } from "@parley/core/Refused"
import { costOfUsers } from "@parley/core/rules/Cost"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { encodeItems, listBetween } from "../_http/jsonList.ts"
import { toCommandErrors } from "./apps.ts"
import { avatarOf, groupsOf, type GroupDeps, NO_AVATAR, type RequestContext } from "./groups.ts"
import { idNumber, integerBetween } from "./params.ts"
import { orUnavailable, groupKind, type Records } from "./records.ts"
import { type Failure, notFound } from "./errors.ts"

const CLASS = "class"
const DEMO_CLASS = "2"
const PUSH_HISTORY = "push-history"
/** Digits of a key, zero-padded so that string order is numeric order. */
const KEY_DIGITS = 16
/** Maximum number of attempts when another node takes the same record ids. */
const MAX_ATTEMPTS = 20

/** Number of groups on one page. Source: seeds/001, 获取机构下所有群组. */
export interface PageSizes {
  /** For requests without `per_page`. */
  readonly default: number
  readonly max: number
}

export interface OrganizationDeps extends GroupDeps {
  readonly perPage: PageSizes
}

const organizationId = ({ path }: RequestContext) => idNumber("organization_id", path("organization_id"))

const groups = Effect.fnUntraced(function* (deps: OrganizationDeps, context: RequestContext, organization: number) {
  const index = yield* deps.records.all(groupKind(organization))
  return yield* groupsOf(
    deps,
    context,
    index.map(({ key }) => key)
  )
})

const usersOf = ({ engine }: OrganizationDeps, organization: number) =>
  Effect.map(orUnavailable(engine.context.users.all), (users) =>
    users.filter((user) => user.organisation === organization && !user.disabled)
  )

export const listGroups = Effect.fnUntraced(function* (deps: OrganizationDeps, context: RequestContext) {
  const organization = yield* organizationId(context)
  const page = yield* idNumber("page", context.parameters("page") ?? 1)
  const perPage = yield* integerBetween(
    "per_page",
    context.parameters("per_page") ?? deps.perPage.default,
    1,
    deps.perPage.max
  )
  const all = yield* groups(deps, context, organization)
  return {
    total_count: all.length,
    data: all.slice((page - 1) * perPage, page * perPage).map(({ id, name }) => ({ id, group_name: name }))
  }
})

export const listContacts = Effect.fnUntraced(function* (deps: OrganizationDeps, context: RequestContext) {
  const organization = yield* organizationId(context)
  const chats = yield* groups(deps, context, organization)
  const { visibility } = deps.engine.context
  const users = yield* orUnavailable(visibility.among(context.principal.user, yield* usersOf(deps, organization)))
  deps.engine.limits.owe(context.payer, costOfUsers(chats.length + users.length))
  const chunks = [
    ...(yield* encodeItems(
      chats,
      (chat) => ({ id: chat.id, avatar: avatarOf(chat), name: chat.name, type: "group" }),
      CONTACTS_PER_SLICE
    )),
    ...(yield* encodeItems(
      users,
      ({ id, avatar, realname }) => ({
        id,
        avatar: avatar === "" ? NO_AVATAR : avatar,
        name: realname,
        type: "user"
      }),
      CONTACTS_PER_SLICE
    ))
  ]
  return listBetween('{"data":[', chunks, "]}").bytes
})

/** Contacts that are encoded before other work runs; there may be 100,000. */
const CONTACTS_PER_SLICE = 1000

/**
 * Records a broadcast to a class; sends nothing. With authentication, only for administrators of the organisation, which
 * are the system administrators, since no other user administers an organisation.
 */
export type MarkBroadcast = (
  deps: OrganizationDeps,
  context: RequestContext
) => Effect.Effect<{ readonly class_id: number; readonly push_history_record_id: number }, Failure | Refused>

/** Counts record ids in memory; reloads the newest one if another node took an id. */
export const makeMarkBroadcast = (records: Records): MarkBroadcast => {
  let last: number | undefined
  const nextId = Effect.gen(function* () {
    if (last === undefined) {
      const newest = (yield* records.all(PUSH_HISTORY)).at(-1)
      last = Math.max(last ?? 0, Number(newest?.key ?? 0))
    }
    return ++last
  })
  return Effect.fnUntraced(function* (deps, context) {
    const class_id = yield* idNumber("class_id", context.path("class_id"))
    const { user } = context.principal
    if (user?.admin === false) return yield* refuse({ _tag: "Forbidden", requires: "system administrators" })
    if (!(yield* classExists(deps, class_id))) return yield* notFound("class")
    const at = yield* Clock.currentTimeMillis
    const sender = user?.id ?? null
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const id = yield* nextId
      if (yield* records.add(PUSH_HISTORY, String(id).padStart(KEY_DIGITS, "0"), { class: class_id, sender, at })) {
        if (user !== undefined) yield* audit("hisihi.class.message", { actor: user.account, class: class_id })
        return { class_id, push_history_record_id: id }
      }
      last = undefined
    }
    return yield* refuse({ _tag: "Busy" })
  })
}

/** Returns whether the operator added the class, or it has users or groups. */
const classExists = Effect.fnUntraced(function* (
  deps: OrganizationDeps,
  id: number
): Effect.fn.Return<boolean, Refused> {
  const { records } = deps
  if ((yield* records.find(CLASS, String(id))) !== undefined) return true
  return (yield* usersOf(deps, id)).length > 0 || (yield* records.all(groupKind(id))).length > 0
})

export const addDemoClass = (records: Records): Effect.Effect<void, Refused> =>
  Effect.asVoid(records.add(CLASS, DEMO_CLASS, {}))

export const classCommands = (records: Records): ReadonlyArray<OperatorCommand> => [
  {
    path: ["class", "add"],
    group: "Classes of the hisihi protocol",
    description: "Add a class of the hisihi protocol that does not have users or groups yet",
    inputs: [
      { name: "id", kind: "integer", positional: true, required: true, description: "The id of the organisation" }
    ],
    run: Effect.fnUntraced(function* (inputs) {
      const id = Number(inputs["id"])
      if (!Number.isSafeInteger(id) || id < 1) return yield* Effect.fail("id must be a positive integer")
      return (yield* toCommandErrors(records.add(CLASS, String(id), {})))
        ? `added class ${id}`
        : yield* Effect.fail(`class ${id} exists already`)
    })
  }
]
