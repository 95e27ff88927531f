/** `session/Edit`. Source: seeds/000, "编辑会话信息"; PROTOCOLS, "spark". */
import { type Refused } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import { exceeds, isWellFormedJson } from "@parley/core/Utf8"
import * as Effect from "effect/Effect"
import { type RequestContext, sessionFor } from "./context.ts"
import { ATTRIBUTE } from "./sessionKey.ts"
import { invalid } from "../_http/fields.ts"
import type { Parameters } from "./params.ts"
import { type SessionJson, sessionJson } from "./encode.ts"

const FLAGS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  [1, true],
  ["1", true],
  ["true", true],
  [false, false],
  [0, false],
  ["0", false],
  ["false", false]
])

/** Maximum number of keys in a request: the upper bound of `limits.attributesPerChat`, plus `name`, `title` and `public`. */
const MAX_KEYS = 10_003
/** Keys that are processed before other work runs. */
const KEYS_PER_SLICE = 2000

/** Maximum sizes in bytes. Strings are measured as they are, other values as JSON. */
interface Limits {
  readonly key: number
  readonly value: number
}

interface Changes {
  readonly name?: string
  readonly public?: boolean
  readonly attributes: Readonly<Record<string, unknown>>
}

export const editSession = Effect.fnUntraced(function* (
  context: RequestContext,
  parameters: Parameters
): Effect.fn.Return<SessionJson, Refused | StorageFailed> {
  const id = yield* parameters.session
  const changes = yield* changesIn(yield* parameters.pairs("Data"), {
    key: context.maxKeySize,
    value: context.engine.context.settings.attribute
  })
  const session = yield* sessionFor(context, id, "edit")
  const { chat, head } = yield* context.runCommand(context.caller, {
    _tag: "EditChat",
    chat: { id: session.chat.id },
    ...changes
  })
  return yield* sessionJson(context, { chat, seq: head.seq })
})

/** `name` and `title` set the name, `public` the flag; other keys are stored unchanged, and removed if null. */
const changesIn = Effect.fnUntraced(function* (
  data: Readonly<Record<string, unknown>>,
  limits: Limits
): Effect.fn.Return<Changes, Refused> {
  let name: string | undefined
  let isPublic: boolean | undefined
  const attributes: Array<readonly [string, unknown]> = []
  const pairs = Object.entries(data)
  if (pairs.length > MAX_KEYS) return yield* invalid("Data", `must hold at most ${MAX_KEYS} keys`)
  for (const [index, [key, value]] of pairs.entries()) {
    if (index % KEYS_PER_SLICE === KEYS_PER_SLICE - 1) yield* Effect.yieldNow
    if (key === "name" || key === "title") {
      if (typeof value !== "string" || !value.isWellFormed()) return yield* invalid(`Data.${key}`, "must be a string")
      if (name !== undefined && name !== value) return yield* invalid("Data.title", "must be the same as Data.name")
      name = value
    } else if (key === "public") {
      isPublic = FLAGS.get(value)
      if (isPublic === undefined) return yield* invalid("Data.public", "must be true or false")
    } else {
      const problem = keyProblem(key, limits.key) ?? valueProblem(value, limits.value)
      if (problem !== undefined) return yield* invalid(`Data.${key.slice(0, 64).toWellFormed()}`, problem)
      attributes.push([`${ATTRIBUTE}${key}`, value])
    }
  }
  const isLarge = pairs.length > KEYS_PER_SLICE
  if (isLarge) yield* Effect.yieldNow
  const changes = {
    ...(name !== undefined && { name }),
    ...(isPublic !== undefined && { public: isPublic }),
    attributes: Object.fromEntries(attributes)
  }
  if (isLarge) yield* Effect.yieldNow
  return changes
})

const keyProblem = (key: string, limit: number): string | undefined => {
  if (key === "") return "must have a key that is not empty"
  if (!key.isWellFormed()) return "must have a key of well-formed Unicode"
  return exceeds(key, limit) ? `must have a key of at most ${limit} bytes` : undefined
}

const valueProblem = (value: unknown, limit: number): string | undefined => {
  // A removed key has no size.
  if (value === null) return undefined
  const text = typeof value === "string" ? value : jsonOf(value)
  if (text === undefined || exceeds(text, limit)) return `must have at most ${limit} bytes`
  return isWellFormedJson(value) ? undefined : "must be well-formed Unicode"
}

/** Returns undefined for a value that nests too deep to serialize. */
const jsonOf = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}
