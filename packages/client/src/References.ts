/** How operations name chats, users and messages. */

/** A chat, or its gid. */
export type ChatRef = string | { readonly gid: string }
/** A user, or its id. */
export type UserRef = number | { readonly id: number }
/** A message, or its id. */
export type MessageRef = number | { readonly id: number }

export const gidOf = (chat: ChatRef): string => (typeof chat === "string" ? chat : chat.gid)
export const idOf = (named: UserRef | MessageRef): { readonly id: number } => ({
  id: typeof named === "number" ? named : named.id
})
