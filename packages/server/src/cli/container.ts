/** Composes the dependencies of the program `parley`: the reference server with its protocols. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as NodePasswords from "@parley/adapter-node/NodePasswords"
import * as Parley from "@parley/core/Parley"
import { Nodes } from "@parley/core/Nodes"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Server from "../server.ts"
import type { ServedDialect } from "../protocols.ts"
import type { Configuration } from "../config/Configuration.ts"
import type { Database } from "../config/ServeOptions.ts"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import type { CliContext } from "./CliContext.ts"

/** Returns the operator's commands of the server and of its protocols, for the engine in the context. */
const commandsOf = Effect.fnUntraced(function* (
  dialects: ReadonlyArray<ServedDialect>,
  settings: Configuration["dialects"],
  database: Database
) {
  // Nothing is served, so requirements of protocols on where they are served do not apply.
  const serveContext = { settings, tcp: () => undefined, demonstration: true }
  const open = yield* Effect.forEach(dialects, (dialect) => dialect.open(serveContext))
  return yield* Server.operatorCommands(open, database)
})

/** Fails while nodes of the database run, on any machine. */
const refuseNodes = Effect.fnUntraced(function* (nodes: Nodes["Service"]): Effect.fn.Return<void, CommandFailed> {
  const all = yield* Effect.mapError(nodes.list, () => new CommandFailed({ message: "the nodes cannot be read" }))
  if (all.length === 0) return
  const hosts = all.map(({ host }) => host).join(", ")
  return yield* new CommandFailed({
    message: `servers use this database (${hosts}): stop them, run the command, and start them again`
  })
})

export const makeCliContext = (version: string, dialects: ReadonlyArray<ServedDialect>): CliContext => {
  const dialectSettings = dialects.flatMap(({ settings }) => settings)
  const defaults = Object.fromEntries(dialectSettings.map((setting) => [setting.key, setting.default]))
  return {
    version,
    dialectSettings,
    // A protocol must be opened to list its commands; an empty engine in memory leaves the database untouched.
    declared: Effect.gen(function* () {
      const adapters = Layer.mergeAll(MemoryStore.layer, MemoryBlobs.layer, NodePasswords.layer)
      const context = yield* Layer.build(Parley.layer.pipe(Layer.provideMerge(adapters)))
      return yield* Effect.orDie(Effect.provideContext(commandsOf(dialects, defaults, { _tag: "Memory" }), context))
    }),
    // Without the files folder: no command reads or writes files, and only the server creates the folder.
    open: Effect.fnUntraced(function* (configuration, { isAlone }) {
      const context = yield* Server.openEngine(configuration, { isServer: false })
      if (isAlone) yield* refuseNodes(Context.get(context, Nodes))
      return yield* Effect.provideContext(
        commandsOf(dialects, configuration.dialects, configuration.serve.database),
        context
      )
    }),
    start: (configuration) => Server.start(configuration, dialects, version)
  }
}
