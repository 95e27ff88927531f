/** CPU time of a PostgreSQL server, from Linux's /proc. */
import { readdirSync, readFileSync } from "node:fs"

/** Ticks per second of the times in /proc, the same on every Linux that Node runs on. */
const TICKS = 100

interface Times {
  readonly parent: number
  /** User and system time of the process, in ticks. */
  readonly own: number
  /** The same of its children that have ended. */
  readonly ended: number
}

const timesOf = (pid: string): Times | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The name may hold blanks. Before the first field here are the process id, and the name.
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number)
    const [, parent = 0] = fields
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11)
    return { parent, own: user + system, ended: endedUser + endedSystem }
  } catch {
    // It has ended.
    return undefined
  }
}

/** Microseconds of CPU of the server with this process id, and of all processes that it has started; 0 for the id 0. */
export const serverCpuOf = (pid: number): number => {
  if (pid === 0) return 0
  const main = timesOf(String(pid))
  let ticks = main === undefined ? 0 : main.own + main.ended
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const times = timesOf(name)
    if (times?.parent === pid) ticks += times.own + times.ended
  }
  return (ticks / TICKS) * 1e6
}
