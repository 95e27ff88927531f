/** Users, and the chats of this user, as last reported by the server. */
import type { ParleyEvent } from "./Events.ts"
import type { Chat, User } from "./protocol.ts"

export class ClientState {
  /** Id of this user; 0 before the first login. */
  me = 0
  readonly users = new Map<number, User>()
  /** By gid. */
  readonly chats = new Map<string, Chat>()
  /** Called with the gid of a chat to which this user sent a message, or which they read. */
  touched: (gid: string) => void = () => {}

  applyEvent(event: ParleyEvent): void {
    switch (event.type) {
      case "users":
        this.users.clear()
        for (const user of event.data) this.users.set(user.id, user)
        return
      case "chats":
        this.chats.clear()
        for (const chat of event.data) this.chats.set(chat.gid, chat)
        return
      case "login":
      case "logout":
      case "userRenamed":
      case "userStatus":
        this.users.set(event.data.id, event.data)
        return
      case "message":
      case "edit":
      case "recall":
      case "read":
      case "typing":
      case "unread":
      case "state":
      case "error":
        return
      default:
        this.applyReply(event.data)
    }
  }

  /** Takes the current state of a chat. This user's preferences stay: only the list of chats has them. */
  applyReply(chat: Chat): void {
    const isOwn = chat.type === "system" || chat.members?.some(({ id }) => id === this.me) !== false
    if (isOwn) this.chats.set(chat.gid, { ...this.chats.get(chat.gid), ...chat })
    else this.chats.delete(chat.gid)
  }

  /** Takes the date of a message of a chat, in seconds since 1970. */
  applyDate(gid: string, date: number): void {
    if (date > (this.chats.get(gid)?.lastActiveTime ?? 0)) this.change(gid, { lastActiveTime: date })
  }

  change(gid: string, change: Partial<Chat>): void {
    const chat = this.chats.get(gid)
    if (chat !== undefined) this.chats.set(gid, { ...chat, ...change })
  }

  changeUser(id: number, change: Partial<User>): void {
    const user = this.users.get(id)
    if (user !== undefined) this.users.set(id, { ...user, ...change })
  }
}
