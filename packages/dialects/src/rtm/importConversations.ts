/** Creates the conversations of an import, with their members, attributes and muted flags. */
import { VIA, withParts } from "@parley/core/Chat"
import type { ChatId, UserId } from "@parley/core/Ids"
import type { Write } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import { DIALECT } from "./apps.ts"
import { uniqueId, uniqueRecord } from "./uniqueIds.ts"
import type { ImportContext } from "./ImportContext.ts"
import { quoted } from "./ImportReport.ts"
import { type ImportedConversation, parseConversation } from "./parseConversation.ts"
import type { FileValue, Fields, NamedFile } from "./readValues.ts"

/** A conversation with the place where it was found. */
interface Found {
  readonly line: number
  readonly conversation: ImportedConversation
}

/** Conversations of one commit. */
const BATCH = 100

/** Answers of the storage API have the objects in `results`. */
const objectsOf = (value: Fields | string): ReadonlyArray<Fields | string> => {
  const results = typeof value === "string" ? undefined : value["results"]
  if (!Array.isArray(results)) return [value]
  return results.map((one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? (one as Fields)
      : "an element of results is not an object"
  )
}

export const importConversations = Effect.fnUntraced(function* (
  context: ImportContext,
  file: NamedFile,
  values: ReadonlyArray<FileValue>
): Effect.fn.Return<void, string> {
  const { deps, report } = context
  const found: Array<Found> = []
  for (const { line, value } of values) {
    for (const fields of objectsOf(value)) {
      const parsed = typeof fields === "string" ? fields : yield* parseConversation(fields, deps.settings)
      if (typeof parsed === "string") yield* report.problem({ file: file.name, line }, parsed)
      else if (context.conversations.has(parsed.id)) {
        yield* report.problem({ file: file.name, line }, `conversation ${parsed.id} is there twice`)
      } else {
        context.conversations.add(parsed.id)
        found.push({ line, conversation: parsed })
      }
    }
  }
  for (let from = 0; from < found.length; from += BATCH) {
    yield* importBatch(context, file, found.slice(from, from + BATCH))
  }
})

const importBatch = Effect.fnUntraced(function* (
  context: ImportContext,
  { name: file }: NamedFile,
  batch: ReadonlyArray<Found>
): Effect.fn.Return<void, string> {
  const { clients, deps, report, isDry } = context
  yield* clients.load(
    batch.flatMap(({ conversation: { creator, members } }) => [...members, ...(creator === undefined ? [] : [creator])])
  )
  const writes: Array<Write> = []
  const muting: Array<{ readonly id: string; readonly users: ReadonlyArray<UserId> }> = []
  for (const { line, conversation } of batch) {
    const { id, creator } = conversation
    const members: Array<UserId> = []
    for (const clientId of conversation.members) {
      const user = clients.get(clientId)
      if (typeof user === "string") yield* report.problem({ file, line }, `member ${quoted(clientId)} ${user}`)
      else members.push(user)
    }
    const [first] = members
    if (first === undefined) {
      context.conversations.delete(id)
      yield* report.problem({ file, line }, `conversation ${id} has no members: not imported`)
      continue
    }
    const muted = conversation.muted.flatMap((clientId): ReadonlyArray<UserId> => {
      const user = clients.get(clientId)
      return typeof user === "string" || !members.includes(user) ? [] : [user]
    })
    const stored = yield* context.orFail(deps.store.chatByGid(id))
    if (stored !== undefined && stored.chat.attributes[VIA] !== DIALECT) {
      context.conversations.delete(id)
      yield* report.problem({ file, line }, `the id ${id} is that of another chat`)
      continue
    }
    // An earlier run may have ended before it wrote the flags.
    if (muted.length > 0 && (stored === undefined || stored.head.seq === 1)) muting.push({ id, users: muted })
    if (stored !== undefined) {
      report.existing++
      continue
    }
    report.conversations++
    const by = creator === undefined ? undefined : clients.get(creator)
    const createdBy = typeof by === "number" ? by : null
    const { name = "", attributes, parts } = conversation.change
    writes.push({
      _tag: "CreateChat",
      by: createdBy,
      chat: {
        gid: id,
        name,
        type: "group",
        public: context.app.conversations === "public",
        subject: 0,
        createdBy,
        owner: createdBy !== null && members.includes(createdBy) ? createdBy : first,
        admins: [],
        senders: "all",
        createdAt: conversation.createdAt,
        attributes: { ...withParts(attributes, parts), [VIA]: DIALECT },
        members
      }
    })
    if (conversation.isUnique) {
      writes.push({ _tag: "PutRecord", record: uniqueRecord(yield* uniqueId(deps, members), id) })
    }
  }
  if (isDry) return
  yield* context.commit(writes)
  const flags: Array<Write> = []
  for (const { id, users } of muting) {
    const chat: ChatId | undefined = (yield* context.orFail(deps.store.chatByGid(id)))?.chat.id
    if (chat === undefined) continue
    flags.push(...users.map((user): Write => ({ _tag: "SetPreference", chat, user, mute: true })))
  }
  yield* context.commit(flags)
})
