/** Refusals in the words of this protocol: `result`, a `message`, and `data` where several messages were refused. */
import { describeReason } from "@parley/core/describeReason"
import { shortened } from "@parley/core/Listed"
import type { Reason } from "@parley/core/Refused"

/** Characters of a gid, at most; of a longer text, which is none, no more is sent back. */
const MAX_GID = 255

/** A text of the client's as it is sent back in a refusal. */
export const bounded = (text: string): string => shortened(text, MAX_GID)

/** `denied` asks the client to log in; everything else is `fail`. Source: seeds/002, "数据格式和约定". */
export const resultOf = (reason: Reason): "fail" | "denied" => (reason._tag === "NotLoggedIn" ? "denied" : "fail")

/** What the engine calls a field, where this protocol has another name for it. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ["page size", "params.recPerPage"],
  ["page number", "params.pageID"]
])

export const messageOf = (reason: Reason): string =>
  describeReason(reason, { field: (name) => FIELDS.get(name) ?? name })
