/**
 * All settings of operators and embedders, each declared once: the type, the default, its description in the
 * documentation, and the key from which its names follow in the configuration file (`limits.frame`) and in the
 * environment (`PARLEY_LIMITS_FRAME`). A dialect declares its own with keys that begin with its name.
 */
import * as Context from "effect/Context"

interface Declared<Kind extends string, A, Key extends string> {
  readonly kind: Kind
  /** Dotted, lower case and camel case: `limits.sendBuffer`. */
  readonly key: Key
  readonly default: A
  /** One sentence for the documentation: its meaning, and its unit if it has one. */
  readonly description: string
}

/** An integer setting; `min` and `max` are inclusive. */
export interface IntegerSetting<Key extends string = string> extends Declared<"integer", number, Key> {
  /** Minimum value. */
  readonly min: number
  /** Maximum value. */
  readonly max: number
}
/** A setting with a fixed set of values. */
export interface ChoiceSetting<A extends string = string, Key extends string = string> extends Declared<
  "choice",
  A,
  Key
> {
  /** The accepted values. */
  readonly options: ReadonlyArray<A>
}
/** A text setting. */
export interface TextSetting<Key extends string = string> extends Declared<"text", string, Key> {}
/** A boolean setting. */
export interface BooleanSetting<Key extends string = string> extends Declared<"boolean", boolean, Key> {}

/** Declaration of a setting. */
export type Setting = IntegerSetting | ChoiceSetting | TextSetting | BooleanSetting

/** The value type of a setting. */
export type ValueOf<S> = S extends Declared<string, infer A, string> ? A : never

/** Declares an integer setting; `value` is its default. */
export const integer = <const Key extends string>(
  key: Key,
  value: number,
  range: { readonly min: number; readonly max: number },
  description: string
): IntegerSetting<Key> => ({ kind: "integer", key, default: value, ...range, description })

/** Declares a choice; `value` is its default. */
export const choice = <const A extends string, const Key extends string>(
  key: Key,
  options: ReadonlyArray<A>,
  value: NoInfer<A>,
  description: string
): ChoiceSetting<A, Key> => ({ kind: "choice", key, default: value, options, description })

/** Declares a text setting; `value` is its default. */
export const text = <const Key extends string>(key: Key, value: string, description: string): TextSetting<Key> => ({
  kind: "text",
  key,
  default: value,
  description
})

/** Declares a boolean setting; `value` is its default. */
export const boolean = <const Key extends string>(
  key: Key,
  value: boolean,
  description: string
): BooleanSetting<Key> => ({
  kind: "boolean",
  key,
  default: value,
  description
})

/**
 * Returns the configured value of a dialect's setting, or its default. Throws a `RangeError` that names the key for a
 * value that is not an integer within the setting's bounds, since `NaN` would disable a limit.
 */
export const integerIn = (
  values: Readonly<Record<string, string | number | boolean>>,
  setting: IntegerSetting
): number => {
  const { key, min, max } = setting
  const value = values[key] ?? setting.default
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw new RangeError(`${key} must be an integer from ${min} to ${max}, not ${JSON.stringify(value)}`)
}

/** Returns the environment variable of a key: `PARLEY_LIMITS_SEND_BUFFER` for `limits.sendBuffer`. */
export const environmentName = (key: string): string =>
  `PARLEY_${key
    .replaceAll(".", "_")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toUpperCase()}`

const MAX = Number.MAX_SAFE_INTEGER
const KIB = 1024
const MIB = 1024 * KIB

