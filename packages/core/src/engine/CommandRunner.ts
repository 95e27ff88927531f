/**
 * Commit, reply, broadcast: in this order, and only here. The work of a request runs its commands and returns its reply;
 * the reply is sent, then the events of the commands are broadcast. Committed events are broadcast even if the reply
 * cannot be encoded or sent, or the request is interrupted.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SendBroadcasts } from "../delivery/Broadcaster.ts"
import type { Command, ReplyOf, SentMessage } from "../model/Command.ts"
import type { Broadcast, Caller, UserCaller } from "../model/Event.ts"
import type { Payer, RateLimits } from "../limits/RateLimits.ts"
import type { Refused } from "../model/Refused.ts"
import { costAfter, costBefore, costOfNotifying, messagesIn } from "../rules/Cost.ts"
import type { Outcome } from "../commands/CommandHandler.ts"
import type { Write } from "../ports/Store.ts"
import type { Restore } from "./OptimisticCommit.ts"

/** Records of a protocol that are committed atomically with a command. */
export type ExtraWrites = ReadonlyArray<Extract<Write, { readonly _tag: "PutRecord" }>>

/**
 * Commits one command. It can be interrupted while it waits for a lock, but not during its commit. Its events are broadcast
 * after the reply to the request.
 */
export type RunCommand = <C extends Command>(
  caller: Caller,
  command: C,
  extraWrites?: ExtraWrites
) => Effect.Effect<ReplyOf<C>, Refused>

/** The user or app that is charged for a command; undefined if it is free. */
export type PayerOf = (caller: Caller) => Payer | undefined

/** Committed events of a request that are not broadcast yet. */
interface Committed {
  readonly broadcasts: ReadonlyArray<Broadcast>
  /** The requesting connection. */
  readonly except: number | undefined
}

interface Dependencies {
  readonly commit: <C extends Command>(
    caller: Caller,
    command: C,
    extraWrites: ExtraWrites,
    restore: Restore
  ) => Effect.Effect<Outcome<ReplyOf<C>>, Refused>
  readonly broadcast: SendBroadcasts
  readonly limits: RateLimits
  readonly messageLimits: RateLimits
  /** Number of online users. */
  readonly online: () => number
}

const free: PayerOf = () => undefined

/** Runs requests: commits their commands, sends the reply, then broadcasts what was committed. */
export class CommandRunner {
  readonly #dependencies: Dependencies

  constructor(deps: Dependencies) {
    this.#dependencies = deps
  }

  /** Handles a request whose reply `sendReply` sends, or returns to a caller in this process. */
  run<A, B, E, R>(
    work: (run: RunCommand) => Effect.Effect<A, E, R>,
    sendReply: (reply: A) => B,
    payerOf: PayerOf = free
  ): Effect.Effect<B, E, R> {
    return Effect.suspend(() => {
      const committed: Array<Committed> = []
      return Effect.ensuring(
        Effect.map(work(this.#runner(committed, payerOf)), sendReply),
        Effect.sync(() => this.#broadcast(committed))
      )
    })
  }

  /** The same for a request whose reply the host sends before it closes the request's scope, as over HTTP. */
  scoped(payerOf: PayerOf = free): Effect.Effect<RunCommand, never, Scope.Scope> {
    return Effect.suspend(() => {
      const committed: Array<Committed> = []
      return Effect.as(
        Effect.addFinalizer(() => Effect.sync(() => this.#broadcast(committed))),
        this.#runner(committed, payerOf)
      )
    })
  }

  /** Replies to a message stored by the fast path, charges its sender, and broadcasts it. `now`: start of the request. */
  complete(
    { user, connection }: UserCaller,
    { reply, broadcasts }: Outcome<SentMessage>,
    sendReply: (sent: SentMessage) => void,
    now: number
  ): void {
    const { broadcast, limits, messageLimits, online } = this.#dependencies
    try {
      sendReply(reply)
    } finally {
      limits.owe(user, costOfNotifying(reply.chat, online()), now)
      messageLimits.owe(user, 1, now)
      broadcast(broadcasts, connection)
    }
  }

  #runner(committed: Array<Committed>, payerOf: PayerOf): RunCommand {
    const { commit, limits, messageLimits, online } = this.#dependencies
    return <C extends Command>(caller: Caller, command: C, extraWrites: ExtraWrites = []) => {
      const payer = payerOf(caller)
      const work = Effect.uninterruptibleMask((restore) =>
        Effect.map(commit(caller, command, extraWrites, restore), ({ reply, broadcasts }) => {
          if (broadcasts.length > 0) committed.push({ broadcasts, except: caller.connection })
          if (payer !== undefined) limits.owe(payer, costAfter(command, reply, online()))
          return reply
        })
      )
      if (payer === undefined) return work
      const before = costBefore(command)
      const charged = before > 0 ? Effect.andThen(limits.charge(payer, before), work) : work
      const messages = messagesIn(command)
      return messages > 0 ? Effect.andThen(messageLimits.charge(payer, messages), charged) : charged
    }
  }

  #broadcast(committed: ReadonlyArray<Committed>): void {
    for (const { broadcasts, except } of committed) this.#dependencies.broadcast(broadcasts, except)
  }
}
