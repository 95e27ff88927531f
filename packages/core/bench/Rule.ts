/** Whether a member may speak: the rules of one message, on facts in memory. */
import { createdChat } from "../src/model/Chat.ts"
import { ChatId, UserId } from "../src/model/Ids.ts"
import { refusal } from "../src/rules/Operations.ts"

const MEMBERS = 50

/** One turn is one message. */
export const rule = {
  description: "rule: may this member of a group of 50 send",
  make: () => {
    const chat = createdChat(
      {
        gid: "bench",
        name: "bench",
        type: "group",
        public: false,
        subject: 0,
        createdBy: UserId(1),
        owner: UserId(1),
        admins: [],
        senders: "all",
        createdAt: 0,
        attributes: {},
        members: Array.from({ length: MEMBERS }, (_, index) => UserId(index + 1))
      },
      ChatId(1)
    )
    let nth = 0
    return {
      turn: () => {
        const user = { id: UserId((nth++ % MEMBERS) + 1), admin: false }
        if (refusal("send", { user, chat }) !== undefined) throw new Error("a member may speak")
      },
      close: () => {}
    }
  }
}
