/** Read state for embedders. */
import type { ReadMark, UnreadCount } from "../model/Command.ts"
import type { MemberProgress } from "../delivery/MemberProgress.ts"

/** Unread messages of one chat. */
export interface Unread extends Pick<UnreadCount, "count" | "more" | "read"> {
  /** The chat. */
  readonly id: number
  /** The chat's gid. */
  readonly gid: string
}

/** Progress of one member, by sequences of the chat's log; 0 for nothing. */
export interface ChatProgress extends MemberProgress {
  /** Id of the member. */
  readonly user: ReadMark["user"]
}

export const unread = ({ chat, count, more, read }: UnreadCount): Unread => ({
  id: chat.id,
  gid: chat.gid,
  count,
  more,
  read
})
