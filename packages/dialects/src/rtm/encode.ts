/** Encodes events as pushes. */
import { type Chat, flaggedUsers, type LogHead, type UserFlag } from "@parley/core/Chat"
import type { ChatEvent, DeliveredEvent, Event, ReadEvent, TransientMessageEvent } from "@parley/core/Event"
import { Frame } from "@parley/core/Frame"
import type { UserId } from "@parley/core/Ids"
import type { Changed } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import type { Serializer } from "@parley/core/Serializer"
import { changedAttributes } from "./attributes.ts"
import { Cmd, type Command, Op } from "./codec.ts"
import { type LinkOf, toWire } from "./content.ts"
import { Code } from "./errors.ts"
import { conversationId, isTemporaryId, messageId, numberedId } from "./ids.ts"
import type { PendingReceipts } from "./PendingReceipts.ts"
import { pushPacket, type Recipients, replyPacket } from "./packets.ts"
import type { MessageOf } from "./schema.ts"

/** Facts that encoding reads from memory. */
export interface EncodingFacts {
  /** Returns a user's client id; "" for an unknown user. */
  readonly clientOf: (user: UserId | null) => string
  /** Returns the head of a chat's log; undefined if it is not in memory. */
  readonly headOf: (chat: Chat) => LogHead | undefined
  readonly linkOf: LinkOf
  /** Messages whose senders want a receipt of delivery. */
  readonly receipts: PendingReceipts
}

/** Roles of members, in the words of the SDKs. */
export type Role = "Manager" | "Member" | "Owner"

/** Kinds of conversations (`convType`). */
const NORMAL = 1
const SYSTEM = 3
const TEMPORARY = 4

export const convType = ({ gid, type }: Pick<Chat, "gid" | "type">): number =>
  isTemporaryId(gid) ? TEMPORARY : type === "system" ? SYSTEM : NORMAL

/** Returns what a client needs of a message beside its content. */
const direct = (message: Message, chat: Chat, { clientOf, linkOf }: EncodingFacts): Command["direct"] => ({
  ...toWire(message, linkOf),
  cid: conversationId(chat),
  id: messageId(message),
  fromPeerId: clientOf(message.sender),
  timestamp: message.date,
  convType: convType(chat)
})

const transientDirect = (
  event: TransientMessageEvent,
  { clientOf, linkOf }: EncodingFacts
): NonNullable<Command["direct"]> => ({
  ...toWire({ ...event, recalled: false }, linkOf),
  cid: conversationId(event.chat),
  id: numberedId(event.id),
  fromPeerId: clientOf(event.user),
  timestamp: event.at,
  transient: true,
  convType: convType(event.chat)
})

/** Returns a changed or recalled message; `at`: time of the change, in milliseconds. */
export const patchItem = (
  message: Message,
  chat: Chat,
  at: number,
  { clientOf, linkOf }: EncodingFacts
): MessageOf<"PatchItem"> => {
  const { msg, ...content } = toWire(message, linkOf)
  return {
    ...content,
    ...(msg !== undefined && { data: msg }),
    cid: conversationId(chat),
    mid: messageId(message),
    from: clientOf(message.sender),
    timestamp: message.date,
    patchTimestamp: at,
    recall: message.recalled
  }
}

export const patchCommand = (patches: ReadonlyArray<MessageOf<"PatchItem">>): Command => ({
  cmd: Cmd.patch,
  op: Op.modify,
  patch: { patches }
})

/** Value of `notificationType` for changes that a client fetches after it was offline. */
const PERMANENT = 1

/** A push, and those of the chat's members who get it. */
export interface Push {
  readonly command: Command
  readonly to: Recipients
}

/** Returns the push of a change of a conversation, with its time: the SDKs ask for later ones once they are back. */
const conv = (
  op: number,
  { chat, entry }: Pick<ChatEvent, "chat" | "entry">,
  fields: Command["conv"],
  to: Recipients = "all"
): Push => ({
  command: {
    cmd: Cmd.conv,
    op,
    serverTs: entry.at,
    notificationType: PERMANENT,
    conv: { cid: conversationId(chat), ...fields }
  },
  to
})

