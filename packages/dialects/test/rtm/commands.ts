/** Commands of clients: arbitrary ones, valid ones, and valid ones with one wrong field. */
import * as fc from "fast-check"
import { Cmd, type Command, Op } from "../../src/rtm/codec.ts"
import { messages } from "../../src/rtm/schema.ts"

type MessageName = keyof typeof messages

const field = (type: string): fc.Arbitrary<unknown> => {
  if (type.startsWith("*")) return fc.array(field(type.slice(1)), { maxLength: 3 })
  switch (type) {
    case "string":
      return fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 40 }),
        fc.constantFrom("", "0".repeat(24), `${"0".repeat(23)}1`, "5f1b2c3d4e5f6a7b8c9d0e1f", `${"0".repeat(15)}1`),
        fc.json({ maxDepth: 2 })
      )
    case "bytes":
      return fc.uint8Array({ maxLength: 40 })
    case "bool":
      return fc.boolean()
    case "int32":
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    case "int64":
      return fc.oneof(fc.maxSafeInteger(), fc.constant(Date.now()))
    default:
      return body(type as MessageName)
  }
}

/** A message with some of its fields. */
const body = (name: MessageName): fc.Arbitrary<object> =>
  fc.record(Object.fromEntries(Object.entries(messages[name]).map(([key, [, type]]) => [key, field(type)])), {
    requiredKeys: []
  })

/** Bodies of commands, by field. */
const bodies = Object.entries(messages.Command).flatMap(([key, [, type]]) =>
  type in messages ? [[key, body(type as MessageName)] as const] : []
)

/** Names in valid commands: a conversation and a message of the client, and another client. */
export interface Known {
  readonly cid: string
  readonly mid: string
  readonly timestamp: number
  readonly friend: string
}

/** Commands that the server carries out, in this order. */
export const valid = ({ cid, mid, timestamp, friend }: Known): ReadonlyArray<Command> => [
  { cmd: Cmd.session, op: Op.query, session: { sessionPeerIds: [friend] } },
  { cmd: Cmd.conv, op: Op.start, conv: { m: [friend], unique: true, attr: { data: '{"name":"lunch"}' } } },
  { cmd: Cmd.conv, op: Op.query, conv: { where: { data: '{"m":"fuzz"}' }, sort: "-lm", limit: 10, skip: 0, flag: 2 } },
  { cmd: Cmd.conv, op: Op.add, conv: { cid, m: ["fuzz-third"] } },
  { cmd: Cmd.conv, op: Op.remove, conv: { cid, m: ["fuzz-third"] } },
  { cmd: Cmd.conv, op: Op.update, conv: { cid, attr: { data: '{"attr.color":"red"}' } } },
  { cmd: Cmd.conv, op: Op.count, conv: { cid } },
  { cmd: Cmd.conv, op: Op.members, conv: { cid } },
  { cmd: Cmd.conv, op: Op.maxRead, conv: { cid } },
  { cmd: Cmd.conv, op: Op.mute, conv: { cid } },
  { cmd: Cmd.conv, op: Op.unmute, conv: { cid } },
  { cmd: Cmd.conv, op: Op.addShutup, conv: { cid, m: [friend] } },
  { cmd: Cmd.conv, op: Op.queryShutup, conv: { cid, limit: 10 } },
  { cmd: Cmd.conv, op: Op.removeShutup, conv: { cid, m: [friend] } },
  { cmd: Cmd.blacklist, op: Op.block, blacklist: { srcCid: cid, toPids: ["fuzz-third"] } },
  { cmd: Cmd.blacklist, op: Op.query, blacklist: { srcCid: cid, limit: 10 } },
  { cmd: Cmd.blacklist, op: Op.unblock, blacklist: { srcCid: cid, toPids: ["fuzz-third"] } },
  { cmd: Cmd.direct, direct: { cid, msg: "hello", mentionPids: [friend], r: true } },
  { cmd: Cmd.direct, direct: { cid, msg: "typing", transient: true } },
  { cmd: Cmd.direct, direct: { cid, binaryMsg: new Uint8Array([1, 2, 3]) } },
  { cmd: Cmd.logs, logs: { cid, limit: 5, t: timestamp, mid, tt: 0, tIncluded: true, direction: 1 } },
  { cmd: Cmd.patch, op: Op.modify, patch: { patches: [{ cid, mid, timestamp, data: '{"_lctype":-1,"_lctext":"x"}' }] } }
]

const names = new Map<number, string>(Object.entries(Cmd).map(([name, cmd]) => [cmd, name]))
const known: Known = { cid: "", mid: "", timestamp: 0, friend: "" }

/** Any command with any fields in up to two bodies; more often than not a command that exists, with its own body. */
export const command: fc.Arbitrary<Command> = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...valid(known)) },
      {
        weight: 1,
        arbitrary: fc.record({ cmd: fc.constantFrom(...names.keys()), op: fc.constantFrom(...Object.values(Op)) })
      }
    ),
    fc.constantFrom(...bodies)
  )
  .chain(([{ cmd = 0, op = 0 }, [other, arbitrary]]) => {
    const own = bodies.filter(([key]) => key === names.get(cmd))
    return fc
      .record({ ...Object.fromEntries(own), [other]: arbitrary })
      .map((fields) => ({ ...fields, cmd, op, i: 7 }) as Command)
  })

/** A message and one of its fields, replaced by any value of the field's type. */
const replaced = (name: MessageName, message: object): fc.Arbitrary<object> => {
  const fields: Readonly<Record<string, readonly [number, string]>> = messages[name]
  // The command itself and its number stay; a client's id or an app would be another client's.
  const keys = Object.keys(message).filter((key) => name !== "Command" || !["cmd", "op", "i"].includes(key))
  return fc.constantFrom(...keys).chain((key): fc.Arbitrary<object> => {
    const type = fields[key]?.[1] ?? "string"
    const value = (message as Readonly<Record<string, unknown>>)[key]
    const nested = type.replace("*", "")
    if (!(nested in messages)) return field(type).map((wrong) => ({ ...message, [key]: wrong }))
    if (!Array.isArray(value)) {
      return replaced(nested as MessageName, value as object).map((wrong) => ({ ...message, [key]: wrong }))
    }
    return replaced(nested as MessageName, value[0] as object).map((wrong) => ({ ...message, [key]: [wrong] }))
  })
}

/** One of the commands with one wrong field. */
export const wrongField = (commands: ReadonlyArray<Command>): fc.Arbitrary<Command> =>
  fc.constantFrom(...commands).chain((one) => replaced("Command", { ...one, i: 7 }) as fc.Arbitrary<Command>)
