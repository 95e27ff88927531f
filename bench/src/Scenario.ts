/** Scenarios. The letters are those of docs/performance.md. */
import type { Pace, Shape } from "./generator/Plan.ts"

export interface Scenario {
  readonly name: string
  readonly description: string
  readonly shape: Shape
  readonly pace: Pace
  /** How many times as long as the others it is measured: a slow pace uses little CPU, and that is counted in steps of 10 ms. */
  readonly longer?: number
  /** Servers for which it is meaningful; all by default. */
  readonly among?: ReadonlyArray<string>
  /** Memory is read after a collection of garbage. */
  readonly collect?: boolean
}

const closed = (window: number): Pace => ({ mode: "closed", window })

export const scenarios: ReadonlyArray<Scenario> = [
  {
    name: "a",
    description: "100 one-to-one chats",
    shape: { chats: 100, members: 2, online: 2, senders: 2 },
    pace: closed(100)
  },
  {
    name: "b",
    description: "a group of 50, all online, saturated",
    shape: { chats: 1, members: 50, online: 50, senders: 5 },
    pace: closed(16)
  },
  {
    name: "b150",
    description: "the same group at 150 messages a second",
    shape: { chats: 1, members: 50, online: 50, senders: 5 },
    pace: { mode: "open", rate: 150 },
    longer: 2
  },
  {
    name: "c",
    description: "a group of 1,000, all online",
    shape: { chats: 1, members: 1000, online: 1000, senders: 5 },
    pace: closed(4)
  },
  {
    name: "d",
    description: "a group of 1,000, 10 online",
    shape: { chats: 1, members: 1000, online: 10, senders: 5 },
    pace: closed(32)
  },
  {
    name: "d10",
    description: "a group of 10, all online",
    shape: { chats: 1, members: 10, online: 10, senders: 5 },
    pace: closed(32)
  },
  {
    name: "low",
    description: "the same group of 10 at 50 messages a second",
    shape: { chats: 1, members: 10, online: 10, senders: 5 },
    pace: { mode: "open", rate: 50 },
    longer: 2,
    among: ["parley", "relay-durable"]
  },
  {
    name: "idle",
    description: "5,000 connections that do nothing, in groups of 50",
    shape: { chats: 100, members: 50, online: 50, senders: 0 },
    pace: { mode: "idle" },
    among: ["parley", "relay-frame", "socket.io"],
    collect: true
  }
]

/** The same with a few members, to see that everything works; the figures mean nothing. */
export const small = (scenario: Scenario): Scenario => {
  const { chats, members, online, senders } = scenario.shape
  const fewer = members === online ? Math.min(members, 12) : Math.min(members, 20)
  return {
    ...scenario,
    shape: {
      chats: Math.min(chats, 5),
      members: fewer,
      online: members === online ? fewer : Math.min(online, 5),
      senders: Math.min(senders, 3)
    }
  }
}

/** How many users a scenario needs. */
export const usersOf = ({ shape }: Scenario): number => shape.chats * shape.members
/** How many of them, the first ones of each chat, must be able to connect; at least one, who makes the chat. */
export const onlineOf = ({ shape }: Scenario): number => (shape.chats - 1) * shape.members + Math.max(1, shape.online)

export const scenarioNamed = (name: string): Scenario => {
  const found = scenarios.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no scenario ${name}`)
  return found
}
