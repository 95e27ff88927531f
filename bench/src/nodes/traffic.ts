/** Messages of one sender to members on the same node and on another one: their delay, and the CPU that they take. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Client } from "../generator/Client.ts"
import type { User } from "../generator/Plan.ts"
import { cpuOf } from "../generator/ProcessUse.ts"
import { xuanxuan } from "../generator/XuanxuanClient.ts"
import type { Serving } from "../Prepared.ts"
import { spread } from "../Spread.ts"
import type { TwoNodes } from "./twoNodes.ts"

/** Milliseconds between two paced messages. */
const PACE = 5
/** Messages on their way at once, when CPU is counted. */
const OUTSTANDING = 16
const PADDING = "x".repeat(190)
/** Milliseconds for connections to end on both nodes, and for the last acknowledgements. */
const SETTLE = 700

const connect = (
  nodes: TwoNodes,
  { port }: Serving,
  user: User | undefined,
  received: (contents: ReadonlyArray<string>, answers: number) => void = () => {}
): Promise<Client> => {
  if (user === undefined) throw new Error("the group has too few members")
  let isOver = false
  return xuanxuan(port)
    .connect(nodes.chat, user, {
      received: ({ contents, answers }) => received(contents, answers),
      lost: () => {
        if (!isOver) throw new Error(`the connection of ${user.account} has ended`)
      }
    })
    .then((client) => ({
      send: client.send,
      close: () => {
        isOver = true
        client.close()
      }
    }))
}

export interface Delays {
  /** Medians in milliseconds, from sending to receiving, on the sender's node and on the other one. */
  readonly local: number
  readonly remote: number
  readonly missing: number
}

/** Sends messages at a pace that leaves both nodes idle in between. */
export const delays = async (nodes: TwoNodes, count: number): Promise<Delays> => {
  const sent = new Map<string, number>()
  const arrivals = (): { readonly delays: Array<number>; readonly note: (contents: ReadonlyArray<string>) => void } => {
    const seen: Array<number> = []
    return {
      delays: seen,
      note: (contents) => {
        const now = performance.now()
        for (const content of contents) seen.push(now - (sent.get(content) ?? Number.NaN))
      }
    }
  }
  const [local, remote] = [arrivals(), arrivals()]
  const [first, second, third] = nodes.chat.members
  const clients = [
    await connect(nodes, nodes.here, first),
    await connect(nodes, nodes.here, second, local.note),
    await connect(nodes, nodes.there, third, remote.note)
  ]
  for (let n = 0; n < count; n++) {
    const content = `${n}${PADDING}`
    sent.set(content, performance.now())
    clients[0]?.send(content)
    await sleep(PACE)
  }
  await sleep(SETTLE)
  for (const client of clients) client.close()
  await sleep(SETTLE)
  const missing = 2 * count - local.delays.length - remote.delays.length
  return { local: spread(local.delays).median, remote: spread(remote.delays).median, missing }
}

interface Use {
  /** Microseconds of CPU per message. */
  readonly here: number
  readonly there: number
}

/** Sends without a pause to `listeners` members on a node. */
const use = async (nodes: TwoNodes, node: Serving, listeners: number, milliseconds: number): Promise<Use> => {
  let answered = 0
  let isSending = true
  const send = (client: Client, times: number): void => {
    for (let n = 0; n < times && isSending; n++) client.send(PADDING)
  }
  const clients: Array<Client> = []
  for (const user of nodes.chat.members.slice(1, listeners + 1)) clients.push(await connect(nodes, node, user))
  const sender = await connect(nodes, nodes.here, nodes.chat.members[0], (_, answers) => {
    answered += answers
    send(sender, answers)
  })
  clients.push(sender)
  send(sender, OUTSTANDING)
  await sleep(SETTLE)
  const before = [answered, cpuOf(nodes.here.program.pid), cpuOf(nodes.there.program.pid)] as const
  await sleep(milliseconds)
  const messages = answered - before[0]
  const seen = {
    here: (cpuOf(nodes.here.program.pid) - before[1]) / messages,
    there: (cpuOf(nodes.there.program.pid) - before[2]) / messages
  }
  isSending = false
  await sleep(SETTLE)
  for (const client of clients) client.close()
  await sleep(SETTLE)
  return seen
}

export interface Hearing {
  /** CPU of the sender's node per message, in microseconds: what its listeners add to a message. */
  readonly local: number
  /** CPU of the other node per message that it receives by the bus, with as many listeners. */
  readonly remote: number
  /** CPU of the other node per message, without a listener. */
  readonly unheard: number
}

/** CPU of messages that listeners get from the node where they are sent, and from the other one. */
export const hearing = async (nodes: TwoNodes, listeners: number, milliseconds: number): Promise<Hearing> => {
  const none = await use(nodes, nodes.here, 0, milliseconds)
  const local = await use(nodes, nodes.here, listeners, milliseconds)
  const remote = await use(nodes, nodes.there, listeners, milliseconds)
  return { local: local.here - none.here, remote: remote.there, unheard: none.there }
}