/** The engine's own settings. Source of the defaults: PROTOCOLS. */
export const engineSettings = {
  sessions: choice(
    "sessions",
    ["single", "multi"],
    "single",
    "Number of live chat logins of a user: one, or several, of which each device has its own cursor in every chat."
  ),
  sessionIdle: integer(
    "session.idle",
    24 * 60 * 60,
    { min: 1, max: MAX },
    "Seconds without use after which a session expires; a session with a connection is in use."
  ),
  sessionLifetime: integer(
    "session.lifetime",
    90 * 24 * 60 * 60,
    { min: 1, max: MAX },
    "Seconds after its login at which a session ends, even in use; its connections are closed."
  ),
  takeoverGrace: integer(
    "session.takeoverGrace",
    500,
    { min: 0, max: 60_000 },
    "Milliseconds between notifying a connection that its user logged in elsewhere and closing it."
  ),
  loginAttempts: integer(
    "login.attempts",
    10,
    { min: 1, max: 1_000_000 },
    "Maximum number of failed logins of one account in a minute: three times as many of one address, and ten times as many of the account in an hour, in total from addresses without a recent login of its user, and from each other address."
  ),
  loginDeadline: integer(
    "login.deadline",
    30,
    { min: 1, max: 3600 },
    "Seconds after which a connection without a login is closed; twice as long while its login is checked."
  ),
  passwordsMinimum: integer(
    "passwords.minimum",
    8,
    { min: 0, max: 128 },
    "Minimum number of characters of a new password, which then must not be a common one or the account either; 0 allows every password that is not empty."
  ),
  acknowledgeDelay: integer(
    "acknowledge.delay",
    500,
    { min: 0, max: 1000 },
    "Milliseconds for which acknowledgements are batched before they are written."
  ),
  ping: integer(
    "connection.ping",
    30,
    { min: 1, max: 3600 },
    "Seconds between two pings of a WebSocket connection; a client that has not replied to the previous one is dropped."
  ),
  stall: integer(
    "connection.stall",
    30,
    { min: 1, max: 3600 },
    "Seconds without progress after which an upload is ended, and four times as long for a client that does not read its responses or its download; also the time for a whole request body that is not a file."
  ),
  frame: integer(
    "limits.frame",
    MIB,
    { min: KIB, max: 64 * MIB },
    "Maximum size of a frame, and of an HTTP request body that is not a file, in bytes. Twice as many may wait on one connection before reading from it pauses."
  ),
  file: integer("limits.file", 50 * MIB, { min: 1, max: MAX }, "Maximum size of an uploaded file, in bytes."),
  content: integer("limits.content", 64 * KIB, { min: 1, max: MIB }, "Maximum size of a message's content, in bytes."),
  name: integer(
    "limits.name",
    255,
    { min: 1, max: 10_000 },
    "Maximum length of the name of a chat or a user, in characters."
  ),
  account: integer(
    "limits.account",
    64,
    { min: 1, max: 255 },
    "Maximum length of a new user's account, and of a client id of the hisihi protocol, in characters."
  ),
  attributesPerChat: integer(
    "limits.attributesPerChat",
    64,
    { min: 1, max: 10_000 },
    "Maximum number of values that protocols store with one chat under keys of their clients."
  ),
  attribute: integer(
    "limits.attribute",
    4 * KIB,
    { min: 1, max: MIB },
    "Maximum size of such a value, in bytes; of a value that is not text, as JSON."
  ),
  membersPerRequest: integer(
    "limits.membersPerRequest",
    1000,
    { min: 1, max: 100_000 },
    "Maximum number of users named in one request."
  ),
  history: integer(
    "limits.history",
    10_000,
    { min: 1, max: 100_000 },
    "Maximum number of messages in one history response."
  ),
  sendBuffer: integer(
    "limits.sendBuffer",
    8 * MIB,
    { min: 64 * KIB, max: 1024 * MIB },
    "Maximum number of bytes buffered for a client that does not read, beside one frame that is larger by itself; beyond it the connection is dropped, and nothing is lost."
  ),
  inputTotal: integer(
    "limits.inputTotal",
    256 * MIB,
    { min: MIB, max: MAX },
    "Maximum number of bytes of frames and HTTP request bodies in memory: an eighth of it from one address (IPv6: one /64), and an eighth of both from unauthenticated clients. Beyond it, connections that hold more than 2 KiB are closed, and requests refused."
  ),
  connections: integer(
    "limits.connections",
    100_000,
    { min: 1, max: 10_000_000 },
    "Maximum number of connections of chat clients; further ones are refused. A fifth of them may be unauthenticated: beyond it the longest idle one is closed. A port has two more sockets for each of `limits.requests`."
  ),
  connectionsPerAddress: integer(
    "limits.connectionsPerAddress",
    20_000,
    { min: 1, max: MAX },
    "Maximum number of connections of chat clients from one address (IPv6: one /64); a quarter of them may be unauthenticated."
  ),
  requests: integer(
    "limits.requests",
    10_000,
    { min: 1, max: 10_000_000 },
    "Maximum number of concurrent HTTP requests; further ones get 503."
  ),
  transfers: integer(
    "limits.transfers",
    1000,
    { min: 1, max: MAX },
    "Maximum number of concurrent uploads and downloads of files; further ones get 503."
  ),
  share: integer(
    "limits.share",
    25,
    { min: 1, max: 100 },
    "Percent of `limits.requests` and `limits.transfers` that one address (IPv6: one /64) or one user may hold at one time; and of the sockets of a port that one address other than a trusted proxy's may hold for HTTP."
  ),
  sessionsPerUser: integer(
    "limits.sessionsPerUser",
    100,
    { min: 1, max: 100_000 },
    "Maximum number of chat sessions of one user, and of tokens; beyond it the least recently used ones of the kind end."
  ),
  costPerSecond: integer(
    "limits.costPerSecond",
    20_000,
    { min: 1, max: MAX },
    "Cost units that a user may spend per second, over all connections and protocols: 1 for a request or a message, and about 1 for each KiB of a long response. An app that acts for many users may spend ten times as much."
  ),
  costBurst: integer(
    "limits.costBurst",
    100_000,
    { min: 1, max: MAX },
    "Cost units that a user may spend in a burst after a quiet period; further requests are refused and may be retried later."
  ),
  messagesPerSecond: integer(
    "limits.messagesPerSecond",
    1000,
    { min: 1, max: MAX },
    "Messages and edits that a user may send per second through protocols, over all connections. An app that acts for many users may send ten times as many."
  ),
  messageBurst: integer(
    "limits.messageBurst",
    10_000,
    { min: 1, max: MAX },
    "Messages and edits that a user may send in a burst after a quiet period; further ones are refused with the time until they may be sent."
  ),
  chatCacheSize: integer(
    "limits.chatCacheSize",
    10_000,
    { min: 1, max: MAX },
    "Maximum number of cached chats; beyond it the least recently used one is dropped."
  )
} as const

