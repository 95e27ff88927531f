/** Encodes refusals: `result` and `message`. */
import { describeReason } from "@parley/core/describeReason"
import { shortened } from "@parley/core/Listed"
import type { Reason } from "@parley/core/Refused"

/** Maximum length of a gid, in characters; longer texts are truncated in replies. */
const MAX_GID = 255

/** Truncates a client's text for a refusal. */
export const bounded = (text: string): string => shortened(text, MAX_GID)

/** `denied` asks the client to log in; everything else is `fail`. Source: seeds/002, "数据格式和约定". */
export const resultOf = (reason: Reason): "fail" | "denied" => (reason._tag === "NotLoggedIn" ? "denied" : "fail")

/** Protocol names of engine fields. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ["page size", "params.recPerPage"],
  ["page number", "params.pageID"],
  ["senders", "committers"]
])

export const messageOf = (reason: Reason): string =>
  describeReason(reason, { field: (name) => FIELDS.get(name) ?? name })
