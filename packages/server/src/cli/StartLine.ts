/** Logs the start of a server: addresses, storage, and every setting that is not its default. */
import type { Setting } from "@parley/core/Settings"
import { engineSettings } from "@parley/core/Settings"
import * as Effect from "effect/Effect"
import { type RunningServer, urlOf } from "../server.ts"
import type { Configuration } from "../config/Configuration.ts"
import { displayBus, displayDatabase, displayFiles } from "../config/ServeOptions.ts"

/** Replaces text by "(set)": it may be a secret, such as `youdu.token`. */
const shown = ({ kind }: Setting, value: unknown): unknown => (kind === "text" ? "(set)" : value)

const changed = (settings: ReadonlyArray<readonly [Setting, unknown]>): Record<string, unknown> =>
  Object.fromEntries(
    settings
      .filter(([setting, value]) => value !== setting.default)
      .map(([setting, value]) => [setting.key, shown(setting, value)])
  )

export const logStart = (
  version: string,
  dialectSettings: ReadonlyArray<Setting>,
  { serve, engine, dialects }: Configuration,
  { http, tcp, metrics }: RunningServer
): Effect.Effect<void> => {
  const settings = changed([
    ...Object.entries(engineSettings).map(([name, setting]) => [setting, engine[name as keyof typeof engine]] as const),
    ...dialectSettings.map((setting) => [setting, dialects[setting.key]] as const)
  ])
  return Effect.annotateLogs(Effect.logInfo("started"), {
    version,
    node: process.version,
    pid: process.pid,
    http: urlOf("http", http),
    tcp: tcp === undefined ? "off" : urlOf("tcp", tcp),
    metrics: metrics === undefined ? "off" : urlOf("http", metrics),
    database: displayDatabase(serve.database),
    bus: displayBus(serve),
    files: displayFiles(serve.files),
    trustedProxies: serve.trustedProxies.join(","),
    origins: serve.origins.join(","),
    visibility: serve.visibility,
    auditLog: serve.auditLog,
    demo: serve.demo,
    settings
  })
}