/** Values of the declared settings by name. */
export type SettingValues = { readonly [K in keyof typeof engineSettings]: ValueOf<(typeof engineSettings)[K]> }

/** Bounds that operators need not change. */
const fixed = {
  /** Seconds of the window in which failed logins are counted. */
  loginWindow: 60,
  /** Files of one upload. */
  filesPerUpload: 20,
  /** Messages of one request. */
  messagesPerRequest: 100,
  /** Requests of one frame. */
  requestsPerFrame: 1000,
  /** Approximate number of characters of a history response; whole histories end there, larger pages are refused. */
  historyBytes: 4 * MIB,
  /** Characters of the settings that a client keeps for its user. */
  userSettings: 64 * KIB,
  /** Frames of one connection that wait before reading from it pauses. */
  waitingFrames: 64,
  /** Bytes of a frame of a connection without a login, and of all its waiting frames. */
  unauthenticatedInput: 64 * KIB
} as const

/** Bounds that follow from settings. */
const derived = (values: SettingValues) => ({
  /** Failed logins of one account in an hour. */
  loginAttemptsPerHour: 10 * values.loginAttempts,
  /** Bytes of one HTTP request body that is not a file. */
  body: values.frame,
  /** Bytes of waiting frames of one connection before reading from it pauses. */
  input: 2 * values.frame,
  /** Bytes of frames and HTTP request bodies in memory from one address. */
  inputPerAddress: Math.ceil(values.inputTotal / 8),
  /** Connections without a user. */
  unauthenticated: Math.ceil(values.connections / 5),
  /** Open sockets of one port. */
  sockets: values.connections + 2 * values.requests
})

/** The settings, and the bounds that are fixed or follow from them. */
export type EngineSettings = SettingValues & ReturnType<typeof derived> & { readonly [K in keyof typeof fixed]: number }

/** Completes the values of the settings by the other bounds. */
export const withBounds = (values: SettingValues): EngineSettings => ({ ...fixed, ...derived(values), ...values })

/** The defaults of all settings of the engine. */
export const defaultSettings: EngineSettings = withBounds(
  Object.fromEntries(Object.entries(engineSettings).map(([name, setting]) => [name, setting.default])) as SettingValues
)

/** The settings in force. */
export const Settings: Context.Reference<EngineSettings> = Context.Reference<EngineSettings>("@parley/core/Settings", {
  defaultValue: () => defaultSettings
})
