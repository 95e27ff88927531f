/**
 * The API with promises. The API with effects is the services of the modules beside this one: `Engine` carries out the
 * commands of `@parley/core/Command`, and `@parley/core/Parley` is the layer of all.
 */
export type { Carried, Identity } from "./Authenticator.ts"
export type { ExternalChange, ExternalUser } from "./ExternalDirectory.ts"
export type { HookContext, HookedCommand, Result, Verdict } from "./Hooks.ts"
export type { Message } from "./Message.ts"
export type { Decision } from "./Permissions.ts"
export { describeReason, type ReasonWords } from "./describeReason.ts"
export type { Reason } from "./Refused.ts"
export type { Operation } from "./rules/Operations.ts"
export type { StoredFile } from "./Store.ts"
export type { PresentUser, Status, User } from "./User.ts"
export type { UserDraft } from "./Users.ts"
export type { ByteRange, Download, Upload } from "./embedding/Attachments.ts"
export type { Conversation, OwnConversation } from "./embedding/Conversation.ts"
export type {
  ChatChanged,
  ChatCreated,
  EventOf,
  EventType,
  MessageRecalled,
  MessageReplaced,
  MessageSent,
  ParleyEvent,
  Recipients,
  UserShown
} from "./embedding/Events.ts"
export type { GivenSettings } from "./embedding/Given.ts"
export type { LogLine } from "./embedding/Logging.ts"
export type { LogEntry, LogOptions } from "./embedding/LogReading.ts"
export type { ChatRef, UserRef } from "./embedding/Naming.ts"
export type { EngineParts } from "./embedding/Opening.ts"
export { createEngine, type EngineOptions, type LoggedIn, ParleyEngine } from "./embedding/ParleyEngine.ts"
export { type Code, ParleyError } from "./embedding/ParleyError.ts"
export { type HistoryPage, type NewGroup, Participant, type SendOptions } from "./embedding/Participant.ts"
export { People, type UserFacts } from "./embedding/People.ts"
export type { AuthenticateOption, DirectoryOption, HooksOption, VerifyPasswordOption } from "./embedding/Ports.ts"
export type { UserMessage } from "./embedding/QueueView.ts"
export type { Signal } from "./embedding/Signal.ts"
export type { Unread } from "./embedding/Unread.ts"
export type { Services } from "./embedding/Works.ts"
