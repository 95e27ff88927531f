/** Checks of the arguments of the promise API, by method. */
import * as Effect from "effect/Effect"
import { operations } from "../rules/Operations.ts"
import { MAX_SLOW_MODE } from "../rules/SlowMode.ts"
import { MAX_LIFETIME } from "../model/Chat.ts"
import {
  callback,
  check,
  type Check,
  either,
  fields,
  flag,
  integerFrom,
  list,
  nonEmpty,
  oneOf,
  optional,
  type Parameters,
  seconds,
  secret,
  text
} from "./Check.ts"

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const isId = (value: unknown): boolean => Number.isSafeInteger(value)

const isName = (value: unknown): boolean => typeof value === "string" && value !== ""

const own = (value: unknown, name: "id" | "gid"): unknown => (isObject(value) ? Reflect.get(value, name) : undefined)

/** A `UserRef`. An object of the host's own with a text as its id is refused: it would be taken for our id. */
const user: Check = check(
  "a user: our integer id, the external id or the account as a string, or an object with our integer id",
  (value) => isId(value) || isName(value) || isId(own(value, "id")),
  { hint: (value) => (isName(own(value, "id")) ? "pass its id instead" : undefined) }
)

/** A `ChatRef`. */
const chat: Check = check(
  "a chat: its integer id, its gid, or an object with one of them",
  (value) => isId(value) || isName(value) || isId(own(value, "id")) || isName(own(value, "gid"))
)

const message: Check = check(
  "a message: its gid, or an object with it",
  (value) => isName(value) || isName(own(value, "gid"))
)

const users: Check = list("users", user)

const isBytes = (value: unknown): boolean =>
  typeof value === "string" ||
  value instanceof Uint8Array ||
  (isObject(value) && typeof Reflect.get(value, Symbol.asyncIterator) === "function")

const file: Check = fields("a file with title and content", {
  title: text,
  content: check("a string, a Uint8Array or an async iterable of them", isBytes)
})

/** The engine has the bounds of pages. */
const integer: Check = check("an integer", isId)

const attributes: Check = check("an object", (value) => isObject(value) && !Array.isArray(value))

const isPath = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((key) => typeof key === "string")

const parts: Check = list(
  "parts of attributes",
  check(
    "an object with path, a list of texts, and value",
    (value) => isObject(value) && isPath(Reflect.get(value, "path"))
  )
)

const date: Check = check(
  "a number of milliseconds since 1970",
  (value) => typeof value === "number" && Number.isFinite(value)
)

const SEND = { gid: optional(text), contentType: optional(text), date: optional(date), pushData: optional(text) }
const sendOptions: Check = optional(fields("an object with options", SEND))

const page: Check = optional(
  either(
    "a page { size, number }, a range { start, limit } of integers, or { before, limit } with a message or its id",
    fields("", { size: integer, number: integer }),
    fields("", { start: integer, limit: integer }),
    fields("", {
      before: check(
        "a message or its id",
        (value) => isId(value) || (isObject(value) && isId(Reflect.get(value, "id")))
      ),
      limit: integer
    })
  )
)

/** A place in a log. */
const position: Check = check(
  "a sequence of the log from 0, or a message",
  (value) => (Number.isSafeInteger(value) && Number(value) >= 0) || (isObject(value) && isId(Reflect.get(value, "id")))
)

const signal: Check = optional(
  check("an AbortSignal", (value) => isObject(value) && typeof Reflect.get(value, "addEventListener") === "function")
)

const device: Check = optional(text)
const on: Parameters[number] = ["on", optional(flag)]
const operation: Parameters[number] = ["operation", oneOf(...Object.keys(operations))]
const inChat: Parameters[number] = ["chat", chat]
const ofUser: Parameters[number] = ["user", user]

