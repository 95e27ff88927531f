/** Use of the machine by a process, from Linux's /proc. */
import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

/** Ticks per second of the times in /proc, the same on every Linux that Node runs on. */
const TICKS = 100
/** The fields after the name, which may hold blanks: user and system time are the 14th and 15th of all. */
const USER_TIME = 11
const SYSTEM_TIME = 12

const cpuIn = (file: string): number => {
  const stat = readFileSync(file, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return ((Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) / TICKS) * 1e6
}

/** Microseconds of CPU, user and system, of all threads since the process began; in steps of 10 ms. */
export const cpuOf = (pid: number): number => cpuIn(`/proc/${pid}/stat`)

/** The same of the main thread alone. */
export const mainCpuOf = (pid: number): number => cpuIn(`/proc/${pid}/task/${pid}/stat`)

/** kB of memory that the process has in use. */
export const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0)

/** Time for a garbage collection and for the release of its pages, in ms. */
const COLLECTING = 1500

/** Same, after a garbage collection, which the process runs on SIGUSR2 (see `servers/Collect.ts`). */
export const collectedMemoryOf = async (pid: number): Promise<number> => {
  process.kill(pid, "SIGUSR2")
  await sleep(COLLECTING)
  return memoryOf(pid)
}

/** Samples a process's memory until the returned function is called, which returns the maximum in kB. */
export const peakOf = (pid: number): (() => number) => {
  let peak = memoryOf(pid)
  const timer = setInterval(() => (peak = Math.max(peak, memoryOf(pid))), 50)
  return () => {
    clearInterval(timer)
    return Math.max(peak, memoryOf(pid))
  }
}
