/** How operations name chats, users and messages. */

/** A chat, or its gid. */
export type ChatRef =
  | string
  /** With its gid. */
  | { readonly gid: string }
/** A user, or its id. */
export type UserRef =
  | number
  /** With its id. */
  | { readonly id: number }
/** A message, or its id. */
export type MessageRef =
  | number
  /** With its id. */
  | { readonly id: number }

export const gidOf = (chat: ChatRef): string => (typeof chat === "string" ? chat : chat.gid)
export const idOf = (named: UserRef | MessageRef): { readonly id: number } => ({
  id: typeof named === "number" ? named : named.id
})
