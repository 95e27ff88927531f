/**
 * One connection to the server under test. Keeps received packets in order, and records malformed or excessive input as
 * faults instead of throwing.
 */
import * as Effect from "effect/Effect"
import { field, isArray, isObject, type Json, type JsonObject, parse, printable } from "../Json.ts"

/** The largest number of packets and characters on one connection; more is a fault of the server. */
const MAX_PACKETS = 20_000
const MAX_CHARACTERS = 32 * 1024 * 1024

export interface Packet {
  /** Position among all packets of this connection, from 0. */
  readonly order: number
  readonly body: JsonObject
  used: boolean
}

export type Trace = (direction: "sent" | "came", text: string) => void

export interface CloseFrame {
  /** The WebSocket close code; none on TCP. */
  readonly code: number | undefined
  /** Whether this side closed first. */
  readonly own: boolean
}

const lower = (value: Json | undefined): string => (typeof value === "string" ? value.toLowerCase() : "")

export class Connection {
  readonly packets: Array<Packet> = []
  readonly faults: Array<string> = []
  closing: CloseFrame | undefined = undefined
  private readonly waiting = new Set<() => void>()
  /** Writes below the framing; on WebSocket only. */
  writeBytes: ((bytes: Buffer) => void) | undefined
  private own = false
  private characters = 0
  private readonly transmit: (text: string) => void
  private readonly end: () => void
  private readonly trace: Trace

  constructor(transmit: (text: string) => void, end: () => void, trace: Trace) {
    this.transmit = transmit
    this.end = end
    this.trace = trace
  }

  /** Whether this side has closed the connection. */
  get leaving(): boolean {
    return this.own
  }

  send(text: string): void {
    this.trace("sent", text)
    if (this.closing === undefined) this.transmit(text)
  }

  /** Sends bytes as they are; `text` is their description for the trace. */
  sendBytes(bytes: Buffer, text: string): void {
    this.trace("sent", text)
    if (this.closing === undefined) this.writeBytes?.(bytes)
  }

  close(): void {
    this.own = true
    this.end()
  }

  /** Handles a complete frame. */
  receive(text: string): void {
    if (this.own && this.faults.length > 0) return
    this.trace("came", text)
    this.characters += text.length
    if (this.characters > MAX_CHARACTERS) return this.flood(`${MAX_CHARACTERS} characters`)
    const value = parse(text)
    for (const body of isArray(value) ? value : [value]) {
      if (!isObject(body))
        this.fault(`a frame that is not a JSON object or an array of objects: ${printable(text, 200)}`)
      else if (this.packets.length >= MAX_PACKETS) this.flood(`${MAX_PACKETS} packets`)
      else this.packets.push({ order: this.packets.length, body, used: false })
    }
    this.wake()
  }

  fault(message: string): void {
    if (this.faults.length < 20) this.faults.push(message)
    this.wake()
  }

  closed(code: number | undefined): void {
    this.closing ??= { code, own: this.own }
    this.wake()
  }

  /**
   * The first unused packet that `pick` accepts, now or on a later arrival. Examines each packet once, so that a flood
   * costs linear time.
   */
  next<A>(pick: (packet: Packet) => A | undefined, milliseconds: number): Effect.Effect<A | undefined> {
    return Effect.suspend(() => {
      let seen = 0
      return this.wait(() => {
        for (; seen < this.packets.length; seen++) {
          const packet = this.packets[seen]
          const found = packet === undefined || packet.used ? undefined : pick(packet)
          if (found !== undefined) return found
        }
        return undefined
      }, milliseconds)
    })
  }

  /** The result of `pick`, now or on a later arrival; `undefined` at the timeout or when the connection is closed. */
  wait<A>(pick: () => A | undefined, milliseconds: number): Effect.Effect<A | undefined> {
    return Effect.callback<A | undefined>((resume) => {
      const settle = (value: A | undefined) => {
        clearTimeout(timer)
        this.waiting.delete(look)
        resume(Effect.succeed(value))
      }
      const look = () => {
        const found = pick()
        if (found !== undefined || this.closing !== undefined) settle(found)
      }
      const timer = setTimeout(() => settle(undefined), milliseconds)
      this.waiting.add(look)
      look()
      return Effect.sync(() => {
        clearTimeout(timer)
        this.waiting.delete(look)
      })
    })
  }

  private flood(limit: string): void {
    if (this.closing !== undefined || this.own) return
    this.fault(`more than ${limit} on one connection`)
    this.close()
  }

  private wake(): void {
    // A copy: a waiter that is added meanwhile has already looked.
    const present = Array.from(this.waiting)
    for (const look of present) look()
  }
}

/** A response has a result; a push has none. */
export const isReply = (body: JsonObject): boolean => field(body, "result") !== undefined

/** Module and method without regard to case. */
export const isAbout = (body: JsonObject, module: string, method: string): boolean =>
  lower(field(body, "module")) === module.toLowerCase() && lower(field(body, "method")) === method.toLowerCase()
