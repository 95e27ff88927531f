/** One member reconnects to a long queue while two others send messages. */
import { setTimeout as sleep } from "node:timers/promises"
import type { Client } from "./Client.ts"
import { dial, type Line } from "./Line.ts"
import { type CatchUpPlan, type CatchUpSeen, quantiles } from "./Plan.ts"
import { cpuOf, memoryOf, peakOf } from "./ProcessUse.ts"
import { now, stamped } from "./Stamp.ts"
import { GATHER, isNoUserList, packetsIn, xuanxuan } from "./XuanxuanClient.ts"

/** Time without a message after which the rest counts as missing, in ms. */
const IDLE_TIMEOUT = 15_000
/** Length of the senders' contents, in characters. */
const SIZE = 200

/** Two senders; `answers` receives the reply latency of each message, in ms. */
const talk = async ({ port, talking, rate }: CatchUpPlan, answers: Array<number>): Promise<() => void> => {
  const clients: Array<Client> = []
  const speaker = xuanxuan(port)
  const waiting: Array<number> = []
  for (const [index, member] of talking.members.entries()) {
    const received = ({ answers: count }: { readonly answers: number }): void => {
      if (index === 0) for (const sent of waiting.splice(0, count)) answers.push((now() - sent) / 1000)
    }
    clients.push(await speaker.connect(talking, member, { received, lost: () => {} }))
  }
  const timer = setInterval(() => {
    waiting.push(now())
    clients[0]?.send(stamped(now(), SIZE))
  }, 1000 / rate)
  return () => {
    clearInterval(timer)
    for (const client of clients) client.close()
  }
}

interface Queue {
  readonly seen: () => number
  readonly disordered: () => number
  readonly frames: () => CatchUpSeen["frames"]
  readonly lastReceived: () => number
  readonly close: () => void
}

/** Reconnects and acknowledges its messages. */
const comeBack = ({ port, late }: CatchUpPlan): Queue => {
  let [seen, disordered, lastReceived] = [0, 0, now()]
  let [count, largestBytes, mostPackets] = [0, 0, 0]
  let line: Line | undefined
  let unacknowledged: Array<number> = []
  const lastOf = new Map<string, number>()
  const acknowledge = (): void => {
    line?.send(`{"module":"chat","method":"message","id":[${unacknowledged.join(",")}],"sid":"${late.sid}"}`)
    unacknowledged = []
  }
  const received = (bytes: Buffer): void => {
    let packets = 0
    for (const { id, method, result, data } of packetsIn(bytes.toString("utf8"))) {
      if (method !== "message" || result !== undefined || id === undefined) continue
      packets++
      for (const { cgid } of data as ReadonlyArray<{ readonly cgid: string }>) {
        if (id <= (lastOf.get(cgid) ?? 0)) disordered++
        lastOf.set(cgid, id)
      }
      seen++
      if (unacknowledged.push(id) === 1) setTimeout(acknowledge, GATHER)
    }
    if (packets === 0) return
    lastReceived = now()
    count++
    largestBytes = Math.max(largestBytes, bytes.length)
    mostPackets = Math.max(mostPackets, packets)
  }
  dial(port, "/ws", { received, shouldRead: isNoUserList, closed: () => {} }).then(
    (opened) => {
      line = opened
      line.send(JSON.stringify({ module: "chat", method: "ping", sid: late.sid }))
    },
    () => {}
  )
  return {
    seen: () => seen,
    disordered: () => disordered,
    frames: () => ({ count, largestBytes, mostPackets }),
    lastReceived: () => lastReceived,
    close: () => line?.destroy()
  }
}

export const catchUp = async (plan: CatchUpPlan): Promise<CatchUpSeen> => {
  const { pid, owed, before: seconds } = plan
  const answers: Array<number> = []
  const hush = await talk(plan, answers)
  await sleep(seconds * 1000)
  const answersBefore = quantiles(answers.splice(0))
  const [before, cpu, start, peak] = [memoryOf(pid), cpuOf(pid), now(), peakOf(pid)]
  const queue = comeBack(plan)
  while (queue.seen() < owed && now() - queue.lastReceived() < IDLE_TIMEOUT * 1000) await sleep(5)
  const took = (queue.lastReceived() - start) / 1e6
  const answersMeanwhile = quantiles(answers)
  const used = cpuOf(pid) - cpu
  hush()
  queue.close()
  return {
    seconds: took,
    cpu: used,
    missing: owed - queue.seen(),
    disordered: queue.disordered(),
    frames: queue.frames(),
    memory: { before, peak: peak() },
    answersBefore,
    answersMeanwhile
  }
}
