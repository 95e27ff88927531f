/** One handler for each command. */
import type { Command } from "../model/Command.ts"
import { createChat } from "./CreateChat.ts"
import {
  listChats,
  listPublicChats,
  publishChat,
  readChat,
  renameChat,
  setAdmins,
  setSenders,
  setPreference,
  setSlowMode
} from "./Chats.ts"
import { dissolveChat, editChat, reviseGroup } from "./Groups.ts"
import { addFiles, listFiles, readFile } from "./Files.ts"
import { addMembers, joinChat, leaveChat, listMembers, removeMembers } from "./Members.ts"
import { promoteMembers } from "./PromoteMembers.ts"
import { editMessage } from "./EditMessage.ts"
import { hideMessage, readHistory, recallMessage } from "./Messages.ts"
import { searchMessages } from "./Search.ts"
import { confirmDelivery, countUnread, listReadMarks, markRead } from "./ReadState.ts"
import { sendTransient } from "./SendTransient.ts"
import { notifyTyping } from "./Typing.ts"
import type { CommandHandler } from "./CommandHandler.ts"
import { sendMessages } from "./SendMessages.ts"
import { blockUsers, silenceMembers } from "./UserFlags.ts"
import { changeStatus, listUsers, readUserSettings, renameUser, saveUserSettings } from "./Users.ts"

export const commandHandlers: {
  readonly [Tag in Command["_tag"]]: CommandHandler<Extract<Command, { readonly _tag: Tag }>>
} = {
  CreateChat: createChat,
  JoinChat: joinChat,
  LeaveChat: leaveChat,
  RenameChat: renameChat,
  AddMembers: addMembers,
  RemoveMembers: removeMembers,
  EditChat: editChat,
  ReviseGroup: reviseGroup,
  DissolveChat: dissolveChat,
  PublishChat: publishChat,
  SetAdmins: setAdmins,
  PromoteMembers: promoteMembers,
  SetSenders: setSenders,
  SetSlowMode: setSlowMode,
  SilenceMembers: silenceMembers,
  BlockUsers: blockUsers,
  SetPreference: setPreference,
  SendMessages: sendMessages,
  RecallMessage: recallMessage,
  EditMessage: editMessage,
  HideMessage: hideMessage,
  MarkRead: markRead,
  CountUnread: countUnread,
  ListReadMarks: listReadMarks,
  NotifyTyping: notifyTyping,
  SendTransient: sendTransient,
  ConfirmDelivery: confirmDelivery,
  ReadHistory: readHistory,
  SearchMessages: searchMessages,
  ReadChat: readChat,
  ListMembers: listMembers,
  ListChats: listChats,
  ListPublicChats: listPublicChats,
  ListFiles: listFiles,
  ReadFile: readFile,
  AddFiles: addFiles,
  ListUsers: listUsers,
  RenameUser: renameUser,
  ChangeStatus: changeStatus,
  ReadUserSettings: readUserSettings,
  SaveUserSettings: saveUserSettings
}
