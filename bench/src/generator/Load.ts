/** Runs a plan: connects the members, sends at the pace, counts arrivals. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Chat, Client, Hooks, Speaker } from "./Client.ts"
import { type Pace, type Plan, quantiles, type Seen } from "./Plan.ts"
import { collectedMemoryOf, cpuOf, mainCpuOf, memoryOf } from "./ProcessUse.ts"
import { now, stamped, stampOf } from "./Stamp.ts"

/**
 * Warm-up of a server before it is measured at a slow pace. At that pace itself the compiler would need a minute to
 * optimize it.
 */
const BRISK: Pace = { mode: "closed", window: 16 }
/** Milliseconds of the slow pace that are not measured. */
const LEAD = 500

/** Connections that are being opened at a time. */
const OPENING = 20
/** Milliseconds without a frame after which the logins are over. */
const QUIET = 300
/** Time without a message after which the rest counts as missing, in ms. */
const IDLE_TIMEOUT = 5000

const chatsOf = ({ shape, users }: Plan): ReadonlyArray<Chat> =>
  Array.from({ length: shape.chats }, (_, index) => ({
    gid: `bench-${shape.members}-${shape.online}-${index}`,
    members: users.slice(index * shape.members, (index + 1) * shape.members)
  }))

export class Load {
  readonly #plan: Plan
  readonly #speaker: Speaker
  readonly #senders: Array<Client> = []
  readonly #clients: Array<Client> = []
  /** Milliseconds. */
  readonly #latencies: Array<number> = []
  readonly #answers: Array<number> = []
  /** Send times of requests without a reply, by sender; a server replies in order of a connection. */
  readonly #unanswered = new Map<Client, Array<number>>()
  #turn = 0
  #sent = 0
  #answered = 0
  #delivered = 0
  #frames = 0
  #doubled = 0
  #lost = 0
  #lastReceived = 0
  #closing = false
  #measuring = false
  /** Called whenever something has arrived. */
  #onward = (): void => {}

  constructor(plan: Plan, speaker: Speaker) {
    this.#plan = plan
    this.#speaker = speaker
  }

