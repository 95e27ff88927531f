/** What `parley serve` itself can be told: where to listen, where to keep things. The names are a contract. */
import { isProxy, PROXY_DESCRIPTION } from "@parley/adapter-node/trustedProxies"
import { type Declaration, rangeText, readBoolean, readText } from "./Declaration.ts"

export interface ServeOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** 0 for any free port; undefined when raw TCP is off. */
  readonly tcpPort: number | undefined
  /** Whose `X-Forwarded-For` is believed, as `Host.Options` has it. */
  readonly trustedProxies: ReadonlyArray<string>
  /** Origins of pages that may use the server from their browsers, beside its own: `Authenticator.origins`. */
  readonly origins: ReadonlyArray<string>
  readonly database: Database
  /** The folder for the files that users upload. */
  readonly files: string
  /** The file for lines of the audit log; "" for none. */
  readonly auditLog: string
  /** Whether to add the demonstration and serve it to programs on this machine. */
  readonly demo: boolean
}

export type Database = { readonly _tag: "Sqlite"; readonly file: string } | { readonly _tag: "Memory" }

const DATABASE_WORDS = "`sqlite:<path>` or `memory:`"

/** Where the database is, or why not, in words that follow the name of the option. Never repeats a URL: it may hold a password. */
export const parseDatabase = (url: string): Database | { readonly _tag: "Not"; readonly problem: string } => {
  if (url === "memory:") return { _tag: "Memory" }
  if (url.startsWith("sqlite:") && url.length > "sqlite:".length) {
    return { _tag: "Sqlite", file: url.slice("sqlite:".length) }
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]
  const problem = `must be ${DATABASE_WORDS.replaceAll("`", "")}`
  return { _tag: "Not", problem: scheme === undefined ? problem : `${problem}, not ${scheme}:` }
}

const port = (given: unknown, from: "text" | "json"): number | undefined => {
  const number = from === "text" && typeof given === "string" && /^[0-9]{1,5}$/.test(given) ? Number(given) : given
  return typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= 65_535 ? number : undefined
}

const nonEmpty = (given: unknown): string | undefined => {
  const text = readText(given)
  return text === "" ? undefined : text
}

/** The entries of a list: of a text, what stands between its commas. */
const entriesOf = (given: unknown): ReadonlyArray<unknown> =>
  (typeof given === "string" ? given.split(",") : Array.isArray(given) ? given : [given])
    .map((entry: unknown) => (typeof entry === "string" ? entry.trim() : entry))
    .filter((entry) => entry !== "")

const isStrange = (entry: unknown): boolean => typeof entry !== "string" || !isProxy(entry)

/** As browsers write an origin: `https://app.example`, `http://localhost:5173`, `file://`. */
const isOrigin = (entry: unknown): boolean => {
  if (typeof entry !== "string" || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*$/.test(entry)) return false
  return !/^https?:/.test(entry) || (URL.canParse(entry) && new URL(entry).origin === entry)
}

const isNoOrigin = (entry: unknown): boolean => !isOrigin(entry)

/** The options as declarations; `trustedProxies` is a text with commas, `tcpPort` may be `off`. */
export const serveDeclarations: ReadonlyArray<Declaration> = [
  {
    key: "host",
    environment: "PARLEY_HOST",
    flag: "--host <address>",
    description: "Address to listen on.",
    accepts: "an address or a name",
    defaultText: "127.0.0.1",
    default: "127.0.0.1",
    read: nonEmpty
  },
  {
    key: "port",
    environment: "PARLEY_PORT",
    flag: "--port <number>",
    description: "Port for HTTP and WebSocket; 0 for any free one.",
    accepts: rangeText(0, 65_535),
    defaultText: "8080",
    default: 8080,
    read: port
  },
  {
    key: "tcpPort",
    environment: "PARLEY_TCP_PORT",
    flag: "--tcp-port <number|off>",
    description: "Port for raw TCP; 0 for any free one, `off` for none.",
    accepts: `${rangeText(0, 65_535)}, or \`off\``,
    defaultText: "8081",
    default: 8081,
    read: (given, from) => (given === "off" ? "off" : port(given, from))
  },
  {
    key: "trustedProxies",
    environment: "PARLEY_TRUSTED_PROXIES",
    flag: "--trusted-proxies <list>",
    description:
      "Trusted proxies: over HTTP and WebSocket, a client's address is the rightmost of `X-Forwarded-For` that is not among them.",
    accepts: `${PROXY_DESCRIPTION}, separated by commas`,
    defaultText: "",
    default: "",
    read: (given) => (entriesOf(given).some(isStrange) ? undefined : entriesOf(given).join(",")),
    fault: (given) => entriesOf(given).find(isStrange)
  },
  {
    key: "origins",
    environment: "PARLEY_ORIGINS",
    flag: "--origins <list>",
    description:
      "Origins of pages that may use the server from a browser, beside its own: their WebSocket upgrades are accepted, and their requests are answered with CORS headers.",
    accepts: "origins as browsers write them, `https://app.example` say, separated by commas",
    defaultText: "",
    default: "",
    read: (given) => (entriesOf(given).some(isNoOrigin) ? undefined : entriesOf(given).join(",")),
    fault: (given) => entriesOf(given).find(isNoOrigin)
  },
  {
    key: "database",
    environment: "PARLEY_DATABASE",
    flag: "--database <url>",
    description: "Storage of users, chats and messages: a file of SQLite, or memory for as long as the server runs.",
    accepts: DATABASE_WORDS,
    defaultText: "sqlite:./data/parley.db",
    default: "sqlite:./data/parley.db",
    read: readText
  },
  {
    key: "files",
    environment: "PARLEY_FILES",
    flag: "--files <folder>",
    description: "Folder for uploaded files.",
    accepts: "a folder",
    defaultText: "./data/files",
    default: "./data/files",
    read: nonEmpty
  },
  {
    key: "auditLog",
    environment: "PARLEY_AUDIT_LOG",
    flag: "--audit-log <file>",
    description:
      "File for administrative acts, impersonations and ended sessions, one JSON object in each line; opened anew on SIGHUP.",
    accepts: "a file",
    defaultText: "",
    default: "",
    read: readText
  },
  {
    key: "demo",
    environment: "PARLEY_DEMO",
    flag: "--demo, --no-demo",
    description:
      "Whether to add users, keys and apps of a demonstration, whose passwords are public: on a loopback address only, and never with trusted proxies.",
    accepts: "true or false",
    defaultText: "false",
    default: false,
    read: readBoolean
  }
]
