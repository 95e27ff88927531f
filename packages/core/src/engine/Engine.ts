/**
 * Command in, outcome out. The engine commits, then answers; who asked announces the outcome once the answer is on its
 * way: nothing is announced that is not stored, and the caller's answer goes out before others hear of it.
 *
 * Scripts decide on versioned facts without a lock, and the commit refuses a unit whose facts have changed, which is then
 * decided again, in line (see `OptimisticCommit`). Units of one chat take effect in the order of their commits.
 */
import { logStorageFailure } from "../ports/StorageErrors.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Bus } from "../ports/Bus.ts"
import { ChatLocks } from "./ChatLocks.ts"
import type { Command, ReplyOf } from "../model/Command.ts"
import { UserCache } from "../cache/UserCache.ts"
import { UserDirectory } from "../ports/UserDirectory.ts"
import { DirectoryUsers } from "../cache/DirectoryUsers.ts"
import { type Broadcast, type Caller, isUser } from "../model/Event.ts"
import { makeHookRunner } from "./HookRunner.ts"
import type { UserCommand } from "../ports/Hooks.ts"
import { EntryId, UserId } from "../model/Ids.ts"
import { Hub } from "../delivery/Hub.ts"
import { type Payer, RateLimits } from "../limits/RateLimits.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { costAfter, costBefore } from "../rules/Cost.ts"
import { commandHandlers } from "../commands/index.ts"
import { type OptimisticCommit, optimisticCommit, type Waiting } from "./OptimisticCommit.ts"
import { type FastSend, makeFastSend } from "./FastSend.ts"
import type { Invocation, CommandContext, Plan } from "../commands/CommandHandler.ts"
import { Settings } from "../ports/Settings.ts"
import { StorageHealth } from "./StorageHealth.ts"
import {
  type Duplicate,
  type VersionConflict,
  type StorageFailed,
  Store,
  type WriteBatch,
  type Write,
  type WriteResult
} from "../ports/Store.ts"
import type { User } from "../model/User.ts"
import { ChatCache } from "../cache/ChatCache.ts"

/** Records of a protocol that take effect together with a command, or not at all. */
export type ExtraWrites = ReadonlyArray<Extract<Write, { readonly _tag: "PutRecord" }>>

/** Takes what is to be announced, after the commit. */
export type Announce = (announcements: ReadonlyArray<Broadcast>) => void

/** What came of a command. Announce it with `Hub.announce` after the answer. */
export interface Outcome<Reply> {
  readonly reply: Reply
  readonly announce: ReadonlyArray<Broadcast>
}

/** Who is in no chat, and has no id of a user. */
const SYSTEM_ACTOR: User = {
  id: UserId(0),
  account: "",
  realname: "",
  avatar: "",
  role: "",
  dept: 0,
  admin: false,
  organisation: null,
  disabled: false,
  createdAt: 0,
  since: EntryId(0)
}

type AnyHandler = (
  context: CommandContext,
  invocation: Invocation,
  command: never
) => Effect.Effect<Plan<unknown>, Refused | StorageFailed>

const withExtraWrites = (batch: WriteBatch | undefined, alongside: ExtraWrites): WriteBatch => ({
  expectedVersions: batch?.expectedVersions ?? [],
  writes: [...(batch?.writes ?? []), ...alongside]
})

export class Engine extends Context.Service<
  Engine,
  {
    /** Carries the command out and leaves the announcing to the caller, who answers first. */
    readonly handle: <C extends Command>(
      caller: Caller,
      command: C,
      alongside?: ExtraWrites
    ) => Effect.Effect<Outcome<ReplyOf<C>>, Refused>
    /**
     * Carries the command out and announces it: at once, or as `announce` does. From the commit on it is not interrupted,
     * while it waits in line it is.
     */
    readonly perform: <C extends Command>(
      caller: Caller,
      command: C,
      alongside?: ExtraWrites,
      announce?: Announce
    ) => Effect.Effect<ReplyOf<C>, Refused>
    /** Sends one message within this turn, where that can be. */
    readonly trySend: FastSend
    /** Commits writes that no command stands for (users, sessions, a dialect's records), keeping what is warm current. */
    readonly commit: (
      batch: WriteBatch
    ) => Effect.Effect<ReadonlyArray<WriteResult>, VersionConflict | Duplicate | StorageFailed>
    /**
     * Commits what `decide` plans, and decides again where its facts have changed, as a command does: in line for its
     * chats after the first conflict. Refused as busy where the line is full or other nodes keep changing them.
     */
    readonly commitOptimistically: OptimisticCommit
    /** Does what a command about users asks for, with the embedder's hooks before and after it. */
    readonly withHooks: <A>(command: UserCommand, work: Effect.Effect<A, Refused>) => Effect.Effect<A, Refused>
    /** What users and apps may ask for in a second. Protocols charge it; an embedder's own commands are not limited. */
    readonly limits: RateLimits
    /** Carries a command out for `payer`, who is refused where there is nothing left to pay with. */
    readonly charged: <C extends Command, A>(
      payer: Payer,
      command: C,
      work: Effect.Effect<A, Refused>,
      replyOf: (done: A) => ReplyOf<C>
    ) => Effect.Effect<A, Refused>
    readonly context: CommandContext
  }
