/**
 * What commands cost their user, in units of a plain message to a few members: about 30 microseconds of work, or a KiB of
 * answer. What a command names is charged before it is carried out, what it has come to afterwards.
 */
import type { Chat } from "../model/Chat.ts"
import type { Command, ReplyOf } from "../model/Command.ts"

/** Users or members in an answer. */
const USERS = 1 / 10
/** Ids of members in an answer. */
const IDS = 1 / 100
/** Messages, chats or files in an answer. */
const ITEMS = 1 / 2
/** Users who are told of something. */
const TOLD = 1 / 100
/** Messages of a page that is asked for, and may be refused once it is read. */
const PAGE = 1 / 20

/** Beside 1 for the request: what it costs to look at all that the command names. */
export const costBefore = (command: Command): number => {
  switch (command._tag) {
    case "SendMessages":
      return Math.max(0, command.messages.length - 1)
    case "CreateChat":
    case "AddMembers":
    case "RemoveMembers":
      return command.members.length * USERS
    case "ReviseGroup":
      return ((command.add?.length ?? 0) + (command.remove?.length ?? 0)) * USERS
    case "SetAdmins":
      return command.users.length * USERS
    case "SetCommitters":
      return typeof command.committers === "string" ? 0 : command.committers.length * USERS
    case "ReadHistory": {
      const { page } = command
      return page === undefined ? 0 : ("size" in page ? page.size : page.limit) * PAGE
    }
    case "AddFiles":
      return command.files.length
    default:
      return 0
  }
}

/** What a list of so many users costs. */
export const costOfUsers = (users: number): number => users * USERS

/** What telling a chat's members costs, of whom no more are here than users are online: absent members cost nothing. */
export const costOfTelling = (chat: Chat, online: number): number =>
  (chat.type === "system" ? online : Math.min(chat.members.size, online)) * TOLD

/** What the answer costs, and telling others. `online` is how many users are here. */
export const costAfter = <C extends Command>(command: C, reply: ReplyOf<C>, online: number): number => {
  const done = { command, reply } as Done
  switch (done.command._tag) {
    case "ReadHistory":
      return (done.reply as ReplyOf<typeof done.command>).messages.length * ITEMS
    case "ListMembers":
      return (done.reply as ReplyOf<typeof done.command>).members.length * USERS
    case "ListUsers":
      return (done.reply as ReplyOf<typeof done.command>).length * USERS
    case "ListChats": {
      let members = 0
      const chats = done.reply as ReplyOf<typeof done.command>
      for (const { chat } of chats) members += chat.members.size
      return chats.length * ITEMS + members * IDS
    }
    case "ListPublicChats":
    case "ListFiles":
      return (done.reply as ReplyOf<typeof done.command>).length * ITEMS
    case "SendMessages": {
      let cost = 0
      for (const { chat } of done.reply as ReplyOf<typeof done.command>) cost += costOfTelling(chat, online)
      return cost
    }
    case "RenameUser":
    case "ChangeStatus":
      return online * TOLD
    case "CreateChat":
    case "JoinChat":
    case "LeaveChat":
    case "RenameChat":
    case "AddMembers":
    case "RemoveMembers":
    case "EditChat":
    case "ReviseGroup":
    case "DissolveChat":
    case "PublishChat":
    case "SetAdmins":
    case "SetCommitters": {
      // The answer lists all members as well.
      const { chat } = done.reply as ReplyOf<typeof done.command>
      return costOfTelling(chat, online) + chat.members.size * IDS
    }
    default:
      return 0
  }
}

interface Done {
  readonly command: Command
  readonly reply: unknown
}
