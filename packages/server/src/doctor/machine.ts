/** Examines the machine: Node, the limit of open files, the clock. */
import { readFileSync } from "node:fs"
import { type Examined, fail, ok, warn } from "./Examined.ts"

/** Oldest supported version of Node: `engines` of the package. */
const OLDEST_NODE = [22, 19] as const

/** Open files below which a server of some hundred users may run out: each connection is one. */
const FEW_FILES = 4096

/** 2025-01-01: no release of Parley is older. */
const OLDEST_TIME = Date.UTC(2025, 0, 1)

/** Milliseconds by which clocks may differ. */
const TOLERANCE = 5_000

/** `version` is that of `process.versions.node`. */
export const examineNode = (version: string): Examined => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  const [oldest, oldestMinor] = OLDEST_NODE
  return major > oldest || (major === oldest && minor >= oldestMinor)
    ? ok("node", `Node ${version}`)
    : fail("node", `Node ${version} is too old`, `install Node ${oldest}.${oldestMinor} or later`)
}

/** Returns the content of Linux's table of this process's limits, or undefined on another system. */
export const readLimits = (): string | undefined => {
  try {
    return readFileSync("/proc/self/limits", "utf8")
  } catch {
    return undefined
  }
}

/** `limits` is the content of `/proc/self/limits`. Node raises its own limit to the hard one. */
export const examineOpenFiles = (limits: string | undefined): ReadonlyArray<Examined> => {
  const hard = /^Max open files\s+\S+\s+(\d+|unlimited)/m.exec(limits ?? "")?.[1]
  if (hard === undefined) return []
  const name = "open files"
  const text = `at most ${hard} open files, one for each connection`
  return [
    hard === "unlimited" || Number(hard) >= FEW_FILES
      ? ok(name, text)
      : warn(name, text, "raise it with ulimit -Hn, or with LimitNOFILE= of the systemd unit")
  ]
}

const difference = (milliseconds: number): string => `${(Math.abs(milliseconds) / 1000).toFixed(0)} s`

/** `database`: the time of the newest entry, and that of the database's server if it has a clock, when it was `now` here. */
export const examineClock = (
  now: number,
  database: { readonly newestAt: number; readonly time: number | null } | undefined
): Examined => {
  const name = "clock"
  const advice = "synchronize the clock by NTP"
  const shown = Number.isFinite(now) ? new Date(now).toISOString() : String(now)
  if (now < OLDEST_TIME) return fail(name, `it is ${shown}, before the first Parley`, advice)
  if (database === undefined) return ok(name, shown)
  const { newestAt, time } = database
  if (time !== null && Math.abs(time - now) > TOLERANCE) {
    return warn(name, `it differs from the database's by ${difference(time - now)}`, `${advice}, on both machines`)
  }
  if (newestAt > now + TOLERANCE) {
    return warn(name, `${shown} is ${difference(newestAt - now)} before the newest message or change`, advice)
  }
  return ok(name, shown)
}
