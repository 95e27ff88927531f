/** Files of a hosted service: conversations, and messages in the forms in which its histories come. */
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"

export interface ExportedMessage {
  readonly "msg-id": string
  readonly "conv-id": string
  readonly from: string
  readonly data: string
  readonly timestamp: number
}

export interface ServiceExport {
  readonly conversations: ReadonlyArray<string>
  /** Messages of each conversation, by time and id. */
  readonly messages: ReadonlyMap<string, ReadonlyArray<ExportedMessage>>
  readonly files: { readonly conversations: string; readonly messages: ReadonlyArray<string> }
}

const START = Date.parse("2020-01-01T00:00:00Z")

const hash = (text: string) => createHash("sha256").update(text).digest()
export const conversationAt = (index: number): string => `5e0be1${hash(`c${index}`).toString("hex").slice(0, 18)}`
const messageAt = (index: number): string => hash(`m${index}`).toString("base64url").slice(0, 22)

/** Members of a conversation: the first has created it. */
export const membersAt = (index: number): ReadonlyArray<string> => ["alice", `user-${index}`, "bob"]

/** Writes `count` messages in `rooms` conversations, whose times come in pairs; newest first, as the service lists them. */
export const writeExport = (folder: string, rooms: number, count: number): ServiceExport => {
  const conversations = Array.from({ length: rooms }, (_, index) => conversationAt(index))
  const all = Array.from({ length: count }, (_, index): ExportedMessage => {
    const room = index % rooms
    const text = `message ${index}`
    return {
      "msg-id": messageAt(index),
      "conv-id": conversations[room] ?? "",
      from: membersAt(room)[index % 3] ?? "",
      data: index % 7 === 0 ? `plain ${index}` : JSON.stringify({ _lctype: -1, _lctext: text }),
      timestamp: START + Math.floor(index / rooms / 2) * 1000
    }
  })
  const objects = conversations.map((objectId, index) => ({
    objectId,
    name: `Room ${index}`,
    m: membersAt(index),
    c: "alice",
    mu: index === 0 ? ["bob"] : [],
    unique: true,
    uniqueId: "0".repeat(32),
    attr: { colour: "blue" },
    topic: index,
    createdAt: new Date(START - 1000).toISOString(),
    updatedAt: new Date(START).toISOString(),
    lm: { __type: "Date", iso: new Date(START).toISOString() },
    ACL: { "*": { read: true } }
  }))
  const header = `#filetype:JSON-streaming {"type":"Class","class":"_Conversation"}\n`
  const wire = all.toReversed().map((message) => ({
    ...message,
    to: message["conv-id"],
    bin: false,
    "is-conv": true,
    "is-room": false,
    "from-ip": "10.0.0.1"
  }))
  const third = Math.ceil(wire.length / 3)
  const parts = [0, 1, 2].map((part) => wire.slice(part * third, (part + 1) * third))
  const pages = Array.from({ length: Math.ceil(third / 100) }, (_, page) =>
    (parts[2] ?? []).slice(page * 100, page * 100 + 100)
  )
  const text = [
    (parts[0] ?? []).map((one) => JSON.stringify(one)).join("\n"),
    JSON.stringify(parts[1], undefined, 2),
    `${pages.map((one) => JSON.stringify(one)).join("\n")}\n`
  ]
  const path = (name: string) => join(folder, name)
  writeFileSync(path("conversations.jsonl"), header + objects.map((one) => `${JSON.stringify(one)}\n`).join(""))
  for (const [index, one] of text.entries()) writeFileSync(path(`messages-${index}.json`), one)
  const order = (a: ExportedMessage, b: ExportedMessage) =>
    a.timestamp - b.timestamp || (a["msg-id"] < b["msg-id"] ? -1 : 1)
  return {
    conversations,
    messages: new Map(
      Array.from(
        Map.groupBy(all, (message) => message["conv-id"]),
        ([id, messages]) => [id, messages.toSorted(order)]
      )
    ),
    files: { conversations: "conversations.jsonl", messages: [0, 1, 2].map((index) => `messages-${index}.json`) }
  }
}
