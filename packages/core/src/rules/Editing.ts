/** Messages that can be edited. The callers who may edit them: `Operations`, `editOwn` and `editOthers`. */
import type { Message } from "../model/Message.ts"
import type { Reason } from "../model/Refused.ts"

/**
 * Content type of messages that are edited by a content alone. A client that does not name the type expects a text; images
 * and files of such clients are replaced by sending their gid again.
 */
const EDITABLE = "text"

/** Returns the reason for which a message cannot be edited, or undefined. `isTyped`: the new content has a named type. */
export const editProblem = (
  { contentType, recalled }: Pick<Message, "contentType" | "recalled">,
  isTyped = false
): Reason | undefined => {
  if (recalled) return { _tag: "Recalled" }
  return isTyped || contentType === EDITABLE
    ? undefined
    : { _tag: "Invalid", field: "message", problem: "must be a text" }
}
