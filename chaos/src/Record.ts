/** Requests of clients and pushes to them, for the checker. Times are milliseconds of one clock; a content names its message. */

export type Protocol = "xuanxuan" | "spark" | "ha"

export interface Sent {
  readonly content: string
  /** Gid of the chat. */
  readonly chat: string
  readonly by: string
  readonly protocol: Protocol
  readonly startedAt: number
  /**
   * `answered`: the server has stored it. `refused`: it was refused at the only attempt. `unknown`: the connection was lost, the
   * storage failed, or an attempt after that was refused.
   */
  outcome: "answered" | "refused" | "unknown"
  endedAt: number
}

/** A user became a member of a chat, or was removed. */
export interface Move {
  readonly chat: string
  readonly account: string
  readonly kind: "add" | "remove"
  readonly startedAt: number
  /** Infinity until it was confirmed. */
  endedAt: number
}

/** A message that was pushed to a client. */
export interface Heard {
  readonly account: string
  /** Number of the connection. */
  readonly connection: number
  readonly chat: string
  readonly id: number
  readonly content: string
  /** It was acknowledged at once. */
  readonly at: number
}

export interface ConnectionSpan {
  readonly number: number
  readonly account: string
  readonly openedAt: number
  /** Infinity while it is open. */
  closedAt: number
}

/** A fault, from its beginning until all nodes were ready again. */
export interface FaultSpan {
  readonly name: string
  readonly startedAt: number
  endedAt: number
}

/** A message in a chat's history. */
export interface Stored {
  readonly id: number
  readonly content: string
}

export class Record {
  readonly sent: Array<Sent> = []
  readonly moves: Array<Move> = []
  readonly heard: Array<Heard> = []
  readonly connections: Array<ConnectionSpan> = []
  readonly faults: Array<FaultSpan> = []

  /** Whether a fault began, lasted or ended between these times. */
  hasFault(from: number, to: number): boolean {
    return this.faults.some(({ endedAt, startedAt }) => startedAt <= to && endedAt >= from)
  }

  /** The moves of one user in one chat, in order. */
  movesOf(chat: string, account: string): ReadonlyArray<Move> {
    return this.moves.filter((move) => move.chat === chat && move.account === account)
  }

  connected(account: string): ConnectionSpan {
    const span = { number: this.connections.length, account, openedAt: Date.now(), closedAt: Number.POSITIVE_INFINITY }
    this.connections.push(span)
    return span
  }
}

export const isMemberThroughout = (moves: ReadonlyArray<Move>, from: number, to: number): boolean => {
  const before = moves.findLast(({ endedAt }) => endedAt < from)
  return (
    before?.kind === "add" && !moves.some((move) => move !== before && move.startedAt <= to && move.endedAt >= from)
  )
}
