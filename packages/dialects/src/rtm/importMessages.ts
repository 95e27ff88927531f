/**
 * Appends the messages of an import to the logs of their conversations, by time. Each member's cursor moves behind the
 * last one, in the same commit: nothing of it is unread.
 */
import { type StoredChat, VIA } from "@parley/core/Chat"
import type { Message } from "@parley/core/Message"
import type { Write } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { DIALECT } from "./apps.ts"
import type { ImportContext } from "./ImportContext.ts"
import { quoted, type Line } from "./ImportReport.ts"
import type { MessageIndex } from "./MessageIndex.ts"
import { type ImportedMessage, MESSAGE_FIELDS, parseMessage } from "./parseMessage.ts"
import { type FileValue, type NamedFile, parseObject } from "./readValues.ts"

/** Messages of one commit, and of one read. */
const BATCH = 500
const READ_CONCURRENCY = 8
/** Maximum number of messages that a dry run remembers, to find repeated ones. */
const MAX_IMPORTED = 100_000

/** Adds the positions of messages to the index. */
export const indexMessages = Effect.fnUntraced(function* (
  { report }: ImportContext,
  index: MessageIndex,
  file: NamedFile,
  number: number,
  values: ReadonlyArray<FileValue>
): Effect.fn.Return<void> {
  for (const { value, line, offset, length } of values) {
    const at: Line = { file: file.name, line }
    const parsed = typeof value === "string" ? value : parseMessage(value)
    if (typeof parsed === "string") {
      yield* report.problem(at, parsed)
      continue
    }
    if (typeof value !== "string") report.unknownFields(at, value, MESSAGE_FIELDS)
    index.add(parsed.conversation, parsed.at, parsed.id, { file: number, offset, length, line })
  }
})

/** A message with the place where it was found. */
interface Found {
  readonly at: Line
  readonly message: ImportedMessage
}

const readMessages = (files: ReadonlyArray<NamedFile>, index: MessageIndex, part: Uint32Array) =>
  Effect.forEach(
    part,
    Effect.fnUntraced(function* (one): Effect.fn.Return<Found, string> {
      const { file, length, line, offset } = index.positionOf(one)
      const from = files[file]
      const value = from === undefined ? "" : parseObject(yield* from.read(offset, length))
      const message = typeof value === "string" ? value : parseMessage(value)
      if (from === undefined || typeof message === "string") {
        return yield* Effect.fail(`${from?.name} has changed while it was imported`)
      }
      return { at: { file: from.name, line }, message }
    }),
    { concurrency: READ_CONCURRENCY }
  )

/** The end of a conversation's log. */
interface End {
  readonly stored: StoredChat | undefined
  seq: number
  /** Time of the newest message, in milliseconds. */
  at: number
}

const endOf = Effect.fnUntraced(function* (
  context: ImportContext,
  conversation: string
): Effect.fn.Return<End, string> {
  const { store } = context.deps
  const found = yield* context.orFail(store.chatByGid(conversation))
  const stored = found?.chat.attributes[VIA] === DIALECT && !found.chat.dissolved ? found : undefined
  if (stored === undefined || stored.head.posted === 0) return { stored, seq: stored?.head.seq ?? 0, at: 0 }
  const { posted, seq } = stored.head
  const [newest] = yield* context.orFail(store.history(stored.chat.id, { from: posted, to: posted }))
  return { stored, seq, at: newest?.date ?? 0 }
})

/** Imports the messages of an index. `progress`: messages that are done. */
export const importMessages = Effect.fnUntraced(function* (
  context: ImportContext,
  files: ReadonlyArray<NamedFile>,
  index: MessageIndex,
  progress: (messages: number) => void
): Effect.fn.Return<void, string> {
  const order = index.sorted()
  let pending: Array<Write> = []
  for (let from = 0; from < order.length;) {
    const conversation = index.conversationOf(order[from] ?? 0)
    let to = from
    while (to < order.length && index.conversationOf(order[to] ?? 0) === conversation) to++
    const end = yield* endOf(context, conversation)
    const before = end.seq
    for (; from < to; from += BATCH) {
      const part = order.subarray(from, Math.min(from + BATCH, to))
      pending.push(...(yield* writesOf(context, conversation, end, yield* readMessages(files, index, part))))
      if (context.imported.size > MAX_IMPORTED) context.imported.clear()
      if (from + BATCH >= to && end.seq > before) pending.push(...cursorsAt(end))
      if (pending.length >= BATCH) {
        yield* context.commit(pending)
        pending = []
        // Stored messages are found in the store.
        context.imported.clear()
        progress(Math.min(from + BATCH, to))
      }
    }
    from = to
  }
  yield* context.commit(pending)
  progress(order.length)
})

/** Returns the writes of those messages that are new. */
const writesOf = Effect.fnUntraced(function* (
  context: ImportContext,
  conversation: string,
  end: End,
  part: ReadonlyArray<Found>
): Effect.fn.Return<ReadonlyArray<Write>, string> {
  const { clients, deps, isDry, report } = context
  const { stored } = end
  if (stored === undefined && !(isDry && context.conversations.has(conversation))) {
    for (const { at } of part) yield* report.problem(at, `there is no conversation ${conversation}`)
    return []
  }
  yield* clients.load(part.map(({ message }) => message.from))
  const gids = part.map(({ message }) => message.gid)
  const known = new Map<string, Message>(
    (yield* context.orFail(deps.store.messagesByGid(gids))).map((message) => [message.gid, message])
  )
  const writes: Array<Write> = []
  for (const { at: line, message } of part) {
    const { at, content, from, gid, id } = message
    const before = known.get(gid)
    const sender = clients.get(from)
    if (before !== undefined) {
      report.existing++
      if (before.chat !== stored?.chat.id || before.date !== at) {
        yield* report.problem(line, `message ${quoted(id)} is there with another conversation or time`)
      }
    } else if (context.imported.has(gid)) {
      report.existing++
      const first = context.imported.get(gid)
      if (first !== `${conversation} ${at}`) {
        yield* report.problem(line, `message ${quoted(id)} is in the files with another conversation or time`)
      }
    } else if (typeof sender === "string") yield* report.problem(line, `the sender ${quoted(from)} ${sender}`)
    else if (at < end.at) {
      yield* report.problem(line, `message ${quoted(id)} is older than the newest one of its conversation here`)
    } else {
      context.imported.set(gid, `${conversation} ${at}`)
      report.messages++
      end.at = at
      end.seq++
      if (stored === undefined) continue
      writes.push({
        _tag: "Append",
        chat: stored.chat.id,
        by: sender,
        device: null,
        at,
        body: { _tag: "Posted", gid, type: "normal", ...content, date: at }
      })
    }
  }
  return writes
})

const cursorsAt = ({ stored, seq }: End): ReadonlyArray<Write> => {
  if (stored === undefined) return []
  const { id, members } = stored.chat
  return Array.from(members.keys(), (user): Write => ({
    _tag: "MoveCursor",
    cursor: { chat: id, user, device: "", pushed: seq, delivered: seq, acked: [], read: seq }
  }))
}
