/** The parts that the program `parley` commands: the reference server with all its protocols. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import * as NodePasswords from "@parley/adapter-node/NodePasswords"
import * as Parley from "@parley/core/Parley"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Application from "../server.ts"
import type { ServedDialect } from "../protocols.ts"
import type { Configuration } from "../config/Configuration.ts"
import type { CliContext } from "./CliContext.ts"

/** What the server itself and its protocols have for the operator, over the engine in the context. */
const commandsOf = Effect.fnUntraced(function* (
  dialects: ReadonlyArray<ServedDialect>,
  settings: Configuration["dialects"]
) {
  // Nobody is served here, so nothing that a protocol demands of where it is served is missing.
  const site = { settings, tcp: () => undefined, demonstration: true }
  const open = yield* Effect.forEach(dialects, (dialect) => dialect.open(site))
  return yield* Application.operatorCommands(open)
})

export const makeCliContext = (version: string, dialects: ReadonlyArray<ServedDialect>): CliContext => {
  const dialectSettings = dialects.flatMap(({ settings }) => settings)
  const defaults = Object.fromEntries(dialectSettings.map((setting) => [setting.key, setting.default]))
  return {
    version,
    dialectSettings,
    // Over an empty engine in memory: to learn a protocol's commands it has to be opened, and nothing may be touched.
    declared: Effect.gen(function* () {
      const ground = Layer.mergeAll(MemoryStore.layer, MemoryBlobs.layer, NodePasswords.layer)
      const context = yield* Layer.build(Parley.layer.pipe(Layer.provideMerge(ground)))
      return yield* Effect.orDie(Effect.provideContext(commandsOf(dialects, defaults), context))
    }),
    // Without the files folder: no command reads or writes files, and the folder is the server's to make.
    open: Effect.fnUntraced(function* (configuration) {
      const context = yield* Application.openEngine(configuration, { files: false })
      return yield* Effect.provideContext(commandsOf(dialects, configuration.dialects), context)
    }),
    start: (configuration) => Application.start(configuration, dialects)
  }
}
