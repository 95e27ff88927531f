/**
 * Splits a stream of bytes into lines ended by `\n` or `\r\n`. An unfinished line is kept in one growing buffer, so that a
 * line in a million packets needs at most twice its length in memory, and each byte is copied a bounded number of times.
 */
const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const TAB = 0x09

/** Maximum bytes of a buffer kept between lines: idle connections are not in any budget. */
const MAX_SPARE_BUFFER = 1024

const EMPTY = Buffer.alloc(0)

/** Whether a line has only JSON white space. */
const isBlank = (bytes: Buffer): boolean => {
  for (const byte of bytes) if (byte !== SPACE && byte !== TAB && byte !== RETURN) return false
  return true
}

/** Callbacks of a `LineDecoder`. */
export interface LineReceiver {
  /** The bytes are valid until this returns. */
  readonly line: (bytes: Buffer) => void
  /** Called once for each line over the limit, as soon as it is exceeded. */
  readonly oversized: () => void
}

/** Splits a byte stream into lines ended by `\n`. */
export class LineDecoder {
  #limit: number
  readonly #receiver: LineReceiver
  #buffer = EMPTY
  #length = 0
  /** Whether the current line is over the limit and its rest is dropped. */
  #dropping = false

  /** `limit`: maximum bytes of a line without its end. */
  constructor(limit: number, receiver: LineReceiver) {
    this.#limit = limit
    this.#receiver = receiver
  }

  /** Sets the limit of later lines. */
  set limit(bytes: number) {
    this.#limit = bytes
  }

  /** Bytes buffered for the unfinished line. */
  get held(): number {
    return this.#length === 0 ? 0 : this.#buffer.length
  }

  /** Decodes a chunk, and calls back with each whole line. */
  push(chunk: Buffer): void {
    let from = 0
    for (;;) {
      const at = chunk.indexOf(NEWLINE, from)
      if (at < 0) break
      this.#endLine(chunk.subarray(from, at))
      from = at + 1
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from))
  }

  #endLine(rest: Buffer): void {
    if (this.#dropping) {
      this.#dropping = false
      return
    }
    let line = rest
    if (this.#length > 0) {
      if (rest.length > 0 && !this.#keep(rest)) {
        this.#dropping = false
        return
      }
      line = this.#buffer.subarray(0, this.#length)
    }
    if (line.at(-1) === RETURN) line = line.subarray(0, -1)
    if (line.length > this.#limit) this.#receiver.oversized()
    else if (!isBlank(line)) {
      this.#reset()
      this.#receiver.line(line)
      return
    }
    this.#reset()
  }

  /** Returns false if the line exceeds the limit. */
  #keep(bytes: Buffer): boolean {
    if (this.#dropping) return false
    const length = this.#length + bytes.length
    // One more byte may be the `\r` of the line's end.
    if (length > this.#limit + 1 || (length === this.#limit + 1 && bytes.at(-1) !== RETURN)) {
      this.#reset()
      this.#dropping = true
      this.#receiver.oversized()
      return false
    }
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, Math.min(this.#buffer.length * 2, this.#limit + 1), 256))
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    bytes.copy(this.#buffer, this.#length)
    this.#length = length
    return true
  }

  #reset(): void {
    this.#length = 0
    if (this.#buffer.length > MAX_SPARE_BUFFER) this.#buffer = EMPTY
  }
}
