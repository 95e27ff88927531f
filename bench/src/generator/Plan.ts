/** Plan for the generator, and its result. Both travel as one line of JSON. */

/** Protocol of the server. */
export type Speech = "relay" | "rtm" | "socket.io" | "xuanxuan"

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

/** A chat that is there already. */
export interface MadeChat {
  readonly gid: string
  /** The first ones are connected, and of those the first ones send. */
  readonly members: ReadonlyArray<User>
}

export interface Plan {
  readonly task: "load"
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
  /** Chats to use instead of making some; `users` is not looked at then, nor how many members the shape has. */
  readonly made?: ReadonlyArray<MadeChat>
  /** Memory is read after a collection of garbage, which the server makes on SIGUSR2 (see `servers/Collect.ts`). */
  readonly collect?: boolean
}

export interface Quantiles {
  readonly median: number
  readonly p99: number
}

export const quantiles = (milliseconds: ReadonlyArray<number>): Quantiles | undefined => {
  const sorted = Float64Array.from(milliseconds).sort()
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0
  return sorted.length === 0 ? undefined : { median: at(0.5), p99: at(0.99) }
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
  /** Milliseconds from the sending to the last member of each chat. */
  readonly latency: Quantiles | undefined
  /** Milliseconds from the sending to the answer that the sender gets. */
  readonly answers: Quantiles | undefined
  /** Sent messages that did not reach all recipients, over the complete run. */
  readonly missing: number
  /** Messages that reached a recipient more than once, over the complete run. */
  readonly doubled: number
  /** Connections that ended by themselves. */
  readonly lost: number
  readonly connections: number
  /** kB, before the first connection and at the end. */
  readonly memory: { readonly before: number; readonly after: number }
}

/** Users who reconnect at once; each has the same number of queued messages. */
export interface StormPlan {
  readonly task: "storm"
  readonly port: number
  readonly pid: number
  readonly users: ReadonlyArray<User>
  readonly owed: number
}

/** The same number of connections, each of which requests a number of bytes from a bare relay. */
export interface GivePlan {
  readonly task: "give"
  readonly port: number
  readonly pid: number
  readonly connections: number
  readonly bytes: number
}

export interface StormSeen {
  /** From the first connection to the last byte of the last client. */
  readonly seconds: number
  /** Microseconds of the server's CPU, all its threads. */
  readonly cpu: number
  /** Of all frames, over all clients. */
  readonly bytes: number
  readonly missing: number
  readonly doubled: number
  readonly lost: number
  /** kB: the largest that was seen, every 50 ms. */
  readonly peak: number
}

/** One member who was offline, and two others who send at an even pace before and during the reconnect. */
export interface CatchUpPlan {
  readonly task: "catch-up"
  readonly port: number
  readonly pid: number
  readonly late: User
  /** Queued messages of the offline member. */
  readonly owed: number
  readonly talking: MadeChat
  /** Messages per second of the senders. */
  readonly rate: number
  /** Seconds of sending before the reconnect. */
  readonly before: number
}

export interface CatchUpSeen {
  readonly seconds: number
  readonly cpu: number
  readonly missing: number
  /** Messages that arrived before an earlier one of their chat, or twice. */
  readonly disordered: number
  readonly frames: { readonly count: number; readonly largestBytes: number; readonly mostPackets: number }
  /** kB, before and at the peak. */
  readonly memory: { readonly before: number; readonly peak: number }
  /** Time until replies to the senders. */
  readonly answersBefore: Quantiles | undefined
  readonly answersMeanwhile: Quantiles | undefined
}

export type Task = Plan | StormPlan | GivePlan | CatchUpPlan
