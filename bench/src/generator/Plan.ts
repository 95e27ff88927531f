/** What the generator is to do, and what it has seen. Both travel as one line of JSON. */

/** Whom it talks to. */
export type Speech = "xuanxuan" | "relay" | "socket.io"

export type Pace =
  /** Keeps so many messages outstanding in all: finds the saturation. */
  | { readonly mode: "closed"; readonly window: number }
  /** So many messages a second, whatever the server does; being late counts as latency. */
  | { readonly mode: "open"; readonly rate: number }
  /** So many messages in all, one after the other. */
  | { readonly mode: "count"; readonly messages: number }
  /** Connects and waits. */
  | { readonly mode: "idle" }

/** How large the chats are. */
export interface Shape {
  readonly chats: number
  /** Members of each chat; a chat of two is one-to-one. */
  readonly members: number
  /** How many of them are connected. */
  readonly online: number
  /** How many of those send. */
  readonly senders: number
}

export interface User {
  readonly account: string
  readonly id: number
  /** A live session; "" where the server has none. */
  readonly sid: string
}

export interface Plan {
  readonly speech: Speech
  readonly port: number
  /** The process whose use of the machine is accounted. */
  readonly pid: number
  readonly shape: Shape
  readonly pace: Pace
  /** Seconds. */
  readonly warmUp: number
  /** Seconds. */
  readonly duration: number
  /** Characters of content. */
  readonly size: number
  /** At least as many as the shape has members in all. */
  readonly users: ReadonlyArray<User>
}

export interface Seen {
  /** Microseconds of the machine's monotonic clock: what was measured lies between. */
  readonly from: number
  readonly to: number
  /** Within the measured time. */
  readonly sends: number
  /** Within the measured time, over all recipients. */
  readonly delivered: number
  /** WebSocket frames that brought them. */
  readonly frames: number
  /** Microseconds of the server's CPU, all its threads. */
  readonly cpu: number
  /** The part of it that is the main thread's; the rest is workers, garbage collection and the like. */
  readonly mainCpu: number
  /** Part of the measured time in which the generator computed; near 1 the server was waiting for it. */
  readonly generatorLoad: number
  /** Milliseconds from the sending to the first recipient of each chat: median and 99th percentile. */
  readonly latency: { readonly median: number; readonly p99: number } | undefined
  /** Messages that were sent, and did not reach somebody, over the whole run. */
  readonly missing: number
  /** Messages that reached somebody again, over the whole run. */
  readonly doubled: number
  /** Connections that ended by themselves. */
  readonly lost: number
  readonly connections: number
  /** kB, before the first connection and at the end. */
  readonly memory: { readonly before: number; readonly after: number }
}
