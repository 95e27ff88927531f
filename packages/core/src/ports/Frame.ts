/** Outgoing texts and their bytes, which are encoded once for all recipients. */

/** A text that may be part of several frames. */
export class EncodedChunk {
  /** The text. */
  readonly text: string
  #utf8: Uint8Array | undefined

  constructor(text: string) {
    this.text = text
  }

  /** Returns its bytes, in UTF-8 on transports of texts; encoded by `encode` at the first call. */
  utf8(encode: (text: string) => Uint8Array): Uint8Array {
    return (this.#utf8 ??= encode(this.text))
  }
}

/** The bytes of one frame in order; some may be shared with other frames. */
export interface FrameParts {
  /** Bytes of the parts, in order. */
  readonly all: ReadonlyArray<Uint8Array>
  /** Total number of bytes. */
  readonly length: number
}

/**
 * One frame, sent to many connections: a transport encodes it once and caches the bytes in it, so that all connections
 * send the same bytes.
 */
export class Frame {
  /** Chunks of the frame, if they are shared with other frames: a transport only needs to copy their bytes. */
  readonly chunks: ReadonlyArray<EncodedChunk> | undefined
  #text: string | undefined
  #transport: string | undefined
  #bytes: Uint8Array | undefined
  /** Bytes for further kinds of transport; most frames use one. */
  #others: Map<string, Uint8Array> | undefined
  #parts: Map<string, FrameParts> | undefined
  /**
   * True if the chunks are large and shared: a transport writes their bytes one after the other, without copying them.
   */
  readonly vectored: boolean
  /** Content of a binary frame, which only WebSockets send; undefined for a text. */
  readonly binary: Uint8Array | undefined

  constructor(content: string | ReadonlyArray<EncodedChunk> | Uint8Array, vectored = false) {
    if (typeof content === "string") this.#text = content
    else if (content instanceof Uint8Array) this.binary = content
    else this.chunks = content
    this.vectored = vectored
  }

  /** The whole text. */
  get text(): string {
    return (this.#text ??= (this.chunks ?? []).map(({ text }) => text).join(""))
  }

  /** Returns the bytes of this frame on one kind of transport, cached after the first call for that kind. */
  bytes(transport: string, encode: (frame: Frame) => Uint8Array): Uint8Array {
    if (this.#bytes !== undefined && this.#transport === transport) return this.#bytes
    const cached = this.#others?.get(transport)
    if (cached !== undefined) return cached
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

  /** Returns the same bytes as parts to be written one after the other, for a `vectored` frame. */
  parts(transport: string, encode: (frame: Frame) => FrameParts): FrameParts {
    this.#parts ??= new Map()
    const cached = this.#parts.get(transport)
    if (cached !== undefined) return cached
    const parts = encode(this)
    this.#parts.set(transport, parts)
    return parts
  }
}

/** Makes frames of packets with these delimiters: `[a,b]` is one of two packets with "[", "," and "]". */
export const packetFraming = (
  open: string,
  between: string,
  close: string
): ((packets: ReadonlyArray<EncodedChunk>) => Frame) => {
  const [before, separator, after] = [new EncodedChunk(open), new EncodedChunk(between), new EncodedChunk(close)]
  return (packets) => {
    const [only] = packets
    // A packet by itself is rarely shared with another frame.
    if (only !== undefined && packets.length === 1) return new Frame(open + only.text + close)
    const chunks = [before]
    for (const packet of packets) {
      if (chunks.length > 1) chunks.push(separator)
      chunks.push(packet)
    }
    chunks.push(after)
    return new Frame(chunks)
  }
}
