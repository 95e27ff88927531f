/** One client's part of a connection: its commands carry the client's id. */
import { BoundedMap } from "@parley/core/BoundedMap"
import { type Connection, nextConnectionId } from "@parley/core/Connection"
import type { SendTransient } from "@parley/core/Command"
import type { UserCaller } from "@parley/core/Event"
import { EncodedChunk, type Frame } from "@parley/core/Frame"
import type { ClientSession } from "@parley/core/ClientSession"
import type { ChatId } from "@parley/core/Ids"
import { type Command, decodeCommand } from "./codec.ts"
import { fromBinaryText } from "./binary.ts"
import { bytesOfPacket, frameOf, isFor, isReply, peerIdBytes, sharedFrameOf } from "./packets.ts"

/** The connection that several clients share. */
export interface SharedConnection {
  readonly address: string
  readonly sendFrame: (frame: Frame, isReply: boolean) => void
  /** Format of frames. */
  readonly frames: "base64" | "binary"
  readonly buffered: () => number
  readonly onDrained: (low: number, callback: () => void) => void
  readonly pause: (client: ClientConnection) => void
  readonly resume: (client: ClientConnection) => void
  readonly limitFrames: (client: ClientConnection, bytes: number) => void
  readonly close: (client: ClientConnection, code: number, reason: string) => void
  /** The client has logged in. */
  readonly opened: () => void
  /** Ends the client; the connection stays. */
  readonly remove: (client: ClientConnection) => void
  /** Closes the connection with all its clients. */
  readonly closeAll: (code: number, reason: string) => void
  /** Whether messages that a client has missed are pushed at its login, or only counted. */
  readonly missed: "counted" | "pushed"
  /** Whether the client is the only one. */
  readonly isAlone: (client: ClientConnection) => boolean
}

/** Maximum number of conversations in `received`. */
const MAX_RECEIVED = 50

export class ClientConnection implements Connection {
  readonly id = nextConnectionId()
  readonly address: string
  readonly shared: SharedConnection
  /** The client's id; undefined before the first login. */
  readonly peerId: string | undefined
  readonly #peerId: Uint8Array
  /** The app of the last login; "" before it. */
  appId = ""
  /**
   * Whether pushes have no client's id: set once the client itself has left it out, as the SDKs do for their first client. All
   * such clients then share the bytes of a push.
   */
  omitsPeerId = false
  /** The message to send if the connection ends without a logout. */
  will: SendTransient | undefined
  /** Reason for which an app server ends the session; undefined if it does not. */
  kicked: string | undefined
  /** Sequences up to which fetched messages of the latest conversations are confirmed. */
  readonly received = new BoundedMap<ChatId, number>(MAX_RECEIVED)
  #session: ClientSession | undefined
  /** The frame being received, which is decoded already. */
  #received: { readonly frame: string; readonly command: Command | undefined } | undefined

  constructor(shared: SharedConnection, peerId: string | undefined) {
    this.shared = shared
    this.address = shared.address
    this.peerId = peerId
    this.#peerId = peerId === undefined ? new Uint8Array(0) : peerIdBytes(peerId)
  }

  /** Sets the session, once. */
  attach(session: ClientSession): void {
    this.#session = session
  }

  get session(): ClientSession {
    if (this.#session === undefined) throw new Error("the client has no session")
    return this.#session
  }

  /** Ends the session, if it has been set. */
  closed(): void {
    this.#session?.closed()
  }

  /** Ends the session with the connection. Returns the will to send, and its sender. */
  drop(): { readonly caller: UserCaller; readonly will: SendTransient } | undefined {
    const { will } = this
    // A client that has logged in elsewhere with its tag has no user here.
    const caller = this.#session?.user === undefined ? undefined : this.#session.caller()
    this.closed()
    return will === undefined || caller === undefined ? undefined : { caller, will }
  }

  /** Passes a frame to the session. */
  receive(frame: string, command: Command | undefined, bytes: number): void {
    this.#received = { frame, command }
    this.session.receive(frame, bytes)
    this.#received = undefined
  }

  /** Returns the command of a frame that the session handles; undefined if the frame is not a command. */
  commandOf(frame: string): Command | undefined {
    const received = this.#received
    return received?.frame === frame ? received.command : decodeCommand(fromBinaryText(frame))
  }

  send(frame: Frame, isReplyFrame = false): void {
    const user = this.#session?.user?.id
    for (const chunk of frame.chunks ?? [new EncodedChunk(frame.text)]) {
      if (isFor(chunk.text, user)) this.shared.sendFrame(this.#frameOf(chunk), isReplyFrame)
    }
  }

  #frameOf(packet: EncodedChunk): Frame {
    const { frames } = this.shared
    if (this.omitsPeerId || isReply(packet.text)) return sharedFrameOf(packet, frames)
    return frameOf(this.#withPeerId(packet.utf8(bytesOfPacket)), frames)
  }

  #withPeerId(bytes: Uint8Array): Uint8Array {
    const all = new Uint8Array(this.#peerId.length + bytes.length)
    all.set(this.#peerId)
    all.set(bytes, this.#peerId.length)
    return all
  }

  buffered(): number {
    return this.shared.buffered()
  }

  onDrained(low: number, callback: () => void): void {
    this.shared.onDrained(low, callback)
  }

  pause(): void {
    this.shared.pause(this)
  }

  resume(): void {
    this.shared.resume(this)
  }

  limitFrames(bytes: number): void {
    this.shared.limitFrames(this, bytes)
  }

  close(code: number, reason: string): void {
    this.shared.close(this, code, reason)
  }
}
