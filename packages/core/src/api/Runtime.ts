/** Assembles an engine from a host's parts, and releases it. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { Authenticator } from "../ports/Authenticator.ts"
import type { Bus } from "../ports/Bus.ts"
import { Nodes } from "../ports/Nodes.ts"
import { BlobFailed, Blobs } from "../ports/Blobs.ts"
import { Credentials } from "../auth/Credentials.ts"
import { Engine } from "../engine/Engine.ts"
import { UserDirectory } from "../ports/UserDirectory.ts"
import { Hooks } from "../ports/Hooks.ts"
import { Hub } from "../delivery/Hub.ts"
import { OfflineQueue } from "../services/OfflineQueue.ts"
import * as Parley from "../services/Parley.ts"
import { Passwords } from "../ports/Passwords.ts"
import { Permissions } from "../services/Permissions.ts"
import { CursorStore } from "../delivery/CursorStore.ts"
import { Sessions } from "../auth/Sessions.ts"
import { type EngineSettings, Settings } from "../ports/Settings.ts"
import { logFailedOperation } from "../ports/StorageErrors.ts"
import { StorageHealth } from "../engine/StorageHealth.ts"
import { StorageFailed, Store } from "../ports/Store.ts"
import { Users } from "../services/Users.ts"
import { Visibility } from "../ports/Visibility.ts"
import * as WebPasswords from "../auth/WebPasswords.ts"
import { type LogLine, logTo } from "./Logging.ts"
import { closed, fromCause, ParleyError } from "./ParleyError.ts"
import {
  type AuthenticateOption,
  authenticatorPort,
  type DirectoryOption,
  directoryPort,
  type HooksOption,
  hooksPort,
  type VerifyPasswordOption,
  type VisibilityOption,
  visibilityPort
} from "./Adapters.ts"
import type { Services, EngineServices } from "./EngineServices.ts"

/** Parts of an engine; only the store is required. */
export interface EngineParts {
  /** The store. Its layer may provide `Blobs` and `Passwords` too. */
  readonly store: Layer.Layer<Store, unknown>
  /** Contents of files; without it, uploads are refused. */
  readonly blobs?: Layer.Layer<Blobs, unknown> | undefined
  /** Password hashing; `WebPasswords` by default. */
  readonly passwords?: Layer.Layer<Passwords, unknown> | undefined
  /** The host's own users, in place of the store's. */
  readonly directory?: DirectoryOption | undefined
  /** The host's own sessions: returns the sender of a request to a protocol. */
  readonly authenticate?: AuthenticateOption | undefined
  /** The host's own passwords, for protocols that send a plain one. */
  readonly verifyPassword?: VerifyPasswordOption | undefined
  /** Origins beside the host's own whose pages may act for users authenticated by a cookie; empty by default. */
  readonly origins?: Authenticator["origins"]
  /**
   * Makes the engine one of several nodes that share the store: the bus and the registry of the nodes. Without it, the engine
   * is the only one on its store.
   */
  readonly nodes?: Layer.Layer<Bus | Nodes, unknown> | undefined
  /** A faster bus than that of `nodes`, for the same nodes: `NatsBus.layer({ url })` of `@parley/adapter-nats`. */
  readonly bus?: Layer.Layer<Bus, unknown, Nodes> | undefined
  /** Users who may see each other; all by default. */
  readonly visibility?: VisibilityOption | undefined
  /** Functions called before and after each command. */
  readonly hooks?: HooksOption | undefined
  /** Receives the engine's log lines; the console by default. */
  readonly log?: ((line: LogLine) => void) | undefined
}

/** Sources of time, order and randomness in place of the platform's, for simulations. */
export interface Environment {
  /** Clock, scheduler and random numbers. */
  readonly references: Context.Context<never>
  /** Random bytes. */
  readonly random: Layer.Layer<SecureRandom.SecureRandom>
  /** Digests. */
  readonly digest: Layer.Layer<Digest.Digest>
}

/** A running engine. */
export interface OpenedEngine {
  /** The services, for the promise API. */
  readonly services: EngineServices
  /** The runtime with the services, for effects. */
  readonly runtime: ManagedRuntime.ManagedRuntime<Services, never>
  /** Stops all work, writes pending data, and releases all resources. Further calls await the same. */
  readonly close: () => Promise<void>
}

const NO_FILES = new BlobFailed({ operation: "put", cause: new Error("The engine has no file storage.") })

/** Stores nothing, and refuses uploads. */
const noBlobs = Blobs.of({
  put: () => Effect.fail(NO_FILES),
  get: () => Stream.fail(NO_FILES),
  remove: () => Effect.void
})

