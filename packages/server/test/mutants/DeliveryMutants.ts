/** Mutants of storage, delivery and lists. */
import type { EngineMutant } from "./EngineMutant.ts"

export const deliveryMutants: ReadonlyArray<EngineMutant> = [
  {
    name: "queue-drained-twice",
    description: "missed messages are delivered twice",
    changes: [
      {
        module: "core/src/delivery/CatchUp.ts",
        from: 'subscriber.deliverBacklog(subscription, seq, new EventEncoding({ _tag: "ChatEvent", entry, chat, head, message }))',
        to: '[0, 1].forEach(() => subscriber.deliverBacklog(subscription, seq, new EventEncoding({ _tag: "ChatEvent", entry, chat, head, message })))'
      }
    ],
    kills: ["xuanxuan/offline/delivered-at-login#each-once"]
  },
  {
    name: "queue-not-drained",
    description: "missed messages are never delivered",
    silent: true,
    changes: [
      {
        module: "core/src/delivery/CatchUp.ts",
        from: "message === undefined",
        to: "true"
      }
    ],
    kills: [
      "xuanxuan/offline/delivered-at-login#first-delivered",
      "xuanxuan/offline/live-unacknowledged#delivered-again",
      "xuanxuan/offline/not-taken#delivered-again",
      "xuanxuan/offline/joined-later#what-came-after"
    ]
  },
  {
    name: "acknowledgements-lost",
    description: "acknowledged packets are delivered again",
    changes: [{ module: "core/src/delivery/LogPosition.ts", from: "this.isAcknowledged(seq)", to: "true" }],
    kills: [
      "xuanxuan/offline/deleted-by-id#acknowledged-does-not",
      "xuanxuan/offline/acknowledged#acknowledged-do-not",
      "xuanxuan/offline/acknowledged-as-a-list#neither-comes-again"
    ]
  },
  {
    name: "history-oldest-first",
    description: "the history is in the wrong order",
    changes: [
      {
        module: "core/src/commands/Messages.ts",
        from: "{ chat, messages, total, more }",
        to: "{ chat, messages: messages.toReversed(), total, more }"
      }
    ],
    kills: [
      "xuanxuan/history/all#newest-first",
      "xuanxuan/history/pages#first-page",
      "xuanxuan/message/order#ids-rise",
      "ha/list/documented#newest-first"
    ]
  },
  {
    name: "history-page-too-long",
    description: "a page of the history has one extra message",
    changes: [
      { module: "core/src/commands/Messages.ts", from: "Math.max(1, to - size + 1)", to: "Math.max(1, to - size)" }
    ],
    kills: ["xuanxuan/history/pages#first-page"]
  },
  {
    name: "history-from-the-wrong-page",
    description: "pages are counted from 0",
    changes: [{ module: "core/src/commands/Messages.ts", from: "(number - 1) * size", to: "number * size" }],
    kills: [
      "xuanxuan/history/pages#first-page",
      "xuanxuan/history/pages#second-page",
      "xuanxuan/history/all#every-message"
    ]
  },
  {
    name: "kicked-still-hears",
    description: "a removed member still gets the chat's messages",
    changes: [{ module: "core/src/delivery/ChatChannels.ts", from: "session.leaveChat(chat)", to: "undefined" }],
    kills: ["xuanxuan/invite/kick#who-went-hears-nothing", "xuanxuan/join/leave#who-left-hears-nothing"]
  },
  {
    name: "star-shared",
    description: "a user's star is set for all members",
    changes: [
      {
        module: "adapter-memory/src/MemoryStore.ts",
        from: "tables.preferences.get(user)?.values() ?? []",
        to: "[...tables.preferences.values()].flatMap((one) => [...one.values()]).map((one) => ({ ...one, user }))"
      }
    ],
    kills: [
      "xuanxuan/star/on-and-off#not-for-others",
      "xuanxuan/hide/on-and-off#not-for-others",
      "xuanxuan/mute/on-and-off#not-for-others"
    ],
    spoils: true
  },
  {
    name: "duplicate-login-not-announced",
    description: "an earlier login gets no takeover, and stays connected",
    silent: true,
    changes: [{ module: "core/src/session/ClientSession.ts", from: "other.takeOver()", to: "undefined" }],
    kills: [
      "xuanxuan/duplicate/login#first-is-told",
      "xuanxuan/duplicate/login#first-is-closed",
      "xuanxuan/duplicate/resumed-elsewhere#first-is-told",
      "xuanxuan/duplicate/resumed-elsewhere#first-is-closed"
    ]
  },
  {
    name: "login-not-pushed",
    description: "logins are not pushed",
    silent: true,
    changes: [
      {
        module: "core/src/session/ClientSession.ts",
        from: 'broadcast([{ event, to: "everyone" }], this.connection.id)',
        to: 'what === "login" ? undefined : broadcast([{ event, to: "everyone" }], this.connection.id)'
      }
    ],
    kills: ["xuanxuan/login/success#others-hear"]
  },
  {
    name: "logout-not-pushed",
    description: "logouts are not pushed",
    silent: true,
    changes: [
      {
        module: "core/src/session/ClientSession.ts",
        from: 'broadcast([{ event, to: "everyone" }], this.connection.id)',
        to: 'what === "logout" ? undefined : broadcast([{ event, to: "everyone" }], this.connection.id)'
      }
    ],
    kills: ["xuanxuan/logout/success#others-hear"]
  },
  {
    name: "session-outlives-logout",
    description: "a sid or token is valid after the logout",
    silent: true,
    changes: [
      { module: "core/src/auth/LiveSessions.ts", from: "!hashes.has(session.hash)", to: "true" },
      { module: "core/src/auth/SessionWriter.ts", from: "held.live.ended = true", to: "undefined" }
    ],
    kills: [
      "xuanxuan/logout/sid-dies#sid-is-dead",
      "xuanxuan/logout/sid-dies#second-logout",
      "xuanxuan/offline/dead-sid-ack#denied"
    ]
  },
  {
    name: "md5-of-unsorted-members",
    description: "a spark session is identified by its members in the order of their ids",
    changes: [
      {
        module: "dialects/src/spark/sessionKey.ts",
        from: "[...accounts].sort()",
        to: "[...accounts].reverse()"
      }
    ],
    kills: ["spark/start/new#response", "spark/start/same-members#by-another"]
  },
  {
    name: "signature-of-unsorted-members",
    description: "a signature contains the members in the given order",
    changes: [{ module: "dialects/src/hisihi/signatures.ts", from: 'ids.toSorted().join(":")', to: 'ids.join(":")' }],
    kills: [
      "hisihi/conversion-signature/sorted#signature",
      "hisihi/invite-signature/sorted#signature",
      "hisihi/kick-signature/sorted#signature"
    ]
  },
  {
    name: "recalled-still-listed",
    description: "a message deleted for both is listed",
    changes: [
      {
        module: "dialects/src/ha/listMessages.ts",
        from: "message.number > upTo || message.recalled",
        to: "message.number > upTo"
      }
    ],
    kills: ["ha/delete/for-both#gone-for-bob", "ha/delete/for-both#gone-for-alice"]
  },
  {
    name: "hidden-for-all",
    description: "a message hidden by a user is hidden for all",
    changes: [
      {
        module: "adapter-memory/src/MemoryStore.ts",
        from: "page.hiddenFrom === undefined ? undefined : tables.hidden.get(page.hiddenFrom)",
        to: "new Set([...tables.hidden.values()].flatMap((one) => [...one]))"
      }
    ],
    kills: ["ha/delete/documented#there-for-alice"]
  },
  {
    name: "hidden-from-nobody",
    description: "a hidden message is still listed",
    changes: [{ module: "adapter-memory/src/MemoryStore.ts", from: "hidden?.has(message.id) !== true", to: "true" }],
    kills: ["ha/delete/documented#gone-for-bob"]
  },
  {
    name: "version-stays",
    description: "a youdu session's version does not rise",
    changes: [{ module: "dialects/src/youdu/sessions.ts", from: "chat.version", to: "1" }],
    kills: ["youdu/update/version#new-title", "youdu/update/documented#by-a-member"]
  },
  {
    name: "pair-is-a-group",
    description: "a direct chat is an ordinary group",
    changes: [{ module: "core/src/commands/CreateChat.ts", from: 'command.type === "one2one"', to: "false" }],
    kills: [
      "xuanxuan/create/pair#gid-of-the-pair",
      "xuanxuan/create/pair#creator-united",
      "xuanxuan/create/pair-race#same-chat",
      "ha/conversation/documented#conversation"
    ],
    spoils: true
  }
]
