/**
 * Serializes events for one wire profile of a protocol. Each profile has one serializer, whose connections share the
 * encoded events: an event is encoded once per serializer, not once per recipient.
 */
import * as Effect from "effect/Effect"
import type { Rejection } from "../ports/Connection.ts"
import type { Event } from "../model/Event.ts"
import type { PresentUser } from "../model/User.ts"
import { EncodedChunk, type Frame } from "../ports/Frame.ts"

/** Encodes events for one wire profile of a protocol. */
export interface Serializer {
  /** The encoded packets of an event; empty if the protocol has no packet for it. */
  readonly encode: (event: Event) => ReadonlyArray<string>
  /**
   * The encoded packets of users who were created after a client got its list of users; none without this function.
   */
  readonly encodeNewUsers?: (users: ReadonlyArray<PresentUser>) => ReadonlyArray<string>
  /** Joins packets into one frame. */
  readonly framing: (packets: ReadonlyArray<EncodedChunk>) => Frame
  /** Frame sent before a connection is closed because its user logged in elsewhere. */
  readonly takenOver: string
  /** Frame sent before a connection is closed because there are too many. */
  readonly connectionLimitReached: string
  /** Frame sent before a connection is closed for another reason. */
  readonly rejected: (reason: Exclude<Rejection, { readonly _tag: "TooManyConnections" }>) => string
  /** Reply to a frame that is not UTF-8. */
  readonly invalidUtf8: string
  /** Reply to a frame over the limit, in bytes. */
  readonly oversized: (limit: number) => string
  /**
   * Whether clients acknowledge packets, or packets that were flushed before the client's next frame count as
   * acknowledged.
   */
  readonly acknowledgement: "explicit" | "implicit"
}

/** Events encoded by one serializer, for all its recipients. */
export class EncodedEvent {
  /** The packets, in order; empty if the profile has none for the event. */
  readonly packets: ReadonlyArray<EncodedChunk>
  /** Total number of characters of the packets. */
  readonly size: number
  readonly #serializer: Serializer
  #frame: Frame | undefined
  /** The last frame of several events that began with this one. */
  #joined: { readonly all: ReadonlyArray<EncodedEvent>; readonly frame: Frame } | undefined

  constructor(serializer: Serializer, packets: ReadonlyArray<EncodedChunk>) {
    this.#serializer = serializer
    this.packets = packets
    let size = 0
    for (const { text } of packets) size += text.length
    this.size = size
  }

  /** Returns a frame with this event only. */
  get frame(): Frame {
    return (this.#frame ??= this.#serializer.framing(this.packets))
  }

  /** Returns one frame of several events that begin with this one. Recipients of the same events share the frame. */
  frameOf(all: ReadonlyArray<EncodedEvent>): Frame {
    if (all.length === 1) return this.frame
    const last = this.#joined
    if (last?.all.length === all.length && last.all.every((one, index) => one === all[index])) return last.frame
    const packets: Array<EncodedChunk> = []
    for (const one of all) for (const packet of one.packets) packets.push(packet)
    const frame = this.#serializer.framing(packets)
    this.#joined = { all, frame }
    return frame
  }
}

/** Events that are pushed together, and encoded once for each serializer, when they are first pushed. */
export class EventEncoding {
  readonly #parts: ReadonlyArray<Event | EventEncoding>
  #serializer: Serializer | undefined
  #last: EncodedEvent | undefined
  /** Encodings for serializers other than the last one. */
  #others: Map<Serializer, EncodedEvent> | undefined

  /** Several parts are concatenated. */
  constructor(...parts: ReadonlyArray<Event | EventEncoding>) {
    this.#parts = parts
  }

  /** Returns the packets for a serializer; encoded at the first call. */
  for(serializer: Serializer): EncodedEvent {
    // Most recipients have the wire profile of the one before them.
    if (serializer === this.#serializer && this.#last !== undefined) return this.#last
    const encoded = this.#others?.get(serializer) ?? this.#encode(serializer)
    if (this.#serializer !== undefined && this.#last !== undefined) {
      this.#others ??= new Map()
      this.#others.set(this.#serializer, this.#last)
    }
    this.#serializer = serializer
    this.#last = encoded
    return encoded
  }

  #encode(serializer: Serializer): EncodedEvent {
    const [only] = this.#parts
    if (only === undefined || this.#parts.length > 1) {
      const packets = this.#parts.flatMap((part) =>
        part instanceof EventEncoding ? part.for(serializer).packets : packetsOf(serializer, part)
      )
      return new EncodedEvent(serializer, packets)
    }
    return only instanceof EventEncoding
      ? only.for(serializer)
      : new EncodedEvent(serializer, packetsOf(serializer, only))
  }
}

/** Returns the packets of an event; none if the protocol throws, so that its recipients still get all other events. */
const packetsOf = (serializer: Serializer, event: Event): ReadonlyArray<EncodedChunk> => {
  try {
    return serializer.encode(event).map((packet) => new EncodedChunk(packet))
  } catch (cause) {
    Effect.runFork(Effect.logError("an event could not be encoded", cause))
    return []
  }
}
