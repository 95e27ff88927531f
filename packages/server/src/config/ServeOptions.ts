/** Options of `parley serve` itself: addresses, storage, demonstration. Their names are stable. */
import { isProxy, PROXY_DESCRIPTION } from "@parley/adapter-node/trustedProxies"
import { isOrigin } from "@parley/core/Origins"
import { type Declaration, rangeText, readBoolean, readText } from "./Declaration.ts"

export interface ServeOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** 0 for any free port; undefined if raw TCP is off. */
  readonly tcpPort: number | undefined
  /** Trusted proxies, whose `X-Forwarded-For` is used. */
  readonly trustedProxies: ReadonlyArray<string>
  /** Allowed origins of browser pages beside the server's own; see `Authenticator.origins`. */
  readonly origins: ReadonlyArray<string>
  /** Users who may see each other; see `Visibility`. */
  readonly visibility: "all" | "organisation"
  readonly database: Database
  /** URL of the NATS servers, with credentials; "" for the bus of the database. */
  readonly bus: string
  readonly files: Files
  /** Port of `/metrics` on 127.0.0.1, 0 for any free port; undefined if it is off. */
  readonly metricsPort: number | undefined
  /** File of the audit log; "" for none. */
  readonly auditLog: string
  /** Whether to add the demonstration, and to serve only this machine. */
  readonly demo: boolean
}

export type Database =
  | { readonly _tag: "Sqlite"; readonly file: string }
  /** `url` has the password. */
  | { readonly _tag: "Postgres"; readonly url: string }
  | { readonly _tag: "Memory" }

export type Files =
  | { readonly _tag: "Folder"; readonly path: string }
  /** `endpoint` is "" for Amazon S3. */
  | {
      readonly _tag: "S3"
      readonly bucket: string
      readonly prefix: string
      readonly endpoint: string
      readonly region: string
      readonly accessKeyId: string
      readonly secretAccessKey: string
    }

/** Returns the place of the files as an operator would name it. */
export const displayFiles = (files: Files): string =>
  files._tag === "Folder" ? files.path : `s3://${files.bucket}${files.prefix === "" ? "" : `/${files.prefix}`}`

const DATABASE_WORDS = "`sqlite:<path>`, `postgres://<user>:<password>@<host>/<database>` or `memory:`"

/** Returns the database as an operator would name it, without a password. */
export const displayDatabase = (database: Database): string => {
  switch (database._tag) {
    case "Memory":
      return "memory:"
    case "Sqlite":
      return `sqlite:${database.file}`
    case "Postgres":
      return database.url.replace(/^([a-z]+:\/\/[^:@/?]*):[^@/]*@/, "$1@").replace(/([?&]password=)[^&]*/, "$1")
  }
}

/** Returns the database, or an error to put after the option's name, without the URL: it may contain a password. */
export const parseDatabase = (url: string): Database | { readonly _tag: "Invalid"; readonly problem: string } => {
  if (url === "memory:") return { _tag: "Memory" }
  if (url.startsWith("sqlite:") && url.length > "sqlite:".length) {
    return { _tag: "Sqlite", file: url.slice("sqlite:".length) }
  }
  if (/^postgres(?:ql)?:\/\//.test(url)) {
    // The host may be a list.
    return URL.canParse(url.replace(/,[^/?]*/, ""))
      ? { _tag: "Postgres", url }
      : { _tag: "Invalid", problem: "must be a valid URL: percent-encode special characters of the password" }
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]
  const problem = `must be ${DATABASE_WORDS.replaceAll("`", "")}`
  return { _tag: "Invalid", problem: scheme === undefined ? problem : `${problem}, not ${scheme}:` }
}

/** Returns an error to put after the option's name, without the URL, or undefined. */
export const busProblem = (url: string, database: Database): string | undefined => {
  if (url === "") return undefined
  // The host may be a list.
  const isValid = /^(?:nats|tls):\/\//.test(url) && URL.canParse(url.replace(/,[^/?]*/, ""))
  if (!isValid) {
    return "must be nats://<user>:<password>@<host>:<port> or tls://…, with the special characters of the password percent-encoded"
  }
  return database._tag === "Postgres" ? undefined : "needs a database that several nodes share: postgres://…"
}

