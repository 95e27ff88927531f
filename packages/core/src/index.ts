/**
 * Promise API. The Effect API is the services of the other modules: `Engine` runs the commands of
 * `@parley/core/Command`, and `@parley/core/Parley` is the layer of all services.
 */
export type { RequestInfo, Identity } from "./ports/Authenticator.ts"
export type { DirectoryUserChange, DirectoryUser } from "./ports/UserDirectory.ts"
export type { HookContext, HookedCommand, Result, Verdict } from "./ports/Hooks.ts"
export type { PairUser, VisibilityPair } from "./ports/Visibility.ts"
export type { Message } from "./model/Message.ts"
export type { Decision } from "./services/Permissions.ts"
export { describeReason, type ReasonWords } from "./model/describeReason.ts"
export type { Reason } from "./model/Refused.ts"
export type { Operation } from "./rules/Operations.ts"
export type { StorageStatus } from "./engine/StorageHealth.ts"
export type { StoredFile } from "./model/StoredFile.ts"
export type { PresentUser, Status, User } from "./model/User.ts"
export type { UserDraft } from "./services/Users.ts"
export type { ByteRange, Download, Upload } from "./api/Files.ts"
export type { ChatInfo, OwnChatInfo } from "./api/ChatInfo.ts"
export type {
  ChatChanged,
  ChatCreated,
  ChatDelivered,
  ChatRead,
  ChatTyping,
  EventOf,
  EventType,
  MessageRecalled,
  MessageReplaced,
  MessageSent,
  ParleyEvent,
  Recipients,
  PushRequested,
  TransientMessageSent,
  UserUpdated
} from "./api/Events.ts"
export type { SettingsInput } from "./api/SettingsInput.ts"
export type { LogLine } from "./api/Logging.ts"
export type { LogEntry, LogOptions } from "./api/ReadLog.ts"
export type { ChatRef, UserRef } from "./api/References.ts"
export type { EngineParts } from "./api/Runtime.ts"
export { createEngine, type EngineNode, type EngineOptions, type LoggedIn, ParleyEngine } from "./api/ParleyEngine.ts"
export { type Code, ParleyError } from "./api/ParleyError.ts"
export { UserApi } from "./api/UserApi.ts"
export type { HistoryPage, NewGroup, SearchOptions, SearchResult, SendOptions } from "./api/UserInputs.ts"
export { UsersApi, type UserFacts } from "./api/UsersApi.ts"
export type {
  AuthenticateOption,
  DirectoryOption,
  HooksOption,
  VerifyPasswordOption,
  VisibilityOption
} from "./api/Adapters.ts"
export type { OfflineQueueRow } from "./api/OfflineQueueRow.ts"
export type { AbortSignalLike } from "./api/AbortSignalLike.ts"
export type { ChatProgress, Unread } from "./api/Unread.ts"
export type { Services } from "./api/EngineServices.ts"
