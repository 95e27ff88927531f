/** Several changes of a group in one step: atomic, with one entry and one version. */
import * as Effect from "effect/Effect"
import { type Chat, isEngineAttribute, isMember, withParts } from "../model/Chat.ts"
import type { DissolveChat, EditChat, ReviseGroup } from "../model/Command.ts"
import type { UserId } from "../model/Ids.ts"
import type { Changed } from "../model/Log.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { blockedReason, ownerWithout } from "../rules/Membership.ts"
import type { StorageFailed } from "../ports/Store.ts"
import { exceeds, isWellFormedJson } from "../model/Utf8.ts"
import type { CachedChat } from "../cache/ChatCache.ts"
import {
  type Invocation,
  replyWith,
  change,
  type CommandContext,
  existing,
  invalid,
  nameProblem,
  permitted,
  type CommandHandler,
  view
} from "./CommandHandler.ts"

type Step = Omit<Changed, "_tag">

const isEmpty = (step: Step): boolean => Object.keys(step).length === 0

/**
 * Maximum number of bytes of an attribute's key, including the prefix of its protocol; a protocol may allow its clients
 * less.
 */
const MAX_KEY = 4096

/** Attributes that are checked before other work runs. */
const ATTRIBUTES_SLICE = 2000

/** Texts are measured as they are, other values as JSON. */
const isTooLarge = (value: unknown, limit: number): boolean =>
  exceeds(typeof value === "string" ? value : (JSON.stringify(value) ?? ""), limit)

/** Counts the attributes, without the engine's own ones. */
const countOf = (attributes: Chat["attributes"]): number =>
  Object.entries(attributes).filter(([key, value]) => value !== null && !isEngineAttribute(key)).length

/** Returns the new values of the attributes that the command names. */
const attributesAfter = (chat: Chat, { attributes = {}, parts = [] }: EditChat): Chat["attributes"] => {
  if (parts.length === 0) return attributes
  const names = new Set([...Object.keys(attributes), ...parts.map(({ path: [name] }) => name)])
  const after = withParts({ ...chat.attributes, ...attributes }, parts)
  return Object.fromEntries([...names].map((name) => [name, after[name]]))
}

export const editChat: CommandHandler<EditChat> = Effect.fnUntraced(function* (context, invocation, command) {
  const { name, parts = [] } = command
  const isChange = name !== undefined || command.public !== undefined || parts.length > 0
  if (!isChange && Object.keys(command.attributes ?? {}).length === 0) {
    return yield* refuse(invalid("data", "must change at least one thing"))
  }
  const problem = name === undefined ? undefined : nameProblem(context, name, false)
  if (problem !== undefined) return yield* refuse(problem)
  const cached = yield* permitted(context, invocation, command.chat, "edit")
  if (command.public !== undefined) yield* permitted(context, invocation, command.chat, "publish")
  const { chat } = cached
  const { attributesPerChat, attribute } = context.settings
  const attributes = attributesAfter(chat, command)
  const count = countOf({ ...chat.attributes, ...attributes })
  // A chat with more attributes, from an earlier limit, can still be changed otherwise, and lose some.
  if (count > attributesPerChat && count > countOf(chat.attributes)) {
    return yield* refuse(invalid("data", `must keep at most ${attributesPerChat} attributes`))
  }
  for (const [index, [key, value]] of Object.entries(attributes).entries()) {
    if (index % ATTRIBUTES_SLICE === ATTRIBUTES_SLICE - 1) yield* Effect.yieldNow
    const field = `data.${key.slice(0, 64)}`
    if (isEngineAttribute(key)) return yield* refuse(invalid(field, "must not be changed as an attribute"))
    if (exceeds(key, MAX_KEY)) return yield* refuse(invalid(field, `must have a key of at most ${MAX_KEY} bytes`))
    // A removed attribute has no size.
    if (value !== null && isTooLarge(value, attribute)) {
      return yield* refuse(invalid(field, `must have at most ${attribute} bytes`))
    }
    if (!key.isWellFormed() || !isWellFormedJson(value)) {
      return yield* refuse(invalid(field.toWellFormed(), "must be well-formed Unicode"))
    }
  }
  const changed = Object.entries(attributes).filter(
    ([key, value]) => JSON.stringify(chat.attributes[key] ?? null) !== JSON.stringify(value ?? null)
  )
  const step: Step = {
    ...(name !== undefined && name !== chat.name && { name }),
    ...(command.public !== undefined && command.public !== chat.public && { public: command.public }),
    ...(changed.length > 0 && { attributes: Object.fromEntries(changed) })
  }
  return isEmpty(step) ? replyWith(view(cached)) : change(cached, invocation, step)
})

export const reviseGroup: CommandHandler<ReviseGroup> = Effect.fnUntraced(function* (context, invocation, command) {
  const { name, add = [], remove = [] } = command
  if (name === undefined && add.length === 0 && remove.length === 0) {
    return yield* refuse(invalid("update", "must change at least one thing"))
  }
  const problem = name === undefined ? undefined : nameProblem(context, name, false)
  if (problem !== undefined) return yield* refuse(problem)
  const leaving = new Set(remove)
  const conflicting = add.find((user) => leaving.has(user))
  if (conflicting !== undefined)
    return yield* refuse(invalid("members", `must not add and remove user ${conflicting} at once`))
  const cached = yield* permitted(context, invocation, command.chat, "addMembers")
  if (name !== undefined) yield* permitted(context, invocation, command.chat, "rename")
  const added = (yield* existing(context, invocation, "members", add, cached.chat)).filter(
    (user) => !isMember(cached.chat, user.id)
  )
  const blocked = blockedReason(cached.chat, added)
  if (blocked !== undefined) return yield* refuse(blocked)
  const removed = yield* departing(context, invocation, cached, command)
  const { chat } = cached
  const remaining = chat.members.size + added.length - removed.length
  if (removed.length > 0 && remaining < (command.atLeast ?? 0)) {
    return yield* refuse(invalid("members", `must remain at least ${command.atLeast}`))
  }
  const owner = ownerWithout(chat, new Set(removed))
  const step: Step = {
    ...(name !== undefined && name !== chat.name && { name }),
    ...(added.length > 0 && { added: added.map(({ id }) => id) }),
    ...(removed.length > 0 && { removed }),
    ...(owner !== chat.owner && { owner })
  }
  return isEmpty(step) ? replyWith(view(cached)) : change(cached, invocation, step)
})

/** Returns the leaving users: the caller always, others if the caller may remove them. */
const departing = Effect.fnUntraced(function* (
  context: CommandContext,
  invocation: Invocation,
  { chat }: CachedChat,
  command: ReviseGroup
): Effect.fn.Return<ReadonlyArray<UserId>, Refused | StorageFailed> {
  const users = yield* existing(context, invocation, "members", command.remove ?? [], chat)
  if (users.some((user) => user.id !== invocation.by)) {
    yield* permitted(context, invocation, command.chat, "removeMembers")
    if (users.some((user) => user.id === chat.owner && user.id !== invocation.by)) {
      return yield* refuse({ _tag: "CannotRemoveOwner" })
    }
  }
  return users.filter((user) => isMember(chat, user.id)).map((user) => user.id)
})

export const dissolveChat: CommandHandler<DissolveChat> = Effect.fnUntraced(function* (context, invocation, command) {
  return change(yield* permitted(context, invocation, command.chat, "dissolve"), invocation, { dissolved: true })
})
