/** The promises of the server, checked on what clients have seen and what is stored in the end. */
import type { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Entry } from "@parley/core/Log"
import type { Message } from "@parley/core/Message"
import type { StoredChat } from "@parley/core/Chat"
import { Effect } from "effect"
import type { ChatJson, Client } from "./Client.ts"
import { ACCOUNTS } from "./History.ts"
import type { World } from "./World.ts"

/** Milliseconds after its arrival within which an acknowledgement may be lost by a crash: `acknowledge.delay`, and the disk. */
const ACKNOWLEDGED = 2_500

interface Log {
  readonly stored: StoredChat
  readonly entries: ReadonlyArray<Entry>
  readonly messages: ReadonlyMap<EntryId, Message>
}

const readLogs = ({ store }: World): ReadonlyArray<Log> => {
  const logs: Array<Log> = []
  for (let id = 1; ; id++) {
    const [stored] = Effect.runSync(Effect.orDie(store.chats([id as ChatId])))
    if (stored === undefined) return logs
    const entries = Effect.runSync(Effect.orDie(store.entries([{ chat: stored.chat.id, after: 0, limit: 100_000 }])))
    const posted = entries.filter(({ body }) => body._tag === "Posted").map((entry) => entry.id)
    const messages = new Map(
      Effect.runSync(Effect.orDie(store.messages(posted))).map((message) => [message.id, message])
    )
    logs.push({ stored, entries, messages })
  }
}

/** Sequences in which a user was a member: after the entry that added them, up to that which removed them. */
const membershipOf = ({ entries, stored }: Log, user: UserId): ReadonlyArray<readonly [from: number, to: number]> => {
  const spans: Array<[number, number]> = []
  // The members at the start are those who were not added later, and those who were removed first.
  const first = entries.find(
    ({ body }) =>
      body._tag === "Changed" && (body.added?.includes(user) === true || body.removed?.includes(user) === true)
  )?.body
  const isFirst = first?._tag === "Changed" ? first.removed?.includes(user) === true : stored.chat.members.has(user)
  if (isFirst) spans.push([0, Infinity])
  for (const { body, seq } of entries) {
    if (body._tag !== "Changed") continue
    const last = spans.at(-1)
    const isMember = last !== undefined && last[1] === Infinity
    if (body.removed?.includes(user) === true && isMember) last[1] = seq
    if (body.added?.includes(user) === true && !(isMember && last[1] === Infinity)) spans.push([seq, Infinity])
  }
  return spans
}

/** Every answered message is in the log once, nothing refused is, and sequences have no gap. */
function* checkLogs({ observed }: World, logs: ReadonlyArray<Log>): Generator<string> {
  const contents = new Map<string, number>()
  const names = new Set<string>()
  for (const { entries, stored } of logs) {
    const { gid } = stored.chat
    let last = 0
    let posted = 0
    for (const [index, { body, id, posted: number, seq }] of entries.entries()) {
      if (seq !== index + 1) yield `the log of ${gid} has ${seq} at ${index + 1}`
      if (id <= last) yield `the log of ${gid} has the id ${id} after ${last}`
      last = id
      if (body._tag === "Posted") {
        posted++
        const key = `${gid}: ${body.content}`
        contents.set(key, (contents.get(key) ?? 0) + 1)
      } else if (body._tag === "Changed" && body.name !== undefined) names.add(`${gid}: ${body.name}`)
      if (number !== posted) yield `entry ${id} of ${gid} counts ${number} messages, not ${posted}`
    }
    if (stored.head.seq !== entries.length) yield `${gid} ends at ${stored.head.seq}, its log at ${entries.length}`
  }
  for (const { chat, content, outcome } of observed.sent) {
    const count = contents.get(`${chat}: ${content}`) ?? 0
    if (count > 1) yield `"${content}" is in the log of ${chat} ${count} times`
    if (outcome === "answered" && count === 0) yield `"${content}" was answered and is lost`
    if (outcome === "refused" && count > 0) yield `"${content}" was refused and is stored`
  }
  for (const { chat, name, outcome } of observed.changes) {
    const isStored = names.has(`${chat}: ${name}`)
    if (outcome === "answered" && !isStored) yield `"${name}" was answered and is not in the log of ${chat}`
    if (outcome === "refused" && isStored) yield `"${name}" was refused and is in the log of ${chat}`
  }
}

/** One order for all, nothing that is not stored, nothing without a right to it, nothing again after an acknowledgement. */
function* checkHeard({ observed }: World, logs: ReadonlyArray<Log>): Generator<string> {
  const byGid = new Map(logs.map((log) => [log.stored.chat.gid, log]))
  const byId = new Map(logs.flatMap((log) => log.entries.map((entry) => [entry.id as number, entry] as const)))
  const lastOf = new Map<string, number>()
  const before = new Map<string, number>()
  const spans = new Map<string, ReadonlyArray<readonly [number, number]>>()
  for (const { account, at, chat, connection, content, id } of observed.heard) {
    const log = byGid.get(chat)
    const entry = byId.get(id)
    const what = `${account} got ${id} "${content}" in ${chat}`
    if (log === undefined || entry === undefined || entry.chat !== log.stored.chat.id) {
      yield `${what}, which is not stored`
      continue
    }
    const user = (ACCOUNTS.indexOf(account as (typeof ACCOUNTS)[number]) + 1) as UserId
    const key = `${account}/${chat}`
    const mine = spans.get(key) ?? membershipOf(log, user)
    spans.set(key, mine)
    if (!mine.some(([from, to]) => entry.seq > from && entry.seq < to)) yield `${what} without being a member`
    const order = `${connection}/${chat}`
    if (id <= (lastOf.get(order) ?? 0)) yield `${what} after ${lastOf.get(order)} on the same connection`
    lastOf.set(order, id)
    const packet = `${account}/${id}`
    const earlier = before.get(packet)
    before.set(packet, at)
    if (earlier === undefined || observed.failedReads > 0) continue
    const acknowledged = observed.acknowledged.find(
      (one) => one.account === account && one.id === id && !one.isDenied && one.at < at - 60
    )
    const isLost = (time: number): boolean =>
      observed.crashes.some((crash) => crash >= time && crash - time < ACKNOWLEDGED + observed.failures * 1_500)
    if (acknowledged !== undefined && !isLost(acknowledged.at)) yield `${what} again, after its acknowledgement`
  }
}