/** Returns the bus as an operator would name it, without credentials. */
export const displayBus = ({ bus, database }: Pick<ServeOptions, "bus" | "database">): string =>
  bus === "" ? (database._tag === "Postgres" ? "database" : "off") : bus.replace(/^([a-z]+:\/\/)[^/]*@/, "$1")

/** Source: Amazon S3 User Guide, "General purpose bucket naming rules". */
const S3_URL = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9_./-]*))?$/

/** Returns the place of the files, or an error that begins with an option's name. `setting` returns a value by its key. */
export const parseFiles = (setting: (key: string) => string): Files | string => {
  const files = setting("files")
  if (!files.startsWith("s3:")) return { _tag: "Folder", path: files }
  const [, bucket, prefix = ""] = S3_URL.exec(files) ?? []
  if (bucket === undefined) return "files must be a folder or s3://<bucket>/<prefix>"
  const [accessKeyId, secretAccessKey] = [setting("s3.accessKeyId"), setting("s3.secretAccessKey")]
  if (accessKeyId === "" || secretAccessKey === "") {
    return "files in s3:// need s3.accessKeyId and s3.secretAccessKey, or PARLEY_S3_ACCESS_KEY_ID and PARLEY_S3_SECRET_ACCESS_KEY"
  }
  // A folder in the bucket: its objects are below it.
  const folder = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`
  const [endpoint, region] = [setting("s3.endpoint"), setting("s3.region")]
  return { _tag: "S3", bucket, prefix: folder, endpoint, region, accessKeyId, secretAccessKey }
}

const isEndpoint = (text: string): boolean => /^https?:\/\/[^/?#@]+\/?$/.test(text) && URL.canParse(text)

const port = (raw: unknown, from: "text" | "json"): number | undefined => {
  const number = from === "text" && typeof raw === "string" && /^[0-9]{1,5}$/.test(raw) ? Number(raw) : raw
  return typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= 65_535 ? number : undefined
}

const nonEmpty = (raw: unknown): string | undefined => {
  const text = readText(raw)
  return text === "" ? undefined : text
}

/** Returns the entries of a JSON array, or of a text separated by commas. */
const entriesOf = (raw: unknown): ReadonlyArray<unknown> =>
  (typeof raw === "string" ? raw.split(",") : Array.isArray(raw) ? raw : [raw])
    .map((entry: unknown) => (typeof entry === "string" ? entry.trim() : entry))
    .filter((entry) => entry !== "")

const isInvalidProxy = (entry: unknown): boolean => typeof entry !== "string" || !isProxy(entry)

const isInvalidOrigin = (entry: unknown): boolean => !isOrigin(entry)

/** Declarations of the options; lists are read as text separated by commas, and `tcpPort` may be `off`. */
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
    description: "Port for HTTP and WebSocket; 0 for any free port.",
    accepts: rangeText(0, 65_535),
    defaultText: "8080",
    default: 8080,
    read: port
  },
  {
    key: "tcpPort",
    environment: "PARLEY_TCP_PORT",
    flag: "--tcp-port <number|off>",
    description: "Port for raw TCP; 0 for any free port, `off` to disable it.",
    accepts: `${rangeText(0, 65_535)}, or \`off\``,
    defaultText: "8081",
    default: 8081,
    read: (raw, from) => (raw === "off" ? "off" : port(raw, from))
  },
  {
    key: "metricsPort",
    environment: "PARLEY_METRICS_PORT",
    flag: "--metrics-port <number|off>",
    description: "Port for `/metrics` on 127.0.0.1 only, for Prometheus; 0 for any free port, `off` to disable it.",
    accepts: `${rangeText(0, 65_535)}, or \`off\``,
    defaultText: "off",
    default: "off",
    read: (raw, from) => (raw === "off" ? "off" : port(raw, from))
  },
  {
    key: "trustedProxies",
    environment: "PARLEY_TRUSTED_PROXIES",
    flag: "--trusted-proxies <list>",
    description:
      "Trusted proxies: over HTTP and WebSocket, a client's address is the rightmost one in `X-Forwarded-For` that is not a trusted proxy, and the server's own origin is that of `X-Forwarded-Host` and `X-Forwarded-Proto`.",
    accepts: `${PROXY_DESCRIPTION}, separated by commas`,
    defaultText: "",
    default: "",
    read: (raw) => (entriesOf(raw).some(isInvalidProxy) ? undefined : entriesOf(raw).join(",")),
    fault: (raw) => entriesOf(raw).find(isInvalidProxy)
  },
  {
    key: "origins",
    environment: "PARLEY_ORIGINS",
    flag: "--origins <list>",
    description:
      "Allowed origins of browser pages beside the server's own: their WebSocket upgrades are accepted, and responses to them have CORS headers.",
    accepts: "origins such as `https://app.example`, separated by commas",
    defaultText: "",
    default: "",
    read: (raw) => (entriesOf(raw).some(isInvalidOrigin) ? undefined : entriesOf(raw).join(",")),
    fault: (raw) => entriesOf(raw).find(isInvalidOrigin)
  },
  {
    key: "visibility",
    environment: "PARLEY_VISIBILITY",
    flag: "--visibility <all|organisation>",
    description:
      "Users who see each other in lists, presence and searches, and can be added to chats: all, or those of one organisation.",
    accepts: "`all` or `organisation`",
    defaultText: "all",
    default: "all",
    read: (raw) => (raw === "all" || raw === "organisation" ? raw : undefined)
  },
  {
    key: "database",
    environment: "PARLEY_DATABASE",
    flag: "--database <url>",
    description:
      "Storage of users, chats and messages: a SQLite file, a PostgreSQL database, or memory until the server stops.",
    accepts: DATABASE_WORDS,
    defaultText: "sqlite:./data/parley.db",
    default: "sqlite:./data/parley.db",
    read: readText
  },
  {
    key: "bus",
    environment: "PARLEY_BUS",
    flag: "--bus <url>",
    description:
      "NATS servers for packets between the nodes of a PostgreSQL database; the database itself carries them by default.",
    accepts: "`nats://<user>:<password>@<host>:<port>` or `tls://…`",
    defaultText: "",
    default: "",
    read: readText
  },
  {
    key: "files",
    environment: "PARLEY_FILES",
    flag: "--files <folder|url>",
    description: "Place of uploaded files: a folder, or a bucket of S3-compatible storage, which several nodes share.",
    accepts: "a folder, or `s3://<bucket>/<prefix>`",
    defaultText: "./data/files",
    default: "./data/files",
    read: nonEmpty
  },
  {
    key: "s3.endpoint",
    environment: "PARLEY_S3_ENDPOINT",
    description: "URL of the S3-compatible service of `files`; Amazon S3 by default.",
    accepts: "a URL without a path, such as `http://127.0.0.1:9000`",
    defaultText: "",
    default: "",
    read: (raw) => (typeof raw === "string" && (raw === "" || isEndpoint(raw)) ? raw : undefined)
  },
  {
    key: "s3.region",
    environment: "PARLEY_S3_REGION",
    description: "Region of the bucket of `files`.",
    accepts: "a region",
    defaultText: "us-east-1",
    default: "us-east-1",
    read: nonEmpty
  },
  {
    key: "s3.accessKeyId",
    environment: "PARLEY_S3_ACCESS_KEY_ID",
    description: "Access key for the bucket of `files`.",
    accepts: "text",
    defaultText: "",
    default: "",
    read: readText
  },
  {
    key: "s3.secretAccessKey",
    environment: "PARLEY_S3_SECRET_ACCESS_KEY",
    description: "Secret of the access key.",
    accepts: "text",
    defaultText: "",
    default: "",
    read: readText
  },
  {
    key: "auditLog",
    environment: "PARLEY_AUDIT_LOG",
    flag: "--audit-log <file>",
    description:
      "File for administrative acts, impersonations and ended sessions, one JSON object per line; reopened on SIGHUP.",
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
      "Whether to add demonstration users, keys and apps, whose passwords are public: on a loopback address only, and never with trusted proxies.",
    accepts: "true or false",
    defaultText: "false",
    default: false,
    read: readBoolean
  }
]