/** Returns the pushes of members who joined: one for them, and one for the others. */
const joins = (event: ChatEvent, users: ReadonlyArray<UserId>, facts: EncodingFacts): ReadonlyArray<Push> => {
  const { chat, entry } = event
  const initBy = facts.clientOf(entry.by)
  const m = users.map(facts.clientOf)
  const pushes = [conv(Op.joined, event, { initBy }, { only: users })]
  if (users.length < chat.members.size) pushes.push(conv(Op.membersJoined, event, { initBy, m }, { except: users }))
  return pushes
}

/** Pushes of a flag that users get or lose: one for them, and one for the others. */
const FLAG_PUSHES: ReadonlyArray<readonly [flag: UserFlag, value: true | null, own: number, others: number]> = [
  ["silenced", true, Op.shutuped, Op.membersShutuped],
  ["silenced", null, Op.unshutuped, Op.membersUnshutuped],
  ["blocked", true, Op.blocked, Op.membersBlocked],
  ["blocked", null, Op.unblocked, Op.membersUnblocked]
]

const flags = (event: ChatEvent, { attributes }: Changed, facts: EncodingFacts): ReadonlyArray<Push> => {
  const initBy = facts.clientOf(event.entry.by)
  return FLAG_PUSHES.flatMap(([flag, value, own, others]) => {
    const users = flaggedUsers(attributes, flag, value)
    if (users.length === 0) return []
    return [
      conv(own, event, { initBy }, { only: users }),
      conv(others, event, { initBy, m: users.map(facts.clientOf) }, { except: users })
    ]
  })
}

/** Returns one push for each member with another role. */
const roleChanges = (
  event: ChatEvent,
  { promoted = [], demoted = [] }: Changed,
  { clientOf }: EncodingFacts
): ReadonlyArray<Push> => {
  const initBy = clientOf(event.entry.by)
  const push = (role: Role) => (user: UserId) =>
    conv(Op.memberInfoChanged, event, { initBy, info: { pid: clientOf(user), role } })
  return [...promoted.map(push("Manager")), ...demoted.map(push("Member"))]
}

const changes = (event: ChatEvent, change: Changed, facts: EncodingFacts): ReadonlyArray<Push> => {
  const { entry, toRemoved = false } = event
  const initBy = facts.clientOf(entry.by)
  if (toRemoved) {
    const isBlocked = flaggedUsers(change.attributes, "blocked").length > 0
    return [Op.left, ...(isBlocked ? [Op.blocked] : [])].map((op) => conv(op, event, { initBy }))
  }
  const pushes: Array<Push> = []
  const { added = [], removed = [] } = change
  if (added.length > 0) pushes.push(...joins(event, added, facts))
  if (removed.length > 0) pushes.push(conv(Op.membersLeft, event, { initBy, m: removed.map(facts.clientOf) }))
  pushes.push(...flags(event, change, facts), ...roleChanges(event, change, facts))
  const attributes = changedAttributes(change)
  if (Object.keys(attributes).length > 0) {
    const data = JSON.stringify(attributes)
    pushes.push(conv(Op.updated, event, { initBy, attr: { data }, udate: iso(entry.at) }))
  }
  return pushes
}

/** Returns the pushes of a change of a conversation; none for messages. */
export const conversationPushes = (event: ChatEvent, facts: EncodingFacts): ReadonlyArray<Push> => {
  const { entry, chat } = event
  const { body } = entry
  if (body._tag === "Changed") return changes(event, body, facts)
  if (body._tag !== "Created") return []
  const members = [...chat.members.keys()].filter((user) => user !== entry.by)
  return members.length === 0 ? [] : [conv(Op.joined, event, { initBy: facts.clientOf(entry.by) }, { only: members })]
}

