/**
 * The terminal client's connection: logs in once, comes back by itself, and resumes its session by the sid. What was
 * asked and not answered is asked again after that: every request names its message or chat by a gid, so twice is once.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { WebSocket } from "ws"
import { encrypted, type Packet, readFrame } from "./Wire.ts"

/** The server does not want this client, or cannot be found at all; `message` is one line. */
export class LinkEnded extends Data.TaggedError("LinkEnded")<{ readonly message: string }> {}

/** Milliseconds before coming back: doubled with every attempt in vain, and shaken by half so that not all come at once. */
const FIRST_DELAY = 200
const LAST_DELAY = 10_000

/** Milliseconds without a sign of the server, which pings every 30 s, after which the connection counts as lost. */
const SILENCE = 75_000

interface Pending {
  readonly method: string
  readonly params: unknown
  readonly answer: (packet: Packet) => void
}

export interface LinkOptions {
  /** Of the WebSocket. */
  readonly url: string
  readonly account: string
  readonly password: string
  /** Called with the pushes of one frame, in order. */
  readonly heard: (pushes: ReadonlyArray<Packet>) => void
  /** The connection is lost; the link is coming back. */
  readonly lost: () => void
  /** The connection is there again. */
  readonly back: () => void
}

/** How one connection ended. */
type Ending = { readonly _tag: "Broken" } | { readonly _tag: "Ended"; readonly message: string }

export class Link {
  readonly #options: LinkOptions
  readonly #pending: Array<Pending> = []
  #socket: WebSocket | undefined
  #sid: string | undefined
  /** Whether the session is there on this connection; until then only the greeting has gone out. */
  #greeted = false
  #everGreeted = false
  #attempts = 0

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Asks the server, now or as soon as it is there, and answers with its answer, whatever the result. */
  request(method: string, params?: unknown): Effect.Effect<Packet> {
    return Effect.callback<Packet>((resume) => {
      const pending = { method, params, answer: (packet: Packet) => resume(Effect.succeed(packet)) }
      this.#pending.push(pending)
      if (this.#greeted) this.#send(pending)
      return Effect.sync(() => {
        const index = this.#pending.indexOf(pending)
        // What has gone out will still be answered, and the answers are told apart by their order.
        if (index >= 0 && !this.#greeted) this.#pending.splice(index, 1)
      })
    })
  }

  /** Tells the server that these packets have been shown. There is no answer; what gets lost comes again. */
  acknowledge(ids: ReadonlyArray<number>): void {
    if (ids.length === 0 || !this.#greeted) return
    const id = ids.length === 1 ? ids[0] : ids
    this.#socket?.send(JSON.stringify({ module: "chat", method: "message", id, sid: this.#sid }))
  }

  /** Stays connected until it is interrupted, or fails when there is no use in coming back. */
  readonly run: Effect.Effect<never, LinkEnded> = Effect.gen({ self: this }, function* () {
    for (;;) {
      const ending = yield* this.#converse()
      if (ending._tag === "Ended") return yield* new LinkEnded(ending)
      if (!this.#everGreeted) return yield* new LinkEnded({ message: `nobody answers at ${this.#options.url}` })
      if (this.#attempts === 0) this.#options.lost()
      const full = Math.min(LAST_DELAY, FIRST_DELAY * 2 ** this.#attempts)
      this.#attempts += 1
      const shaken = full * (0.5 + (yield* Random.next) / 2)
      yield* Effect.sleep(shaken)
    }
  })

  /** One connection, from its opening to its end. */
  #converse(): Effect.Effect<Ending> {
    return Effect.callback<Ending>((resume) => this.#connect((ending) => resume(Effect.succeed(ending))))
  }

  /** Opens a connection and calls back once with how it ended; the effect it answers closes it before that. */
  #connect(ended: (ending: Ending) => void): Effect.Effect<void> {
    const socket = new WebSocket(this.#options.url, { handshakeTimeout: 10_000, perMessageDeflate: false })
    this.#socket = socket
    this.#greeted = false
    const end = (ending: Ending) => {
      ended(ending)
      socket.terminate()
    }
    const silence = setTimeout(() => end({ _tag: "Broken" }), SILENCE)
    const alive = () => silence.refresh()
    socket.on("ping", alive)
    socket.on("open", () => this.#greet())
    socket.on("message", (bytes) => {
      alive()
      // `ws` gives one Buffer for each frame, as its `binaryType` is the default one.
      const packets = readFrame(Buffer.isBuffer(bytes) ? bytes.toString("utf8") : "")
      const ending = this.#hear(packets)
      if (ending !== undefined) end(ending)
    })
    // An error is always followed by the end.
    socket.on("error", () => {})
    socket.on("close", () => {
      clearTimeout(silence)
      this.#greeted = false
      ended({ _tag: "Broken" })
    })
    return Effect.sync(() => {
      clearTimeout(silence)
      socket.close(1000)
    })
  }

  #greet(): void {
    const { account, password } = this.#options
    this.#socket?.send(
      JSON.stringify(
        this.#sid === undefined
          ? {
              module: "chat",
              method: "login",
              params: { account, password: encrypted(password), status: "online" }
            }
          : { module: "chat", method: "ping", sid: this.#sid }
      )
    )
  }

  #send({ method, params }: Pending): void {
    this.#socket?.send(
      JSON.stringify({ module: "chat", method, ...(params === undefined ? {} : { params }), sid: this.#sid })
    )
  }

  /** Answers how the connection has to end, if it has to. */
  #hear(packets: ReadonlyArray<Packet>): Ending | undefined {
    const pushes: Array<Packet> = []
    let ending: Ending | undefined
    for (const packet of packets) {
      if (isTakenOver(packet)) ending = { _tag: "Ended", message: packet.message ?? "logged in elsewhere" }
      else if (packet.result === undefined) pushes.push(packet)
      else ending = this.#answered(packet) ?? ending
    }
    if (pushes.length > 0) this.#options.heard(pushes)
    return ending
  }

  #answered(packet: Packet): Ending | undefined {
    if (!this.#greeted) {
      if (packet.result === "success") {
        this.#welcome(packet)
        return undefined
      }
      if (this.#sid === undefined) return { _tag: "Ended", message: packet.message ?? "the server refused the login" }
      // The session is over: log in anew.
      this.#sid = undefined
      this.#greet()
      return undefined
    }
    if (packet.result === "denied") {
      // The session died under us. On a new connection no answer to an old question can be mistaken for another's.
      this.#sid = undefined
      return { _tag: "Broken" }
    }
    if (this.#pending[0]?.method.toLowerCase() === packet.method.toLowerCase()) this.#pending.shift()?.answer(packet)
    return undefined
  }

  #welcome(packet: Packet): void {
    this.#sid = packet.sid ?? this.#sid
    this.#greeted = true
    const again = this.#everGreeted
    this.#everGreeted = true
    this.#attempts = 0
    for (const pending of this.#pending) this.#send(pending)
    if (again) this.#options.back()
  }
}

/** The one packet that is neither an answer nor an ordinary push: the account logged in elsewhere. */
const isTakenOver = (packet: Packet): boolean =>
  packet.result === undefined && ((packet.module === "null" && packet.method === "null") || packet.method === "kickoff")
