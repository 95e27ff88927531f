/**
 * Thousands of clients that connect at once. Ours resume their session, get the login pushes and their queued messages, and
 * acknowledge these; those of the bare relay get the same number of bytes.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { dial, type Line } from "./Line.ts"
import type { GivePlan, StormPlan, StormSeen, User } from "./Plan.ts"
import { cpuOf, peakOf } from "./ProcessUse.ts"
import { now } from "./Stamp.ts"
import { GATHER, packetsIn } from "./XuanxuanClient.ts"

/** Time without a delivery after which the rest counts as missing, in ms. */
const IDLE_TIMEOUT = 15_000

/** Bytes by which a frame is classified. */
const BEGINNING = 96

/** Lists of users and of chats, which take long to parse and are ignored here. */
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
  lastReceived: number
}

/** Opens all connections at once and waits until all clients are done, or none progresses. */
const run = async (
  pid: number,
  guests: ReadonlyArray<(counts: Counts) => Guest>,
  missing: (guests: ReadonlyArray<Guest>) => number
): Promise<StormSeen> => {
  const [cpu, start, peak] = [cpuOf(pid), now(), peakOf(pid)]
  const counts: Counts = { bytes: 0, doubled: 0, lost: 0, lastReceived: start }
  const inside = guests.map((come) => come(counts))
  while (inside.some(({ done }) => !done) && now() - counts.lastReceived < IDLE_TIMEOUT * 1000) await sleep(10)
  const seen = {
    seconds: (counts.lastReceived - start) / 1e6,
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
        counts.lastReceived = now()
        // A client is done with the reply, the two lists, and all missed messages.
        guest.done = steps >= 3 && got >= owed
      }
      const handlers = {
        shouldRead: (beginning: Buffer) => !isList(beginning),
        skipped: (length: number) => {
          steps++
          note(length)
        },
        received: (bytes: Buffer) => {
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
      dial(port, "/ws", handlers).then(
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
      counts.lastReceived = now()
      guest.done = true
    }
    const handlers = {
      shouldRead: () => false,
      skipped: got,
      received: (frame: Buffer) => got(frame.length),
      closed: () => {
        if (!guest.done) counts.lost++
      }
    }
    dial(port, "/", handlers).then(
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
