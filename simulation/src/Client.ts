/** A client of the protocol xuanxuan: it connects again after a loss, sends again what was not answered, and applies pushes. */
import type { Accept } from "@parley/core/Connection"
import { connectSimulated, SeededRandom, type SimulatedClient, type VirtualTime } from "@parley/core/testing/Simulation"
import type { Observed, Sent } from "./Observed.ts"

/** Milliseconds until a reply must arrive, and between two requests of an idle client. */
const TIMEOUT = 8_000
/** Ids from here on are in no log. */
const EPHEMERAL = 2 ** 52
/** Maximum number of milliseconds until the client connects again. */
const RETRY = 400

interface Packet {
  readonly method: string
  readonly id?: number
  readonly result?: string
  readonly sid?: string
  readonly message?: string
  readonly data?: unknown
}

interface MessageJson {
  readonly id: number
  readonly gid: string
  readonly cgid: string
  readonly content: string
  readonly recalled?: boolean
}

export interface ChatJson {
  readonly gid: string
  readonly name: string
  readonly admins: string
  readonly committers: string
  readonly public: boolean
  readonly members: ReadonlyArray<{ readonly id: number }>
}

interface UserJson {
  readonly id: number
  readonly account: string
  readonly realname: string
  readonly status: string
}

export type Reply = "answered" | "refused" | "unknown"

interface Pending {
  readonly method: string
  /** Milliseconds. */
  readonly at: number
  readonly onReply: (packet: Packet | undefined) => void
}

/** The server as a client reaches it; undefined while it is down. */
export type Server = () => Accept | undefined

const outcomeOf = (reply: Packet | undefined): Reply =>
  reply?.result === "success"
    ? "answered"
    : reply === undefined || reply.result === "denied" || /retry|storage|available/i.test(reply.message ?? "")
      ? "unknown"
      : "refused"

let connections = 0

export class Client {
  readonly account: string
  readonly #password: string
  readonly #time: VirtualTime
  readonly #random: SeededRandom
  readonly #server: Server
  readonly #observed: Observed
  readonly #acknowledges: boolean
  #connection: SimulatedClient | undefined
  #pending: Array<Pending> = []
  #sid = ""
  #isEnded = false
  /** Whether the server has ended the session of the present connection. */
  #isDenied = false
  #isReady = false
  /** Messages without an answer, by gid. */
  readonly #unanswered = new Map<string, { readonly sent: Sent; readonly frame: object; attempts: number }>()
  /** Messages as the user sees them, by id. */
  readonly messages = new Map<number, { readonly content: string; readonly recalled: boolean; readonly gid: string }>()
  chats = new Map<string, ChatJson>()
  users = new Map<number, UserJson>()

  constructor(
    account: string,
    password: string,
    parts: {
      readonly time: VirtualTime
      readonly seed: number
      readonly server: Server
      readonly observed: Observed
      /** Whether it acknowledges what it gets; true by default. */
      readonly acknowledges?: boolean
    }
  ) {
    this.account = account
    this.#password = password
    this.#time = parts.time
    this.#random = new SeededRandom(parts.seed)
    this.#server = parts.server
    this.#observed = parts.observed
    this.#acknowledges = parts.acknowledges ?? true
    this.#open()
  }

  get isReady(): boolean {
    return this.#isReady && this.#unanswered.size === 0
  }

