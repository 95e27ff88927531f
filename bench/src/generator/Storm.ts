/**
 * Thousands of clients that come at once. Ours show their session, get the greeting and what they are owed, and acknowledge
 * it; those of the bare relay get as many bytes.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { dial, type Line } from "./Line.ts"
import type { GivePlan, StormPlan, StormSeen, User } from "./Plan.ts"
import { cpuOf, peakOf } from "./ProcessUse.ts"
import { now } from "./Stamp.ts"
import { GATHER, packetsIn } from "./XuanxuanClient.ts"

/** Milliseconds without any delivery after which the rest counts as missing. */
const PATIENCE = 15_000

/** Bytes by which a frame is classified. */
const BEGINNING = 96

/** The lists of users and of chats, which take long to read and are of no interest here. */
const isList = (frame: Buffer): boolean => {
  const beginning = frame.subarray(0, BEGINNING)
  return beginning.includes("userGetList") || beginning.includes('"getlist"')
}

/** State of one client. */
interface Guest {
  done: boolean
  line: Line | undefined
}

interface Counts {
  bytes: number
  doubled: number
  lost: number
  lastHeard: number
}

/** Opens all connections at once and waits until all clients are done, or none progresses. */
const run = async (
  pid: number,
  guests: ReadonlyArray<(counts: Counts) => Guest>,
  missing: (guests: ReadonlyArray<Guest>) => number
): Promise<StormSeen> => {
  const [cpu, start, peak] = [cpuOf(pid), now(), peakOf(pid)]
  const counts: Counts = { bytes: 0, doubled: 0, lost: 0, lastHeard: start }
  const inside = guests.map((come) => come(counts))
  while (inside.some(({ done }) => !done) && now() - counts.lastHeard < PATIENCE * 1000) await sleep(10)
  const seen = {
    seconds: (counts.lastHeard - start) / 1e6,
    cpu: cpuOf(pid) - cpu,
    bytes: counts.bytes,
    missing: missing(inside),
    doubled: counts.doubled,
    lost: counts.lost,
    peak: peak()
  }
  for (const { line } of inside) line?.destroy()
  return seen
}

export const storm = ({ port, pid, users, owed }: StormPlan): Promise<StormSeen> => {
  let taken = 0
  const come =
    (user: User) =>
    (counts: Counts): Guest => {
      const guest: Guest = { done: false, line: undefined }
      let [last, got, steps] = [0, 0, 0]
      let unacknowledged: Array<number> = []
      const acknowledge = (): void => {
        guest.line?.send(`{"module":"chat","method":"message","id":[${unacknowledged.join(",")}],"sid":"${user.sid}"}`)
        unacknowledged = []
      }
      const take = (id: number): void => {
        if (id <= last) {
          counts.doubled++
          return
        }
        last = id
        got++
        taken++
        if (unacknowledged.push(id) === 1) setTimeout(acknowledge, GATHER)
      }
      const note = (length: number): void => {
        if (guest.done) return
        counts.bytes += length
        counts.lastHeard = now()
        // Through are those who have the answer, the two lists, and all that they missed.
        guest.done = steps >= 3 && got >= owed
      }
      const ears = {
        wants: (beginning: Buffer) => !isList(beginning),
        skipped: (length: number) => {
          steps++
          note(length)
        },
        heard: (bytes: Buffer) => {
          const packets = isList(bytes) ? [] : packetsIn(bytes.toString("utf8"))
          if (packets.length === 0) steps++
          for (const { id, method, result } of packets) {
            if (result === "success") steps++
            else if (method === "message" && id !== undefined) take(id)
          }
          note(bytes.length)
        },
        closed: () => {
          if (!guest.done) counts.lost++
        }
      }
      dial(port, "/ws", ears).then(
        (line) => {
          guest.line = line
          line.send(JSON.stringify({ module: "chat", method: "ping", sid: user.sid }))
        },
        () => {}
      )
      return guest
    }
  return run(pid, users.map(come), (guests) =>
    Math.max(guests.length * owed - taken, guests.filter(({ done }) => !done).length)
  )
}

export const give = ({ port, pid, connections, bytes }: GivePlan): Promise<StormSeen> => {
  const come = (counts: Counts): Guest => {
    const guest: Guest = { done: false, line: undefined }
    const got = (length: number): void => {
      counts.bytes += length
      counts.lastHeard = now()
      guest.done = true
    }
    const ears = {
      wants: () => false,
      skipped: got,
      heard: (frame: Buffer) => got(frame.length),
      closed: () => {
        if (!guest.done) counts.lost++
      }
    }
    dial(port, "/", ears).then(
      (line) => {
        guest.line = line
        line.send(JSON.stringify({ method: "give", params: [bytes] }))
      },
      () => {}
    )
    return guest
  }
  return run(
    pid,
    Array.from({ length: connections }, () => come),
    (guests) => guests.filter(({ done }) => !done).length
  )
}