/** Each member has every message that they should have, as it stands. */
function* checkMembers({ clients, observed }: World, logs: ReadonlyArray<Log>): Generator<string> {
  for (const client of clients) {
    const user = (ACCOUNTS.indexOf(client.account as (typeof ACCOUNTS)[number]) + 1) as UserId
    for (const { entries, messages, stored } of logs) {
      const { chat } = stored
      const joined = chat.members.get(user)?.joinSeq
      for (const message of messages.values()) {
        const entry = entries[message.seq - 1]
        const has = client.messages.get(message.id)
        const what = `${client.account} has ${message.id} "${message.content}" of ${chat.gid}`
        const isOwn = entry?.by === user && entry.device !== null
        if (joined === undefined || message.seq <= joined) continue
        if (has === undefined) {
          const wasAnswered = observed.sent.some(
            (sent) => sent.chat === chat.gid && sent.content === message.content && sent.outcome === "answered"
          )
          if (!message.recalled && (!isOwn || wasAnswered)) yield `${what.replace(" has ", " does not have ")}`
        } else if (has.recalled !== message.recalled) {
          // Known gap: that the client had the message was not written, before a crash or another login of the user.
          const isWritten = observed.acknowledged.some(
            (one) => one.account === client.account && one.id === message.id && !one.isDenied
          )
          if (message.recalled && (observed.crashes.length > 0 || !isWritten)) continue
          yield `${what} as ${has.recalled ? "recalled" : "not recalled"}`
        } else if (!message.recalled && has.content !== message.content) yield `${what} as "${has.content}"`
      }
    }
  }
}

const factsOf = ({ admins, committers, members, name, public: isPublic }: ChatJson): string =>
  JSON.stringify({
    name,
    admins,
    committers,
    public: isPublic,
    members: members.map(({ id }) => id).sort((one, other) => one - other)
  })

/** A client that applied its pushes equals one that logs in now. */
export function* checkStates(clients: ReadonlyArray<Client>, fresh: ReadonlyArray<Client>): Generator<string> {
  for (const [index, client] of clients.entries()) {
    const other = fresh[index]
    if (other === undefined) continue
    for (const [gid, chat] of other.chats) {
      const mine = client.chats.get(gid)
      if (mine === undefined) yield `${client.account} does not have the chat ${gid}`
      else if (factsOf(mine) !== factsOf(chat)) {
        yield `${client.account} has ${gid} as ${factsOf(mine)}, and after a login as ${factsOf(chat)}`
      }
    }
    for (const [id, { realname }] of other.users) {
      const mine = client.users.get(id)?.realname
      if (mine !== realname) yield `${client.account} has user ${id} as "${mine}", and after a login as "${realname}"`
    }
  }
}

/** Every connected client has what it should have by its pushes alone, before it connects again. */
export const checkPushed = (world: World): ReadonlyArray<string> =>
  [...checkMembers(world, readLogs(world))].map((problem) => `by pushes alone ${problem}`)

/** Positions that were confirmed as read are stored. */
function* checkReads({ observed, store }: World, logs: ReadonlyArray<Log>): Generator<string> {
  for (const { account, chat, message } of observed.reads) {
    const id = logs.find(({ stored }) => stored.chat.gid === chat)?.stored.chat.id
    const user = (ACCOUNTS.indexOf(account as (typeof ACCOUNTS)[number]) + 1) as UserId
    const cursors = id === undefined ? [] : Effect.runSync(Effect.orDie(store.cursorsIn(id, [user])))
    const read = Math.max(0, ...cursors.map((cursor) => cursor.read))
    if (read < message) yield `${account} has read ${chat} up to ${message}, stored is ${read}`
  }
}

/** The host gets events of stored messages only, one for each. Those of one chat may come in another order than its log. */
function* checkEvents({ observed }: World, logs: ReadonlyArray<Log>): Generator<string> {
  const told = new Set<string>()
  const ids = new Set(logs.flatMap(({ entries }) => entries.map(({ id }) => id as number)))
  for (const { id, start } of observed.events) {
    const key = `${start}/${id}`
    if (told.has(key)) yield `the host got the message ${id} twice`
    told.add(key)
    if (!ids.has(id)) yield `the host got the message ${id}, which is not stored`
  }
}

/** Returns the broken promises, without those of `checkStates`. */
export const check = (world: World): ReadonlyArray<string> => {
  const logs = readLogs(world)
  return [
    ...world.observed.broken,
    ...checkLogs(world, logs),
    ...checkHeard(world, logs),
    ...checkMembers(world, logs),
    ...checkReads(world, logs),
    ...checkEvents(world, logs)
  ]
}
