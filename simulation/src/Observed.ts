/** Record of a history, as its clients have seen it. */

/** A message that was sent, and the outcome for its sender. */
export interface Sent {
  readonly content: string
  readonly chat: string
  readonly user: string
  outcome: "unknown" | "answered" | "refused"
}

/** A packet about a message that a client has received. */
export interface Heard {
  readonly at: number
  readonly account: string
  /** Number of the connection. */
  readonly connection: number
  readonly chat: string
  /** Id of the packet, which is that of the log's entry. */
  readonly id: number
  readonly content: string
  readonly recalled: boolean
}

/** An acknowledgement that the server has received. */
export interface Acknowledged {
  readonly at: number
  readonly account: string
  readonly id: number
  /** Whether its session had ended. */
  isDenied: boolean
}

/** A change that was requested, found in the log by a text that occurs nowhere else. */
export interface Change {
  readonly name: string
  readonly chat: string
  outcome: "unknown" | "answered" | "refused"
}

/** A position up to which a user has read a chat, and the server has confirmed it. */
export interface Read {
  readonly account: string
  readonly chat: string
  readonly message: number
}

export class Observed {
  readonly sent: Array<Sent> = []
  readonly heard: Array<Heard> = []
  readonly acknowledged: Array<Acknowledged> = []
  readonly changes: Array<Change> = []
  readonly reads: Array<Read> = []
  /** Number of failed commits, which are repeated later. */
  failures = 0
  /** Number of failed reads. One of them may be that of an acknowledged entry, which is then delivered again. */
  failedReads = 0
  /** Times of crashes. */
  readonly crashes: Array<number> = []
  /** Messages in the events of the host, by start of the server. */
  readonly events: Array<{ readonly start: number; readonly chat: number; readonly id: number }> = []
  /** Broken promises that were noticed while it ran. */
  readonly broken: Array<string> = []
  /** Every frame and outcome, in order. */
  readonly trace: Array<string> = []
}
