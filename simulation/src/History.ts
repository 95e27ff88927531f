/** Histories: operations of users and faults, at times, all from a seed. Each step is valid without the others. */
import { SeededRandom } from "@parley/core/testing/Simulation"

export const ACCOUNTS = ["alice", "bob", "carol", "dave", "eve"] as const

/** Chats at the start: their members, of whom the first created them, by index. Eve is in none. */
export const CHATS = [
  { gid: "team", public: false, members: [0, 1, 2, 3] },
  { gid: "pair", public: false, members: [1, 0] },
  { gid: "open", public: true, members: [2, 0, 1] }
] as const

/** Weights of the steps. */
const WEIGHTS = {
  send: 26,
  sendSeveral: 6,
  sendByApi: 8,
  sendBySpark: 6,
  recall: 5,
  recallBySpark: 2,
  editMessage: 4,
  read: 5,
  rename: 3,
  renameByApi: 2,
  add: 4,
  addByApi: 2,
  addBySpark: 1,
  remove: 4,
  removeBySpark: 2,
  join: 3,
  leave: 3,
  publish: 2,
  setAdmins: 1,
  setSenders: 2,
  silence: 1,
  star: 1,
  changeName: 1,
  changeStatus: 1,
  create: 2,
  logIn: 3,
  cut: 8,
  halfOpen: 3,
  stopReading: 2,
  startReading: 3,
  crash: 3,
  loseCommit: 3,
  unknownCommit: 3,
  failReads: 2,
  stepClock: 1
} as const

export type Kind = keyof typeof WEIGHTS

export interface Step {
  /** Unique in the history; texts are derived from it. */
  readonly number: number
  /** Virtual milliseconds after the start. */
  readonly at: number
  readonly kind: Kind
  /** Index of an account. */
  readonly user: number
  /** Index of a chat of `CHATS`. */
  readonly chat: number
  /** Index of another account. */
  readonly other: number
  /** From 0 to 1, for all other choices. */
  readonly choice: number
}

const KINDS = Object.entries(WEIGHTS) as ReadonlyArray<readonly [Kind, number]>
const TOTAL = KINDS.reduce((sum, [, weight]) => sum + weight, 0)

const kindOf = (dice: number): Kind => {
  let left = dice * TOTAL
  for (const [kind, weight] of KINDS) if ((left -= weight) < 0) return kind
  return "send"
}

/** Returns the steps of a seed. */
export const stepsOf = (seed: number): ReadonlyArray<Step> => {
  const random = new SeededRandom(seed)
  // Short histories with little time between their steps find races; long ones find what needs several faults.
  const count = 8 + random.below(40)
  const pause = [3, 30, 400][random.below(3)] ?? 30
  let at = 0
  return Array.from({ length: count }, (_, number): Step => {
    at += random.chance(0.3) ? 0 : Math.floor(random.next() * pause * 2)
    return {
      number,
      at,
      kind: kindOf(random.next()),
      user: random.chance(0.9) ? random.below(4) : 4,
      chat: random.below(CHATS.length),
      other: random.below(ACCOUNTS.length),
      choice: random.next()
    }
  })
}
