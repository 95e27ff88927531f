/** The checker: a record that keeps all promises, and one for each way to break one. */
import { describe, expect, it } from "vitest"
import { check } from "../src/check.ts"
import { type Heard, Record, type Sent, type Stored } from "../src/Record.ts"

const CHAT = "c"

/** ann and bob are members, cat is removed at 10 s; ann sends a message each second. Times are in seconds here. */
interface Story {
  readonly sent: Array<Sent>
  readonly heard: Array<Heard>
  stored: Array<Stored>
  readonly record: Record
}

const heardBy = (account: string, id: number, at: number, connection: number): Heard => ({
  account,
  connection,
  chat: CHAT,
  id,
  content: `m${id}`,
  at: at * 1000
})

const story = (): Story => {
  const record = new Record()
  for (const [number, account] of ["ann", "bob", "cat"].entries()) {
    record.connections.push({ number, account, openedAt: -1, closedAt: Number.POSITIVE_INFINITY })
    record.moves.push({ chat: CHAT, account, kind: "add", startedAt: 0, endedAt: 0 })
  }
  record.moves.push({ chat: CHAT, account: "cat", kind: "remove", startedAt: 10_000, endedAt: 10_100 })
  const stored: Array<Stored> = []
  for (let id = 1; id <= 60; id++) {
    const startedAt = id * 1000
    const { heard, sent } = record
    sent.push({
      content: `m${id}`,
      chat: CHAT,
      by: "ann",
      protocol: "xuanxuan",
      startedAt,
      outcome: "answered",
      endedAt: startedAt + 5
    })
    stored.push({ id, content: `m${id}` })
    heard.push(heardBy("bob", id, id + 0.01, 1))
    if (id < 10) heard.push(heardBy("cat", id, id + 0.01, 2))
  }
  return { record, sent: record.sent, heard: record.heard, stored }
}

const broken = ({ record, stored }: Story, other: ReadonlyArray<Stored> = stored): ReadonlyArray<string> =>
  check({ record, end: 61_000, slack: 0 }, new Map([[CHAT, [stored, other]]]))

const change = <K extends keyof Sent>(of: Story, id: number, key: K, value: Sent[K]): void => {
  const index = id - 1
  const before = of.sent[index]
  if (before !== undefined) of.sent[index] = { ...before, [key]: value }
}

const remove = ({ heard }: Story, account: string, id: number): void => {
  heard.splice(
    heard.findIndex((one) => one.account === account && one.id === id),
    1
  )
}

const swap = (list: Array<unknown>, one: number, other: number): void => {
  ;[list[one], list[other]] = [list[other], list[one]]
}

const deeds: ReadonlyArray<readonly [what: string, deed: (of: Story) => void, broken: string]> = [
  ["an answered message is lost", ({ stored }) => stored.splice(29, 1), `c: "m30" (xuanxuan) was answered and is lost`],
  [
    "a message is stored twice",
    ({ stored }) => stored.push({ id: 61, content: "m60" }),
    `c: 61 "m60" is in the history twice`
  ],
  ["a message was not sent", ({ stored }) => stored.push({ id: 61, content: "?" }), `c: 61 "?" was not sent`],
  [
    "a refused message is stored",
    (of) => change(of, 30, "outcome", "refused"),
    `c: "m30" (xuanxuan) was refused and is stored`
  ],
  ["the history is not in order", ({ stored }) => swap(stored, 3, 4), `c: 4 "m4" is in the history after 5`],
  ["a member does not get a message", (of) => remove(of, "bob", 30), `bob did not get "m30" (xuanxuan) in c`],
  [
    "a member who is removed later does not get an earlier message",
    (of) => {
      of.record.moves.splice(-1, 1, { chat: CHAT, account: "cat", kind: "remove", startedAt: 55_000, endedAt: 55_100 })
      for (let id = 10; id < 55; id++) if (id !== 30) of.heard.push(heardBy("cat", id, id + 0.01, 2))
    },
    `cat did not get "m30" (xuanxuan) in c`
  ],
  [
    "a removed member gets a message",
    ({ heard }) => heard.push(heardBy("cat", 30, 30.01, 2)),
    `cat got "m30" (xuanxuan) in c, sent 19900 ms after the removal`
  ],
  [
    "another user gets a message",
    ({ heard, record }) => {
      record.moves.push({ chat: "another", account: "dan", kind: "add", startedAt: 0, endedAt: 0 })
      heard.push(heardBy("dan", 30, 30.01, 3))
    },
    `dan got "m30" (xuanxuan) in c, sent without being a member`
  ],
  [
    "a message comes twice on one connection",
    ({ heard }) => heard.push(heardBy("bob", 60, 61, 1)),
    `bob got 60 "m60" in c after 60 on connection 1`
  ],
  [
    "messages come in another order",
    ({ heard }) => {
      const [one, other] = [30, 31].map((id) => heard.findIndex((found) => found.account === "bob" && found.id === id))
      swap(heard, one ?? 0, other ?? 0)
    },
    `bob got 30 "m30" in c for the first time after 31`
  ],
  [
    "a message comes again long after its acknowledgement",
    ({ heard, record }) => {
      record.connections.push({ number: 3, account: "bob", openedAt: 62_000, closedAt: 63_000 })
      heard.push(heardBy("bob", 30, 62, 3))
    },
    `bob got 30 "m30" in c again, 31990 ms after its acknowledgement`
  ],
  [
    "a message has another content",
    ({ heard }) => heard.push({ ...heardBy("bob", 61, 61, 1), content: "?" }),
    `bob got 61 "?" in c, which is not stored so`
  ]
]

describe("the checker", () => {
  it("finds nothing where all promises are kept", () => {
    expect(broken(story())).toEqual([])
  })

  it.each(deeds)("finds that %s", (_, deed, sentence) => {
    const of = story()
    deed(of)
    expect(broken(of)).toContain(sentence)
  })

  it("finds that two nodes have different histories", () => {
    const of = story()
    expect(broken(of, of.stored.slice(1))).toEqual(["c: node 2 has another history than node 1: 59 and 60 messages"])
  })

  it.each<readonly [string, (of: Story) => void]>([
    ["a message just after a removal", ({ heard }) => heard.push(heardBy("cat", 12, 12.01, 2))],
    [
      "a message again that was not acknowledged in time",
      ({ heard, record }) => {
        record.connections.push({ number: 3, account: "bob", openedAt: 62_000, closedAt: 63_000 })
        heard.push(heardBy("bob", 60, 62, 3))
      }
    ],
    [
      "a message again that was acknowledged during a fault",
      ({ heard, record }) => {
        record.faults.push({ name: "node-kill", startedAt: 29_000, endedAt: 31_000 })
        record.connections.push({ number: 3, account: "bob", openedAt: 62_000, closedAt: 63_000 })
        heard.push(heardBy("bob", 30, 62, 3))
      }
    ],
    [
      "a message of unknown outcome that is not stored",
      (of) => {
        change(of, 60, "outcome", "unknown")
        of.stored.pop()
        remove(of, "bob", 60)
      }
    ]
  ])("allows %s", (_, deed) => {
    const of = story()
    deed(of)
    expect(broken(of)).toEqual([])
  })
})
