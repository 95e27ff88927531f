/** Texts on their way to clients, and what they are in bytes, which is made once for all who get them. */

/** A text that several frames may be made of. */
export class EncodedChunk {
  readonly text: string
  #utf8: Uint8Array | undefined

  constructor(text: string) {
    this.text = text
  }

  /** Its bytes in UTF-8; made by `encode` at the first call. */
  utf8(encode: (text: string) => Uint8Array): Uint8Array {
    return (this.#utf8 ??= encode(this.text))
  }
}

/** The bytes of one frame in order; some of them are shared with other frames. */
export interface FrameParts {
  readonly all: ReadonlyArray<Uint8Array>
  /** Bytes of all parts. */
  readonly length: number
}

/**
 * One frame. It goes to many connections: a transport encodes it once and keeps the bytes with it, so that everybody gets
 * the same bytes.
 */
export class Frame {
  /** What it is made of, where the same pieces are in other frames too: a transport need only copy their bytes. */
  readonly chunks: ReadonlyArray<EncodedChunk> | undefined
  #text: string | undefined
  #transport: string | undefined
  #bytes: Uint8Array | undefined
  /** Of further kinds of transport; most frames go over one. */
  #others: Map<string, Uint8Array> | undefined
  #parts: Map<string, FrameParts> | undefined
  /** Its pieces are large and in other frames too: a transport writes their bytes one after the other, without copying them. */
  readonly vectored: boolean

  constructor(content: string | ReadonlyArray<EncodedChunk>, vectored = false) {
    if (typeof content === "string") this.#text = content
    else this.chunks = content
    this.vectored = vectored
  }

  get text(): string {
    return (this.#text ??= (this.chunks ?? []).map(({ text }) => text).join(""))
  }

  /** The bytes of this frame on one kind of transport; made at the first call for that kind, kept for the next ones. */
  bytes(transport: string, encode: (frame: Frame) => Uint8Array): Uint8Array {
    if (this.#bytes !== undefined && this.#transport === transport) return this.#bytes
    const known = this.#others?.get(transport)
    if (known !== undefined) return known
    const bytes = encode(this)
    if (this.#bytes === undefined) {
      this.#transport = transport
      this.#bytes = bytes
    } else {
      this.#others ??= new Map()
      this.#others.set(transport, bytes)
    }
    return bytes
  }

  /** The same as parts to be written one after the other, for a frame that is `vectored`. */
  parts(transport: string, encode: (frame: Frame) => FrameParts): FrameParts {
    this.#parts ??= new Map()
    const known = this.#parts.get(transport)
    if (known !== undefined) return known
    const parts = encode(this)
    this.#parts.set(transport, parts)
    return parts
  }
}

/** How packets stand in one frame. */
export class PacketFraming {
  readonly #open: EncodedChunk
  readonly #between: EncodedChunk
  readonly #close: EncodedChunk

  /** `[a,b]` is a frame of two packets with "[", "," and "]". */
  constructor(open: string, between: string, close: string) {
    this.#open = new EncodedChunk(open)
    this.#between = new EncodedChunk(between)
    this.#close = new EncodedChunk(close)
  }

  frame(packets: ReadonlyArray<EncodedChunk>): Frame {
    const [only] = packets
    // A packet by itself is hardly ever in another frame.
    if (only !== undefined && packets.length === 1) return new Frame(this.#open.text + only.text + this.#close.text)
    const pieces = [this.#open]
    for (const packet of packets) {
      if (pieces.length > 1) pieces.push(this.#between)
      pieces.push(packet)
    }
    pieces.push(this.#close)
    return new Frame(pieces)
  }
}
