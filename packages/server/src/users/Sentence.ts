/** Why something about users was refused, in a sentence for the operator. */
import type { Reason } from "@parley/core/Refused"

export const sentence = (reason: Reason): string => {
  switch (reason._tag) {
    case "AccountTaken":
      return `account ${reason.account} exists already`
    case "NoSuchUsers":
      return `there is no user ${reason.users.join(", ")}`
    case "Invalid":
      return `${reason.field} ${reason.problem}`
    case "Busy":
      return "the server is busy; try again"
    case "Unavailable":
      return "the database could not be read or written; the server's log says why"
    default:
      return `it was refused: ${reason._tag}`
  }
}
