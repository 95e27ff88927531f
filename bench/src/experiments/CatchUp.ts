/** A member of 200 chats comes back to 100,000 messages, while two others talk. */
import type { Experiment, Found } from "../Experiment.ts"
import type { CatchUpSeen, Quantiles, Seen } from "../generator/Plan.ts"
import { serve } from "../Prepared.ts"
import { generate, type Setting } from "../Rounds.ts"
import { makeGroups, onDatabase, say } from "../Seed.ts"
import { three } from "../Spread.ts"

interface Sizes {
  readonly chats: number
  readonly each: number
}

const sizesOf = (quick: boolean): Sizes => (quick ? { chats: 10, each: 20 } : { chats: 200, each: 500 })

/** Messages a second of those who talk meanwhile. */
const RATE = 50
/** Outstanding messages where sending is measured beside it. */
const WINDOW = 32

/** The catch-up, and then how fast one chat of two can be sent to on the same server. */
const round = async ({ prepared, quick, duration, warmUp }: Setting): Promise<readonly [CatchUpSeen, Seen]> => {
  const [late, one, other] = prepared.users
  if (late === undefined || one === undefined || other === undefined) throw new Error("there are too few users")
  const { chats, each } = sizesOf(quick)
  const file = prepared.copy("catch-up")
  const talking = { gid: "talking", members: [one, other] }
  await onDatabase(file, async (store) => {
    const missed = Array.from({ length: chats }, (_, index) => ({ gid: `missed-${index}`, members: [one, late] }))
    const ids = await makeGroups(store, missed)
    await say(
      store,
      ids.map((chat) => ({ chat, by: one.id })),
      each
    )
    await makeGroups(store, [talking])
  })
  const serving = await serve(0, file)
  try {
    const caught = await generate(
      { task: "catch-up", late, owed: chats * each, talking, rate: RATE, before: duration },
      serving
    )
    const sent = await generate(
      {
        task: "load",
        speech: "xuanxuan",
        shape: { chats: 1, members: 2, online: 2, senders: 2 },
        pace: { mode: "closed", window: WINDOW },
        warmUp,
        duration,
        users: [],
        made: [talking]
      },
      serving
    )
    return [caught, sent]
  } finally {
    await serving.program.stop()
    prepared.discard("catch-up")
  }
}

const both = (of: ReadonlyArray<Quantiles | undefined>): string => {
  const there = of.flatMap((one) => one ?? [])
  return `${three(
    there.map(({ median }) => median),
    1
  )}; ${three(
    there.map(({ p99 }) => p99),
    1
  )}`
}

export const catchUp: Experiment = {
  name: "catch-up",
  description: "one member comes back to 100,000 messages in 200 chats, while two others talk",
  users: () => 3,
  play: async (setting): Promise<Found> => {
    const { chats, each } = sizesOf(setting.quick)
    const caught: Array<CatchUpSeen> = []
    const sent: Array<Seen> = []
    for (let nth = 1; nth <= setting.rounds; nth++) {
      const [seen, sending] = await round(setting)
      caught.push(seen)
      sent.push(sending)
      setting.tell(
        `${nth} catch-up ${seen.seconds.toFixed(2)} s, ${seen.missing} missing, ${seen.disordered} out of order, memory ${(seen.memory.before / 1000).toFixed(0)} to ${(seen.memory.peak / 1000).toFixed(0)} MB`
      )
    }
    const owed = chats * each
    const figures = (description: string, of: (seen: CatchUpSeen) => number, digits = 0): ReadonlyArray<string> => [
      description,
      three(caught.map(of), digits)
    ]
    const perSecond = ({ sends, from, to }: Seen): number => (sends * 1e6) / (to - from)
    return {
      ratios: [],
      tables: [
        {
          title: `Catching up with ${owed} messages in ${chats} chats`,
          head: ["what", "figure"],
          body: [
            figures("messages a second, read and acknowledged", ({ seconds }) => owed / seconds),
            ["messages a second sent to one chat of two on the same server", three(sent.map(perSecond), 0)],
            figures("server CPU, µs per message", ({ cpu }) => cpu / owed, 1),
            [
              "the same of sending",
              three(
                sent.map(({ cpu, sends }) => cpu / sends),
                1
              )
            ],
            figures("largest frame, kB", ({ frames }) => frames.largestBytes / 1000),
            figures("most packets in a frame", ({ frames }) => frames.mostPackets),
            figures("server memory before, MB", ({ memory }) => memory.before / 1000),
            figures("peak server memory meanwhile, MB", ({ memory }) => memory.peak / 1000),
            [
              "ms to a reply to other members before: median; 99th percentile",
              both(caught.map(({ answersBefore }) => answersBefore))
            ],
            [
              "ms to a reply to other members meanwhile: the same",
              both(caught.map(({ answersMeanwhile }) => answersMeanwhile))
            ]
          ],
          note: `Other members send ${RATE} messages a second. Each message must arrive once, and in the order of its chat.`
        }
      ],
      missing: caught
        .filter(({ missing, disordered }) => missing !== 0 || disordered !== 0)
        .map(({ missing, disordered }) => `catch-up: ${missing} missing, ${disordered} out of order`)
    }
  }
}
