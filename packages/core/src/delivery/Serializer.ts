/**
 * How one wire profile of a protocol says events to a connected client. There is one object for each profile, and all
 * its connections share what it made: an event is encoded once for each tongue, however many hear it.
 */
import * as Effect from "effect/Effect"
import type { Rejection } from "../ports/Connection.ts"
import type { Event } from "../model/Event.ts"
import { type PacketFraming, type Frame, EncodedChunk } from "../ports/Frame.ts"

export interface Serializer {
  /** The encoded packets of an event; none where the protocol has no words for it. */
  readonly encode: (event: Event) => ReadonlyArray<string>
  /** How packets stand in one frame. */
  readonly framing: PacketFraming
  /** What a connection is told before it is closed because its user logged in elsewhere; a whole frame. */
  readonly takenOver: string
  /** What a connection is told before it is closed because there are too many; a whole frame. */
  readonly connectionLimitReached: string
  /** What a connection is told before it is closed for another reason than `crowded`; a whole frame. */
  readonly rejected: (reason: Exclude<Rejection, { readonly _tag: "TooManyConnections" }>) => string
  /** What the client is told about a frame that is no UTF-8; a whole frame. */
  readonly invalidUtf8: string
  /** What the client is told about a frame over the limit (bytes); a whole frame. */
  readonly oversized: (limit: number) => string
  /**
   * Whether the client sends an acknowledgement for what it has taken, or what was flushed to it before it sent another
   * frame counts as taken.
   */
  readonly acknowledgement: "explicit" | "taken"
}

/** An event said in one tongue, for everybody who hears it that way. */
export class EncodedEvent {
  readonly packets: ReadonlyArray<EncodedChunk>
  /** Characters of all packets. */
  readonly size: number
  readonly #serializer: Serializer
  #frame: Frame | undefined
  /** The last frame of several that began with this one. */
  #bundle: { readonly all: ReadonlyArray<EncodedEvent>; readonly frame: Frame } | undefined

  constructor(serializer: Serializer, packets: ReadonlyArray<EncodedChunk>) {
    this.#serializer = serializer
    this.packets = packets
    let size = 0
    for (const { text } of packets) size += text.length
    this.size = size
  }

  /** As a frame of its own. */
  get frame(): Frame {
    return (this.#frame ??= this.#serializer.framing.frame(this.packets))
  }

  /** As the first of these, all in one frame. Who hears the same in one turn gets the same frame, encoded once. */
  frameOf(all: ReadonlyArray<EncodedEvent>): Frame {
    if (all.length === 1) return this.frame
    const last = this.#bundle
    if (last?.all.length === all.length && last.all.every((one, index) => one === all[index])) return last.frame
    const packets: Array<EncodedChunk> = []
    for (const one of all) for (const packet of one.packets) packets.push(packet)
    const frame = this.#serializer.framing.frame(packets)
    this.#bundle = { all, frame }
    return frame
  }
}

/** Something to be said, once in each tongue, when it is asked for. */
export abstract class LazyEncoding {
  #serializer: Serializer | undefined
  #last: EncodedEvent | undefined
  /** In other tongues than the last one. */
  #others: Map<Serializer, EncodedEvent> | undefined

  protected abstract encode(serializer: Serializer): EncodedEvent

  for(serializer: Serializer): EncodedEvent {
    // Most recipients speak as the one before them.
    if (serializer === this.#serializer && this.#last !== undefined) return this.#last
    const encoded = this.#others?.get(serializer) ?? this.encode(serializer)
    if (this.#serializer !== undefined && this.#last !== undefined) {
      this.#others ??= new Map()
      this.#others.set(this.#serializer, this.#last)
    }
    this.#serializer = serializer
    this.#last = encoded
    return encoded
  }
}

/** One event, or several that are told together. */
export class EventEncoding extends LazyEncoding {
  readonly #events: ReadonlyArray<Event>

  constructor(...events: ReadonlyArray<Event>) {
    super()
    this.#events = events
  }

  protected override encode(serializer: Serializer): EncodedEvent {
    const [first] = this.#events
    const packets =
      first !== undefined && this.#events.length === 1
        ? packetsIn(serializer, first)
        : this.#events.flatMap((event) => packetsIn(serializer, event))
    return new EncodedEvent(serializer, packets)
  }
}

/** What a protocol fails to say, which is its mistake, is left out: those who hear it, and what else they hear, come first. */
const packetsIn = (serializer: Serializer, event: Event): ReadonlyArray<EncodedChunk> => {
  try {
    return serializer.encode(event).map((packet) => new EncodedChunk(packet))
  } catch (cause) {
    Effect.runFork(Effect.logError("an event could not be put into a protocol's words", cause))
    return []
  }
}

/** What was to be said one after the other, said together. */
export class EncodingBatch extends LazyEncoding {
  readonly #parts: ReadonlyArray<LazyEncoding>

  constructor(parts: ReadonlyArray<LazyEncoding>) {
    super()
    this.#parts = parts
  }

  protected override encode(serializer: Serializer): EncodedEvent {
    const [first] = this.#parts
    if (first !== undefined && this.#parts.length === 1) return first.for(serializer)
    return new EncodedEvent(
      serializer,
      this.#parts.flatMap((part) => part.for(serializer).packets)
    )
  }
}
