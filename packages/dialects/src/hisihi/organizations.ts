/**
 * Organisations: their groups, their contacts, and the mark that a message went to a class. A class is an organisation.
 * Source: seeds/001, 获取机构下所有群组, 获取所有联系人, 向班级群发消息.
 */
import { audit } from "@parley/core/Audit"
import type { OperatorCommand } from "@parley/core/Dialect"
import { refuse, type Refused } from "@parley/core/Refused"
import { costOfUsers } from "@parley/core/rules/Cost"
import { mapInSlices } from "@parley/core/Slices"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { withCommandErrors } from "./apps.ts"
import { avatarOf, groupsOf, type GroupServices, NO_AVATAR, type Request } from "./groups.ts"
import { idNumber, wholeNumber } from "./params.ts"
import { available, groupKind, type Records } from "./records.ts"
import { type Failure, notFound } from "./errors.ts"

const CLASS = "class"
const DEMO_CLASS = "2"
const PUSH_HISTORY = "push-history"
/** Digits of a key, so that text order is the order of numbers. */
const DIGITS = 16
const MAX_ATTEMPTS = 20

/** Groups on one page. Source: seeds/001, 获取机构下所有群组. */
export interface Pages {
  /** Where the request gives no `per_page`. */
  readonly usual: number
  readonly most: number
}

export interface OrganizationServices extends GroupServices {
  readonly pages: Pages
}

const organizationId = ({ path }: Request) => idNumber("organization_id", path("organization_id"))

const groups = Effect.fnUntraced(function* (services: OrganizationServices, request: Request, organization: number) {
  const index = yield* services.records.all(groupKind(organization))
  return yield* groupsOf(
    services,
    request,
    index.map(({ key }) => key)
  )
})

const usersOf = ({ engine }: OrganizationServices, organization: number) =>
  Effect.map(available(engine.context.users.all), (users) =>
    users.filter((user) => user.organisation === organization && !user.disabled)
  )

export const listGroups = Effect.fnUntraced(function* (services: OrganizationServices, request: Request) {
  const organization = yield* organizationId(request)
  const page = yield* idNumber("page", request.parameters("page") ?? 1)
  const { usual, most } = services.pages
  const perPage = yield* wholeNumber("per_page", request.parameters("per_page") ?? usual, 1, most)
  const all = yield* groups(services, request, organization)
  return {
    total_count: all.length,
    data: all.slice((page - 1) * perPage, page * perPage).map(({ id, name }) => ({ id, group_name: name }))
  }
})

export const listContacts = Effect.fnUntraced(function* (services: OrganizationServices, request: Request) {
  const organization = yield* organizationId(request)
  const chats = yield* groups(services, request, organization)
  const users = yield* usersOf(services, organization)
  services.engine.limits.owe(request.payer, costOfUsers(chats.length + users.length))
  const parts = [
    ...(yield* encodeInSlices(chats, (chat) => ({
      id: chat.id,
      avatar: avatarOf(chat),
      name: chat.name,
      type: "group"
    }))),
    ...(yield* encodeInSlices(users, ({ id, avatar, realname }) => ({
      id,
      avatar: avatar === "" ? NO_AVATAR : avatar,
      name: realname,
      type: "user"
    })))
  ]
  return joined([encoder.encode('{"data":['), ...withCommas(parts), encoder.encode("]}")])
})

/** Contacts that are encoded before other work is let through: there may be a hundred thousand. */
const SLICE = 1000

/** Every runtime has it; this package's types name no runtime. */
declare const TextEncoder: new () => { readonly encode: (text: string) => Uint8Array }

const encoder = new TextEncoder()
const COMMA = encoder.encode(",")

/** JSON of the items with commas between them, as UTF-8: some bytes for each slice. */
const encodeInSlices = <A>(items: ReadonlyArray<A>, json: (item: A) => object) => {
  const starts = Array.from({ length: Math.ceil(items.length / SLICE) }, (_, index) => index * SLICE)
  return mapInSlices(
    starts,
    (start) =>
      encoder.encode(
        items
          .slice(start, start + SLICE)
          .map((item) => JSON.stringify(json(item)))
          .join(",")
      ),
    1
  )
}

const withCommas = (parts: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> =>
  parts.flatMap((part, index) => (index === 0 ? [part] : [COMMA, part]))

const joined = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/**
 * Marks that a message went to a class, and does nothing else. Where users are asked who they are, for administrators of
 * the organisation only: these are the system administrators, since no other user administers an organisation.
 */
export type MarkBroadcast = (
  services: OrganizationServices,
  request: Request
) => Effect.Effect<{ readonly class_id: number; readonly push_history_record_id: number }, Failure | Refused>

/** Record ids are counted here; where another node counts too, a taken id is the sign to look again. */
export const markingBroadcasts = (records: Records): MarkBroadcast => {
  let last: number | undefined
  const fresh = Effect.gen(function* () {
    if (last === undefined) {
      const newest = (yield* records.all(PUSH_HISTORY)).at(-1)
      last = Math.max(last ?? 0, Number(newest?.key ?? 0))
    }
    return ++last
  })
  return Effect.fnUntraced(function* (services, request) {
    const class_id = yield* idNumber("class_id", request.path("class_id"))
    const { user } = request.principal
    if (user?.admin === false) return yield* refuse({ _tag: "Forbidden", requires: "system administrators" })
    if (!(yield* classExists(services, class_id))) return yield* notFound("class")
    const at = yield* Clock.currentTimeMillis
    const sender = user?.id ?? null
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const id = yield* fresh
      if (yield* records.add(PUSH_HISTORY, String(id).padStart(DIGITS, "0"), { class: class_id, sender, at })) {
        if (user !== undefined) yield* audit("hisihi.class.message", { actor: user.account, class: class_id })
        return { class_id, push_history_record_id: id }
      }
      last = undefined
    }
    return yield* refuse({ _tag: "Busy" })
  })
}

/** The operator added it, or it has users or groups. */
const classExists = Effect.fnUntraced(function* (
  services: OrganizationServices,
  id: number
): Effect.fn.Return<boolean, Refused> {
  const { records } = services
  if ((yield* records.find(CLASS, String(id))) !== undefined) return true
  return (yield* usersOf(services, id)).length > 0 || (yield* records.all(groupKind(id))).length > 0
})

export const addDemoClass = (records: Records): Effect.Effect<void, Refused> =>
  Effect.asVoid(records.add(CLASS, DEMO_CLASS, {}))

export const classCommands = (records: Records): ReadonlyArray<OperatorCommand> => [
  {
    path: ["class", "add"],
    description: "Add a class of the hisihi protocol that has no users and groups yet",
    inputs: [
      { name: "id", kind: "integer", positional: true, required: true, description: "The id of the organisation" }
    ],
    run: Effect.fnUntraced(function* (inputs) {
      const id = Number(inputs["id"])
      if (!Number.isSafeInteger(id) || id < 1) return yield* Effect.fail("id must be a positive integer")
      return (yield* withCommandErrors(records.add(CLASS, String(id), {})))
        ? `added class ${id}`
        : yield* Effect.fail(`class ${id} exists already`)
    })
  }
]
