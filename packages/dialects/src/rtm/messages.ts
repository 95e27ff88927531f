/** Messages: sending, changing and recalling. */
import type { Draft, SentMessage } from "@parley/core/Command"
import { type Refused, refuse } from "@parley/core/Refused"
import type { User } from "@parley/core/User"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Result from "effect/Result"
import { DIALECT } from "./apps.ts"
import { Cmd, type Command, Op } from "./codec.ts"
import { toStored } from "./content.ts"
import type { CommandHandler, Deps, Handler } from "./context.ts"
import { Code, type Codes, fail, type Failure, failureOf, unsupported } from "./errors.ts"
import { chatRef, messageId, messageNamed, numberedId, RANDOM_BYTES } from "./ids.ts"

/** Maximum number of characters of a client's own id of a message. */
const MAX_TOKEN = 128
/** Maximum number of clients that a message mentions. */
const MAX_MENTIONS = 1000

export const SEND_CODES: Codes = {
  NoSuchChat: Code.invalidTarget,
  NotMember: Code.invalidTarget,
  Rejected: Code.messageRejectedByHook
}

/** Returns the draft of a message. `token`: the client's own id of the message, by which a repetition is recognised. */
export const draftOf = (user: User, command: Command, token: string): Result.Result<Draft, Failure> => {
  const { cid = "", roomId, dt = "", pushData = "", ...direct } = command.direct ?? {}
  if (roomId !== undefined && roomId !== "") return Result.fail(unsupported("rooms"))
  if (dt.length > MAX_TOKEN) {
    return Result.fail(fail(Code.invalidTarget, `dt may have at most ${MAX_TOKEN} characters.`))
  }
  if ((direct.mentionPids?.length ?? 0) > MAX_MENTIONS) {
    return Result.fail(fail(Code.invalidTarget, `A message may mention at most ${MAX_MENTIONS} clients.`))
  }
  const chat = chatRef(cid)
  if (chat === undefined) return Result.fail(fail(Code.invalidTarget, "There is no such conversation."))
  const content = toStored(direct)
  if (content === undefined) return Result.fail(fail(Code.conversationFailed, "A message needs msg or binaryMsg."))
  return Result.succeed({
    gid: `${DIALECT}:${user.id}:${dt === "" ? token : dt}`,
    chat,
    type: "normal",
    ...content,
    ...(pushData !== "" && { pushData })
  })
}

export const hasToken = ({ direct }: Command): boolean => (direct?.dt ?? "") !== ""

/** Whether a message is not stored when it arrives. */
export const isTransient = ({ direct: { transient = false, will = false } = {} }: Command): boolean => transient || will

/** Returns the acknowledgement of a stored message, and records whether its sender wants a receipt. */
export const sentReply = (
  { facts }: Pick<Deps, "facts">,
  { direct }: Command,
  { chat, message }: SentMessage
): Command => {
  if (direct?.r === true) facts.receipts.add(chat.id, message)
  return { cmd: Cmd.ack, ack: { uid: messageId(message), t: message.date } }
}

export const sendMessage: Handler = Effect.fnUntraced(function* (context) {
  const { deps, user, command, run } = context
  if (isTransient(command)) return yield* sendTransient(context)
  const token = hasToken(command) ? "" : Hex.encode(yield* deps.random.randomBytes(RANDOM_BYTES))
  const draft = yield* Effect.fromResult(draftOf(user, command, token))
  const [sent] = yield* Effect.mapError(run({ _tag: "SendMessages", messages: [draft] }), ({ reason }) =>
    failureOf(reason, SEND_CODES)
  )
  return sent === undefined ? yield* refuse({ _tag: "NoSuchMessage" }) : sentReply(deps, command, sent)
})

/**
 * Sends a message to the members who are online; its id is found in no history. A will is checked, and kept until the
 * client's connection ends.
 */
const sendTransient: Handler = Effect.fnUntraced(function* ({ client, user, command, run }) {
  const { chat, content, contentType } = yield* Effect.fromResult(draftOf(user, command, ""))
  const message = { _tag: "SendTransient", chat, contentType, content } as const
  const isWill = command.direct?.will === true
  const { id, at } = yield* Effect.mapError(run(isWill ? { ...message, checkOnly: true } : message), ({ reason }) =>
    failureOf(reason, SEND_CODES)
  )
  if (isWill) client.will = message
  return { cmd: Cmd.ack, ack: { uid: numberedId(id), t: at } }
})

const PATCH_CODES: Codes = {
  Forbidden: Code.ownershipRequired,
  NoSuchChat: Code.messageNotFound,
  NotMember: Code.messageNotFound,
  Rejected: Code.messageUpdateRejected
}

/** `patch`: changes or recalls one message. */
export const patchMessage: CommandHandler = Effect.fnUntraced(function* ({ deps, command, run }) {
  const [item, ...more] = command.patch?.patches ?? []
  if (item === undefined || more.length > 0) return yield* fail(Code.conversationFailed, "A patch changes one message.")
  const { mid = "", recall = false, data: msg, ...content } = item
  const message = yield* messageNamed(deps.store, mid)
  const notFound = fail(Code.messageNotFound, "There is no such message.")
  if (message === undefined) return yield* notFound
  const stored = toStored({ ...content, ...(msg !== undefined && { msg }) })
  if (!recall && stored === undefined) return yield* fail(Code.conversationFailed, "A change needs data or binaryMsg.")
  const { gid } = message
  const change: Effect.Effect<unknown, Refused> =
    recall || stored === undefined ? run({ _tag: "RecallMessage", gid }) : run({ _tag: "EditMessage", gid, ...stored })
  yield* Effect.mapError(change, ({ reason }) => failureOf(reason, PATCH_CODES))
  return { cmd: Cmd.patch, op: Op.modified, patch: { lastPatchTime: yield* Clock.currentTimeMillis } }
})
