/**
 * Writes log lines to a file descriptor. It never blocks the event loop, never throws and never ends the process: lines
 * that cannot be written are dropped and counted, and the count is written in front of the next line that can be.
 */
import { closeSync, fstatSync, write as writeAsync, writeSync } from "node:fs"

/** Maximum characters that wait for a slow reader or disk; further lines are dropped. */
const MAX_WAITING = 256 * 1024

/** Milliseconds after which a full pipe or terminal is tried again. */
const RETRY = 100

/** Maximum milliseconds for which the end of the process waits for a full pipe or terminal, and those between two attempts. */
const END_WAIT = 250
const END_RETRY = 5

type Done = (error: NodeJS.ErrnoException | null, written: number) => void
type Write = (chunk: Uint8Array, done: Done) => void

/** For pipes, sockets and terminals that do not block: done within the call. */
const writeNow =
  (fd: number): Write =>
  (chunk, done) => {
    let written = 0
    try {
      written = writeSync(fd, chunk)
    } catch (error) {
      return done(error as NodeJS.ErrnoException, 0)
    }
    done(null, written)
  }

/** For files: a disk that hangs blocks a thread, not the event loop. */
const writeLater =
  (fd: number): Write =>
  (chunk, done) =>
    writeAsync(fd, chunk, 0, chunk.length, null, (error, written) => done(error, written))

const isFile = (fd: number): boolean => {
  try {
    const stat = fstatSync(fd)
    return stat.isFile() || stat.isCharacterDevice()
  } catch {
    return true
  }
}

const NEWLINE = 10

/** Blocks the thread. */
const pause = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Bytes that are being written: after a partial write the rest of them. */
interface Chunk {
  readonly bytes: Uint8Array
  /** Dropped lines that its first line reports; 0 where that line is not in it. */
  readonly reported: number
}

/** Lines of log in a chunk that was not written, one that was cut among them. */
const linesIn = ({ bytes, reported }: Chunk): number =>
  bytes.reduce((lines, byte) => (byte === NEWLINE ? lines + 1 : lines), reported > 0 ? -1 : 0)

export class LineOutput {
  readonly #fd: number
  readonly #write: Write
  readonly #notice: (dropped: number) => string
  #waiting: Array<string> = []
  #characters = 0
  #rest: Chunk | undefined
  #isWriting = false
  /** Whether the last chunk was written in part only. */
  #isCut = false
  #dropped = 0
  #retry: NodeJS.Timeout | undefined
  #isClosing = false

  /**
   * `fd` is a file, or a pipe or socket in non-blocking mode: Node puts those of `process.stderr` and `process.stdout` into
   * it. A terminal counts as a file unless `isNonBlocking`. `notice` returns the line with the number of dropped lines.
   */
  constructor(fd: number, notice: (dropped: number) => string, isNonBlocking = false) {
    this.#fd = fd
    this.#write = !isNonBlocking && isFile(fd) ? writeLater(fd) : writeNow(fd)
    this.#notice = notice
  }

  /** Lines that were dropped and not yet reported. */
  get dropped(): number {
    return this.#dropped
  }

  /** Writes one line, given without its newline. */
  write(line: string): void {
    if (this.#characters + line.length > MAX_WAITING) {
      this.#dropped++
      return
    }
    this.#characters += line.length + 1
    this.#waiting.push(line)
    this.#flush()
  }

  /** Writes what waits when the process ends; a full pipe or terminal has `END_WAIT` milliseconds. */
  end(): void {
    const next = this.#take()
    let bytes = Buffer.concat([this.#rest?.bytes ?? Buffer.of(), next?.bytes ?? Buffer.of()])
    const deadline = performance.now() + END_WAIT
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(this.#fd, bytes))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || performance.now() > deadline) return
        pause(END_RETRY)
      }
    }
  }

  /** Closes the descriptor once what waits is written; nothing may be written any more. */
  close(): void {
    this.#isClosing = true
    this.#flush()
    this.#closeIfIdle()
  }

  #closeIfIdle(): void {
    if (!this.#isClosing || this.#isWriting || this.#waiting.length > 0 || this.#rest !== undefined) return
    this.#isClosing = false
    closeSync(this.#fd)
  }

  #flush(): void {
    if (this.#isWriting || this.#retry !== undefined) return
    const next = this.#rest ?? this.#take()
    if (next !== undefined) this.#send(next)
  }

  /** All lines that wait, behind the count of those that were dropped. */
  #take(): Chunk | undefined {
    if (this.#waiting.length === 0) return undefined
    const reported = this.#dropped
    const lines = [...(reported > 0 ? [this.#notice(reported)] : []), ...this.#waiting]
    this.#waiting = []
    this.#characters = 0
    return { bytes: Buffer.from(`${lines.join("\n")}\n`), reported }
  }

  #send(chunk: Chunk): void {
    this.#isWriting = true
    // After a chunk that was cut, the next begins a new line.
    const bytes =
      this.#isCut && this.#rest === undefined ? Buffer.concat([Buffer.of(NEWLINE), chunk.bytes]) : chunk.bytes
    this.#write(bytes, (error, written) => {
      this.#isWriting = false
      if (error === null) {
        this.#dropped -= chunk.reported
        this.#isCut = written < bytes.length
        this.#rest = this.#isCut ? { bytes: bytes.subarray(written), reported: 0 } : undefined
        this.#flush()
      } else if (error.code === "EAGAIN") {
        this.#rest = { bytes, reported: chunk.reported }
        this.#retry = setTimeout(() => {
          this.#retry = undefined
          this.#flush()
        }, RETRY).unref()
      } else {
        // Lines that came meanwhile fail like it; the next line tries again.
        this.#dropped += linesIn(chunk) + this.#waiting.length
        this.#rest = undefined
        this.#waiting = []
        this.#characters = 0
      }
      this.#closeIfIdle()
    })
  }
}
