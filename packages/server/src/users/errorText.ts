/** Describes refusals for the operator: without a capital letter and a full stop, as lines of a command. */
import { describeReason, type ReasonWords } from "@parley/core/describeReason"
import type { Reason } from "@parley/core/Refused"

const WORDS: ReasonWords = {
  sentences: {
    AccountTaken: ({ account }) => `account ${account} exists already`,
    NoSuchUsers: ({ users }) => `there is no user ${users.join(", ")}`,
    Unavailable: "the database could not be read or written; the server's log says why"
  }
}

export const errorText = (reason: Reason): string => {
  const text = describeReason(reason, WORDS)
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "")
}