  async play(): Promise<Seen> {
    const { pid, pace, warmUp, duration } = this.#plan
    const memory = (): Promise<number> | number =>
      this.#plan.collect === true ? collectedMemoryOf(pid) : memoryOf(pid)
    const before = await memory()
    await this.#assemble()
    if (pace.mode === "open") {
      const stop = this.#start(BRISK)
      await sleep(warmUp * 1000)
      stop()
      await this.#settled()
    }
    const stop = this.#start(pace)
    if (pace.mode === "count") await this.#settled()
    else await sleep(pace.mode === "open" ? LEAD : warmUp * 1000)
    const measured = await this.#measure(pace.mode === "count" ? 0 : duration)
    stop()
    await this.#settled()
    const after = await memory()
    this.#closing = true
    for (const client of this.#clients) client.close()
    return {
      ...measured,
      latency: quantiles(this.#latencies),
      answers: quantiles(this.#answers),
      missing: this.#sent * this.#recipients - this.#delivered,
      doubled: this.#doubled,
      lost: this.#lost,
      connections: this.#clients.length,
      memory: { before, after }
    }
  }

  /** Recipients of one message: all connected members except the sender. */
  get #recipients(): number {
    return this.#plan.shape.online - 1
  }

  async #assemble(): Promise<void> {
    const { shape, made } = this.#plan
    const chats = made ?? (await this.#speaker.prepare(chatsOf(this.#plan)))
    // Senders take turns over all chats.
    const jobs = Array.from({ length: shape.online }, (_, nth) => chats.map((chat, index) => ({ chat, nth, index })))
    const left = jobs.flat().values()
    const connectSome = async (): Promise<void> => {
      for (const { chat, nth, index } of left) {
        const user = chat.members[nth]
        if (user === undefined) throw new Error("there are fewer users than members")
        let last = 0
        const unanswered: Array<number> = []
        const hooks: Hooks = {
          received: ({ answers, ids, contents }) => {
            this.#lastReceived = now()
            this.#answered += answers
            for (const sent of unanswered.splice(0, answers)) {
              if (this.#measuring) this.#answers.push((this.#lastReceived - sent) / 1000)
            }
            if (ids.length > 0) this.#frames++
            for (const id of ids) {
              if (id > last) {
                last = id
                this.#delivered++
              } else this.#doubled++
            }
            // One receiver for each chat is enough: all its members get a message in the same turn of the server.
            if (this.#measuring && nth === shape.online - 1) {
              for (const content of contents) this.#latencies.push((this.#lastReceived - stampOf(content)) / 1000)
            }
            this.#onward()
          },
          lost: () => {
            if (!this.#closing) this.#lost++
          }
        }
        const client = await this.#speaker.connect(chat, user, hooks)
        this.#clients.push(client)
        this.#unanswered.set(client, unanswered)
        if (nth < shape.senders) this.#senders[nth * shape.chats + index] = client
      }
    }
    await Promise.all(Array.from({ length: OPENING }, connectSome))
    await this.#quiet(QUIET)
  }

  #send(time: number): void {
    const sender = this.#senders[this.#turn++ % this.#senders.length]
    if (sender === undefined) return
    this.#sent++
    this.#unanswered.get(sender)?.push(now())
    sender.send(stamped(time, this.#plan.size))
  }

  /** Starts sending; returns a function that stops it. */
  #start(pace: Pace): () => void {
    if (pace.mode === "idle") return () => {}
    if (pace.mode === "open") return this.#startOpen(pace.rate)
    const window = pace.mode === "closed" ? pace.window : 1
    const limit = pace.mode === "closed" ? Number.POSITIVE_INFINITY : pace.messages
    const recipients = this.#recipients
    this.#onward = () => {
      // A message is complete once its sender has the reply and all recipients have the message.
      const everywhere = recipients === 0 ? this.#answered : Math.floor(this.#delivered / recipients)
      const done = Math.min(everywhere, this.#answered)
      while (this.#sent - done < window && this.#sent < limit) this.#send(now())
    }
    this.#onward()
    return () => {
      this.#onward = () => {}
    }
  }

  #startOpen(rate: number): () => void {
    const start = now()
    let due = 0
    const timer = setInterval(() => {
      const time = now()
      while (start + (due / rate) * 1e6 <= time) this.#send(start + Math.floor((due++ / rate) * 1e6))
    }, 1)
    return () => clearInterval(timer)
  }

  async #measure(seconds: number) {
    const { pid } = this.#plan
    const own = process.cpuUsage()
    const cpu = cpuOf(pid)
    const mainCpu = mainCpuOf(pid)
    const [sent, delivered, answered, frames] = [this.#sent, this.#delivered, this.#answered, this.#frames]
    const from = now()
    this.#measuring = true
    await sleep(seconds * 1000)
    this.#measuring = false
    const to = now()
    const used = process.cpuUsage(own)
    return {
      from,
      to,
      sends: this.#plan.pace.mode === "open" ? this.#sent - sent : this.#answered - answered,
      delivered: this.#delivered - delivered,
      frames: this.#frames - frames,
      cpu: cpuOf(pid) - cpu,
      mainCpu: mainCpuOf(pid) - mainCpu,
      generatorLoad: to > from ? (used.user + used.system) / (to - from) : 0
    }
  }

  /** Waits until all messages have arrived everywhere, or none arrives any more. */
  async #settled(): Promise<void> {
    this.#lastReceived = now()
    const owed = (): boolean =>
      this.#delivered < this.#sent * this.#recipients || this.#answered < this.#sent || this.#mayStillSend()
    while (owed() && now() - this.#lastReceived < IDLE_TIMEOUT * 1000) await sleep(20)
    // Acknowledgements are batched before they are sent.
    await sleep(100)
  }

  #mayStillSend(): boolean {
    const { pace } = this.#plan
    return pace.mode === "count" && this.#sent < pace.messages
  }

  async #quiet(milliseconds: number): Promise<void> {
    this.#lastReceived = now()
    const until = this.#lastReceived + 30e6
    while (now() - this.#lastReceived < milliseconds * 1000 && now() < until) await sleep(50)
  }
}
