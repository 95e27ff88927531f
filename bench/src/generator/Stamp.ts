/** Every content begins with the time of its sending, from which the receiver computes the latency. */

/** Microseconds of the machine's monotonic clock. */
export const now = (): number => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e6 + Math.floor(nanoseconds / 1000)
}

const DIGITS = 16
const FILLING = "the quick brown fox jumps over the lazy dog ".repeat(50)

/** A content of `size` characters, from 17 to 2,000. */
export const stamped = (time: number, size: number): string =>
  `${String(time).padStart(DIGITS, "0")} ${FILLING.slice(0, Math.max(0, size - DIGITS - 1))}`

export const stampOf = (content: string): number => Number(content.slice(0, DIGITS))
