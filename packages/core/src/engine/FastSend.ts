/**
 * Fast path: hands a message to the store in the same tick. All facts are in memory, no rule refuses it, and no fiber
 * is needed. Other messages are left to the command handler.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ChatLocks } from "./ChatLocks.ts"
import type { Draft, SentMessage } from "../model/Command.ts"
import type { UserCaller } from "../model/Event.ts"
import type { ChatId } from "../model/Ids.ts"
import type { Entry } from "../model/Log.ts"
import { fromPosted } from "../model/Message.ts"
import { messageProblem, posting, toOutcome } from "../commands/SendMessages.ts"
import type { CommandContext, Outcome } from "../commands/CommandHandler.ts"
import { isSlowed } from "../rules/SlowMode.ts"
import { type MessageAppend, type Store, toBatch } from "../ports/Store.ts"

/**
 * Returns false, without effect, if the message must be sent by the command. Otherwise calls `onComplete` once, in the
 * order of the commits: with the outcome, or with undefined if the commit was refused and the command must run.
 */
export type FastSend = (
  caller: UserCaller,
  draft: Draft,
  onComplete: (outcome: Outcome<SentMessage> | undefined) => void
) => boolean

interface FastSendContext {
  readonly context: CommandContext
  readonly locks: ChatLocks
  readonly clock: Clock.Clock
  /** Called after storing a message that was based on this version of its chat. */
  readonly onStored: (entry: Entry, version: number) => void
  readonly run: <A, E>(effect: Effect.Effect<A, E>, done?: (exit: Exit.Exit<A, E>) => void) => void
}

/** Appends a message in a store without a fast append. */
const appendByCommit =
  (store: Store["Service"], run: FastSendContext["run"]): NonNullable<Store["Service"]["appendMessage"]> =>
  (message, onComplete) =>
    run(store.commit(toBatch(message)), (exit) => {
      const [written] = Exit.isSuccess(exit) ? exit.value : []
      onComplete(written?._tag === "Entry" ? { ...written.entry, body: message.body } : undefined)
    })

export const makeFastSend = ({ context, locks, clock, onStored, run }: FastSendContext): FastSend => {
  const append = context.store.appendMessage ?? appendByCommit(context.store, run)

  /** Messages in flight by chat: their number, and the version on which they are based. */
  const inFlight = new Map<ChatId, { readonly version: number; messages: number }>()

  const begin = (chat: ChatId, version: number): boolean => {
    const pending = inFlight.get(chat)
    if (pending === undefined) inFlight.set(chat, { version, messages: 1 })
    // A message based on an older version will be refused and decided again: this one must not overtake it.
    else if (pending.version !== version) return false
    else pending.messages++
    return true
  }
  const end = (chat: ChatId): void => {
    const pending = inFlight.get(chat)
    if (pending !== undefined && --pending.messages === 0) inFlight.delete(chat)
  }

  return (caller, draft, onComplete) => {
    const user = context.users.getFresh(caller.user)
    const cached = context.chats.getCached(draft.chat)
    if (user === undefined || user.disabled || cached === undefined) return false
    // The command reads the time of the sender's newest message.
    if (isSlowed({ user, chat: cached.chat })) return false
    if (messageProblem(context, { user, via: undefined }, draft, cached) !== undefined) return false
    const { chat } = cached
    // A change is running or queued: a message decided before it would be refused.
    if (!locks.isOpen(chat.id)) return false
    if (!begin(chat.id, chat.version)) return false
    const at = clock.currentTimeMillisUnsafe()
    const message: MessageAppend = {
      chat: chat.id,
      version: chat.version,
      by: user.id,
      device: caller.device,
      at,
      body: posting(draft, at)
    }
    append(message, (entry) => {
      end(chat.id)
      let outcome: Outcome<SentMessage> | undefined
      try {
        if (entry === undefined) context.chats.invalidate(chat.id)
        else {
          onStored(entry, message.version)
          outcome = toOutcome(chat, entry, fromPosted(entry), draft.pushData)
        }
      } catch (cause) {
        // The command runs next, finds the message stored, and replies.
        run(Effect.logError("work after a commit failed", cause))
      }
      onComplete(outcome)
    })
    return true
  }
}