  #trace(text: string): void {
    this.#observed.trace.push(`${this.#time.now.toFixed(3)} ${this.account} ${text.replaceAll(/45035996\d{8}/g, "~")}`)
  }

  #open(): void {
    const accept = this.#server()
    if (this.#isEnded) return
    if (accept === undefined) return this.#retry()
    const number = connections++
    this.#isDenied = false
    const ended = (): void => {
      if (mine !== this.#connection) return
      this.#trace("is cut off")
      this.#connection = undefined
      this.#isReady = false
      const [oldest] = this.#pending
      // Frames are handled in their order: the server drops those behind an unanswered request.
      if (oldest !== undefined) this.#denySince(oldest.at)
      for (const { onReply } of this.#pending.splice(0)) onReply(undefined)
      this.#retry()
    }
    const mine: SimulatedClient = connectSimulated({
      time: this.#time,
      random: new SeededRandom(this.#random.below(2 ** 31)),
      accept,
      sendBuffer: 8 * 1024,
      client: {
        frame: (text) => {
          if (mine === this.#connection) this.#take(text, number)
        },
        ended
      },
      onReceived: (text) => {
        // The server that takes it may have crashed meanwhile.
        if (this.#server() === accept) this.#onReceived(text)
      }
    })
    this.#connection = mine
    const params = { account: this.account, password: this.#password, status: "online" }
    this.ask("login", params, (reply) => {
      if (reply?.result === "success") {
        this.#sid = reply.sid ?? ""
        this.#heartbeat(mine)
      } else this.cut()
    })
  }

  #retry(): void {
    this.#time.after(20 + this.#random.below(RETRY), () => {
      if (this.#connection === undefined) this.#open()
    })
  }

  #heartbeat(mine: SimulatedClient): void {
    this.#time.after(TIMEOUT, () => {
      if (mine !== this.#connection) return
      this.ask("ping", undefined, (reply) => {
        if (reply !== undefined && reply.result !== "success") this.cut()
      })
      this.#heartbeat(mine)
    })
  }

  #onReceived(text: string): void {
    const { id, method } = JSON.parse(text) as Packet
    if (method === "message" && id !== undefined) {
      this.#observed.acknowledged.push({ at: this.#time.now, account: this.account, id, isDenied: this.#isDenied })
    }
  }

  /** Sends a request. `onReply` gets undefined if the connection is lost before. */
  ask(method: string, params: unknown, onReply: (reply: Packet | undefined) => void): void {
    const connection = this.#connection
    if (connection === undefined) return onReply(undefined)
    const pending: Pending = { method, at: this.#time.now, onReply }
    this.#pending.push(pending)
    connection.send(
      JSON.stringify({
        module: "chat",
        method,
        ...(method !== "login" && { sid: this.#sid }),
        ...(params !== undefined && { params })
      })
    )
    this.#time.after(TIMEOUT, () => {
      if (connection === this.#connection && this.#pending.includes(pending)) this.cut()
    })
  }

  /** Returns the outcome of a request by its reply. */
  readonly outcomeOf = outcomeOf

  get isConnected(): boolean {
    return this.#isReady
  }

  /** Returns the reason why the client does not rest, for a report. */
  waitsFor(): string {
    return this.#isReady ? [...this.#unanswered.keys()].join(", ") : "a login"
  }

  /** Sends messages to a chat until each has an answer. */
  send(chat: string, contents: ReadonlyArray<string>): void {
    for (const content of contents) {
      const sent: Sent = { content, chat, user: this.account, outcome: "unknown" }
      this.#observed.sent.push(sent)
      const frame = { gid: `gid-${content}`, cgid: chat, content, type: "normal", contentType: "text" }
      this.#unanswered.set(frame.gid, { sent, frame, attempts: 0 })
      if (this.#isReady) this.#sendAgain(frame.gid)
    }
  }

  #sendAgain(gid: string): void {
    const one = this.#unanswered.get(gid)
    const connection = this.#connection
    if (one === undefined || connection === undefined) return
    one.attempts++
    this.ask("message", { messages: [one.frame] }, (reply) => {
      const outcome = outcomeOf(reply)
      if (outcome !== "unknown") {
        // An earlier attempt may have been stored before the sender lost the right to send.
        if (outcome === "answered" || one.attempts === 1) one.sent.outcome = outcome
        this.#unanswered.delete(gid)
        this.#trace(`${gid} is ${outcome}`)
        if (reply?.result === "success") for (const message of reply.data as Array<MessageJson>) this.#apply(message)
      } else if (reply !== undefined) {
        this.#time.after(50 + this.#random.below(200), () => {
          if (connection === this.#connection && this.#isReady) this.#sendAgain(gid)
        })
      }
    })
  }

  #apply({ id, content, gid, recalled = false }: MessageJson): void {
    this.messages.set(id, { content, recalled, gid })
  }

  #take(text: string, connection: number): void {
    this.#trace(text)
    const json = JSON.parse(text) as Packet | ReadonlyArray<Packet>
    for (const packet of Array.isArray(json) ? (json as ReadonlyArray<Packet>) : [json as Packet]) {
      if (packet.result === undefined) this.#push(packet, connection)
      else {
        if (packet.result === "denied") this.#deny()
        const [first] = this.#pending
        // An acknowledgement has no reply, unless the session has ended.
        if (packet.result === "denied" && first?.method !== packet.method) return this.cut()
        const pending = this.#pending.shift()
        if (pending?.method.toLowerCase() !== packet.method.toLowerCase()) {
          this.#observed.broken.push(`${this.account} got a reply to ${packet.method} instead of ${pending?.method}`)
        }
        pending?.onReply(packet)
      }
    }
  }

  /** The server has not taken what it got since the session ended. */
  #deny(): void {
    this.#isDenied = true
    this.#denySince(this.#time.now - 100)
  }

  #denySince(time: number): void {
    for (const one of this.#observed.acknowledged) {
      if (one.account === this.account && one.at >= time) one.isDenied = true
    }
  }

  #push({ data, id = 0, method }: Packet, connection: number): void {
    switch (method) {
      case "kickoff":
        return this.#deny()
      case "userGetList":
        this.users = new Map((data as ReadonlyArray<UserJson>).map((user) => [user.id, user]))
        return
      case "getlist":
        this.chats = new Map((data as ReadonlyArray<ChatJson>).map((chat) => [chat.gid, chat]))
        this.#isReady = true
        for (const gid of this.#unanswered.keys()) this.#sendAgain(gid)
        return
      case "login":
      case "logout":
      case "userChangeName":
      case "userChangeStatus": {
        const user = data as UserJson
        this.users.set(user.id, user)
        return
      }
      case "message":
        return this.#message(id, data as ReadonlyArray<MessageJson>, connection)
      default:
        if (typeof data === "object" && data !== null && "members" in data && id < EPHEMERAL) {
          const chat = data as ChatJson
          this.chats.set(chat.gid, chat)
        }
    }
  }

  #message(id: number, messages: ReadonlyArray<MessageJson>, connection: number): void {
    for (const message of messages) {
      const { cgid: chat, content, recalled = false } = message
      const heard = { at: this.#time.now, account: this.account, connection, chat, id, content, recalled }
      this.#observed.heard.push(heard)
      this.#apply(message)
    }
    const mine = this.#connection
    // Most are acknowledged at once, some late, and few of them never.
    const dice = this.#random.next()
    if (dice < 0.05 || !this.#acknowledges) return
    this.#time.after(dice < 0.8 ? 0 : this.#random.below(600), () => {
      if (mine !== this.#connection) return
      mine?.send(JSON.stringify({ module: "chat", method: "message", id, sid: this.#sid }))
    })
  }

  /** Loses the connection. */
  cut(): void {
    this.#connection?.cut()
  }

  /** Loses the connection by the end of the server's process. */
  lose(): void {
    this.#connection?.lose()
  }

  /** Loses the connection without notice for either side. */
  halfOpen(): void {
    this.#connection?.halfOpen()
  }

  /** Stops or starts reading. */
  read(on: boolean): void {
    if (on) this.#connection?.startReading()
    else this.#connection?.stopReading()
  }

  /** Applies the reply to one's own request, which is not pushed to this connection. */
  applyReply(data: unknown): void {
    if (typeof data !== "object" || data === null) return
    // The reply to a join has no chat: the client reads its list again.
    if ("join" in data && data.join === true) {
      return this.ask("getlist", undefined, (reply) => {
        if (reply?.result === "success") {
          this.chats = new Map((reply.data as ReadonlyArray<ChatJson>).map((chat) => [chat.gid, chat]))
        } else this.cut()
      })
    }
    if ("members" in data) this.chats.set((data as ChatJson).gid, data as ChatJson)
    else if ("gid" in data) {
      const chat = this.chats.get((data as { readonly gid: string }).gid)
      if (chat !== undefined) this.chats.set(chat.gid, { ...chat, ...(data as Partial<ChatJson>) })
    } else if ("id" in data) {
      const user = this.users.get((data as UserJson).id)
      const { name: realname, ...rest } = data as { readonly id: number; readonly name?: string }
      if (user !== undefined) this.users.set(user.id, { ...user, ...rest, ...(realname !== undefined && { realname }) })
    }
  }

  /** Logs the user in on another connection, which is closed at once. */
  logInElsewhere(server: Server): void {
    const accept = server()
    if (accept === undefined) return
    // With a single session, the server ends that of this connection before the client gets notice.
    this.#isDenied = true
    const other = connectSimulated({
      time: this.#time,
      random: new SeededRandom(this.#random.below(2 ** 31)),
      accept,
      client: { frame: () => other.close(), ended: () => undefined }
    })
    const params = { account: this.account, password: this.#password, status: "online" }
    other.send(JSON.stringify({ module: "chat", method: "login", params }))
  }

  end(): void {
    this.#isEnded = true
    this.#connection?.cut()
  }
}
