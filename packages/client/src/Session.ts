/**
 * A session: begun by a login or a token, resumed on a new connection whenever one is lost, until the server refuses it.
 * Requests without a reply are then sent again, in order.
 */
import { Connection, type ConnectionTiming, type Socket } from "./Connection.ts"
import { md5 } from "./Md5.ts"
import { ParleyError } from "./ParleyError.ts"
import { type RequestOptions, RequestQueue, type RequestSettings } from "./RequestQueue.ts"
import { type Credentials, credentialsHint } from "./Credentials.ts"
import { type Backoff, delayOf } from "./backoff.ts"
import { isCalled, isTakeover, type Packet, type Status } from "./protocol.ts"

/** `waiting`: until the next attempt to connect. `ended`: for good. */
export type State = "connecting" | "online" | "waiting" | "ended"

export interface SessionSettings extends RequestSettings, ConnectionTiming {
  readonly url: string
  readonly open: (url: string) => Socket
  readonly random: () => number
  readonly backoff: Backoff
  readonly device: string | undefined
  /** Returns why the server refuses connections of this page; undefined if it does not. */
  readonly refusal: () => Promise<string | undefined>
}

export interface SessionHandlers {
  /** The session began or was resumed on a new connection; `data` may be this user. */
  readonly onReady: (data: unknown) => void
  readonly onPush: (packets: ReadonlyArray<Packet>) => void
  readonly onMalformed: (error: ParleyError) => void
  readonly onState: (state: State, error: ParleyError | undefined) => void
}

/** Close code of the server: logged in elsewhere. */
const TAKEN_OVER = 4001
/** Milliseconds for which frames of a lost connection may still be on their way to the server. */
const STALE_TIMEOUT = 60_000
/** Maximum refused logins in a row after a first success; tolerates refusals for temporary reasons. */
const MAX_REFUSALS = 3

export class Session {
  readonly #settings: SessionSettings
  readonly #credentials: Credentials
  #handlers: SessionHandlers | undefined
  /** Status shown to other users. */
  status: Exclude<Status, "offline">
  #state: State = "connecting"
  #error: ParleyError | undefined
  #sid: string | undefined
  #connection: Connection | undefined
  #online = false
  #wasOnline = false
  readonly #requests: RequestQueue
  #attempts = 0
  #refusals = 0
  #timer: unknown
  /**
   * Recently lost connections, and whether one of them was lost during its login. Frames of a lost connection may arrive
   * late; the server then treats it as the newest login and sends a takeover.
   */
  #staleConnections = 0
  #staleLogin = false
  #staleTimer: unknown
  /** After an unexplained takeover: if the session is dead too, another client logged in, and this one ends. */
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

  /** Session id; undefined before the first login. */
  get sid(): string | undefined {
    return this.#sid
  }

  /** Reason for which it has ended; undefined before. */
  get error(): ParleyError | undefined {
    return this.#error
  }

