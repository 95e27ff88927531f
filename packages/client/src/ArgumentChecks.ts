/** Checks of the arguments of every public method, and of the options of `connect`. */
import {
  callback,
  check,
  type Check,
  fields,
  flag,
  integer,
  isObject,
  list,
  oneOf,
  optional,
  type Parameters,
  secret,
  text
} from "./Check.ts"
import { EVENT_TYPES } from "./Events.ts"

const own = (value: unknown, name: string): unknown => (isObject(value) ? Reflect.get(value, name) : undefined)

const isName = (value: unknown): boolean => typeof value === "string" && value !== ""

const chat: Check = check("a chat or its gid", (value) => isName(value) || isName(own(value, "gid")))
const message: Check = check("a message or its gid", (value) => isName(value) || isName(own(value, "gid")))
const withId = (noun: string): Check =>
  check(`a ${noun} or its id`, (value) => Number.isSafeInteger(value) || Number.isSafeInteger(own(value, "id")))
const users: Check = list("users", withId("user"))

const content: Check = check(
  "a string, or an object to be sent as JSON",
  (value) => typeof value === "string" || (typeof value === "object" && value !== null)
)
const signal: Check = optional(check("an AbortSignal", (value) => typeof own(value, "addEventListener") === "function"))
const milliseconds: Check = optional(
  check("a number of milliseconds from 0", (value) => typeof value === "number" && value >= 0)
)

const WAITING = { signal, timeout: milliseconds }
const MESSAGE = {
  gid: optional(check("a string that is not empty", isName)),
  type: optional(oneOf("normal", "broadcast")),
  contentType: optional(text)
}
const options = (more: Readonly<Record<string, Check>> = {}): readonly [string, Check] => [
  "options",
  optional(fields("an object with options", { ...WAITING, ...more }))
]
const inChat: readonly [string, Check] = ["chat", chat]
const on = (name: string): readonly [string, Check] => [name, optional(flag)]
const status = oneOf("online", "away", "busy")
const file = check(
  "a File, or an object with name and data",
  (value) => isName(own(value, "name")) && (value instanceof Blob || own(value, "data") instanceof Blob)
)

/** Parameters by method. */
export const PARAMETERS: Readonly<Record<string, Parameters>> = {
  send: [inChat, ["content", content], options(MESSAGE)],
  sendAll: [
    ["messages", list("messages", fields("an object with chat and content", { chat, content, ...MESSAGE }))],
    options()
  ],
  history: [inChat, options({ page: optional(integer(1)), size: optional(integer(1)) })],
  historyBefore: [inChat, ["message", withId("message")], options({ size: optional(integer(1, 500)) })],
  search: [["text", text], options({ chat: optional(chat), size: optional(integer(1, 100)), from: optional(text) })],
  create: [
    [
      "chat",
      fields("an object with the facts of a chat", {
        gid: MESSAGE.gid,
        name: optional(text),
        type: optional(text),
        members: optional(users),
        subject: optional(integer(0)),
        public: optional(flag)
      })
    ],
    options()
  ],
  openDirectChat: [["user", withId("user")], options()],
  join: [inChat, options()],
  leave: [inChat, options()],
  rename: [inChat, ["name", text], options()],
  star: [inChat, on("star"), options()],
  hide: [inChat, on("hide"), options()],
  mute: [inChat, on("mute"), options()],
  addMembers: [inChat, ["users", users], options()],
  removeMembers: [inChat, ["users", users], options()],
  members: [inChat, options()],
  setPublic: [inChat, on("open"), options()],
  publicChats: [options()],
  setAdmins: [inChat, ["users", users], on("isAdmin"), options()],
  setSenders: [
    inChat,
    [
      "senders",
      (value) =>
        typeof value === "string"
          ? check('"$ALL", "$ADMINS" or a list of users', (one) => one === "$ALL" || one === "$ADMINS")(value)
          : users(value)
    ],
    options()
  ],
  slowMode: [inChat, options()],
  setSlowMode: [inChat, ["seconds", integer(0, 21_600)], options()],
  listUsers: [options()],
  listChats: [options()],
  changeName: [["name", text], options()],
  changeStatus: [["status", status], options()],
  unread: [["chat", optional(chat)], options()],
  read: [inChat, ["upTo", optional(withId("message"))], options()],
  readMarks: [inChat, options()],
  typing: [inChat, on("on"), options()],
  recall: [["message", message], options()],
  edit: [["message", message], ["content", text], options()],
  settings: [["account", optional(text)], options()],
  saveSettings: [
    ["settings", check("a value of JSON", (value) => value !== undefined && typeof value !== "function")],
    ["account", optional(text)],
    options()
  ],
  files: [inChat, options()],
  upload: [inChat, ["files", list("files", file)], ["options", optional(fields("an object with options", { signal }))]],
  download: [
    ["file", withId("file")],
    [
      "options",
      optional(
        fields("an object with options", {
          signal,
          range: optional(fields("an object with start and end", { start: integer(0), end: optional(integer(0)) }))
        })
      )
    ]
  ],
  logout: [options()],
  on: [
    ["type", oneOf(...EVENT_TYPES)],
    ["listener", callback]
  ],
  onAny: [["listener", callback]]
}

/** Methods that throw; all others reject. */
export const THROWING: ReadonlyArray<string> = ["on", "onAny"]

const count = optional(integer(1))

/** Parameters of `connect`. */
export const CONNECT: Parameters = [
  [
    "options",
    fields("an object with options", {
      url: text,
      account: optional(text),
      password: optional(secret),
      token: (value) => (typeof value === "function" ? undefined : optional(secret)(value)),
      status: optional(status),
      device: optional(text),
      WebSocket: optional(callback),
      fetch: optional(callback),
      backoff: optional(fields("an object with first and max", { first: milliseconds, max: milliseconds })),
      retry: optional(flag),
      timeout: milliseconds,
      heartbeat: milliseconds,
      replyTimeout: milliseconds,
      limit: count,
      inbox: count,
      signal,
      onState: optional(callback),
      onError: optional(callback),
      random: optional(callback),
      clock: optional(check("a clock", isObject))
    })
  ]
]
