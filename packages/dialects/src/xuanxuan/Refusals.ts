/** Refusals in the words of this protocol: `result`, a `message`, and `data` where several messages were refused. */
import type { Reason } from "@parley/core/Refused"
import { listed, shortened } from "../Listed.ts"

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

export const messageOf = (reason: Reason): string => {
  switch (reason._tag) {
    case "NotLoggedIn":
      return "You are not logged in, or your session has ended."
    case "WrongPassword":
      return "The account or the password is wrong."
    case "TooManyAttempts":
      return `Too many failed logins; try again in ${reason.retryAfterSeconds} seconds.`
    case "RateLimited":
      return `Too many requests; retry in ${reason.retryAfterSeconds} seconds.`
    case "NoSuchChat":
      return "There is no such chat."
    case "NoSuchUsers":
      return `There are no such users: ${listed(reason.users)}.`
    case "NoSuchMessage":
      return "There is no such message."
    case "NoSuchFile":
      return "There is no such file."
    case "NotMember":
      return "You are not a member of this chat."
    case "Only":
      return `Only ${reason.who} may do this.`
    case "MayNotSpeak":
      return "You may not speak in this chat."
    case "NotPublic":
      return "This chat is not public."
    case "WrongChatType":
      return `This needs ${reason.needs}.`
    case "OwnerStays":
      return "The owner of the chat cannot be removed."
    case "NotAMember":
      return `These users are not members of the chat: ${listed(reason.users)}.`
    case "GidTaken":
      return `The gid ${bounded(reason.gid)} is taken.`
    case "AccountTaken":
      return `The account ${bounded(reason.account)} is taken.`
    case "RecordTaken":
      return `${bounded(reason.key)} is taken.`
    case "Recalled":
      return "The message was recalled."
    case "Invalid":
      return `${FIELDS.get(reason.field) ?? reason.field} ${reason.problem}.`
    case "MessagesRefused":
      return `No message was stored. ${reason.refusals.map(({ reason: why }) => messageOf(why)).at(0) ?? ""}`
    case "Busy":
      return "Others are changing the same; please try again."
    case "Unavailable":
      return "The storage does not answer; sending the same again is safe."
    case "Vetoed":
      return reason.message
  }
}
