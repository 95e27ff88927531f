/**
 * How one wire profile of a protocol says events to a connected client. There is one object for each profile, and all
 * its connections share what it made: an event is encoded once for each tongue, however many hear it.
 */
import * as Effect from "effect/Effect"
import type { Rejection } from "../ports/Connection.ts"
import type { Event } from "../model/Event.ts"
import { type Bundling, type Frame, Piece } from "../ports/Frame.ts"

export interface Tongue {
  /** The encoded packets of an event; none where the protocol has no words for it. */
  readonly packets: (event: Event) => ReadonlyArray<string>
  /** How packets stand in one frame. */
  readonly bundling: Bundling
  /** What a connection is told before it is closed because its user logged in elsewhere; a whole frame. */
  readonly takenOver: string
  /** What a connection is told before it is closed because there are too many; a whole frame. */
  readonly crowded: string
  /** What a connection is told before it is closed for another reason than `crowded`; a whole frame. */
  readonly rejected: (reason: Exclude<Rejection, { readonly _tag: "TooManyConnections" }>) => string
  /** What the client is told about a frame that is no UTF-8; a whole frame. */
  readonly garbled: string
  /** What the client is told about a frame over the limit (bytes); a whole frame. */
  readonly oversized: (limit: number) => string
  /**
   * Whether the client sends an acknowledgement for what it has taken, or what was flushed to it before it sent another
   * frame counts as taken.
   */
  readonly acknowledgement: "explicit" | "taken"
}

/** An event said in one tongue, for everybody who hears it that way. */
export class Utterance {
  readonly packets: ReadonlyArray<Piece>
  /** Characters of all packets. */
  readonly size: number
  readonly #tongue: Tongue
  #frame: Frame | undefined
  /** The last frame of several that began with this one. */
  #bundle: { readonly all: ReadonlyArray<Utterance>; readonly frame: Frame } | undefined

  constructor(tongue: Tongue, packets: ReadonlyArray<Piece>) {
    this.#tongue = tongue
    this.packets = packets
    let size = 0
    for (const { text } of packets) size += text.length
    this.size = size
  }

  /** As a frame of its own. */
  get frame(): Frame {
    return (this.#frame ??= this.#tongue.bundling.frame(this.packets))
  }

  /** As the first of these, all in one frame. Who hears the same in one turn gets the same frame, encoded once. */
  frameOf(all: ReadonlyArray<Utterance>): Frame {
    if (all.length === 1) return this.frame
    const last = this.#bundle
    if (last?.all.length === all.length && last.all.every((one, index) => one === all[index])) return last.frame
    const packets: Array<Piece> = []
    for (const one of all) for (const packet of one.packets) packets.push(packet)
    const frame = this.#tongue.bundling.frame(packets)
    this.#bundle = { all, frame }
    return frame
  }
}

/** Something to be said, once in each tongue, when it is asked for. */
export abstract class Sayable {
  #tongue: Tongue | undefined
  #last: Utterance | undefined
  /** In other tongues than the last one. */
  #others: Map<Tongue, Utterance> | undefined

  protected abstract say(tongue: Tongue): Utterance

  in(tongue: Tongue): Utterance {
    // Most recipients speak as the one before them.
    if (tongue === this.#tongue && this.#last !== undefined) return this.#last
    const utterance = this.#others?.get(tongue) ?? this.say(tongue)
    if (this.#tongue !== undefined && this.#last !== undefined) {
      this.#others ??= new Map()
      this.#others.set(this.#tongue, this.#last)
    }
    this.#tongue = tongue
    this.#last = utterance
    return utterance
  }
}

/** One event, or several that are told together. */
export class Utterances extends Sayable {
  readonly #events: ReadonlyArray<Event>

  constructor(...events: ReadonlyArray<Event>) {
    super()
    this.#events = events
  }

  protected override say(tongue: Tongue): Utterance {
    const [first] = this.#events
    const packets =
      first !== undefined && this.#events.length === 1
        ? packetsIn(tongue, first)
        : this.#events.flatMap((event) => packetsIn(tongue, event))
    return new Utterance(tongue, packets)
  }
}

/** What a protocol fails to say, which is its mistake, is left out: those who hear it, and what else they hear, come first. */
const packetsIn = (tongue: Tongue, event: Event): ReadonlyArray<Piece> => {
  try {
    return tongue.packets(event).map((packet) => new Piece(packet))
  } catch (cause) {
    Effect.runFork(Effect.logError("an event could not be put into a protocol's words", cause))
    return []
  }
}

/** What was to be said one after the other, said together. */
export class SaidTogether extends Sayable {
  readonly #parts: ReadonlyArray<Sayable>

  constructor(parts: ReadonlyArray<Sayable>) {
    super()
    this.#parts = parts
  }

  protected override say(tongue: Tongue): Utterance {
    const [first] = this.#parts
    if (first !== undefined && this.#parts.length === 1) return first.in(tongue)
    return new Utterance(
      tongue,
      this.#parts.flatMap((part) => part.in(tongue).packets)
    )
  }
}