  /** Connects, and reconnects whenever the connection is lost. */
  start(handlers: SessionHandlers): void {
    this.#handlers = handlers
    if (this.#error === undefined) this.#connect()
  }

  #connect(): void {
    this.#settings.clock.clearTimeout(this.#timer)
    this.#setState("connecting")
    // The handler may have closed the client.
    if (this.#error !== undefined) return
    let socket: Socket
    try {
      socket = this.#settings.open(this.#settings.url)
    } catch (cause) {
      this.end(new ParleyError("connection", `cannot connect to ${this.#settings.url}`, { cause }))
      return
    }
    const ifCurrent = (act: () => void): void => {
      if (connection === this.#connection) act()
    }
    const connection: Connection = new Connection(socket, this.#settings, {
      onOpen: () => ifCurrent(() => this.#authenticate(connection)),
      onPush: (packets) => ifCurrent(() => this.#onPush(packets)),
      onMalformed: () =>
        ifCurrent(() =>
          this.#handlers?.onMalformed(new ParleyError("malformed", "the server sent a frame that is not a packet"))
        ),
      onReply: () => ifCurrent(() => this.#sendWaiting()),
      // The session ended meanwhile. A new connection keeps replies and requests in step.
      onDenied: () => ifCurrent(() => this.#onLost()),
      onLost: (code) => ifCurrent(() => (code === TAKEN_OVER ? this.#onTakeover() : this.#onLost()))
    })
    this.#connection = connection
  }

  /** Reconnects without further wait, or sends a ping to check the connection. */
  wake(): void {
    if (this.#state === "waiting") this.#connect()
    else if (this.#online) this.#connection?.ping()
  }

  /** Resumes the session on a new connection, so that the server redelivers all unacknowledged packets. */
  renew(): void {
    if (!this.#online) return
    this.#dropAsStale()
    this.#connect()
  }

  /** Sends a request now, or once the session is ready. Resolves with the reply if it is a success. */
  request(method: string, params?: unknown, options?: RequestOptions, module = "chat"): Promise<Packet> {
    const reply = this.#requests.add({ module, method, params }, options)
    this.#sendWaiting()
    return reply
  }

  /** Acknowledges packets. Does nothing while offline: the server redelivers them then. */
  acknowledge(ids: ReadonlyArray<number>): void {
    if (this.#online && ids.length > 0) this.#connection?.acknowledge(ids)
  }

  /** Ends permanently. Pending and further requests reject with this error. */
  end(error: ParleyError): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#drop()
    for (const timer of [this.#timer, this.#staleTimer]) this.#settings.clock.clearTimeout(timer)
    this.#requests.end(error)
    this.#setState("ended")
  }

  #setState(state: State): void {
    this.#state = state
    this.#handlers?.onState(state, this.#error)
  }

  #authenticate(connection: Connection): void {
    if (this.#sid !== undefined) return this.#resume(connection, this.#sid)
    const { token } = this.#credentials
    if (token === undefined) return this.#logIn(connection, this.#credentials)
    if (typeof token === "string") return this.#resume(connection, token)
    Promise.resolve()
      .then(token)
      .then(
        (fresh) => {
          if (connection === this.#connection) this.#resume(connection, fresh)
        },
        () => {
          if (connection === this.#connection) this.#onLost()
        }
      )
  }

  /** Without a password the server reads the user from the request that opened the connection. */
  #logIn(connection: Connection, { account, password }: Credentials): void {
    const secret = password === undefined ? undefined : md5(password)
    const params = { account, password: secret, status: this.status, device: this.#settings.device }
    const onReply = ({ module, result, sid, data, message }: Packet): void => {
      if (result === "success" && sid !== undefined) this.#onLoggedIn(connection, sid, data)
      // The error is about the connection, for example the limit of connections.
      else if (module === "null") this.#onLost()
      else this.#onRefused(message)
    }
    connection.authenticate({ module: "chat", method: "login", params, sent: 0, settled: true, onReply }, undefined)
  }

  /**
   * Resumes the session `sid`. Setting the status returns this user, which is needed once after a token; later it is needed
   * only for a status other than the default.
   */
  #resume(connection: Connection, sid: string): void {
    const onReply = ({ result, data, message }: Packet): void => {
      if (result === "success") return this.#onLoggedIn(connection, sid, data)
      // A temporary error; the session may still be valid.
      if (result !== "denied") return this.#onLost()
      const isUnused = this.#sid === undefined
      this.#sid = undefined
      if (this.#possiblyTakenOver) return this.end(takenOver())
      if (isUnused || typeof this.#credentials.token === "string") {
        return this.#onRefused(message)
      }
      this.#authenticate(connection)
    }
    const request = { module: "chat", sent: 0, settled: true, onReply }
    connection.authenticate(
      this.#wasOnline && this.status === "online"
        ? { ...request, method: "ping" }
        : { ...request, method: "userChangeStatus", params: { status: this.status } },
      sid
    )
  }

  #onRefused(message = "the server refused the login"): void {
    if (this.#wasOnline && ++this.#refusals < MAX_REFUSALS) this.#onLost()
    else {
      const text = `${message}${credentialsHint(this.#credentials)}`
      this.end(new ParleyError("login", text, { method: "login" }))
    }
  }

  #onLoggedIn(connection: Connection, sid: string, data: unknown): void {
    this.#sid = sid
    connection.setSession(sid)
    this.#online = true
    this.#wasOnline = true
    this.#refusals = 0
    this.#possiblyTakenOver = false
    this.#handlers?.onReady(data)
    this.#setState("online")
    this.#sendWaiting()
  }

  #onPush(packets: ReadonlyArray<Packet>): void {
    if (packets.some(isTakeover)) return this.#onTakeover()
    // The last push of every login: the connection works.
    if (packets.some((packet) => isCalled(packet, "getlist"))) this.#attempts = 0
    this.#handlers?.onPush(packets)
  }

  #onTakeover(): void {
    if (this.#staleConnections === 0) return this.end(takenOver())
    // Most likely caused by a lost connection of this client; each explains one takeover. A dead session disproves that.
    this.#staleConnections--
    this.#possiblyTakenOver = !this.#staleLogin
    this.#staleLogin = false
    this.#drop()
    this.#reconnect()
  }

  #onLost(): void {
    const isRefused = this.#connection?.isOpened === false && !this.#wasOnline
    this.#dropAsStale()
    this.#reconnect()
    if (isRefused) this.#endIfRefused()
  }

  /** Ends the session if the server refuses connections of this page. Browsers do not report why a handshake failed. */
  #endIfRefused(): void {
    this.#settings.refusal().then(
      (reason) => {
        if (reason !== undefined && !this.#wasOnline) this.end(new ParleyError("connection", reason))
      },
      // The server cannot be reached.
      () => {}
    )
  }

  #reconnect(): void {
    const { backoff, clock, random } = this.#settings
    const wait = delayOf(backoff, this.#attempts++, random())
    this.#timer = clock.setTimeout(() => this.#connect(), wait)
    this.#setState("waiting")
  }

  #dropAsStale(): void {
    const { clock } = this.#settings
    const connection = this.#connection
    this.#drop()
    if (connection?.isUsed !== true) return
    this.#staleConnections++
    this.#staleLogin ||= this.#sid === undefined
    clock.clearTimeout(this.#staleTimer)
    this.#staleTimer = clock.setTimeout(() => {
      this.#staleConnections = 0
      this.#staleLogin = false
    }, STALE_TIMEOUT)
  }

  #drop(): void {
    const connection = this.#connection
    if (connection === undefined) return
    this.#connection = undefined
    this.#online = false
    this.#requests.requeue(connection.end())
  }

  #sendWaiting(): void {
    const connection = this.#connection
    if (connection === undefined || !this.#online) return
    while (connection.hasRoom) {
      const next = this.#requests.next()
      if (next === undefined) return
      connection.send(next)
    }
  }
}

const takenOver = (): ParleyError => new ParleyError("elsewhere", "the account logged in elsewhere")
