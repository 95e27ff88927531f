/** All users reconnect at once and get the lists and missed messages; compared with a bare relay that sends the same number of bytes. */
import type { Experiment, Found } from "../Experiment.ts"
import type { StormSeen } from "../generator/Plan.ts"
import { serve } from "../Prepared.ts"
import { ratio } from "../Ratio.ts"
import { generate, type Setting } from "../Rounds.ts"
import { makeGroups, onDatabase, say } from "../Seed.ts"
import { three } from "../Spread.ts"
import { subjectNamed } from "../Subject.ts"

/** Members of each group. */
const GROUP = 50
/** Messages that each of them missed. */
const OWED = 10

const usersOf = (quick: boolean): number => (quick ? 2 * GROUP : 5000)

/** Our server, with queues as after a night offline. */
const returning = async ({ prepared, quick }: Setting): Promise<StormSeen> => {
  const users = prepared.users.slice(0, usersOf(quick))
  const file = prepared.copy("storm")
  await onDatabase(file, async (store) => {
    const groups = Array.from({ length: users.length / GROUP }, (_, index) => ({
      gid: `storm-${index}`,
      members: users.slice(index * GROUP, (index + 1) * GROUP)
    }))
    const chats = await makeGroups(store, groups)
    // The sender has left all groups, so every message is due to every member.
    const stranger = prepared.users.at(-1)?.id ?? 0
    await say(
      store,
      chats.map((chat) => ({ chat, by: stranger })),
      OWED
    )
  })
  const serving = await serve(0, file)
  try {
    return await generate({ task: "storm", users, owed: OWED }, serving)
  } finally {
    await serving.program.stop()
    prepared.discard("storm")
  }
}

const relaying = async ({ prepared, folder }: Setting, connections: number, bytes: number): Promise<StormSeen> => {
  const serving = await subjectNamed("relay-frame").start({ prepared, folder, run: "storm-relay", node: [] })
  try {
    return await generate({ task: "give", connections, bytes }, serving)
  } finally {
    await serving.program.stop()
  }
}

const MB = 1e6

export const storm: Experiment = {
  name: "storm",
  description: "5,000 users who come back at once, each owed 10 messages",
  users: (quick) => usersOf(quick) + 1,
  play: async (setting): Promise<Found> => {
    const ours: Array<StormSeen> = []
    const bare: Array<StormSeen> = []
    const connections = usersOf(setting.quick)
    for (let round = 1; round <= setting.rounds; round++) {
      const seen = await returning(setting)
      const beside = await relaying(setting, connections, Math.round(seen.bytes / connections))
      ours.push(seen)
      bare.push(beside)
      setting.tell(
        `${round} storm parley ${seen.seconds.toFixed(2)} s, ${(seen.cpu / 1e6).toFixed(2)} s of CPU, ${(seen.bytes / MB).toFixed(0)} MB, ${seen.missing} missing, ${seen.doubled} doubled, ${seen.lost} lost; relay ${beside.seconds.toFixed(2)} s, ${(beside.cpu / 1e6).toFixed(2)} s of CPU`
      )
    }
    const row = (name: string, seen: ReadonlyArray<StormSeen>): ReadonlyArray<string> => [
      name,
      three(
        seen.map(({ seconds }) => seconds),
        2
      ),
      three(
        seen.map(({ cpu }) => cpu / 1e6),
        2
      ),
      three(
        seen.map(({ bytes }) => bytes / MB),
        0
      ),
      three(
        seen.map(({ peak }) => peak / 1000),
        0
      )
    ]
    const each = (figure: (seen: StormSeen) => number): ReadonlyArray<number> =>
      ours.map((seen, round) => figure(seen) / (bare[round] === undefined ? Number.NaN : figure(bare[round])))
    return {
      ratios: ratio(
        `storm: ${connections} reconnect at once, time until all have caught up / relay that sends as many bytes`,
        4,
        each(({ seconds }) => seconds).filter(Number.isFinite)
      ),
      tables: [
        {
          title: `${connections} users reconnect at once`,
          head: ["server", "seconds", "seconds of server CPU", "MB sent", "peak MB of memory"],
          body: [row("parley", ours), row("relay-frame", bare)],
          note: `Each resumes a session, gets the list of all users, its chats and ${OWED} messages, and acknowledges them; the relay accepts as many connections and sends each as many bytes.`
        }
      ],
      missing: [...ours, ...bare]
        .filter(({ missing, doubled, lost }) => missing + doubled + lost > 0)
        .map(({ missing, doubled, lost }) => `storm: ${missing} missing, ${doubled} doubled, ${lost} connections lost`)
    }
  }
}
