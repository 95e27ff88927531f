/** The reference server: composes engine, adapters and protocols. */
import { hostname } from "node:os"
import * as FileBlobs from "@parley/adapter-node/FileBlobs"
import * as NodeHost from "@parley/adapter-node/serve"
import { serveHttp } from "@parley/adapter-node/serveHttp"
import * as NodePasswords from "@parley/adapter-node/NodePasswords"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { Authenticator } from "@parley/core/Authenticator"
import type { BlobFailed, Blobs } from "@parley/core/Blobs"
import { Bus } from "@parley/core/Bus"
import type { OpenDialect, OperatorCommand } from "@parley/core/Dialect"
import { Engine } from "@parley/core/Engine"
import { Hub } from "@parley/core/Hub"
import { Metrics } from "@parley/core/Metrics"
import { HostFacts, Nodes } from "@parley/core/Nodes"
import * as Parley from "@parley/core/Parley"
import { Passwords } from "@parley/core/Passwords"
import { Permissions } from "@parley/core/Permissions"
import { Sessions } from "@parley/core/Sessions"
import { Settings } from "@parley/core/Settings"
import { StorageHealth } from "@parley/core/StorageHealth"
import { type Duplicate, type StorageFailed, Store, type VersionConflict } from "@parley/core/Store"
import { ensureSystemChat } from "@parley/core/SystemChat"
import { Users } from "@parley/core/Users"
import { Visibility } from "@parley/core/Visibility"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { CommandFailed } from "./terminal/CommandFailed.ts"
import type { ServedDialect } from "./protocols.ts"
import { healthRoutes } from "./healthRoutes.ts"
import { serveMetrics } from "./serveMetrics.ts"
import { addDemoUsers } from "./demo/demoUsers.ts"
import { demoCommands } from "./demo/commands.ts"
import {
  DEMONSTRATION_SERVED,
  holdsDemonstration,
  recordDemonstration,
  refuseReachableData,
  refuseReachableDemo
} from "./demo/demoGuard.ts"
import type { Configuration } from "./config/Configuration.ts"
import { type Database, displayFiles, type Files } from "./config/ServeOptions.ts"
import { backupCommands } from "./backup/commands.ts"
import { nodeCommands } from "./nodeCommands.ts"
import { permissionCommands } from "./permissions/commands.ts"
import { sessionCommands } from "./users/sessionCommands.ts"
import { userCommands } from "./users/commands.ts"

/** Milliseconds for requests in progress at the stop, and again for connections; the documentation promises 10 s in total. */
const DRAIN_TIMEOUT = 4000

const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0] ?? ""

/** A part that the operator's URLs name cannot be opened; `message` is one sentence. */
interface CannotOpen {
  readonly _tag: "DatabaseError" | "BusError"
  readonly message: string
}

type EngineServices = Parley.Services | Store | Blobs | Passwords

/** The driver of PostgreSQL is loaded if it is used. */
const storeOf = (database: Database): Layer.Layer<Store, CannotOpen> => {
  switch (database._tag) {
    case "Memory":
      return MemoryStore.layer
    case "Sqlite":
      return SqliteStore.layer({ file: database.file })
    case "Postgres":
      return Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("@parley/adapter-postgres/PgStore")),
          (PgStore) => PgStore.layer({ url: database.url })
        )
      )
  }
}

/** The client of S3 is loaded if it is used. */
const blobsOf = (files: Files): Layer.Layer<Blobs, BlobFailed> => {
  if (files._tag === "Folder") return FileBlobs.layer({ directory: files.path })
  const { accessKeyId, bucket, endpoint, prefix, region, secretAccessKey } = files
  return Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("@parley/adapter-s3/S3Blobs")),
      (S3Blobs) =>
        S3Blobs.layer({ bucket, prefix, region, accessKeyId, secretAccessKey, ...(endpoint !== "" && { endpoint }) })
    )
  )
}

/** Nodes of a PostgreSQL database exchange leases through it, and packets too unless there is a bus. */
const nodesOf = ({ bus, database }: Configuration["serve"]): Layer.Layer<Bus | Nodes, CannotOpen> =>
  database._tag !== "Postgres"
    ? Parley.singleNode
    : Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("@parley/adapter-postgres/PgNodes")),
          (PgNodes) => Parley.onBus<CannotOpen>(PgNodes.layer({ url: database.url }), busOf(bus))
        )
      )

/** The client of NATS is loaded if it is used. */
const busOf = (url: string): Layer.Layer<Bus, CannotOpen, Nodes> | undefined =>
  url === ""
    ? undefined
    : Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("@parley/adapter-nats/NatsBus")),
          (NatsBus) => NatsBus.layer({ url })
        )
      )

/** Commands list the nodes, without a lease of their own. */
const registryOf = (
  database: Database
): Layer.Layer<Bus | Nodes, { readonly _tag: "DatabaseError"; readonly message: string }> =>
  database._tag !== "Postgres"
    ? Parley.singleNode
    : Layer.merge(
        Bus.layerSingle,
        Layer.unwrap(
          Effect.map(
            Effect.promise(() => import("@parley/adapter-postgres/PgNodes")),
            (PgNodes) => PgNodes.layerRegistry({ url: database.url })
          )
        )
      )

/**
 * Opens storage and engine without listening. `isServer`: with the files folder, and as one of several nodes if the database is
 * shared; a command needs neither, since the journal has what it changes.
 */
