/** Mutants of rules and validation. */
import type { EngineMutant } from "./EngineMutant.ts"

export const ruleMutants: ReadonlyArray<EngineMutant> = [
  {
    name: "no-membership-check",
    description: "every chat is open to all users",
    changes: [
      {
        module: "core/src/rules/Membership.ts",
        from: "isParticipant(facts) || (chat.public && via === undefined && !isOutside)",
        to: "true"
      },
      {
        module: "core/src/rules/Membership.ts",
        from: 'isParticipant(facts) ? undefined : { _tag: "NotMember" }',
        to: "undefined"
      }
    ],
    kills: [
      "ha/send/refused#foreign",
      "ha/list/refused#foreign",
      "spark/add/refused#not-a-member",
      "spark/push/refused#not-a-member",
      "spark/remove-member/by-admin#is-out",
      "xuanxuan/join/leave#no-longer-speaks",
      "xuanxuan/join/leave#no-longer-reads",
      "xuanxuan/invite/kick#says-nothing",
      "xuanxuan/message/atomic#lists-the-refused"
    ]
  },
  {
    name: "private-chats-are-known",
    description: "non-members get that they are not members, instead of an unknown chat",
    changes: [
      {
        module: "core/src/rules/Membership.ts",
        from: 'isSeen && !chat.dissolved ? undefined : { _tag: "NoSuchChat" }',
        to: 'isSeen && !chat.dissolved ? undefined : { _tag: "NotMember" }'
      }
    ],
    kills: [
      "xuanxuan/join/refused#private-chat-alike",
      "xuanxuan/rename/refused#private-chat-alike",
      "xuanxuan/message/refused#private-chat-alike",
      "xuanxuan/history/refused#private-chat-alike",
      "spark/edit/refused#not-a-member"
    ]
  },
  {
    name: "no-admin-check",
    description: "every member counts as an admin",
    changes: [
      {
        module: "core/src/rules/Membership.ts",
        from: 'isAdmin(facts) ? undefined : { _tag: "Forbidden", requires: "admins" }',
        to: "undefined"
      }
    ],
    kills: [
      "ha/delete/refused#not-the-sender",
      "spark/edit/refused#not-an-admin",
      "xuanxuan/message/broadcast#for-admins",
      "xuanxuan/public/refused#no-admin",
      "xuanxuan/committers/refused#no-admin"
    ]
  },
  {
    name: "no-administrator-check",
    description: "every user counts as a system administrator",
    changes: [
      {
        module: "core/src/rules/Membership.ts",
        from: 'user.admin ? undefined : { _tag: "Forbidden", requires: "system administrators" }',
        to: "undefined"
      }
    ],
    kills: ["xuanxuan/set-admin/refused#no-system-administrator"],
    spoils: true
  },
  {
    name: "everybody-speaks",
    description: "the list of senders is ignored",
    changes: [
      {
        module: "core/src/rules/Sending.ts",
        from: 'canSend(facts) ? undefined : { _tag: "SendForbidden" }',
        to: "undefined"
      }
    ],
    kills: [
      "xuanxuan/committers/list#not-on-the-list",
      "xuanxuan/committers/list#nothing-from-the-unlisted",
      "xuanxuan/committers/forms#admins-silence",
      "xuanxuan/rename/refused#may-not-speak"
    ]
  },
  {
    name: "private-groups-are-joined",
    description: "a group that is not public can be joined",
    changes: [
      {
        module: "core/src/rules/Membership.ts",
        from: "isParticipant(facts) || (chat.public && via === undefined && !isOutside)",
        to: "true"
      },
      {
        module: "core/src/rules/Membership.ts",
        from: 'chat.public || isMember(chat, user.id) ? undefined : { _tag: "NotPublic" }',
        to: "undefined"
      }
    ],
    kills: ["xuanxuan/join/refused#unchanged", "xuanxuan/public/on-and-off#no-longer-open"]
  },
  {
    name: "chat-made-twice",
    description: "creating a chat with an existing gid creates another chat",
    changes: [
      {
        module: "core/src/commands/CreateChat.ts",
        from: "yield* stored(context, invocation, command.gid)",
        to: "undefined"
      },
      {
        module: "core/src/commands/CreateChat.ts",
        from: "newChat(command, command.gid, now, invocation.scope)",
        to: 'newChat(command, invocation.duplicate === undefined ? command.gid : command.gid + "-" + now, now, invocation.scope)'
      }
    ],
    kills: [
      "xuanxuan/create/twice#stored-chat",
      "xuanxuan/create/twice#another-member",
      "xuanxuan/create/foreign-gid#private"
    ]
  },
  {
    name: "sessions-never-expire",
    description: "a sid or token never expires",
    changes: [
      {
        module: "core/src/delivery/LiveSession.ts",
        from: "ticks < this.#endsAt && (this.isConnected || ticks - this.#lastUse < this.#times.idle)",
        to: "true"
      }
    ],
    kills: [
      "xuanxuan/session/expired#getlist",
      "xuanxuan/session/expired#create",
      "xuanxuan/session/expired#nobody-hears",
      "xuanxuan/session/expired#other-connection",
      "xuanxuan/session/expired-files#upload",
      "xuanxuan/session/expired-files#download",
      "spark/token/expired#start",
      "spark/token/expired#add",
      "spark/token/expired#remove-member",
      "spark/token/expired#approve",
      "spark/token/expired#edit",
      "spark/token/expired#push",
      "spark/token/expired#remove",
      "ha/session/expired#conversation-refused",
      "ha/session/expired#send-refused",
      "ha/session/expired#list-refused",
      "ha/session/expired#delete-refused",
      "ha/session/expired#unchanged",
      "youdu/token/expired#create",
      "youdu/token/expired#get",
      "youdu/token/expired#update"
    ],
    spoils: true
  },
  {
    name: "message-sent-twice",
    description: "a repeated message is pushed again",
    changes: [
      {
        module: "core/src/commands/SendMessages.ts",
        from: '{ _tag: "Same", message: existing }',
        to: '{ _tag: "Replaced", message: existing.id, contentType: draft.contentType, content: draft.content }'
      }
    ],
    kills: ["xuanxuan/message/idempotent#no-second-push"]
  },
  {
    name: "gids-of-others",
    description: "another user's gid counts as a repeated message",
    changes: [
      {
        module: "core/src/commands/SendMessages.ts",
        from: "existing.sender !== invocation.user.id || existing.chat !== cached.chat.id",
        to: "false"
      }
    ],
    kills: ["xuanxuan/message/idempotent#other-chat", "xuanxuan/message/idempotent#other-sender"]
  },
  {
    name: "not-atomic",
    description: "of several messages the valid ones are sent",
    changes: [
      {
        module: "core/src/commands/SendMessages.ts",
        from: "refusals.length > 0",
        to: "refusals.length === messages.length"
      }
    ],
    kills: ["xuanxuan/message/atomic#lists-the-refused", "xuanxuan/message/atomic#nothing-stored"]
  }
]
