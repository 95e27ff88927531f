/** Encodes and decodes commands as protocol buffers. */
import protobuf from "protobufjs/light.js"
import { type MessageOf, messages } from "./schema.ts"

/** One command of a client, a reply, or a push. */
export type Command = MessageOf<"Command">

/** Numbers of commands (`cmd`). */
export const Cmd = {
  session: 0,
  conv: 1,
  direct: 2,
  ack: 3,
  rcp: 4,
  unread: 5,
  logs: 6,
  error: 7,
  read: 11,
  echo: 14,
  patch: 18,
  blacklist: 20,
  goaway: 21
} as const

/** Numbers of operations (`op`). */
export const Op = {
  open: 1,
  add: 2,
  remove: 3,
  close: 4,
  opened: 5,
  closed: 6,
  query: 7,
  queryResult: 8,
  added: 10,
  removed: 11,
  refresh: 12,
  refreshed: 13,
  start: 30,
  started: 31,
  joined: 32,
  membersJoined: 33,
  left: 39,
  membersLeft: 40,
  results: 42,
  count: 43,
  result: 44,
  update: 45,
  updated: 46,
  mute: 47,
  unmute: 48,
  members: 50,
  maxRead: 51,
  memberInfoUpdate: 53,
  memberInfoUpdated: 54,
  memberInfoChanged: 55,
  modify: 150,
  modified: 151,
  block: 170,
  unblock: 171,
  blocked: 172,
  unblocked: 173,
  membersBlocked: 174,
  membersUnblocked: 175,
  addShutup: 180,
  removeShutup: 181,
  queryShutup: 182,
  shutupAdded: 183,
  shutupRemoved: 184,
  shutupResult: 185,
  shutuped: 186,
  unshutuped: 187,
  membersShutuped: 188,
  membersUnshutuped: 189
} as const

const nested = Object.fromEntries(
  Object.entries(messages).map(([name, fields]) => [
    name,
    {
      // Fields are present or absent, and texts are UTF-8.
      edition: "2023",
      fields: Object.fromEntries(
        Object.entries(fields).map(([field, [id, type]]) => [
          field,
          type.startsWith("*") ? { id, type: type.slice(1), rule: "repeated" } : { id, type }
        ])
      )
    }
  ])
)

const type = protobuf.Root.fromJSON({ nested }).lookupType("Command")

/** Maximum nesting of messages in a command. */
const MAX_DEPTH = 8

export const encodeCommand = (command: Command): Uint8Array => type.encode(command).finish()

/** Integers of 64 bits, as the decoder returns them. */
const isLong = (value: object): value is { readonly toNumber: () => number } =>
  "toNumber" in value && typeof value.toNumber === "function"

/** Returns plain values: present fields only, with times as numbers. */
const plain = (value: unknown, depth: number): unknown => {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value
  if (isLong(value)) return value.toNumber()
  if (depth === 0) return undefined
  if (Array.isArray(value)) return value.map((item) => plain(item, depth - 1))
  const result: Record<string, unknown> = {}
  for (const key of Object.keys(value)) result[key] = plain((value as Record<string, unknown>)[key], depth - 1)
  return result
}

/** Returns the command in a client's bytes; undefined for other bytes. */
export const decodeCommand = (bytes: Uint8Array): Command | undefined => {
  try {
    return plain(type.decode(bytes), MAX_DEPTH) as Command
  } catch {
    return undefined
  }
}
