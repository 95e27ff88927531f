/**
 * Costs of commands, in units of a plain message to a few members: about 30 microseconds of work, or 1 KiB of reply.
 * Named targets are charged before the command runs, results afterwards.
 */
import type { Chat } from "../model/Chat.ts"
import type { Command, ReplyOf } from "../model/Command.ts"

/** Per user or member in a reply. */
const PER_USER = 1 / 10
/** Per member id in a reply. */
const PER_MEMBER_ID = 1 / 100
/** Per message, chat or file in a reply; a message with a long content costs more. */
const PER_ITEM = 1 / 2
/** Per character of a message's content in a reply. */
const PER_CHARACTER = 1 / 1024
/** Per user who is notified of an event. */
const PER_RECIPIENT = 1 / 100
/** For counting unread messages in all chats. */
const COUNT_ALL = 5
/** Per message of a requested page, which may be refused once it is read, and per message that a search looks at. */
const PER_PAGE_MESSAGE = 1 / 20

/** Returns the cost of looking up everything that the command names, beside 1 for the request. */
export const costBefore = (command: Command): number => {
  switch (command._tag) {
    case "SendMessages":
      return Math.max(0, command.messages.length - 1)
    case "CreateChat":
    case "AddMembers":
    case "RemoveMembers":
    case "PromoteMembers":
    case "SilenceMembers":
      return command.members.length * PER_USER
    case "ReviseGroup":
      return ((command.add?.length ?? 0) + (command.remove?.length ?? 0)) * PER_USER
    case "SetAdmins":
    case "BlockUsers":
      return command.users.length * PER_USER
    case "SetSenders":
      return typeof command.senders === "string" ? 0 : command.senders.length * PER_USER
    case "ReadHistory": {
      const { page } = command
      return page === undefined ? 0 : ("size" in page ? page.size : page.limit) * PER_PAGE_MESSAGE
    }
    case "AddFiles":
      return command.files.length
    case "CountUnread":
    case "SearchMessages":
      return command.chat === undefined ? COUNT_ALL : 0
    case "ListReadMarks":
      return (command.users?.length ?? 0) * PER_USER
    default:
      return 0
  }
}

/** Returns the number of messages of a command that count for the limit of messages per second. */
export const messagesIn = (command: Command): number => {
  if (command._tag === "SendMessages") return command.messages.length
  return command._tag === "EditMessage" || command._tag === "SendTransient" ? 1 : 0
}

/** Returns the cost of a list of users. */
export const costOfUsers = (users: number): number => users * PER_USER

/**
 * Returns the cost of notifying a chat's members, bounded by the number of online users: absent members cost nothing.
 */
export const costOfNotifying = (chat: Chat, online: number): number =>
  (chat.type === "system" ? online : Math.min(chat.members.size, online)) * PER_RECIPIENT

/** Returns the cost of the reply and of notifying others. `online` is the number of online users. */
export const costAfter = <C extends Command>(command: C, reply: ReplyOf<C>, online: number): number => {
  const done = { command, reply } as Done
  switch (done.command._tag) {
    case "ReadHistory": {
      let cost = 0
      for (const { content } of (done.reply as ReplyOf<typeof done.command>).messages) {
        cost += Math.max(PER_ITEM, content.length * PER_CHARACTER)
      }
      return cost
    }
    case "SearchMessages": {
      const { found, scanned } = done.reply as ReplyOf<typeof done.command>
      return found.length * PER_ITEM + scanned * PER_PAGE_MESSAGE
    }
    case "ListMembers":
      return (done.reply as ReplyOf<typeof done.command>).members.length * PER_USER
    case "ListReadMarks":
      return (done.reply as ReplyOf<typeof done.command>).marks.length * PER_USER
    case "CountUnread":
      return (done.reply as ReplyOf<typeof done.command>).length * PER_ITEM
    case "NotifyTyping": {
      const { chat, passed } = done.reply as ReplyOf<typeof done.command>
      return passed ? costOfNotifying(chat, online) : 0
    }
    case "SendTransient": {
      const { chat, sent } = done.reply as ReplyOf<typeof done.command>
      return sent ? costOfNotifying(chat, online) : 0
    }
    case "ConfirmDelivery": {
      const { chat } = done.reply as ReplyOf<typeof done.command>
      return chat.type === "system" ? 0 : costOfNotifying(chat, online)
    }
    case "MarkRead": {
      // In a system chat only the reader's own devices are notified.
      const { chat } = done.reply as ReplyOf<typeof done.command>
      return chat.type === "system" ? 0 : costOfNotifying(chat, online)
    }
    case "ListUsers":
      return (done.reply as ReplyOf<typeof done.command>).length * PER_USER
    case "ListChats": {
      let members = 0
      const chats = done.reply as ReplyOf<typeof done.command>
      for (const { chat } of chats) members += chat.members.size
      return chats.length * PER_ITEM + members * PER_MEMBER_ID
    }
    case "ListPublicChats":
    case "ListFiles":
      return (done.reply as ReplyOf<typeof done.command>).length * PER_ITEM
    case "SendMessages": {
      let cost = 0
      for (const { chat } of done.reply as ReplyOf<typeof done.command>) cost += costOfNotifying(chat, online)
      return cost
    }
    case "EditMessage":
      return costOfNotifying((done.reply as ReplyOf<typeof done.command>).chat, online)
    case "RenameUser":
    case "ChangeStatus":
      return online * PER_RECIPIENT
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
    case "PromoteMembers":
    case "SetSenders":
    case "SilenceMembers":
    case "BlockUsers": {
      // The reply lists all members too.
      const { chat } = done.reply as ReplyOf<typeof done.command>
      return costOfNotifying(chat, online) + chat.members.size * PER_MEMBER_ID
    }
    default:
      return 0
  }
}

interface Done {
  readonly command: Command
  readonly reply: unknown
}
