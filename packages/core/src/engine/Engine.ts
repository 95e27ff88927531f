/**
 * Commits commands. Its `CommandRunner` sends the reply and the broadcasts after a commit.
 *
 * Handlers decide on versioned facts without a lock, and the commit refuses a batch whose facts have changed, which is
 * then decided again under locks (see `OptimisticCommit`). Batches of one chat take effect in the order of their
 * commits.
 */
import { logFailedOperation } from "../ports/StorageErrors.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { Broadcaster } from "../delivery/Broadcaster.ts"
import { ChatLocks } from "./ChatLocks.ts"
import { confirmFacts } from "./confirmFacts.ts"
import type { Command, ReplyOf } from "../model/Command.ts"
import { type ExtraWrites, CommandRunner, type RunCommand } from "./CommandRunner.ts"
import { UserCache } from "../cache/UserCache.ts"
import { VisibleUsers } from "../cache/VisibleUsers.ts"
import { Visibility } from "../ports/Visibility.ts"
import { presenceAudience } from "./presenceAudience.ts"
import { Fence } from "../ports/Fence.ts"
import { UserDirectory } from "../ports/UserDirectory.ts"
import { DirectoryUsers } from "../cache/DirectoryUsers.ts"
import { type Caller, isUser } from "../model/Event.ts"
import { makeHookRunner } from "./HookRunner.ts"
import type { UserCommand } from "../ports/Hooks.ts"
import { UserId } from "../model/Ids.ts"
import type { Entry } from "../model/Log.ts"
import { Hub } from "../delivery/Hub.ts"
import { RateLimits } from "../limits/RateLimits.ts"
import { type Refused, refuse } from "../model/Refused.ts"
import { commandHandlers } from "../commands/index.ts"
import { type OptimisticCommit, optimisticCommit, type Restore } from "./OptimisticCommit.ts"
import { type FastSend, makeFastSend } from "./FastSend.ts"
import type { CommandHandler, Invocation, CommandContext, Outcome, Plan } from "../commands/CommandHandler.ts"
import { Settings } from "../ports/Settings.ts"
import { StorageHealth } from "./StorageHealth.ts"
import { uncertainCommits } from "./uncertainCommits.ts"
import {
  type DialectRecord,
  type Duplicate,
  type VersionConflict,
  type StorageFailed,
  Store,
  type Write,
  type WriteBatch,
  type WriteResult
} from "../ports/Store.ts"
import type { User } from "../model/User.ts"
import { ChatCache } from "../cache/ChatCache.ts"
import { SentTimes } from "../cache/SentTimes.ts"
import { TransientTimes } from "../cache/TransientTimes.ts"
import { TypingTimes } from "../cache/TypingTimes.ts"

/** Placeholder user for applications and protocol-level callers. */
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
  since: {}
}

/** Milliseconds between attempts to read a chat's facts while the storage fails. */
const REREAD_INTERVAL_MS = 1000

/** Commands of applications; all others concern the calling user. */
const APP_COMMANDS: ReadonlySet<Command["_tag"]> = new Set([
  "CreateChat",
  "RenameChat",
  "AddMembers",
  "RemoveMembers",
  "DissolveChat"
])

type AnyHandler = (
  context: CommandContext,
  invocation: Invocation,
  command: never
) => Effect.Effect<Plan<unknown>, Refused | StorageFailed>

const withExtraWrites = (batch: WriteBatch | undefined, extraWrites: ExtraWrites): WriteBatch => ({
  expectedVersions: batch?.expectedVersions ?? [],
  writes: [...(batch?.writes ?? []), ...extraWrites]
})

/** Whether the write may add to the journal. Chats' facts are left out: they follow as broadcasts. */
const isJournaled = ({ _tag }: Write): boolean =>
  _tag === "ChangeUser" ||
  _tag === "CreateUser" ||
  _tag === "SaveSession" ||
  _tag === "EndSession" ||
  _tag === "EndSessions" ||
  _tag === "NoteChange"

