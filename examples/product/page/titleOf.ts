import type { Chat, Parley } from "@parley/client"

/** Name of a chat: of a direct chat, that of the other user. */
export const titleOf = (parley: Parley, { name, type, members = [] }: Chat): string => {
  if (type !== "one2one") return name
  const other = members.find(({ id }) => id !== parley.me.id)
  return parley.users.get(other?.id ?? 0)?.realname ?? name
}
