/**
 * The clients of one WebSocket. Each has a session of its own, as on a connection of its own. While there are none, a
 * session without a client takes the commands, so that the connection counts as unauthenticated.
 */
import type { SendTransient } from "@parley/core/Command"
import type { Connection, Peer } from "@parley/core/Connection"
import type { UserCaller } from "@parley/core/Event"
import type { ClientSession } from "@parley/core/ClientSession"
import { Frame } from "@parley/core/Frame"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { toBinaryText } from "./binary.ts"
import { ClientConnection, type SharedConnection } from "./ClientConnection.ts"
import { Cmd, type Command, decodeCommand, encodeCommand, Op } from "./codec.ts"
import { Code } from "./errors.ts"
import { frameOf, pushPacket } from "./packets.ts"

/** Maximum number of clients of one connection. */
export const MAX_CLIENTS = 100

/** Maximum number of logins that fail, one after the other, on a connection without clients. */
const MAX_FAILED_LOGINS = 10

/** Close codes of the core after which the other clients cannot go on. */
const CLOSES_ALL: ReadonlySet<number> = new Set([1009, 1011])
/** Close code of the core for a session that has ended. */
const SESSION_ENDED = 4003
/** WebSocket close codes of RFC 6455. */
const CLOSE_GOING_AWAY = 1001
const CLOSE_POLICY = 1008

/** Version of the protocol that a client has asked for. */
export interface Format {
  /** Binary frames, or texts in base64. */
  readonly frames: "base64" | "binary"
  /** Whether messages that a client has missed are pushed at its login, or only counted. */
  readonly missed: "counted" | "pushed"
}

/** Functions of the engine for the clients of a connection. */
export interface ClientHost {
  /** Creates the session of a client. */
  readonly accept: (connection: ClientConnection) => ClientSession
  /** Returns a new client id, for a login without one. */
  readonly newClientId: () => string
  /** Sends the will of a client whose connection has ended without a logout. */
  readonly sendWill: (caller: UserCaller, will: SendTransient) => void
  /** The connection has ended. */
  readonly ended: (connection: ClientConnections) => void
}

export class ClientConnections implements Peer, SharedConnection {
  readonly address: string
  readonly #connection: Connection
  readonly #format: Format
  readonly #host: ClientHost
  readonly #clients = new Map<string, ClientConnection>()
  readonly #paused = new Set<ClientConnection>()
  readonly #limits = new Map<ClientConnection, number>()
  /** Takes commands while there are no clients. */
  #lobby: ClientConnection | undefined
  /** Number of failed logins since the last successful one. */
  #failedLogins = 0
  #ended = false

  constructor(connection: Connection, format: Format, host: ClientHost) {
    this.#connection = connection
    this.address = connection.address
    this.#format = format
    this.#host = host
    this.#openLobby()
  }

  receive(frame: string, bytes = frame.length): void {
    const decoded = this.#format.frames === "base64" ? Base64.decode(frame) : undefined
    if (decoded === undefined || Result.isFailure(decoded)) this.#receiveInvalid(bytes)
    else this.#receive(decoded.success, bytes)
  }

  receiveBinary(frame: Uint8Array): void {
    if (this.#format.frames === "binary") this.#receive(frame, frame.length)
    else this.#receiveInvalid(frame.length)
  }

  partial(bytes: number): void {
    this.#any()?.session.partial(bytes)
  }

  invalidUtf8(): void {
    this.#any()?.session.invalidUtf8()
  }

  oversized(limit: number): void {
    this.#any()?.session.oversized(limit)
  }

  closed(): void {
    this.#ended = true
    for (const client of [...this.#clients.values(), this.#lobby]) {
      const dropped = client?.drop()
      if (dropped !== undefined) this.#host.sendWill(dropped.caller, dropped.will)
    }
    this.#clients.clear()
    this.#lobby = undefined
    this.#host.ended(this)
  }

  /** Asks the SDK to look up the server's address again and to reconnect. */
  goAway(): void {
    this.sendFrame(frameOf(encodeCommand({ cmd: Cmd.goaway }), this.frames), true)
  }

  #receive(bytes: Uint8Array, size: number): void {
    const command = decodeCommand(bytes)
    if (command === undefined) return this.#receiveInvalid(size)
    this.#recipient(command)?.receive(toBinaryText(bytes), command, size)
  }

  /** A frame without a command, which is answered by an error. */
  #receiveInvalid(size: number): void {
    this.#any()?.receive("", undefined, size)
  }

