/** Messages of one request in chats in slow mode. */
import * as Effect from "effect/Effect"
import type { CachedChat } from "../cache/ChatCache.ts"
import type { SentMessageTime } from "../cache/SentTimes.ts"
import { type Chat, slowModeOf } from "../model/Chat.ts"
import type { ChatId } from "../model/Ids.ts"
import type { Message } from "../model/Message.ts"
import { isSlowed } from "../rules/SlowMode.ts"
import type { StorageFailed } from "../ports/Store.ts"
import type { CommandContext, Invocation } from "./CommandHandler.ts"

export class SlowModeOfRequest {
  readonly #context: Pick<CommandContext, "sentTimes">
  readonly #invocation: Invocation
  /** The caller's newest messages before this request. */
  readonly #newest = new Map<ChatId, SentMessageTime | undefined>()
  /** Gids of the messages that this request sends. */
  readonly #sent = new Map<ChatId, string>()

  constructor(context: Pick<CommandContext, "sentTimes">, invocation: Invocation) {
    this.#context = context
    this.#invocation = invocation
  }

  /** Returns the milliseconds since the caller's newest message; undefined without one, and where it does not count. */
  sinceOwnMessage({ chat, seq }: CachedChat): Effect.Effect<number | undefined, StorageFailed> {
    const { user, via, now } = this.#invocation
    if (!isSlowed({ user, via, chat })) return Effect.undefined
    if (this.#sent.has(chat.id)) return Effect.succeed(0)
    const slowChat = { id: chat.id, seq, interval: slowModeOf(chat) * 1000, now }
    return Effect.map(this.#context.sentTimes.newest(slowChat, user.id), (newest) => {
      this.#newest.set(chat.id, newest)
      return newest === undefined ? undefined : now - newest.at
    })
  }

  /** Records a new message of this request. */
  send({ id }: Chat, gid: string): void {
    if (this.#newest.has(id)) this.#sent.set(id, gid)
  }

  /** Claims the times of the messages; see `Plan.claim`. */
  claim(): (() => void) | undefined {
    const { user, now: at } = this.#invocation
    const claimed: Array<() => void> = []
    const giveBack = (): void => {
      for (const one of claimed) one()
    }
    for (const [chat, gid] of this.#sent) {
      const one = this.#context.sentTimes.claim(chat, user.id, { gid, at }, this.#newest.get(chat))
      if (one === undefined) {
        giveBack()
        return undefined
      }
      claimed.push(one)
    }
    return giveBack
  }
}

/** Returns the caller's own stored message with this gid in the chat, or undefined. */
export const ownMessage = (
  { store }: Pick<CommandContext, "store">,
  { user }: Pick<Invocation, "user">,
  gid: string,
  { chat }: CachedChat
): Effect.Effect<Message | undefined, StorageFailed> =>
  Effect.map(store.messagesByGid([gid]), ([message]) =>
    message?.sender === user.id && message.chat === chat.id ? message : undefined
  )