/** Methods of `UserApi`. */
export const userApiParameters: {
  readonly rejecting: Readonly<Record<string, Parameters>>
  readonly throwing: Readonly<Record<string, Parameters>>
} = {
  rejecting: {
    createGroup: [
      [
        "group",
        fields("an object with a name", {
          name: text,
          members: optional(users),
          gid: optional(text),
          public: optional(flag),
          type: optional(text),
          subject: optional(integer),
          attributes: optional(attributes),
          lifetime: optional(integerFrom(1, MAX_LIFETIME))
        })
      ]
    ],
    openDirectChat: [["other", user]],
    chat: [inChat],
    chats: [],
    publicChats: [],
    rename: [inChat, ["name", text]],
    publish: [inChat, ["open", optional(flag)]],
    edit: [
      inChat,
      [
        "facts",
        fields("an object with name, public, attributes or parts", {
          name: optional(text),
          public: optional(flag),
          attributes: optional(attributes),
          parts: optional(parts)
        })
      ]
    ],
    dissolve: [inChat],
    setAdmins: [inChat, ["users", users], ["grant", optional(flag)]],
    promote: [inChat, ["users", users], on],
    setSenders: [inChat, ["senders", either('"all", "admins" or a list of users', oneOf("all", "admins"), users)]],
    setSlowMode: [inChat, ["seconds", integerFrom(0, MAX_SLOW_MODE)]],
    silence: [inChat, ["users", users], on],
    block: [inChat, ["users", users], on],
    star: [inChat, on],
    hide: [inChat, on],
    mute: [inChat, on],
    members: [inChat],
    join: [inChat],
    leave: [inChat],
    addMembers: [inChat, ["users", users]],
    kick: [inChat, ["users", users]],
    revise: [
      inChat,
      [
        "step",
        fields("an object with name, add or remove", {
          name: optional(text),
          add: optional(users),
          remove: optional(users),
          atLeast: optional(integerFrom(0))
        })
      ]
    ],
    send: [inChat, ["content", text], ["options", sendOptions]],
    broadcast: [inChat, ["content", text], ["options", sendOptions]],
    sendAll: [
      [
        "messages",
        list(
          "messages",
          fields("an object with chat and content", {
            chat,
            content: text,
            type: optional(oneOf("normal", "broadcast")),
            ...SEND
          })
        )
      ]
    ],
    history: [inChat, ["page", page]],
    search: [
      ["text", text],
      [
        "options",
        optional(
          fields("an object with options", {
            chat: optional(chat),
            limit: optional(integerFrom(1, 100)),
            from: optional(fields("the next of an earlier result", { chat: integerFrom(1), number: integerFrom(1) }))
          })
        )
      ]
    ],
    recall: [["message", message]],
    editMessage: [
      ["message", message],
      ["content", text],
      ["options", optional(fields("an object with options", { contentType: optional(text) }))]
    ],
    deleteForMe: [["message", message]],
    read: [inChat, ["upTo", optional(position)]],
    confirmDelivery: [inChat, ["upTo", position]],
    unread: [["chat", optional(chat)]],
    typing: [inChat, on],
    sendTransient: [
      inChat,
      ["content", text],
      ["options", optional(fields("an object with options", { contentType: optional(text) }))]
    ],
    progress: [inChat, ["users", optional(users)]],
    queue: [["options", optional(fields("an object with options", { device, limit: optional(integerFrom(1)) }))]],
    acknowledge: [
      ["ids", either("an id or a list of ids, which are integers", integer, list("ids", integer))],
      ["options", optional(fields("an object with options", { device }))]
    ],
    upload: [inChat, ["files", (value) => (Array.isArray(value) ? list("files", file)(value) : file(value))]],
    download: [
      ["file", integer],
      ["range", optional(fields("an object with start and end", { start: integerFrom(0), end: integerFrom(0) }))]
    ],
    file: [["file", integer]],
    files: [inChat],
    users: [],
    changeName: [["name", text]],
    changeStatus: [["status", oneOf("online", "away", "busy")]],
    settings: [["account", optional(text)]],
    saveSettings: [
      ["settings", secret],
      ["account", optional(text)]
    ],
    may: [operation, inChat]
  },
  throwing: {
    log: [
      inChat,
      [
        "options",
        optional(fields("an object with options", { after: optional(integerFrom(0)), live: optional(flag), signal }))
      ]
    ]
  }
}

const FACTS = {
  realname: optional(text),
  avatar: optional(text),
  role: optional(text),
  dept: optional(integerFrom(0)),
  admin: optional(flag),
  organisation: (value: unknown) => (value === null ? undefined : optional(integer)(value))
}

const draft: Check = fields("an object with an account", {
  account: text,
  password: optional(secret),
  passwordHash: optional(secret),
  ...FACTS
})

/** Methods of `UsersApi`. */
export const usersApiParameters: { readonly rejecting: Readonly<Record<string, Parameters>> } = {
  rejecting: {
    add: [["draft", draft]],
    addAll: [["drafts", list("users to add", draft)]],
    find: [ofUser],
    externalIds: [
      [
        "ids",
        check(
          "an iterable of integer ids",
          (value) => isObject(value) && typeof Reflect.get(value, Symbol.iterator) === "function"
        )
      ]
    ],
    list: [],
    change: [ofUser, ["facts", fields("an object with facts of a user", FACTS)]],
    setPassword: [ofUser, ["password", secret]],
    setDisabled: [ofUser, ["disabled", flag]],
    invalidate: [["ids", optional(list("external ids", nonEmpty))]],
    endSessions: [ofUser]
  }
}

const kind: Check = optional(oneOf("chat", "token"))

/** Methods of `ParleyEngine`. */
export const engineParameters: {
  readonly rejecting: Readonly<Record<string, Parameters>>
  readonly throwing: Readonly<Record<string, Parameters>>
} = {
  rejecting: {
    explain: [ofUser, inChat, operation],
    mintToken: [ofUser, ["options", optional(fields("an object with options", { ttl: optional(seconds) }))]],
    openSession: [ofUser, ["options", optional(fields("an object with options", { kind, device }))]],
    login: [
      ["account", text],
      ["password", secret],
      ["options", optional(fields("an object with options", { kind, device, address: optional(text) }))]
    ],
    resume: [["token", secret]],
    endSession: [["token", secret]],
    addSystemChat: [],
    run: [["effect", check("an Effect", Effect.isEffect)]]
  },
  throwing: {
    as: [ofUser],
    on: [
      [
        "type",
        oneOf(
          "message",
          "replaced",
          "recalled",
          "created",
          "changed",
          "read",
          "delivered",
          "typing",
          "transient",
          "push",
          "user"
        )
      ],
      ["listener", callback]
    ],
    events: [["options", optional(fields("an object with options", { signal }))]]
  }
}
