/** A server in the process of the test, for what does not depend on the process: it starts in a tenth of the CPU time. */
import { Effect, Logger } from "effect"
import { join } from "node:path"
import { configure } from "../src/config/Configuration.ts"
import { makeCliContext } from "../src/cli/container.ts"
import { readyLine } from "../src/cli/serve.ts"
import { loadDialects } from "../src/protocols.ts"
import { folder } from "./serverProcess.ts"

const dialects = await loadDialects()

/**
 * The demonstration on a store in memory, with these settings by their keys, at ports of its own. It is stopped when the
 * scope closes. Its log goes nowhere.
 */
export const serveInProcess = Effect.fnUntraced(function* (settings: Readonly<Record<string, string | number>> = {}) {
  const cwd = yield* folder
  const context = makeCliContext("test", dialects)
  const configuration = yield* Effect.fromResult(
    configure(context.dialectSettings, {
      flags: {
        port: "0",
        tcpPort: "0",
        database: "memory:",
        files: join(cwd, "files"),
        demo: "true",
        ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, String(value)]))
      },
      environment: {},
      file: undefined
    })
  ).pipe(
    Effect.mapError((message) => new Error(message)),
    Effect.orDie
  )
  const running = yield* context.start(configuration).pipe(Effect.provide(Logger.layer([])), Effect.orDie)
  const [, http = "", tcp = ""] = readyLine(running).split(" ")
  return { http, tcp, metrics: running.metrics, commands: running.commands }
})