export const iso = (milliseconds: number): string => new Date(milliseconds).toISOString()

const chatPackets = (event: ChatEvent, facts: EncodingFacts): ReadonlyArray<string> => {
  const { entry, chat, message } = event
  const { body } = entry
  switch (body._tag) {
    case "Created":
    case "Changed":
      return conversationPushes(event, facts).map(({ command, to }) => pushPacket(command, to))
    case "Posted":
      return message === undefined ? [] : [pushPacket({ cmd: Cmd.direct, direct: direct(message, chat, facts) ?? {} })]
    default:
      return message === undefined ? [] : [pushPacket(patchCommand([patchItem(message, chat, entry.at, facts)]))]
  }
}

/**
 * If everything is read, the reader's other devices clear their unread count, and the other member of a conversation of two
 * gets a receipt.
 */
const readPackets = ({ chat, user, read, readId }: ReadEvent, facts: EncodingFacts): ReadonlyArray<string> => {
  const head = facts.headOf(chat)
  if (head === undefined || read < head.seq) return []
  const cid = conversationId(chat)
  const unread = { convs: [{ cid, unread: 0, convType: convType(chat) }], notifTime: 0 }
  const packets = [pushPacket({ cmd: Cmd.unread, unread }, { only: [user] })]
  if (chat.members.size === 2) {
    const rcp = { cid, id: numberedId(readId), t: head.activeAt, read: true, from: facts.clientOf(user) }
    packets.push(pushPacket({ cmd: Cmd.rcp, rcp }, { except: [user] }))
  }
  return packets
}

/** Receipts for the senders of the delivered messages that wait for one. */
const deliveredPackets = (event: DeliveredEvent, { clientOf, receipts }: EncodingFacts): ReadonlyArray<string> =>
  receipts.take(event).flatMap(({ id, date, sender }) => {
    const rcp = { cid: conversationId(event.chat), id: numberedId(id), t: date, from: clientOf(event.user) }
    return sender === null ? [] : [pushPacket({ cmd: Cmd.rcp, rcp }, { only: [sender] })]
  })

const errorPacket = (code: number, reason: string): string => replyPacket({ cmd: Cmd.error, error: { code, reason } })

/** The serializer of all clients of this protocol. */
export const makeSerializer = (facts: EncodingFacts): Serializer => ({
  encode: (event: Event) => {
    if (event._tag === "ChatEvent") return chatPackets(event, facts)
    if (event._tag === "TransientMessageEvent") {
      return [pushPacket({ cmd: Cmd.direct, direct: transientDirect(event, facts) })]
    }
    if (event._tag === "DeliveredEvent") return deliveredPackets(event, facts)
    return event._tag === "ReadEvent" ? readPackets(event, facts) : []
  },
  framing: (packets) => new Frame(packets),
  takenOver: pushPacket({
    cmd: Cmd.session,
    op: Op.closed,
    session: { code: Code.sessionConflict, reason: "The client has logged in elsewhere." }
  }),
  connectionLimitReached: errorPacket(Code.quotaExceeded, "Too many connections; retry later."),
  rejected: (reason) => {
    switch (reason._tag) {
      case "TooManyOfAddress":
        return errorPacket(Code.quotaExceeded, "Too many connections from this address; retry later.")
      case "LoginDeadline":
        return errorPacket(Code.loginTimeout, `A client must log in within ${reason.seconds} seconds.`)
      case "InputExhausted":
        return errorPacket(Code.sentTooFast, "The server's input buffers are full; retry later.")
      case "HttpRequest":
        return errorPacket(Code.invalidFrame, "This port does not accept HTTP requests.")
    }
  },
  invalidUtf8: errorPacket(Code.invalidFrame, "The frame is not UTF-8."),
  oversized: (limit) => errorPacket(Code.frameTooLong, `A frame may have at most ${limit} bytes.`),
  // A client acknowledges messages in ranges of time; each of its frames follows what it has received.
  acknowledgement: "implicit"
})
