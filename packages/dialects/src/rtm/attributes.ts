/**
 * Attributes of a conversation: free JSON values that clients choose. The attribute `name` is the chat's name. Others are
 * stored with the chat under keys of this protocol.
 */
import type { AttributePart, Chat } from "@parley/core/Chat"
import type { Changed } from "@parley/core/Log"
import { type Reason, type Refused, refuse } from "@parley/core/Refused"
import type { EngineSettings } from "@parley/core/Settings"
import * as Effect from "effect/Effect"
import { parseContent } from "../_http/jsonLimits.ts"

/** Beginning of the keys under which attributes are stored. */
const PREFIX = "rtm."

export type Attributes = Readonly<Record<string, unknown>>

/** Fields of a conversation beside its attributes. */
const RESERVED: ReadonlySet<string> = new Set(
  "objectId m c lm tr sys mu muted unique uniqueId createdAt updatedAt temp ttl msg bin msg_from msg_mid msg_timestamp".split(
    " "
  )
)

/** A change of attributes, with the keys that are stored. */
export interface AttributeChange {
  readonly name?: string
  readonly attributes: Attributes
  /** Parts of attributes, of keys with dots. */
  readonly parts: ReadonlyArray<AttributePart>
}

/** Returns a conversation's attributes, as clients see them. */
export const attributesOf = ({ name, attributes }: Chat): Attributes => ({
  ...(name !== "" && { name }),
  ...shown(attributes)
})

const shown = (stored: Attributes): Attributes =>
  Object.fromEntries(
    Object.entries(stored).flatMap(([key, value]) =>
      key.startsWith(PREFIX) ? [[key.slice(PREFIX.length), value]] : []
    )
  )

/** Returns the attributes that a change has set; a removed one is null. */
export const changedAttributes = ({ name, attributes }: Changed): Attributes => ({
  ...(name !== undefined && { name }),
  ...shown(attributes ?? {})
})

const invalid = (problem: string): Reason => ({ _tag: "Invalid", field: "attr", problem })

/** Maximum number of keys in a path with dots. */
const MAX_PATH = 32

/**
 * Parses attributes of a client. A key with dots names a part of an object. Refused if they are not JSON, too many or too
 * large.
 */
export const parseAttributes = (
  data: string | undefined,
  { attributesPerChat, attribute }: Pick<EngineSettings, "attribute" | "attributesPerChat">
): Effect.Effect<AttributeChange, Refused> =>
  Effect.suspend((): Effect.Effect<AttributeChange, Refused> => {
    if (data === undefined || data === "") return Effect.succeed({ attributes: {}, parts: [] })
    const parsed = parseContent(data)
    if (parsed === undefined) return refuse(invalid("must be a JSON object"))
    const { name, ...others } = parsed
    if (name !== undefined && typeof name !== "string") return refuse(invalid("must have a text as name"))
    const attributes: Record<string, unknown> = {}
    const parts: Array<AttributePart> = []
    for (const [path, value] of Object.entries(others)) {
      const [key = "", ...rest] = path.split(".")
      if (key === "" || rest.includes("")) return refuse(invalid("must have keys without empty parts"))
      if (rest.length > MAX_PATH) return refuse(invalid(`must have keys of at most ${MAX_PATH} parts`))
      if (RESERVED.has(key)) return refuse(invalid(`must not change ${key}`))
      if (key === "name") return refuse(invalid("must have a text as name"))
      if (rest.length === 0) attributes[PREFIX + key] = value
      else parts.push({ path: [PREFIX + key, ...rest], value })
    }
    const entries = Object.entries(attributes)
    if (entries.length + parts.length > attributesPerChat) {
      return refuse(invalid(`must have at most ${attributesPerChat} attributes`))
    }
    const large = entries.find(([, value]) => JSON.stringify(value).length > attribute)
    if (large !== undefined) return refuse(invalid(`must have values of at most ${attribute} bytes`))
    return Effect.succeed({ ...(name !== undefined && { name }), attributes, parts })
  })
