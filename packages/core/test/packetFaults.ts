/**
 * A bus that loses, doubles, reorders and garbles packets, between senders that start again and a receiver. The receiver reads the
 * log when it notices a gap; otherwise it claims to have everything up to the packet that it has received last.
 */
import { ChatId, EntryId } from "@parley/core/Ids"
import { type Notice, type Packet, PACKET_FORMAT } from "../src/nodes/Packet.ts"
import { PacketReceiver } from "../src/nodes/PacketReceiver.ts"
import { SeenEntries } from "../src/nodes/SeenEntries.ts"

const SENDERS = 3
/** Packets of one run; each run begins with new nodes. */
const PACKETS = 20_000
const SILENCE_MS = 1500
const LEASE_MS = 6000
/** Chances of each packet. */
const LOST = 0.15
const BURST = 0.0005
const DOUBLED = 0.15
const DELAYED = 0.2
const UNKNOWN = 0.02
const GARBLED = 0.02
const RESTART = 0.0005

/** A number from 0 to 1 for each call, from a seed. */
const dice = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Sender {
  readonly node: string
  number: number
  /** First entry of each packet, by its number; entries of a packet have consecutive ids. */
  readonly entries: Array<readonly [first: number, count: number]>
  /** The receiver has everything up to this packet. */
  complete: number
}

export interface FaultCounts {
  faults: number
  packets: number
  /** Claims to be complete that were checked. */
  claims: number
  /** Reads of the log. */
  reads: number
}

const chat = ChatId(1)

/** Runs until `counts` has this many faults. Throws at the first false claim, and at an entry that is applied twice. */
export const runFaults = (seed: number, faults: number, counts: FaultCounts): void => {
  for (let run = 0; counts.faults < faults; run++) simulate(seed + run, counts)
}

const simulate = (seed: number, counts: FaultCounts): void => {
  const next = dice(seed)
  const receiver = new PacketReceiver("self")
  const seen = new SeenEntries(0)
  /** Whether an entry was applied, by its id. */
  const applied = new Uint8Array(PACKETS * 3)
  let now = 0
  let newest = 0
  let started = 0
  const start = (): Sender => ({ node: `${seed}/${++started}`, number: 0, entries: [[0, 0]], complete: 0 })
  const senders = Array.from({ length: SENDERS }, start)
  const delayed: Array<readonly [Packet | undefined, Sender]> = []

  const apply = (id: number): void => {
    if (seen.has(id)) return
    if (applied[id] === 1) throw new Error(`seed ${seed}: entry ${id} is applied twice`)
    seen.add(id)
    applied[id] = 1
  }
  let readTo = 0
  const readLog = (): void => {
    counts.reads++
    for (let id = readTo + 1; id <= newest; id++) apply(id)
    readTo = newest
  }
  const claim = (sender: Sender, number: number): void => {
    for (; sender.complete < number; sender.complete++) {
      const [first, count] = sender.entries[sender.complete + 1] ?? [0, 0]
      for (let id = first; id < first + count; id++) {
        if (applied[id] !== 1) throw new Error(`seed ${seed}: entry ${id} of ${sender.node} is missing at ${number}`)
      }
    }
    counts.claims++
  }
  const receive = (packet: Packet | undefined, sender: Sender): void => {
    const { gap, notices } = receiver.receive(packet, now)
    for (const notice of notices) if (notice._tag === "Appended") apply(notice.id)
    if (gap) readLog()
    if (packet !== undefined) claim(sender, packet.number)
  }

  let burst = 0
  for (let sent = 0; sent < PACKETS; sent++) {
    now += 10
    const at = Math.floor(next() * SENDERS)
    const sender = senders[at] as Sender
    const count = Math.floor(next() * 3)
    const notices = Array.from({ length: count }, (_, index): Notice => ({
      _tag: "Appended",
      chat,
      id: EntryId(newest + 1 + index),
      seq: newest + 1 + index
    }))
    sender.entries.push([newest + 1, count])
    newest += count
    const packet: Packet = { format: PACKET_FORMAT, node: sender.node, number: ++sender.number, notices }
    counts.packets++
    if (next() < BURST) burst = Math.floor(next() * 3000)
    const fault = next()
    if (burst > 0 || fault < LOST) {
      burst = Math.max(0, burst - 1)
      counts.faults++
    } else if (fault < LOST + DELAYED) {
      counts.faults++
      delayed.push([packet, sender])
    } else if (fault < LOST + DELAYED + DOUBLED) {
      counts.faults++
      receive(packet, sender)
      receive(packet, sender)
    } else if (fault < LOST + DELAYED + DOUBLED + UNKNOWN) {
      counts.faults++
      receive({ ...packet, format: PACKET_FORMAT + 1, notices: undefined }, sender)
    } else if (fault < LOST + DELAYED + DOUBLED + UNKNOWN + GARBLED) {
      counts.faults++
      receive(undefined, sender)
    } else receive(packet, sender)
    while (delayed.length > 0 && next() < 0.3) {
      const [late] = delayed.splice(Math.floor(next() * delayed.length), 1)
      if (late !== undefined) receive(...late)
    }
    if (next() < RESTART) {
      // The last packets of a node that ends are noticed by its silence.
      now += SILENCE_MS
      if (!receiver.isSilent([sender.node], now, SILENCE_MS)) throw new Error(`seed ${seed}: silence was not noticed`)
      readLog()
      claim(sender, sender.number)
      senders[at] = start()
    }
    if (sent % 500 === 0) receiver.retain(new Set(senders.slice(0, 2).map(({ node }) => node)), now, LEASE_MS)
  }
}
