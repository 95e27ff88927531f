/**
 * Everything that an operator or embedder may set, declared once: the type, the default, what it says in the
 * documentation, and from its key the name in the configuration file (`limits.frame`) and in the environment
 * (`PARLEY_LIMITS_FRAME`). A dialect declares its own with keys that begin with its name.
 */
import * as Context from "effect/Context"

interface Declared<Kind extends string, A> {
  readonly kind: Kind
  /** Dotted, lower case and camel case: `limits.sendBuffer`. */
  readonly key: string
  readonly default: A
  /** One sentence for the documentation: what it is, the unit where it has one. */
  readonly description: string
}

export interface IntegerSetting extends Declared<"integer", number> {
  readonly min: number
  readonly max: number
}
export interface ChoiceSetting<A extends string = string> extends Declared<"choice", A> {
  readonly options: ReadonlyArray<A>
}
export interface TextSetting extends Declared<"text", string> {}
export interface BooleanSetting extends Declared<"boolean", boolean> {}

export type Setting = IntegerSetting | ChoiceSetting | TextSetting | BooleanSetting

/** The value type of a setting. */
export type ValueOf<S> = S extends Declared<string, infer A> ? A : never

export const integer = (
  key: string,
  value: number,
  range: { readonly min: number; readonly max: number },
  description: string
): IntegerSetting => ({ kind: "integer", key, default: value, ...range, description })

export const choice = <const A extends string>(
  key: string,
  options: ReadonlyArray<A>,
  value: NoInfer<A>,
  description: string
): ChoiceSetting<A> => ({ kind: "choice", key, default: value, options, description })

export const text = (key: string, value: string, description: string): TextSetting => ({
  kind: "text",
  key,
  default: value,
  description
})

export const boolean = (key: string, value: boolean, description: string): BooleanSetting => ({
  kind: "boolean",
  key,
  default: value,
  description
})

