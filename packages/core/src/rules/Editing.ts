/** Messages that can be edited. The callers who may edit them: `Operations`, `editOwn` and `editOthers`. */
import type { Message } from "../model/Message.ts"
import type { Reason } from "../model/Refused.ts"

/** Content type of messages that can be edited. Images and files are replaced by sending their gid again. */
const EDITABLE = "text"

/** Returns the reason for which a message cannot be edited, or undefined. */
export const editProblem = ({
  contentType,
  recalled
}: Pick<Message, "contentType" | "recalled">): Reason | undefined => {
  if (recalled) return { _tag: "Recalled" }
  return contentType === EDITABLE ? undefined : { _tag: "Invalid", field: "message", problem: "must be a text" }
}
