/**
 * The imports that lint refuses: those between packages, and those between the rooms (folders, or single files) of one
 * package. A room imports from itself and from the rooms before it, types included.
 */

interface Pattern {
  readonly group?: Array<string>
  readonly regex?: string
  readonly message: string
}

interface Override {
  readonly files: Array<string>
  readonly rules: { readonly "no-restricted-imports": ["error", { readonly patterns: Array<Pattern> }] }
}

/** Imports that are refused in a whole package, by the package's folder. */
const packageImports: Readonly<Record<string, ReadonlyArray<Pattern>>> = {
  core: [
    {
      group: ["node:*", "ws", "effect/http*", "effect/sql*", "effect/socket*", "@effect/*", "@parley/*"],
      message: "The core depends on effect only, without its http, sql and socket."
    }
  ],
  dialects: [
    {
      group: [
        "node:*",
        "ws",
        "effect/sql*",
        "@effect/*",
        "@parley/adapter-*",
        "@parley/server",
        "@parley/conformance",
        "@parley/dialects*"
      ],
      message: "A dialect depends on the core and effect/http: no store, no adapter, no other dialect."
    },
    {
      group: ["@parley/core/Broadcaster"],
      message: "A dialect broadcasts nothing: what its commands announce follows the reply."
    }
  ],
  "adapter-*": [
    {
      group: ["@parley/dialects*", "@parley/server", "@parley/conformance"],
      message: "An adapter depends on the ports, not on the protocols and programs behind them."
    }
  ],
  conformance: [{ group: ["@parley/*"], message: "The kit shares no code with the servers that it tests." }]
}

/**
 * The rooms of each package in their order, as paths below its `src`: a folder, or a file. `*.ts` are the files of `src`
 * that are not named.
 */
export const orders: Readonly<Record<string, ReadonlyArray<string>>> = {
  core: [
    "model",
    "rules",
    "logging",
    "ports",
    "limits",
    "cache",
    "delivery",
    "commands",
    "engine",
    "auth",
    "session",
    "nodes",
    "services",
    "api",
    "index.ts",
    "testing"
  ],
  "adapter-memory": ["internal", "*.ts"],
  "adapter-node": ["internal/socket", "internal/http", "*.ts"],
  "adapter-sql": [
    "internal/*.ts",
    "internal/log-index",
    "internal/schema.ts",
    "internal/queries",
    "internal/writer",
    "internal/openStore.ts",
    "*.ts"
  ],
  "adapter-nats": ["internal", "*.ts"],
  "adapter-s3": ["internal", "*.ts"],
  "adapter-postgres": ["internal/*.ts", "internal/queries", "internal/commit", "internal/openStore.ts", "*.ts"],
  server: [
    "config",
    "terminal",
    "logging",
    "control",
    "users",
    "permissions",
    "demo",
    "chat",
    "protocols.ts",
    "healthRoutes.ts",
    "eventLoopDelay.ts",
    "processMetrics.ts",
    "serveMetrics.ts",
    "nodeCommands.ts",
    "doctor",
    "server.ts",
    "cli",
    "main.ts"
  ],
  conformance: [
    "packageFolder.ts",
    "Json.ts",
    "Glob.ts",
    "Suite.ts",
    "sources",
    "requirements",
    "match",
    "scenarios",
    "Reproduce.ts",
    "transport",
    "accounts",
    "run",
    "report",
    "Explain.ts",
    "Config.ts",
    "run.ts",
    "Doctor.ts",
    "index.ts",
    "effect.ts",
    "vitest.ts",
    "cli",
    "main.ts"
  ]
}

const escaped = (path: string): string => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Matches what a module in the folder `from` writes to import from the room `to`; both below `src`. */
const importOf = (from: string, to: string): string => {
  const [parts, target] = [from === "" ? [] : from.split("/"), to.split("/")]
  let shared = 0
  while (shared < parts.length && shared < target.length - 1 && parts[shared] === target[shared]) shared++
  const up = parts.length - shared
  const rest = target.slice(shared)
  // Folders within a room go up further.
  const prefix = up === 0 ? "^\\./" : `^(\\.\\./){${up},}`
  const last = rest.at(-1) ?? ""
  const name = last === "*.ts" ? "[^/]+\\.ts$" : last.endsWith(".ts") ? `${escaped(last)}$` : `${escaped(last)}/`
  return (
    prefix +
    rest
      .slice(0, -1)
      .map((part) => `${escaped(part)}/`)
      .join("") +
    name
  )
}

const folderOf = (room: string): string => (room.endsWith(".ts") ? room.split("/").slice(0, -1).join("/") : room)

const override = (files: Array<string>, patterns: ReadonlyArray<Pattern>): Override => ({
  files,
  rules: { "no-restricted-imports": ["error", { patterns: [...patterns] }] }
})

const forbidden = (name: string): ReadonlyArray<Pattern> =>
  Object.entries(packageImports).flatMap(([folder, patterns]) =>
    folder === name || (folder.endsWith("*") && name.startsWith(folder.slice(0, -1))) ? patterns : []
  )

const roomsOf = (name: string, order: ReadonlyArray<string>): ReadonlyArray<Override> =>
  // Later overrides win: a pattern of files comes before the single files that it covers as well.
  order
    .map((room, at) => {
      const regexes = order.slice(at + 1).map((later) => importOf(folderOf(room), later))
      const files = room.endsWith(".ts") ? room : `${room}/**`
      return {
        isPattern: room.includes("*"),
        one: override(
          [`packages/${name}/src/${files}`],
          [
            ...forbidden(name),
            ...regexes.map((regex) => ({
              regex,
              message: `${name}: ${room} imports only from ${order.slice(0, at).join(", ") || "itself"}.`
            }))
          ]
        )
      }
    })
    .toSorted((a, b) => Number(b.isPattern) - Number(a.isPattern))
    .map(({ one }) => one)

/** A protocol imports from its own folder and from `_http` and `_records`, which import from no other folder. */
const protocols: ReadonlyArray<Override> = [
  override(
    ["packages/dialects/src/**"],
    [
      ...forbidden("dialects"),
      {
        group: ["../**", "!../_http/**", "!../_records/**"],
        message: "A protocol imports from its own folder, from _http and from _records."
      }
    ]
  ),
  override(
    ["packages/dialects/src/_*/**"],
    [...forbidden("dialects"), { regex: "^\\.\\./", message: "_http and _records import from no other folder." }]
  )
]

/** Overrides for the linter. Of two that cover a file the later one counts. */
export const roomOverrides: Array<Override> = [
  ...Object.entries(packageImports).map(([name, patterns]) => override([`packages/${name}/src/**`], patterns)),
  ...protocols,
  ...Object.entries(orders).flatMap(([name, order]) => roomsOf(name, order))
]
