/** The promises about messages, checked on a record: one order, each message once, and nothing after a removal. */
import type { Histories } from "./histories.ts"
import { type Heard, isMemberThroughout, type Record, type Sent, type Stored } from "./Record.ts"

/** Milliseconds after a removal within which other nodes may still push. */
const REMOVAL = 2_000
/** Milliseconds until an acknowledgement is stored: `acknowledge.delay`, and as long again on a busy machine. */
const ACKNOWLEDGED = 3_000
/** Milliseconds within which a connected member gets a message, without faults. */
const DELIVERY = 10_000

export interface Checked {
  readonly record: Record
  /** When the histories were read. */
  readonly end: number
  /** Milliseconds that are added to each bound, for a busy machine. */
  readonly slack: number
}

const shown = ({ content, id }: Stored): string => `${id} "${content}"`

/** All nodes return one history, in which each answered message is once. */
function* checkHistory(
  { record }: Checked,
  chat: string,
  histories: ReadonlyArray<ReadonlyArray<Stored>>
): Generator<string> {
  const [stored = []] = histories
  for (const [node, other] of histories.entries()) {
    if (JSON.stringify(other) !== JSON.stringify(stored)) {
      yield `${chat}: node ${node + 1} has another history than node 1: ${other.length} and ${stored.length} messages`
    }
  }
  const byContent = new Map<string, Stored>()
  let last = 0
  for (const one of stored) {
    if (one.id <= last) yield `${chat}: ${shown(one)} is in the history after ${last}`
    last = one.id
    if (byContent.has(one.content)) yield `${chat}: ${shown(one)} is in the history twice`
    byContent.set(one.content, one)
  }
  const sent = new Map(record.sent.filter((one) => one.chat === chat).map((one) => [one.content, one]))
  for (const one of stored) if (!sent.has(one.content)) yield `${chat}: ${shown(one)} was not sent`
  for (const { content, outcome, protocol } of sent.values()) {
    const isStored = byContent.has(content)
    if (outcome === "answered" && !isStored) yield `${chat}: "${content}" (${protocol}) was answered and is lost`
    if (outcome === "refused" && isStored) yield `${chat}: "${content}" (${protocol}) was refused and is stored`
  }
}

/** Pushes to one user in one chat: those of the history, in its order, again only while they were not acknowledged. */
function* checkOrder(
  { record, slack }: Checked,
  chat: string,
  account: string,
  stored: ReadonlyMap<number, Stored>
): Generator<string> {
  const first = new Map<number, Heard>()
  const lastOf = new Map<number, number>()
  let last = 0
  for (const heard of record.heard) {
    if (heard.chat !== chat || heard.account !== account) continue
    const { at, connection, content, id } = heard
    if (stored.get(id)?.content !== content) yield `${account} got ${shown(heard)} in ${chat}, which is not stored so`
    if (id <= (lastOf.get(connection) ?? 0)) {
      yield `${account} got ${shown(heard)} in ${chat} after ${lastOf.get(connection)} on connection ${connection}`
    }
    lastOf.set(connection, id)
    const before = first.get(id)
    if (before === undefined) {
      if (id < last) yield `${account} got ${shown(heard)} in ${chat} for the first time after ${last}`
      last = id
      first.set(id, heard)
      continue
    }
    const closedAt = Math.min(record.connections[before.connection]?.closedAt ?? at, at)
    if (closedAt - before.at > ACKNOWLEDGED + slack && !record.hasFault(before.at, closedAt)) {
      yield `${account} got ${shown(heard)} in ${chat} again, ${closedAt - before.at} ms after its acknowledgement`
    }
  }
}

/** Each message reaches the users who were members all the time, and none who was removed before. */
function* checkMembers(
  { end, record, slack }: Checked,
  chat: string,
  account: string,
  sent: ReadonlyArray<Sent>
): Generator<string> {
  const moves = record.movesOf(chat, account)
  const heard = new Set(
    record.heard.filter((one) => one.chat === chat && one.account === account).map(({ content }) => content)
  )
  const connections = record.connections.filter((one) => one.account === account)
  for (const { by, content, endedAt, outcome, protocol, startedAt } of sent) {
    const isHeard = heard.has(content)
    if (isHeard) {
      const before = moves.findLast((move) => move.startedAt <= startedAt)
      const next = moves.find((move) => move.startedAt > startedAt)
      const isApart = next === undefined || (outcome === "answered" && endedAt < next.startedAt)
      const isRemoved = before?.kind === "remove" && before.endedAt + REMOVAL + slack < startedAt
      if ((before === undefined || isRemoved) && isApart) {
        const since =
          before === undefined ? "without being a member" : `${startedAt - before.endedAt} ms after the removal`
        yield `${account} got "${content}" (${protocol}) in ${chat}, sent ${since}`
      }
      continue
    }
    if (by === account) continue
    const soon = endedAt + DELIVERY + slack
    const isConnected =
      outcome === "answered" &&
      connections.some((one) => one.openedAt < startedAt && one.closedAt > soon) &&
      !record.hasFault(startedAt, soon) &&
      isMemberThroughout(moves, startedAt, soon)
    if (isConnected || isMemberThroughout(moves, startedAt, end)) {
      yield `${account} did not get "${content}" (${protocol}) in ${chat}`
    }
  }
}

/** Returns the broken promises. */
export const check = (checked: Checked, histories: Histories): ReadonlyArray<string> => {
  const { record } = checked
  const broken: Array<string> = []
  const accounts = [...new Set(record.moves.map(({ account }) => account))]
  for (const [chat, pages] of histories) {
    broken.push(...checkHistory(checked, chat, pages))
    const [stored = []] = pages
    const byId = new Map(stored.map((one) => [one.id, one]))
    const contents = new Set(stored.map(({ content }) => content))
    const sent = record.sent.filter((one) => one.chat === chat && contents.has(one.content))
    for (const account of accounts) {
      broken.push(...checkOrder(checked, chat, account, byId), ...checkMembers(checked, chat, account, sent))
    }
  }
  return broken
}
