/**
 * Messages that are on their way to the disk within the turn in which they came: everything that has to be known is in
 * memory, nothing refuses them, and no fiber is spent on any. Whatever is not so simple is left to the script.
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
import { type MessageAppend, type Store, toBatch } from "../ports/Store.ts"

/**
 * Answers false, having done nothing, where the message is to be sent by the command. Else `settled` is called once, in the
 * order of the commits: with what came of it, or with nothing where the commit was refused and the command has to try.
 */
export type FastSend = (
  caller: UserCaller,
  draft: Draft,
  settled: (outcome: Outcome<SentMessage> | undefined) => void
) => boolean

interface FastSendContext {
  readonly context: CommandContext
  readonly locks: ChatLocks
  readonly clock: Clock.Clock
  /** Called when a message was stored that was decided on this version of its chat. */
  readonly stored: (entry: Entry, version: number) => void
  readonly run: <A, E>(effect: Effect.Effect<A, E>, done?: (exit: Exit.Exit<A, E>) => void) => void
}

/** How a store that has nothing faster posts a message. */
const appendByCommit =
  (store: Store["Service"], run: FastSendContext["run"]): NonNullable<Store["Service"]["appendMessage"]> =>
  (post, settled) =>
    run(store.commit(toBatch(post)), (exit) => {
      const [written] = Exit.isSuccess(exit) ? exit.value : []
      settled(written?._tag === "Entry" ? { ...written.entry, body: post.body } : undefined)
    })

export const makeFastSend = ({ context, locks, clock, stored, run }: FastSendContext): FastSend => {
  const post = context.store.appendMessage ?? appendByCommit(context.store, run)

  /** What is on its way, by chat: how many, and the version that they rely on. */
  const onTheirWay = new Map<ChatId, { readonly version: number; messages: number }>()

  const depart = (chat: ChatId, version: number): boolean => {
    const earlier = onTheirWay.get(chat)
    if (earlier === undefined) onTheirWay.set(chat, { version, messages: 1 })
    // What was decided on an older version of the chat will be refused and decided again: this must not overtake it.
    else if (earlier.version !== version) return false
    else earlier.messages++
    return true
  }
  const arrive = (chat: ChatId): void => {
    const earlier = onTheirWay.get(chat)
    if (earlier !== undefined && --earlier.messages === 0) onTheirWay.delete(chat)
  }

  return (caller, draft, settled) => {
    const user = context.users.getFresh(caller.user)
    const cached = context.chats.getCached(draft.chat)
    if (user === undefined || user.disabled || cached === undefined) return false
    if (messageProblem(context, { user, via: undefined }, draft, cached) !== undefined) return false
    const { chat } = cached
    // A change is under way, or waits: what is decided before it would be refused.
    if (!locks.isOpen(chat.id)) return false
    if (!depart(chat.id, chat.version)) return false
    const at = clock.currentTimeMillisUnsafe()
    const message: MessageAppend = {
      chat: chat.id,
      version: chat.version,
      by: user.id,
      device: caller.device,
      at,
      body: posting(draft, at)
    }
    post(message, (entry) => {
      arrive(chat.id)
      let outcome: Outcome<SentMessage> | undefined
      try {
        if (entry === undefined) context.chats.forget(chat.id)
        else {
          stored(entry, message.version)
          outcome = toOutcome(chat, entry, fromPosted(entry))
        }
      } catch (cause) {
        // Whoever waits is answered all the same: in the ordinary way, what is stored already is found.
        run(Effect.logError("what follows a commit broke off", cause))
      }
      settled(outcome)
    })
    return true
  }
}
