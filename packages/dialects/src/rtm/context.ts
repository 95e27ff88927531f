/** Dependencies of the handlers, and the context of one command. */
import type { ClientSession } from "@parley/core/ClientSession"
import type { Command as EngineCommand, ReplyOf } from "@parley/core/Command"
import type { RunCommand } from "@parley/core/CommandRunner"
import type { Engine } from "@parley/core/Engine"
import type { Hub } from "@parley/core/Hub"
import type { Refused } from "@parley/core/Refused"
import type { Sessions } from "@parley/core/Sessions"
import type { EngineSettings } from "@parley/core/Settings"
import type { Store, StorageFailed } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import type { Users } from "@parley/core/Users"
import type * as Clock from "effect/Clock"
import type * as Digest from "effect/crypto/Digest"
import type * as Mac from "effect/crypto/Mac"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import type * as Effect from "effect/Effect"
import type { Apps, App } from "./apps.ts"
import type { ClientConnection } from "./ClientConnection.ts"
import type { Clients } from "./clients.ts"
import type { Command } from "./codec.ts"
import type { EncodingFacts } from "./encode.ts"
import type { Failure } from "./errors.ts"

export interface Deps {
  readonly apps: Apps
  readonly clients: Clients
  readonly engine: Engine["Service"]
  readonly hub: Hub["Service"]
  readonly sessions: Sessions["Service"]
  readonly users: Users["Service"]
  readonly store: Store["Service"]
  readonly settings: EngineSettings
  readonly clock: Clock.Clock
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly digest: Digest.Digest["Service"]
  readonly mac: Mac.Mac["Service"]
  readonly facts: EncodingFacts
}

/** A failure of a handler. */
export type HandlerFailure = Failure | Refused | StorageFailed

/** A command of a client, or of an app server that acts for one. */
export interface CommandContext {
  readonly deps: Deps
  readonly appId: string
  readonly user: User
  readonly app: App
  readonly command: Command
  /** Runs a command of the engine for the user. */
  readonly run: <C extends EngineCommand>(command: C) => Effect.Effect<ReplyOf<C>, Refused>
  /** The same, for handlers that run it elsewhere. */
  readonly runCommand: RunCommand
}

/** A command of a client that is logged in. */
export interface RequestContext extends CommandContext {
  readonly session: ClientSession
  readonly client: ClientConnection
}

/** The reply to a command, without its number and the client's id; undefined for none. */
export type HandlerResult = Command | undefined

export type Handler = (context: RequestContext) => Effect.Effect<HandlerResult, HandlerFailure>

/** A handler that needs no connection; its reply is a command. */
export type CommandHandler = (context: CommandContext) => Effect.Effect<Command, HandlerFailure>