  /** Returns the client whose session handles the command. */
  #recipient({ cmd, op, peerId = "" }: Command): ClientConnection | undefined {
    const isNew = cmd === Cmd.session && op === Op.open && this.#clients.size < MAX_CLIENTS
    if (peerId === "") {
      // A client that has an id names itself when it logs in again.
      if (isNew) return this.#add(this.#host.newClientId())
      const [only, another] = this.#clients.values()
      // An echo is the connection's.
      if (only !== undefined && another === undefined && cmd !== Cmd.echo) only.omitsPeerId = true
      return this.#any()
    }
    const client = this.#clients.get(peerId)
    if (client !== undefined) return client
    return isNew ? this.#add(peerId) : this.#any()
  }

  /** Returns the client that logged in first, for commands without a client's id. */
  #any(): ClientConnection | undefined {
    const [first] = this.#clients.values()
    return this.#lobby ?? first
  }

  #add(peerId: string): ClientConnection | undefined {
    // A login takes the place of the session without a client: together they would count twice.
    const lobby = this.#lobby
    this.#lobby = undefined
    if (lobby !== undefined) this.#end(lobby)
    const client = new ClientConnection(this, peerId)
    this.#clients.set(peerId, client)
    const session = this.#host.accept(client)
    client.attach(session)
    if (this.#clients.has(peerId)) return client
    // There are too many connections: the client got an error, and was removed.
    session.closed()
    return undefined
  }

  #openLobby(): void {
    if (this.#ended) return
    const lobby = new ClientConnection(this, undefined)
    this.#lobby = lobby
    lobby.attach(this.#host.accept(lobby))
  }

  sendFrame(frame: Frame, isReply: boolean): void {
    this.#connection.send(frame, isReply)
  }

  get frames(): Format["frames"] {
    return this.#format.frames
  }

  buffered(): number {
    return this.#connection.buffered()
  }

  onDrained(low: number, callback: () => void): void {
    this.#connection.onDrained(low, callback)
  }

  pause(client: ClientConnection): void {
    this.#paused.add(client)
    this.#connection.pause()
  }

  resume(client: ClientConnection): void {
    if (this.#paused.delete(client) && this.#paused.size === 0) this.#connection.resume()
  }

  limitFrames(client: ClientConnection, bytes: number): void {
    this.#limits.set(client, bytes)
    this.#connection.limitFrames(Math.max(...this.#limits.values()))
  }

  opened(): void {
    this.#failedLogins = 0
  }

  remove(client: ClientConnection): void {
    if (client.peerId === undefined || this.#clients.get(client.peerId) !== client) return
    this.#clients.delete(client.peerId)
    this.#end(client)
    if (this.#clients.size > 0) return
    // Each login has a deadline; without a limit, failing ones would keep the connection.
    if (++this.#failedLogins > MAX_FAILED_LOGINS) this.closeAll(CLOSE_POLICY, "too many failed logins")
    else this.#openLobby()
  }

  #end(client: ClientConnection): void {
    this.#limits.delete(client)
    this.resume(client)
    client.closed()
  }

  get missed(): Format["missed"] {
    return this.#format.missed
  }

  isAlone(client: ClientConnection): boolean {
    return [...this.#clients.values()].every((other) => other === client)
  }

  closeAll(code: number, reason: string): void {
    this.#connection.close(code, reason)
  }

  close(client: ClientConnection, code: number, reason: string): void {
    if (client.peerId === undefined || CLOSES_ALL.has(code) || code === CLOSE_GOING_AWAY) {
      return this.closeAll(code, reason)
    }
    if (code === SESSION_ENDED) {
      const { kicked } = client
      const session =
        kicked === undefined ? { code: Code.sessionTokenExpired, reason } : { code: Code.kickedByApp, reason: kicked }
      client.session.reply(new Frame(pushPacket({ cmd: Cmd.session, op: Op.closed, session })))
    }
    this.remove(client)
  }
}