/** Runs and commits commands. */
export class Engine extends Context.Service<
  Engine,
  {
    /** Runs the commands of requests: commit, reply, broadcast. */
    readonly commands: CommandRunner
    /** Runs one command for a caller in this process, and returns its reply. */
    readonly perform: RunCommand
    /** Sends one message within this turn, if possible. `commands.complete` sends its reply. */
    readonly trySend: FastSend
    /** Commits writes without a command (users, sessions, a dialect's records), and updates the caches. */
    readonly commit: (
      batch: WriteBatch
    ) => Effect.Effect<ReadonlyArray<WriteResult>, VersionConflict | Duplicate | StorageFailed>
    /**
     * Commits the plan of `decide`, and decides again if its facts have changed, as a command does: with locks of its
     * chats after the first conflict. Refused as busy if the lock queue is full or other nodes keep changing them.
     */
    readonly commitOptimistically: OptimisticCommit
    /** Runs a command about users, with the embedder's hooks before and after it. */
    readonly withHooks: <A>(command: UserCommand, work: Effect.Effect<A, Refused>) => Effect.Effect<A, Refused>
    /** Rate limits of users and apps. Protocols charge them; an embedder's own commands are not limited. */
    readonly limits: RateLimits
    /** Limits of messages, charged by `commands`; a fast path asks `isExhausted` first. */
    readonly messageLimits: RateLimits
    /** Caches and settings that the handlers of commands share. */
    readonly context: CommandContext
    /** Calls back when another node has changed records of this kind, until the returned function is called. */
    readonly onRecordsChanged: (dialect: string, kind: string, listener: () => void) => () => void
    /** Reports that another node has changed records of a kind, or any records. Only for the link between nodes. */
    readonly recordsChanged: (records?: Pick<DialectRecord, "dialect" | "kind">) => void
  }