>()("@parley/core/Engine") {
  static readonly layer: Layer.Layer<Engine, never, Store | StorageHealth | Hub | Bus> = Layer.effect(
    Engine,
    Effect.gen(function* () {
      const store = yield* Store
      const { succeeded } = yield* StorageHealth
      const hub = yield* Hub
      const bus = yield* Bus
      const settings = yield* Settings
      const clock = yield* Clock.Clock
      const external = yield* UserDirectory
      const users = new UserCache(
        external === undefined ? store : new DirectoryUsers(store, external, clock, settings.account)
      )
      const hooks = yield* makeHookRunner
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const context: CommandContext = {
        chats: new ChatCache(store, users, settings.chatCacheSize),
        users,
        store,
        presence: hub.presence,
        settings,
        fileLinks: []
      }

      const commit = (
        batch: WriteBatch
      ): Effect.Effect<ReadonlyArray<WriteResult>, VersionConflict | Duplicate | StorageFailed> =>
        store.commit(batch).pipe(
          Effect.tap((written) => Effect.sync(() => applyToCaches(batch, written))),
          Effect.tapError(() => Effect.sync(() => invalidateCaches(batch)))
        )

      /** What it relied on has to be read again. */
      const invalidateCaches = (batch: WriteBatch): void => {
        for (const { chat } of batch.expectedVersions) context.chats.forget(chat)
      }

      const applyToCaches = (batch: WriteBatch, written: ReadonlyArray<WriteResult>): void => {
        for (const write of batch.writes)
          if (write._tag === "ChangeUser") context.users.change(write.user, write.change)
        for (const one of written) {
          if (one._tag === "Chat") context.chats.put(one.stored)
          else if (one._tag === "User") context.users.put(one.user)
          else if (one._tag === "Entry") {
            const { entry } = one
            context.chats.advance(entry, batch.expectedVersions.find(({ chat }) => chat === entry.chat)?.version)
            bus.publish({ chat: entry.chat, head: entry.seq })
          }
        }
      }

      const locks = new ChatLocks()
      const commitOptimistically = optimisticCommit(commit, locks)

      const decided = <C extends Command>(
        caller: Caller,
        command: C,
        alongside: ExtraWrites,
        waiting: Waiting
      ): Effect.Effect<Outcome<ReplyOf<C>>, Refused> => {
        // Every tag has the script of its own command, which TypeScript cannot follow through an index.
        const handler: AnyHandler = commandHandlers[command._tag]
        const decide = Effect.fnUntraced(function* (
          duplicate: Duplicate | undefined
        ): Effect.fn.Return<Plan<ReplyOf<C>>, Refused | StorageFailed> {
          const user = isUser(caller)
            ? (context.users.getFresh(caller.user) ?? (yield* context.users.find(caller.user)))
            : SYSTEM_ACTOR
          if (user === undefined || user.disabled) return yield* refuse({ _tag: "NotLoggedIn" })
          const invocation: Invocation = {
            caller,
            user,
            by: isUser(caller) ? user.id : null,
            via: isUser(caller) ? undefined : caller.via,
            now: yield* Clock.currentTimeMillis,
            duplicate
          }
          const plan = (yield* handler(context, invocation, command as never)) as Plan<ReplyOf<C>>
          return alongside.length === 0 ? plan : { ...plan, batch: withExtraWrites(plan.batch, alongside) }
        })
        return Effect.catchTag(commitOptimistically(decide, waiting), "StorageFailed", unavailable)
      }

      const unavailable = (failed: StorageFailed): Effect.Effect<never, Refused> =>
        Effect.andThen(
          logStorageFailure(`storage failed: ${failed.operation}`, failed.cause),
          refuse({ _tag: "Unavailable" })
        )

      const handling = <C extends Command>(
        caller: Caller,
        command: C,
        alongside: ExtraWrites,
        waiting: Waiting
      ): Effect.Effect<Outcome<ReplyOf<C>>, Refused> => {
        if (hooks === undefined) return decided(caller, command, alongside, waiting)
        const asking = isUser(caller) ? Effect.catch(context.users.find(caller.user), unavailable) : Effect.undefined
        return Effect.flatMap(asking, (user) =>
          // Who may not ask for anything is refused before anybody else is asked.
          isUser(caller) && user?.disabled !== false
            ? Effect.fail(refuse({ _tag: "NotLoggedIn" }))
            : hooks.run(
                command,
                { caller, user },
                (left) => decided(caller, left, alongside, waiting),
                ({ reply }) => reply
              )
        )
      }

      const perform = <C extends Command>(
        caller: Caller,
        command: C,
        alongside: ExtraWrites = [],
        announce: Announce = (announcements) => hub.broadcast(announcements, caller.connection)
      ): Effect.Effect<ReplyOf<C>, Refused> =>
        // What is committed is announced, even if nobody waits for the answer any more.
        Effect.uninterruptibleMask((restore) =>
          Effect.map(handling(caller, command, alongside, restore), (outcome) => {
            announce(outcome.announce)
            return outcome.reply
          })
        )

      const fastSend = makeFastSend({
        context,
        locks,
        bus,
        clock,
        stored: succeeded,
        run: (effect, done) => {
          const fiber = fork(effect)
          if (done !== undefined) fiber.addObserver(done)
        }
      })

      const limits = new RateLimits(clock, settings)

      return Engine.of({
        handle: (caller, command, alongside = []) => handling(caller, command, alongside, (wait) => wait),
        limits,
        charged: (payer, command, work, replyOf) => {
          const before = costBefore(command)
          return Effect.tap(before > 0 ? Effect.andThen(limits.charge(payer, before), work) : work, (done) =>
            Effect.sync(() => limits.owe(payer, costAfter(command, replyOf(done), hub.presence.size)))
          )
        },
        perform,
        // Hooks may wait, and are asked first.
        trySend: hooks === undefined ? fastSend : () => false,
        commit,
        commitOptimistically,
        withHooks: (command, work) =>
          hooks === undefined
            ? work
            : hooks.run(
                command,
                { caller: undefined, user: undefined },
                () => work,
                (reply) => reply
              ),
        context
      })
    })
  )
}
