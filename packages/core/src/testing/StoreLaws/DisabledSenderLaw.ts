/**
 * Law of a store that nodes share across a network: a commit checks the senders of its messages, since another node may have
 * disabled them a moment earlier.
 */
import * as Effect from "effect/Effect"
import type { MessageAppend } from "../../ports/Store.ts"
import {
  appending,
  batch,
  chatAt,
  createChat,
  logOf,
  NOW,
  pair,
  posting,
  refused,
  same,
  type Storing,
  write
} from "./Law.ts"
import type { SharedStoreLaw } from "./SharedStoreLaws.ts"
import type { ChatId, UserId } from "../../model/Ids.ts"

/** Returns whether the fast path has stored a message; without a fast path, whether a commit has. */
const isAppended = (store: Storing, chat: ChatId, by: UserId, gid: string): Effect.Effect<boolean> => {
  const { appendMessage } = store
  const body = posting(gid)
  if (appendMessage === undefined) {
    return Effect.match(store.commit(batch(appending(chat, by, body))), {
      onFailure: () => false,
      onSuccess: () => true
    })
  }
  const message: MessageAppend = { chat, version: 1, by, device: null, at: NOW, body }
  return Effect.callback((resume) => appendMessage(message, (entry) => resume(Effect.succeed(entry !== undefined))))
}

/** A commit refuses messages of senders whom another node has disabled. */
export const disabledSenderLaw: SharedStoreLaw = {
  name: "a message of a disabled sender is a conflict that names them, and does not affect other messages",
  check: Effect.fnUntraced(function* (one, other) {
    const [ann, ben] = yield* pair(one)
    const { chat } = yield* createChat(one, "c", [ann, ben])
    yield* write(other, "Done", { _tag: "ChangeUser", user: ben, change: { disabled: true } })
    const preference = { _tag: "SetPreference", chat: chat.id, user: ann, star: true } as const
    // Together in one statement, and in one transaction with another batch.
    for (const [name, rest] of [
      ["messages", Effect.void],
      ["mixed", Effect.asVoid(one.commit(batch(preference)))]
    ] as const) {
      const messages = [ann, ben, ann].map((by, index) => isAppended(one, chat.id, by, `${name} ${index}`))
      const [, ...stored] = yield* Effect.all([rest, ...messages], { concurrency: "unbounded" })
      yield* same(`stored, ${name}`, stored, [true, false, true])
    }
    for (const more of [[], [preference]]) {
      const late = one.commit(batch(appending(chat.id, ben, posting("late")), ...more))
      const found = yield* refused("a message of a disabled sender", late)
      yield* same("the conflict", found._tag === "VersionConflict" ? [found.chats, found.users] : found, [[], [ben]])
    }
    yield* same("length of the log", (yield* logOf(one, chat.id)).length, (yield* chatAt(one, chat.id)).head.seq)
    yield* same("messages", (yield* chatAt(one, chat.id)).head.posted, 4)
    yield* write(other, "Done", { _tag: "ChangeUser", user: ben, change: { disabled: false } })
    yield* same("stored again", yield* isAppended(one, chat.id, ben, "again"), true)
  })
}