>()("@parley/core/Engine") {
  /** The engine on a store, with the ports of the same scope. */
  static readonly layer: Layer.Layer<Engine, never, Store | Fence | StorageHealth | Hub | Broadcaster> = Layer.effect(
    Engine,
    Effect.gen(function* () {
      const store = yield* Store
      const { succeeded } = yield* StorageHealth
      const fence = yield* Fence
      const hub = yield* Hub
      const broadcast = yield* Broadcaster
      const settings = yield* Settings
      const clock = yield* Clock.Clock
      const external = yield* UserDirectory
      const users = new UserCache(
        external === undefined ? store : new DirectoryUsers(store, external, clock, settings.account),
        (user) => hub.addUser(user),
        fence
      )
      const visibility = new VisibleUsers(users, yield* Visibility)
      const hooks = yield* makeHookRunner
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const scope = yield* Effect.scope
      const context: CommandContext = {
        chats: new ChatCache(store, users, settings.chatCacheSize),
        users,
        visibility,
        store,
        presence: hub.presence,
        settings,
        fileLinks: [],
        typing: new TypingTimes(),
        sentTimes: new SentTimes(store),
        transientTimes: new TransientTimes(),
        userRecords: [],
        expiryListeners: [],
        fileUrls: []
      }

      if (visibility.isLimited) hub.limitPresence(yield* presenceAudience(visibility))

      const commit = (
        batch: WriteBatch
      ): Effect.Effect<ReadonlyArray<WriteResult>, VersionConflict | Duplicate | StorageFailed> =>
        store.commit(batch).pipe(
          Effect.tap((written) => Effect.sync(() => applyToCaches(batch, written))),
          Effect.tapError((error) => Effect.sync(() => invalidateCaches(batch, error)))
        )

      /** Invalidates the facts on which the batch was based, and follows commits whose outcome is unknown. */
      const invalidateCaches = (batch: WriteBatch, error: VersionConflict | Duplicate | StorageFailed): void => {
        if (error._tag === "StorageFailed") followUncertain(batch)
        for (const { chat } of batch.expectedVersions) context.chats.invalidate(chat)
        // Stored by a commit that was reported as failed: its members may not have it.
        if (error._tag === "Duplicate") for (const { chat, seq } of error.messages) hub.chats.readAppended(chat, seq)
        if (error._tag === "VersionConflict") for (const user of error.users ?? []) context.users.forget(user)
      }

      const followUncertain = uncertainCommits({
        store,
        chats: context.chats,
        hub,
        broadcast,
        run: (work) => void fork(Effect.forkIn(work, scope))
      })

      hub.chats.follow({
        peek: (chat) => context.chats.peek(chat),
        reread: (id, seq) => {
          const reread = Effect.map(context.chats.find({ id }), (cached) => {
            if (cached === undefined) return
            hub.chats.reconcile(cached.chat, seq)
            hub.chats.readAppended(id, cached.seq)
          })
          fork(Effect.forkIn(Effect.retry(reread, Schedule.spaced(REREAD_INTERVAL_MS)), scope))
        }
      })

      const onAppended = (entry: Entry, version: number | undefined): void => {
        const { body } = entry
        context.chats.advance(entry, version)
        if (body._tag === "Changed" && body.removed !== undefined) hub.chats.removeMembers(entry.chat, body.removed)
        hub.nodes?.committed(entry)
      }

      const applyToCaches = (batch: WriteBatch, written: ReadonlyArray<WriteResult>): void => {
        for (const write of batch.writes)
          if (write._tag === "ChangeUser") context.users.change(write.user, write.change)
        for (const result of written) {
          if (result._tag === "Chat") context.chats.put(result.stored)
          else if (result._tag === "User") context.users.add(result.user)
          else if (result._tag === "Entry") {
            const { entry } = result
            onAppended(entry, batch.expectedVersions.find(({ chat }) => chat === entry.chat)?.version)
          }
        }
        if (hub.nodes !== undefined && batch.writes.some(isJournaled)) hub.nodes.journaled()
      }

      const confirmation = {
        chats: context.chats,
        store,
        invalidate: ({ chats }: VersionConflict) => {
          for (const chat of chats) context.chats.invalidate(chat)
        }
      }
      const locks = new ChatLocks()
      const commitOptimistically = optimisticCommit(commit, locks)

      const decideAndCommit = <C extends Command>(
        caller: Caller,
        command: C,
        extraWrites: ExtraWrites,
        restore: Restore
      ): Effect.Effect<Outcome<ReplyOf<C>>, Refused> => {
        // TypeScript cannot relate the command's type to that of the handler under its tag.
        const handler: AnyHandler = commandHandlers[command._tag]
        const decide = Effect.fnUntraced(function* (
          duplicate: Duplicate | undefined
        ): Effect.fn.Return<Plan<ReplyOf<C>>, Refused | StorageFailed> {
          if (fence.isClosed) yield* fence.check(command._tag)
          const user = isUser(caller)
            ? (context.users.getFresh(caller.user) ?? (yield* context.users.find(caller.user)))
            : SYSTEM_ACTOR
          if (user === undefined || user.disabled) return yield* refuse({ _tag: "NotLoggedIn" })
          if ("app" in caller && !APP_COMMANDS.has(command._tag)) return yield* refuse({ _tag: "NotLoggedIn" })
          const invocation: Invocation = {
            caller,
            user,
            by: isUser(caller) ? user.id : null,
            via: "via" in caller ? caller.via : undefined,
            scope: "app" in caller ? caller.app : undefined,
            now: yield* Clock.currentTimeMillis,
            duplicate
          }
          const handled = handler(context, invocation, command as never) as ReturnType<CommandHandler<C>>
          const plan = yield* hub.nodes === undefined ? handled : confirmFacts(confirmation, command, handled)
          return extraWrites.length === 0 ? plan : { ...plan, batch: withExtraWrites(plan.batch, extraWrites) }
        })
        return Effect.catchTag(commitOptimistically(decide, restore), "StorageFailed", unavailable)
      }

      const unavailable = (failed: StorageFailed): Effect.Effect<never, Refused> =>
        Effect.andThen(logFailedOperation(failed), refuse({ _tag: "Unavailable" }))

      const runWithHooks = <C extends Command>(
        caller: Caller,
        command: C,
        extraWrites: ExtraWrites,
        restore: Restore
      ): Effect.Effect<Outcome<ReplyOf<C>>, Refused> => {
        if (hooks === undefined) return decideAndCommit(caller, command, extraWrites, restore)
        const findUser = isUser(caller) ? Effect.catch(context.users.find(caller.user), unavailable) : Effect.undefined
        return Effect.flatMap(findUser, (user) =>
          // Disabled callers are refused before the hooks are called.
          isUser(caller) && user?.disabled !== false
            ? Effect.fail(refuse({ _tag: "NotLoggedIn" }))
            : hooks.run(
                command,
                { caller, user },
                (allowed) => decideAndCommit(caller, allowed, extraWrites, restore),
                ({ reply }) => reply
              )
        )
      }

      const fastSend = makeFastSend({
        context,
        locks,
        clock,
        onStored: (entry, version) => {
          succeeded()
          onAppended(entry, version)
        },
        run: (effect, done) => {
          const fiber = fork(effect)
          if (done !== undefined) fiber.addObserver(done)
        }
      })

      const recordListeners = new Map<string, Set<() => void>>()
      const limits = new RateLimits(clock, settings)
      const { messagesPerSecond, messageBurst } = settings
      const rate = { costPerSecond: messagesPerSecond, costBurst: messageBurst }
      const messageLimits = new RateLimits(clock, rate, "messages")
      const commands = new CommandRunner({
        commit: runWithHooks,
        broadcast,
        limits,
        messageLimits,
        online: () => hub.presence.size
      })

      return Engine.of({
        commands,
        limits,
        messageLimits,
        perform: (caller, command, extraWrites) =>
          commands.run(
            (run) => run(caller, command, extraWrites),
            (reply) => reply
          ),
        // Hooks may wait, and must run first.
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
        context,
        onRecordsChanged: (dialect, kind, listener) => {
          const key = JSON.stringify([dialect, kind])
          const listeners = recordListeners.get(key) ?? new Set()
          recordListeners.set(key, listeners.add(listener))
          return () => listeners.delete(listener)
        },
        recordsChanged: (records) => {
          const changed =
            records === undefined
              ? [...recordListeners.values()]
              : [recordListeners.get(JSON.stringify([records.dialect, records.kind])) ?? []]
          for (const listeners of changed) for (const listener of listeners) listener()
        }
      })
    })
  )
}
