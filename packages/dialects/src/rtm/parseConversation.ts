/** Conversations as objects of the service's class `_Conversation`. */
import { type EngineSettings } from "@parley/core/Settings"
import * as Effect from "effect/Effect"
import { type AttributeChange, parseAttributes } from "./attributes.ts"
import type { Fields } from "./readValues.ts"
import { isTime } from "./parseMessage.ts"

export interface ImportedConversation {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Client id of the creator; undefined without one. */
  readonly creator: string | undefined
  readonly members: ReadonlyArray<string>
  /** Members who have muted the conversation. */
  readonly muted: ReadonlyArray<string>
  readonly isUnique: boolean
  readonly change: AttributeChange
}

/** Fields that are not attributes. Those without a meaning here follow from others or from the messages. */
const OWN: ReadonlySet<string> = new Set(
  "objectId m c lm tr sys mu muted unique uniqueId createdAt updatedAt temp ttl ACL __type className msg bin msg_from msg_mid msg_timestamp".split(
    " "
  )
)

const ID = /^[0-9a-f]{24}$/
const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((one) => typeof one === "string")

/** Returns the time of a date, or of the id: it begins with the seconds. */
const timeIn = (value: unknown, id: string): number => {
  const { iso = value } = (typeof value === "object" && value !== null ? value : {}) as { readonly iso?: unknown }
  const time = typeof iso === "string" ? Date.parse(iso) : iso
  return isTime(time) ? time : Number.parseInt(id.slice(0, 8), 16) * 1000
}

/** Returns the conversation; otherwise why it cannot be imported. */
export const parseConversation = (
  fields: Fields,
  settings: EngineSettings
): Effect.Effect<ImportedConversation | string> => {
  const { objectId: id, m = [], mu = [], c, unique = false } = fields
  if (typeof id !== "string" || !ID.test(id) || id.startsWith("0".repeat(12))) {
    return Effect.succeed("objectId must be 24 hexadecimal digits")
  }
  if (fields["tr"] === true) return Effect.succeed(`${id} is a chat room, which has no members: not imported`)
  if (fields["sys"] === true) {
    return Effect.succeed(`${id} is a service conversation: not imported, since everybody would see its messages`)
  }
  if (fields["temp"] === true) return Effect.succeed(`${id} is a temporary conversation: not imported`)
  if (!isTexts(m)) return Effect.succeed("m must be an array of client ids")
  if (!isTexts(mu)) return Effect.succeed("mu must be an array of client ids")
  if (c !== undefined && typeof c !== "string") return Effect.succeed("c must be a client id")
  if (typeof unique !== "boolean") return Effect.succeed("unique must be true or false")
  if (typeof fields["name"] === "string" && !fields["name"].isWellFormed()) {
    return Effect.succeed("name must be well-formed Unicode")
  }
  const attributes = Object.fromEntries(
    Object.entries(fields).filter(([key, value]) => !OWN.has(key) && !(key === "name" && value === null))
  )
  return parseAttributes(JSON.stringify(attributes), settings).pipe(
    Effect.map((change): ImportedConversation => ({
      id,
      createdAt: timeIn(fields["createdAt"], id),
      creator: c === "" ? undefined : c,
      members: [...new Set(m)],
      muted: mu,
      isUnique: unique,
      change
    })),
    Effect.catchTag("Refused", ({ reason }) =>
      Effect.succeed(reason._tag === "Invalid" ? `the attributes ${reason.problem}` : "the attributes are not valid")
    )
  )
}
