/** Goals for the runs of scenarios. */
import { type Ratio, ratio } from "./Ratio.ts"
import type { Run } from "./Rounds.ts"

/** Figure by which runs are compared. */
type Figure = (run: Run) => number

export const perDelivered: Figure = ({ cpu, delivered }) => cpu / delivered
export const perSend: Figure = ({ cpu, sends }) => cpu / sends
export const perConnection: Figure = ({ memory, connections }) => (memory.after - memory.before) / connections
const deliveredPerCore: Figure = ({ cpu, delivered }) => (delivered * 1e6) / cpu
const answer: Figure = ({ answers }) => answers?.median ?? Number.NaN

interface Goal {
  readonly description: string
  readonly of: readonly [scenario: string, subject: string]
  readonly over: readonly [scenario: string, subject: string]
  readonly figure: Figure
  readonly goal: number
  readonly atLeast?: boolean
}

const goals: ReadonlyArray<Goal> = [
  {
    description: "a: CPU per message / relay-frame",
    of: ["a", "parley"],
    over: ["a", "relay-frame"],
    figure: perDelivered,
    goal: 2
  },
  {
    description: "b: CPU per delivered message / relay-frame",
    of: ["b", "parley"],
    over: ["b", "relay-frame"],
    figure: perDelivered,
    goal: 0.4
  },
  {
    description: "b: CPU per delivered message, rtm / xuanxuan",
    of: ["b", "parley-rtm"],
    over: ["b", "parley"],
    figure: perDelivered,
    goal: 1.3
  },
  {
    description: "c: CPU per delivered message / relay-frame",
    of: ["c", "parley"],
    over: ["c", "relay-frame"],
    figure: perDelivered,
    goal: 0.75
  },
  {
    description: "d: CPU per send, 990 offline / none",
    of: ["d", "parley"],
    over: ["d10", "parley"],
    figure: perSend,
    goal: 1.1
  },
  {
    description: "d: CPU per send / relay-frame",
    of: ["d", "parley"],
    over: ["d", "relay-frame"],
    figure: perSend,
    goal: 0.8
  },
  {
    description: "b150: CPU per delivered message / socket.io",
    of: ["b150", "parley"],
    over: ["b150", "socket.io"],
    figure: perDelivered,
    goal: 1
  },
  {
    description: "b: delivered a second and core / socket.io",
    of: ["b", "parley"],
    over: ["b", "socket.io"],
    figure: deliveredPerCore,
    goal: 3,
    atLeast: true
  },
  {
    description: "low: milliseconds to the reply, median / relay-durable",
    of: ["low", "parley"],
    over: ["low", "relay-durable"],
    figure: answer,
    goal: 1.5
  },
  {
    description: "idle: memory of a connection that does nothing / relay-frame",
    of: ["idle", "parley"],
    over: ["idle", "relay-frame"],
    figure: perConnection,
    goal: 2
  }
]

/** Each ratio is made within a round, then spread over the rounds. */
export const ratios = (runs: ReadonlyArray<Run>): ReadonlyArray<Ratio> =>
  goals.flatMap(({ description, of, over, figure, goal, atLeast = false }) => {
    const find = (round: number, [scenario, subject]: Goal["of"]): Run | undefined =>
      runs.find((run) => run.round === round && run.scenario === scenario && run.subject === subject)
    const values = [...new Set(runs.map(({ round }) => round))].flatMap((round) => {
      const [upper, lower] = [find(round, of), find(round, over)]
      const value = upper === undefined || lower === undefined ? Number.NaN : figure(upper) / figure(lower)
      return Number.isFinite(value) ? [value] : []
    })
    return ratio(description, goal, values, { atLeast })
  })
