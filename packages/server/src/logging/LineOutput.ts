/**
 * Writes log lines to a file descriptor. Never blocks the event loop, throws or ends the process: lines that cannot be
 * written are dropped, and their number is reported before the next line that is written.
 */
import { closeSync, fstatSync, write as writeAsync, writeSync } from "node:fs"

/** Maximum characters buffered for a slow reader or disk; further lines are dropped. */
const MAX_BUFFERED = 256 * 1024

/** Milliseconds between attempts to write to a full pipe or terminal. */
const RETRY_INTERVAL = 100

/** Maximum milliseconds for which `end` waits for a full pipe or terminal. */
const END_TIMEOUT = 250
/** Milliseconds between attempts of `end`. */
const END_RETRY_INTERVAL = 5

type Done = (error: NodeJS.ErrnoException | null, written: number) => void
type Write = (chunk: Uint8Array, done: Done) => void

/** Writes synchronously; for pipes, sockets and terminals in non-blocking mode. */
const syncWrite =
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

/** Writes asynchronously; for files, where a disk that hangs then blocks a thread, not the event loop. */
const asyncWrite =
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

/** Blocks the thread for this long. */
const sleep = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Bytes to write, or their rest after a partial write. */
interface Chunk {
  readonly bytes: Uint8Array
  /** Number of dropped lines that its first line reports; 0 without such a line. */
  readonly reported: number
}

/** Returns the number of log lines in an unwritten chunk, including a partly written one. */
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
  /** Whether the last chunk was only partly written. */
  #isCut = false
  #dropped = 0
  #retry: NodeJS.Timeout | undefined
  #isClosing = false

  /**
   * `fd` is a file, or a pipe or socket in non-blocking mode, as Node sets it for `process.stderr` and `process.stdout`. A
   * terminal is treated as a file unless `isNonBlocking`. `notice` returns the line that reports dropped lines.
   */
  constructor(fd: number, notice: (dropped: number) => string, isNonBlocking = false) {
    this.#fd = fd
    this.#write = !isNonBlocking && isFile(fd) ? asyncWrite(fd) : syncWrite(fd)
    this.#notice = notice
  }

  /** Number of dropped lines that are not reported yet. */
  get dropped(): number {
    return this.#dropped
  }

  /** Writes one line, given without its newline. */
  write(line: string): void {
    if (this.#characters + line.length > MAX_BUFFERED) {
      this.#dropped++
      return
    }
    this.#characters += line.length + 1
    this.#waiting.push(line)
    this.#flush()
  }

  /** Writes the buffer synchronously at the end of the process; waits at most `END_TIMEOUT` for a full pipe or terminal. */
  end(): void {
    const next = this.#take()
    let bytes = Buffer.concat([this.#rest?.bytes ?? Buffer.of(), next?.bytes ?? Buffer.of()])
    const deadline = performance.now() + END_TIMEOUT
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(this.#fd, bytes))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || performance.now() > deadline) return
        sleep(END_RETRY_INTERVAL)
      }
    }
  }

  /** Closes the descriptor after the buffer is written. `write` must not be called afterwards. */
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

  /** Returns and clears the buffered lines, after the report of dropped ones. */
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
    // Terminates a partly written line.
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
        }, RETRY_INTERVAL).unref()
      } else {
        // Drops lines buffered meanwhile too; the next line tries again.
        this.#dropped += linesIn(chunk) + this.#waiting.length
        this.#rest = undefined
        this.#waiting = []
        this.#characters = 0
      }
      this.#closeIfIdle()
    })
  }
}
