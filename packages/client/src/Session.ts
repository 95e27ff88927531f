/**
 * The session: begun by logging in or with a token, resumed on a new connection whenever one is lost, until there is no
 * use in coming back. What was asked and not answered is asked again then, in the order in which it was asked.
 */
import { Connection, type ConnectionTiming, type Socket } from "./Connection.ts"
import { md5 } from "./Md5.ts"
import { ParleyError } from "./ParleyError.ts"
import { type RequestOptions, RequestQueue, type RequestSettings } from "./RequestQueue.ts"
import { type Backoff, delayOf } from "./backoff.ts"
import { isCalled, isTakeover, type Packet, type Status } from "./protocol.ts"

/** `waiting`: until the next attempt to connect. `ended`: for good. */
export type State = "connecting" | "online" | "waiting" | "ended"

/** A token is that of a session, as `POST /auth/login` gives it; a function is asked again when it is worth nothing. */
export type Credentials =
  | { readonly account: string; readonly password: string }
  | { readonly token: string | (() => string | Promise<string>) }

export interface SessionSettings extends RequestSettings, ConnectionTiming {
  readonly url: string
  readonly open: (url: string) => Socket
  readonly random: () => number
  readonly backoff: Backoff
  readonly device: string | undefined
}

export interface SessionHandlers {
  /** The session is there, on a new connection; the answer may tell who one is. */
  readonly onReady: (data: unknown) => void
  readonly pushed: (packets: ReadonlyArray<Packet>) => void
  readonly malformed: (error: ParleyError) => void
  readonly state: (state: State, error: ParleyError | undefined) => void
}

/** Close code of the server: logged in elsewhere. */
const TAKEN_OVER = 4001
/** Milliseconds for which the network or the server may hold back what was said on a connection that is lost. */
const STALE_TIMEOUT = 60_000
/** Logins refused in a row before the client ends, once it had been logged in: a server may have other reasons too. */
const REFUSALS = 3

export class Session {
  readonly #settings: SessionSettings
  readonly #credentials: Credentials
  #handlers: SessionHandlers | undefined
  /** The status to be seen with. */
  status: Exclude<Status, "offline">
  #state: State = "connecting"
  #error: ParleyError | undefined
  #sid: string | undefined
  #connection: Connection | undefined
  #online = false
  /** Whether it was ever online. */
  #known = false
  readonly #requests: RequestQueue
  #attempts = 0
  #refusals = 0
  #timer: unknown
  /**
   * Connections that were lost lately, and whether one of them was lost while it logged in. What was said on one may reach the
   * server late: it then takes that connection for the newest, and tells us that we are elsewhere.
   */
  #staleConnections = 0
  #staleLogin = false
  #staleTimer: unknown
  /** Somebody may have taken the session over: if it is dead, it was somebody else, and they are left in peace. */
  #possiblyTakenOver = false

  constructor(settings: SessionSettings, credentials: Credentials, status: Exclude<Status, "offline">) {
    this.#settings = settings
    this.#credentials = credentials
    this.#requests = new RequestQueue(settings)
    this.status = status
  }

  get state(): State {
    return this.#state
  }

  /** The session's id; nothing before the first login. */
  get sid(): string | undefined {
    return this.#sid
  }

  /** Why it has ended. */
  get error(): ParleyError | undefined {
    return this.#error
  }