/**
 * The value of a dialect's setting at a site; its default where the site gives none. Throws a `RangeError` that names the
 * key for what is no integer within the setting's bounds, since a limit that is no number would be none.
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

/** The environment variable of a key: `limits.sendBuffer` is `PARLEY_LIMITS_SEND_BUFFER`. */
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
    "Whether a user may have one live chat login or several, each device with its own place in every chat."
  ),
  sessionIdle: integer(
    "session.idle",
    24 * 60 * 60,
    { min: 1, max: MAX },
    "Seconds without use after which a session expires; one that a connection has is in use."
  ),
  sessionLifetime: integer(
    "session.lifetime",
    90 * 24 * 60 * 60,
    { min: 1, max: MAX },
    "Seconds after its login at which a session ends, also one in use; its connections are closed."
  ),
  takeoverGrace: integer(
    "session.takeoverGrace",
    500,
    { min: 0, max: 60_000 },
    "Milliseconds between telling a connection that its user logged in elsewhere and closing it."
  ),
  loginAttempts: integer(
    "login.attempts",
    10,
    { min: 1, max: MAX },
    "Failed logins allowed for one account within the window, and three times as many for one address."
  ),
  loginAttemptsPerHour: integer(
    "login.attemptsPerHour",
    100,
    { min: 1, max: MAX },
    "Failed logins allowed for one account within an hour, from all addresses that its user has not logged in from lately, and from each of the others as many; no less than `login.attempts`."
  ),
  loginWindow: integer(
    "login.window",
    60,
    { min: 1, max: 86_400 },
    "Seconds of the window in which failed logins are counted."
  ),
  loginDeadline: integer(
    "login.deadline",
    30,
    { min: 1, max: 3600 },
    "Seconds after which a connection that has not logged in is told so and closed; twice as long while its login is in work."
  ),
  passwordsMinimum: integer(
    "passwords.minimum",
    8,
    { min: 0, max: 128 },
    "Characters of a new password, at least, which then must not be a common one or the account either; 0 allows every password that is not empty."
  ),
  acknowledgeDelay: integer(
    "acknowledge.delay",
    500,
    { min: 0, max: 1000 },
    "Milliseconds for which acknowledgements may be gathered before they are written."
  ),
  ping: integer(
    "connection.ping",
    30,
    { min: 1, max: 3600 },
    "Seconds between two pings of a WebSocket connection; a client that has not answered the previous one is dropped."
  ),
  stall: integer(
    "connection.stall",
    30,
    { min: 1, max: 3600 },
    "Seconds without progress after which an upload is ended, and four times as long for a client that does not take its answers or its download; also the time for the whole of a request body that is not a file."
  ),
  frame: integer("limits.frame", MIB, { min: KIB, max: 64 * MIB }, "Bytes of one frame from a client, at most."),
  body: integer(
    "limits.body",
    MIB,
    { min: KIB, max: 64 * MIB },
    "Bytes of one HTTP request body that is not a file, at most."
  ),
  file: integer("limits.file", 50 * MIB, { min: 1, max: MAX }, "Bytes of one uploaded file, at most."),
  filesPerUpload: integer("limits.filesPerUpload", 20, { min: 1, max: 1000 }, "Files in one upload, at most."),
  content: integer("limits.content", 64 * KIB, { min: 1, max: MIB }, "Bytes of one message's content, at most."),
  name: integer("limits.name", 255, { min: 1, max: 10_000 }, "Characters of a chat's or a user's name, at most."),
  account: integer(
    "limits.account",
    64,
    { min: 1, max: 255 },
    "Characters of a new user's account, at most; no request of the hisihi protocol may name a longer one."
  ),
  attributesPerChat: integer(
    "limits.attributesPerChat",
    64,
    { min: 1, max: 10_000 },
    "Values that protocols keep with one chat under keys of their clients, at most."
  ),
  attribute: integer(
    "limits.attribute",
    4 * KIB,
    { min: 1, max: MIB },
    "Bytes of one such value, at most; of what is no text, as JSON."
  ),
  membersPerRequest: integer(
    "limits.membersPerRequest",
    1000,
    { min: 1, max: 100_000 },
    "Users named in one request, at most."
  ),
  messagesPerRequest: integer(
    "limits.messagesPerRequest",
    100,
    { min: 1, max: 10_000 },
    "Messages in one request, at most."
  ),
  requestsPerFrame: integer(
    "limits.requestsPerFrame",
    1000,
    { min: 1, max: 10_000 },
    "Requests in one frame, at most."
  ),
  history: integer(
    "limits.history",
    10_000,
    { min: 1, max: 100_000 },
    "Messages in one answer about a chat's history, at most."
  ),
  historyBytes: integer(
    "limits.historyBytes",
    4 * MIB,
    { min: 64 * KIB, max: 256 * MIB },
    "Characters of one answer about a chat's history, about, at most; whole histories end there, larger pages are refused."
  ),
  userSettings: integer(
    "limits.userSettings",
    64 * KIB,
    { min: 1, max: MIB },
    "Characters of the settings that a client keeps for its user, at most."
  ),
  sendBuffer: integer(
    "limits.sendBuffer",
    8 * MIB,
    { min: 64 * KIB, max: 1024 * MIB },
    "Bytes that may wait for a client that does not read, beside one frame that is larger by itself; beyond it the connection is dropped, and nothing is lost."
  ),
  waitingFrames: integer(
    "limits.waitingFrames",
    64,
    { min: 1, max: 100_000 },
    "Frames of one connection that may wait for their turn before reading from it pauses."
  ),
  unauthenticatedInput: integer(
    "limits.unauthenticatedInput",
    64 * KIB,
    { min: KIB, max: 64 * MIB },
    "Bytes of one frame of a connection that has not logged in, and of its frames that wait for their turn."
  ),
  input: integer(
    "limits.input",
    2 * MIB,
    { min: KIB, max: 1024 * MIB },
    "Bytes of one connection's frames that may wait for their turn before reading from it pauses."
  ),
  inputPerAddress: integer(
    "limits.inputPerAddress",
    32 * MIB,
    { min: 64 * KIB, max: MAX },
    "Bytes of frames and HTTP request bodies in memory from one address (IPv6: one /64); an eighth of it for those without a user. Beyond it, connections that hold more than 2 KiB are closed, and requests refused."
  ),
  inputTotal: integer("limits.inputTotal", 256 * MIB, { min: MIB, max: MAX }, "The same for all addresses together."),
  connections: integer(
    "limits.connections",
    100_000,
    { min: 1, max: MAX },
    "Connections of chat clients at one time, at most; who comes then is told so and closed."
  ),
  unauthenticated: integer(
    "limits.unauthenticated",
    20_000,
    { min: 1, max: MAX },
    "Connections without a user at one time, at most; beyond them the one that has done nothing for longest is told so and closed."
  ),
  connectionsPerAddress: integer(
    "limits.connectionsPerAddress",
    20_000,
    { min: 1, max: MAX },
    "Connections of chat clients from one address (IPv6: one /64), at most; a quarter of them may be without a user."
  ),
  sockets: integer(
    "limits.sockets",
    120_000,
    { min: 1, max: MAX },
    "Open sockets of one port of the server's own, at most, those of HTTP among them; one more is closed at once."
  ),
  requests: integer(
    "limits.requests",
    10_000,
    { min: 1, max: MAX },
    "HTTP requests under way at one time, at most; one more is answered with 503."
  ),
  share: integer(
    "limits.share",
    25,
    { min: 1, max: 100 },
    "Percent of `limits.requests` and `limits.transfers` that one address (IPv6: one /64), or one user, may hold at one time; and of `limits.sockets` that one address other than a trusted proxy's may hold for HTTP."
  ),
  transfers: integer(
    "limits.transfers",
    1000,
    { min: 1, max: MAX },
    "Uploads and downloads of files under way at one time, at most; one more is answered with 503."
  ),
  sessionsPerUser: integer(
    "limits.sessionsPerUser",
    100,
    { min: 1, max: 100_000 },
    "Chat sessions of one user, at most, and as many tokens; beyond them those of the kind that were used longest ago end."
  ),
  costPerSecond: integer(
    "limits.costPerSecond",
    20_000,
    { min: 1, max: MAX },
    "Cost units that a user may spend in a second, over all connections and protocols: 1 for a request or a message, and about 1 for each KiB of a long answer. An app that acts for many users may spend ten times as much."
  ),
  costBurst: integer(
    "limits.costBurst",
    100_000,
    { min: 1, max: MAX },
    "Cost units that a user who has asked for little may spend at once; requests beyond that are refused and may be sent again later."
  ),
  chatCacheSize: integer(
    "limits.chatCacheSize",
    10_000,
    { min: 1, max: MAX },
    "Chats whose facts are kept in memory, at most."
  )
} as const

/** The engine's settings by name. */
export type EngineSettings = { readonly [K in keyof typeof engineSettings]: ValueOf<(typeof engineSettings)[K]> }

export const defaultSettings: EngineSettings = Object.fromEntries(
  Object.entries(engineSettings).map(([name, setting]) => [name, setting.default])
) as EngineSettings

/** The settings in force. */
export const Settings: Context.Reference<EngineSettings> = Context.Reference<EngineSettings>("@parley/core/Settings", {
  defaultValue: () => defaultSettings
})
