/**
 * Messages that are on their way to the disk within the turn in which they came: everything that has to be known is in
 * memory, nothing refuses them, and no fiber is spent on any. Whatever is not so simple is left to the script.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Bus } from "../ports/Bus.ts"
import type { ChatLocks } from "./ChatLocks.ts"
import type { Draft, SentMessage } from "../model/Command.ts"
import type { Announcement, UserCaller } from "../model/Event.ts"
import type { ChatId } from "../model/Ids.ts"
import type { Entry, Posted } from "../model/Log.ts"
import { fromPosted } from "../model/Message.ts"
import { messageProblem, posting } from "../commands/SendMessages.ts"
import type { Desk } from "../commands/CommandHandler.ts"
import { type Post, type Store, unitOf } from "../ports/Store.ts"

/** What came of one message. Announce it after the answer. */
export interface Sent {
  readonly sent: SentMessage
  readonly announcement: Announcement
}

/**
 * Answers false, having done nothing, where the message is to be sent by the command. Else `settled` is called once, in the
 * order of the commits: with what came of it, or with nothing where the commit was refused and the command has to try.
 */
export type SendAtOnce = (caller: UserCaller, draft: Draft, settled: (outcome: Sent | undefined) => void) => boolean

interface Surroundings {
  readonly desk: Desk
  readonly locks: ChatLocks
  readonly bus: Bus["Service"]
  readonly clock: Clock.Clock
  /** Called whenever a message was stored. */
  readonly stored: () => void
  readonly run: <A, E>(effect: Effect.Effect<A, E>, done?: (exit: Exit.Exit<A, E>) => void) => void
}

/** How a store that has nothing faster posts a message. */
const byCommit =
  (store: Store["Service"], run: Surroundings["run"]): NonNullable<Store["Service"]["post"]> =>
  (post, settled) =>
    run(store.commit(unitOf(post)), (exit) => {
      const [written] = Exit.isSuccess(exit) ? exit.value : []
      settled(written?._tag === "Entry" ? { ...written.entry, body: post.body } : undefined)
    })

export const sendingAtOnce = ({ desk, locks, bus, clock, stored, run }: Surroundings): SendAtOnce => {
  const post = desk.store.post ?? byCommit(desk.store, run)

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

  const outcomeOf = ({ version }: Post, entry: Entry<Posted>, chat: SentMessage["chat"]): Sent => {
    desk.chats.advance(entry, version)
    bus.publish({ chat: entry.chat, head: entry.seq })
    const message = fromPosted(entry)
    const head = { seq: entry.seq, posted: entry.posted, activeAt: entry.at }
    return {
      sent: { chat, message },
      announcement: { event: { _tag: "ChatEvent", entry, chat, head, message }, to: { chat: chat.id } }
    }
  }

  return (caller, draft, settled) => {
    const user = desk.users.fresh(caller.user)
    const warm = desk.chats.peek(draft.chat)
    if (user === undefined || user.disabled || warm === undefined) return false
    if (messageProblem(desk, { user, via: undefined }, draft, warm) !== undefined) return false
    const { chat } = warm
    // A change is under way, or waits: what is decided before it would be refused.
    if (!locks.isOpen(chat.id)) return false
    if (!depart(chat.id, chat.version)) return false
    const at = clock.currentTimeMillisUnsafe()
    const message: Post = {
      chat: chat.id,
      version: chat.version,
      by: user.id,
      origin: caller.origin,
      at,
      body: posting(draft, at)
    }
    post(message, (entry) => {
      arrive(chat.id)
      let outcome: Sent | undefined
      try {
        if (entry === undefined) desk.chats.forget(chat.id)
        else {
          stored()
          outcome = outcomeOf(message, entry, chat)
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