  /** Connects, and stays connected. */
  start(ears: SessionHandlers): void {
    this.#handlers = ears
    if (this.#error === undefined) this.#connect()
  }

  #connect(): void {
    this.#settings.clock.clearTimeout(this.#timer)
    this.#become("connecting")
    // Whoever heard of that may have closed the client.
    if (this.#error !== undefined) return
    let socket: Socket
    try {
      socket = this.#settings.open(this.#settings.url)
    } catch (cause) {
      this.end(new ParleyError("connection", `there is no connecting to ${this.#settings.url}`, { cause }))
      return
    }
    const current = (act: (line: Connection) => void): void => {
      if (line === this.#connection) act(line)
    }
    const line: Connection = new Connection(socket, this.#settings, {
      opened: () => current(() => this.#authenticate(line)),
      pushed: (packets) => current(() => this.#pushed(packets)),
      malformed: () =>
        current(() => this.#handlers?.malformed(new ParleyError("malformed", "the server sent what is no packet"))),
      answered: () => current(() => this.#pump()),
      // The session died under us. On a new connection no answer can be mistaken for another one's.
      denied: () => current(() => this.#broken()),
      broken: (code) => current(() => (code === TAKEN_OVER ? this.#takenOver() : this.#broken()))
    })
    this.#connection = line
  }

  /** Tries at once what would be tried later: to connect, or to see whether the connection is alive. */
  wake(): void {
    if (this.#state === "waiting") this.#connect()
    else if (this.#online) this.#connection?.ping()
  }

  /** Resumes the session on a new connection: everything that is not acknowledged comes again. */
  renew(): void {
    if (!this.#online) return
    this.#lose()
    this.#connect()
  }

  /** Answers with what the server answered, if it did what was asked; asks now, or as soon as the session is there. */
  request(method: string, params?: unknown, options?: RequestOptions, module = "chat"): Promise<Packet> {
    const answer = this.#requests.add({ module, method, params }, options)
    this.#pump()
    return answer
  }

  /** These packets need not come again. Without a connection they will, and are known then. */
  acknowledge(ids: ReadonlyArray<number>): void {
    if (this.#online && ids.length > 0) this.#connection?.acknowledge(ids)
  }

  /** Ends for good. What waits for an answer fails with this error. */
  end(error: ParleyError): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#drop()
    for (const timer of [this.#timer, this.#staleTimer]) this.#settings.clock.clearTimeout(timer)
    this.#requests.end(error)
    this.#become("ended")
  }

  #become(state: State): void {
    this.#state = state
    this.#handlers?.state(state, this.#error)
  }

  #authenticate(line: Connection): void {
    if (this.#sid !== undefined) return this.#resume(line, this.#sid)
    if ("password" in this.#credentials) return this.#logIn(line, this.#credentials)
    const { token } = this.#credentials
    if (typeof token === "string") return this.#resume(line, token)
    Promise.resolve()
      .then(token)
      .then(
        (fresh) => {
          if (line === this.#connection) this.#resume(line, fresh)
        },
        () => {
          if (line === this.#connection) this.#broken()
        }
      )
  }

  #logIn(line: Connection, { account, password }: { readonly account: string; readonly password: string }): void {
    const params = { account, password: md5(password), status: this.status, device: this.#settings.device }
    const answer = ({ module, result, sid, data, message }: Packet): void => {
      if (result === "success" && sid !== undefined) this.#ready(line, sid, data)
      // That is about the connection: there are too many, say.
      else if (module === "null") this.#broken()
      else this.#refused(message)
    }
    line.authenticate({ module: "chat", method: "login", params, sent: 0, settled: true, answer }, undefined)
  }

  /** Asking for a status says who one is, which a token does not; else it is asked only for what is not the default. */
  #resume(line: Connection, sid: string): void {
    const answer = ({ result, data, message }: Packet): void => {
      if (result === "success") return this.#ready(line, sid, data)
      // Not now. The session may be as good as ever.
      if (result !== "denied") return this.#broken()
      const fresh = this.#sid === undefined
      this.#sid = undefined
      if (this.#possiblyTakenOver) return this.end(takenOver())
      if (fresh || ("token" in this.#credentials && typeof this.#credentials.token === "string")) {
        return this.#refused(message)
      }
      this.#authenticate(line)
    }
    const asked = { module: "chat", sent: 0, settled: true, answer }
    line.authenticate(
      this.#known && this.status === "online"
        ? { ...asked, method: "ping" }
        : { ...asked, method: "userChangeStatus", params: { status: this.status } },
      sid
    )
  }

  #refused(message = "the server refused the login"): void {
    if (this.#known && ++this.#refusals < REFUSALS) this.#broken()
    else this.end(new ParleyError("login", message, { method: "login" }))
  }

  #ready(line: Connection, sid: string, data: unknown): void {
    this.#sid = sid
    line.begin(sid)
    this.#online = true
    this.#known = true
    this.#refusals = 0
    this.#possiblyTakenOver = false
    this.#handlers?.onReady(data)
    this.#become("online")
    this.#pump()
  }

  #pushed(packets: ReadonlyArray<Packet>): void {
    if (packets.some(isTakeover)) return this.#takenOver()
    // The last of what every login gets: this connection is a good one.
    if (packets.some((packet) => isCalled(packet, "getlist"))) this.#attempts = 0
    this.#handlers?.pushed(packets)
  }

  #takenOver(): void {
    if (this.#staleConnections === 0) return this.end(takenOver())
    // Most likely by ourselves. One lost connection excuses one such packet; a dead session tells that it was not so.
    this.#staleConnections--
    this.#possiblyTakenOver = !this.#staleLogin
    this.#staleLogin = false
    this.#drop()
    this.#reconnect()
  }

  #broken(): void {
    this.#lose()
    this.#reconnect()
  }

  #reconnect(): void {
    const { backoff, clock, random } = this.#settings
    const wait = delayOf(backoff, this.#attempts++, random())
    this.#timer = clock.setTimeout(() => this.#connect(), wait)
    this.#become("waiting")
  }

  #lose(): void {
    const { clock } = this.#settings
    const line = this.#connection
    this.#drop()
    if (line?.isUsed !== true) return
    this.#staleConnections++
    this.#staleLogin ||= this.#sid === undefined
    clock.clearTimeout(this.#staleTimer)
    this.#staleTimer = clock.setTimeout(() => {
      this.#staleConnections = 0
      this.#staleLogin = false
    }, STALE_TIMEOUT)
  }

  #drop(): void {
    const line = this.#connection
    if (line === undefined) return
    this.#connection = undefined
    this.#online = false
    this.#requests.requeue(line.end())
  }

  #pump(): void {
    const line = this.#connection
    if (line === undefined || !this.#online) return
    while (line.hasRoom) {
      const next = this.#requests.next()
      if (next === undefined) return
      line.send(next)
    }
  }
}

const takenOver = (): ParleyError => new ParleyError("elsewhere", "the account logged in elsewhere")