export const openEngine = Effect.fnUntraced(function* (
  { serve, engine }: Configuration,
  { isServer }: { readonly isServer: boolean }
): Effect.fn.Return<Context.Context<EngineServices>, CommandFailed, Scope.Scope> {
  const adapters = Layer.mergeAll(
    storeOf(serve.database),
    NodePasswords.layer,
    isServer ? blobsOf(serve.files) : MemoryBlobs.layer
  )
  const context = yield* Layer.build(
    Parley.layerOn(isServer ? nodesOf(serve) : registryOf(serve.database)).pipe(Layer.provideMerge(adapters))
  ).pipe(
    Effect.provideService(Settings, engine),
    Effect.provideService(Authenticator, { origins: serve.origins }),
    Effect.provideService(Visibility, serve.visibility),
    Effect.mapError(
      (failed) =>
        new CommandFailed({
          message:
            failed._tag === "BlobFailed"
              ? `The files folder ${displayFiles(serve.files)} cannot be used: ${firstLine(failed.cause)}.`
              : failed.message
        })
    )
  )
  return context.pipe(Context.add(Settings, engine), Context.add(Authenticator, { origins: serve.origins }))
})

export interface Address {
  readonly host: string
  readonly port: number
}

export const urlOf = (scheme: string, { host, port }: Address): string =>
  `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`

export interface RunningServer {
  readonly http: Address
  /** Undefined if raw TCP is off. */
  readonly tcp?: Address | undefined
  /** Undefined if metrics are off. */
  readonly metrics?: Address | undefined
  readonly commands: ReadonlyArray<OperatorCommand>
}

/** Serves until the scope closes: then requests in progress are completed, and connections closed with code 1001. */
export const start = Effect.fnUntraced(function* (
  configuration: Configuration,
  dialects: ReadonlyArray<ServedDialect>,
  version: string
): Effect.fn.Return<RunningServer, CommandFailed, Scope.Scope> {
  const { serve } = configuration
  yield* refuseReachableDemo(serve)
  const facts = { version, host: hostname(), address: "" }
  const context = yield* Effect.provideService(openEngine(configuration, { isServer: true }), HostFacts, facts)
  const serving = Effect.gen(function* () {
    let ready = false
    const store = yield* Store
    const isDemonstration =
      serve.demo ||
      (yield* Effect.mapError(
        holdsDemonstration(store),
        () => new CommandFailed({ message: "the database cannot be read" })
      ))
    if (isDemonstration) {
      yield* refuseReachableData(serve)
      yield* Effect.logWarning(DEMONSTRATION_SERVED)
    }
    const hosted = yield* NodeHost.serve({
      dialects,
      settings: configuration.dialects,
      demonstration: serve.demo,
      localOnly: isDemonstration,
      trustedProxies: serve.trustedProxies,
      login: true,
      endpoints: [{ _tag: "Http", routes: healthRoutes(() => ready, yield* StorageHealth, yield* Bus) }]
    })
    const { host, open } = hosted
    yield* prepare(serve.demo, open)
    const http = yield* serveHttp(host, { host: serve.host, port: serve.port })
    const tcp =
      serve.tcpPort === undefined ? undefined : yield* hosted.listenTcp({ host: serve.host, port: serve.tcpPort })
    const metrics = serve.metricsPort === undefined ? undefined : yield* serveMetrics(serve.metricsPort, yield* Metrics)
    facts.address = urlOf("http", http)
    yield* Effect.addFinalizer(() => hosted.end({ drain: DRAIN_TIMEOUT }))
    ready = true
    return { http, tcp, metrics, commands: yield* operatorCommands(open, serve.database) }
  })
  return yield* serving.pipe(
    Effect.provideContext(context),
    Effect.mapError((failed) => new CommandFailed({ message: failed.message }))
  )
})

/** The error of a server whose first writes fail. */
const unprepared = (failed: VersionConflict | Duplicate | StorageFailed): CommandFailed => {
  const cause = failed._tag === "StorageFailed" && failed.cause instanceof Error ? `: ${failed.cause.message}` : ""
  return new CommandFailed({ message: `the database could not be written${cause}` })
}

/** Creates the system chat of an empty database, and the demonstration if it is enabled. */
const prepare = Effect.fnUntraced(function* (
  isDemonstration: boolean,
  open: ReadonlyArray<OpenDialect<unknown>>
): Effect.fn.Return<void, CommandFailed, EngineServices> {
  yield* Effect.mapError(ensureSystemChat, unprepared)
  if (!isDemonstration) return
  yield* addDemoUsers.pipe(
    Effect.mapError(({ message }) => new CommandFailed({ message: `the demonstration: ${message}` }))
  )
  for (const dialect of open) yield* dialect.demo
  yield* Effect.mapError(recordDemonstration(yield* Engine, true), unprepared)
})

/** Returns the operator's commands of the server and of its protocols. */
export const operatorCommands = Effect.fnUntraced(function* (
  open: ReadonlyArray<OpenDialect<unknown>>,
  database: Database
) {
  const users = yield* Users
  return [
    ...userCommands(users, yield* Settings),
    ...sessionCommands(yield* Sessions, users),
    ...permissionCommands(yield* Permissions, users),
    ...nodeCommands(yield* Nodes, yield* Hub),
    ...backupCommands(database),
    ...(yield* demoCommands(open)),
    ...open.flatMap(({ commands }) => commands)
  ]
})