/** Layer of the host's parts, with defaults for absent ones. */
const engineLayer = ({ store, blobs, passwords }: EngineParts): Layer.Layer<Store | Blobs | Passwords, unknown> => {
  const parts = Layer.effectContext(
    Effect.gen(function* () {
      let context: Context.Context<Store> = yield* Layer.build(store)
      if (blobs !== undefined) context = Context.merge(context, yield* Layer.build(blobs))
      if (passwords !== undefined) context = Context.merge(context, yield* Layer.build(passwords))
      const found = context as Context.Context<never>
      const files = Context.getOrUndefined(found, Blobs) ?? noBlobs
      const hashes =
        Context.getOrUndefined(found, Passwords) ?? Context.get(yield* Layer.build(WebPasswords.layer), Passwords)
      return context.pipe(Context.add(Blobs, files), Context.add(Passwords, hashes))
    })
  )
  return parts
}

const adaptersOf = ({ directory, hooks, log, visibility, ...rest }: EngineParts): Layer.Layer<never> => {
  const { authenticate, verifyPassword, origins } = rest
  return Layer.mergeAll(
    Layer.succeed(UserDirectory, directory === undefined ? undefined : directoryPort(directory)),
    Layer.succeed(Authenticator, authenticatorPort({ authenticate, verifyPassword, origins })),
    Layer.succeed(Visibility, visibility === undefined ? "all" : visibilityPort(visibility)),
    Layer.succeed(Hooks, hooks === undefined ? {} : hooksPort(hooks)),
    log === undefined ? Layer.empty : logTo(log)
  )
}

/** Opens an engine. Rejects with a `ParleyError` if a part cannot be opened. */
export const openRuntime = async (
  parts: EngineParts,
  settings: EngineSettings,
  environment?: Environment
): Promise<OpenedEngine> => {
  if (parts.bus !== undefined && parts.nodes === undefined) {
    const problem = "needs the option nodes: a bus connects the nodes of one store"
    throw new ParleyError("Invalid", `The option bus ${problem}.`, {
      reason: { _tag: "Invalid", field: "bus", problem }
    })
  }
  const { references = Context.empty(), random, digest } = environment ?? {}
  const nodes = Parley.onBus<unknown>(parts.nodes ?? Parley.singleNode, parts.bus)
  const layer = Parley.layerOn<unknown>(nodes, random, digest).pipe(
    Layer.provideMerge(engineLayer(parts)),
    Layer.provideMerge(adaptersOf(parts)),
    Layer.provideMerge(Layer.succeed(Settings, settings)),
    Layer.provideMerge(Layer.succeedContext(references))
  )
  const runtime = ManagedRuntime.make(layer)
  const built = await Effect.runPromiseExit(Effect.provideContext(runtime.contextEffect, references))
  if (Exit.isFailure(built)) {
    await runtime.dispose()
    const { message, cause } = fromCause(built.cause)
    throw new ParleyError("Unavailable", `The engine cannot be opened: ${message}`, { cause })
  }
  const { value: context } = built

  let isClosed = false
  const closing = new Set<() => void>()
  const run = async <A, E>(effect: Effect.Effect<A, E, Services>): Promise<A> => {
    if (isClosed) throw closed()
    const exit = await runtime.runPromiseExit(effect)
    if (Exit.isSuccess(exit)) return exit.value
    // Failures of commands are logged where they are refused.
    const failure = Cause.squash(exit.cause)
    if (failure instanceof StorageFailed) await runtime.runPromise(logFailedOperation(failure))
    throw fromCause(exit.cause)
  }
  const services: EngineServices = {
    engine: Context.get(context, Engine),
    hub: Context.get(context, Hub),
    store: Context.get(context, Store),
    blobs: Context.get(context, Blobs),
    cursors: Context.get(context, CursorStore),
    offlineQueue: Context.get(context, OfflineQueue),
    permissions: Context.get(context, Permissions),
    sessions: Context.get(context, Sessions),
    credentials: Context.get(context, Credentials),
    users: Context.get(context, Users),
    listNodes: Context.get(context, Nodes).list,
    storageHealth: Context.get(context, StorageHealth),
    random: Context.get(context, SecureRandom.SecureRandom),
    settings,
    run,
    isClosed: () => isClosed,
    onClose: (callback) => {
      if (isClosed) callback()
      else closing.add(callback)
      return () => closing.delete(callback)
    }
  }
  let ended: Promise<void> | undefined
  const close = (): Promise<void> => {
    ended ??= (async () => {
      isClosed = true
      for (const callback of Array.from(closing)) callback()
      closing.clear()
      await runtime.dispose()
    })()
    return ended
  }
  // Everything that could fail has been built.
  return { services, runtime: runtime as ManagedRuntime.ManagedRuntime<Services, never>, close }
}
