/** Options and arguments of the promise API: one sentence with the name, what came, and what is accepted. */
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createEngine, type EngineOptions, ParleyEngine, ParleyError, UserApi, UsersApi } from "@parley/core"
import { isCrossOrigin } from "@parley/core/Authenticator"
import { allowsOrigin, isOrigin, type Origins } from "@parley/core/Origins"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { engineParameters, userApiParameters, usersApiParameters } from "../src/api/ArgumentChecks.ts"

const errorOf = async (work: () => unknown): Promise<ParleyError> => {
  try {
    await work()
  } catch (error) {
    assert.instanceOf(error, ParleyError)
    return error
  }
  return assert.fail("nothing was refused")
}

/** The methods of a class, for arguments of any type. */
type Loose<A> = { readonly [K in keyof A]: (...given: ReadonlyArray<unknown>) => unknown }

interface Api extends Pick<Loose<ParleyEngine>, "as" | "explain" | "login" | "mintToken" | "on"> {
  readonly ann: Loose<UserApi>
  readonly users: Loose<UsersApi>
}

const PASSWORD = "postgres://chat:hunter2@db/chat"

/** Options, and the sentence that refuses them. */
const OPTIONS: ReadonlyArray<readonly [options: unknown, sentence: string]> = [
  [undefined, "createEngine must be an object with options, not undefined."],
  [
    {},
    'The option store must be the layer of a store, such as MemoryStore.layer or SqliteStore.layer({ file: "chat.db" }), not undefined.'
  ],
  [
    { store: PASSWORD },
    'The option store must be the layer of a store, such as MemoryStore.layer or SqliteStore.layer({ file: "chat.db" }), not a string.'
  ],
  [
    { store: () => MemoryStore.layer },
    'The option store must be the layer of a store, such as MemoryStore.layer or SqliteStore.layer({ file: "chat.db" }), not a function: call it.'
  ],
  [
    { store: Promise.resolve(MemoryStore.layer) },
    'The option store must be the layer of a store, such as MemoryStore.layer or SqliteStore.layer({ file: "chat.db" }), not a promise.'
  ],
  [{ blobs: {} }, "The option blobs must be the layer of a file storage, such as MemoryBlobs.layer, not an object."],
  [
    { passwords: "bcrypt" },
    "The option passwords must be the layer of a password hash, such as WebPasswords.layer, not a string."
  ],
  [{ hook: {} }, "createEngine has no hook; did you mean hooks?"],
  [
    { dialects: [] },
    "createEngine has no dialects; it has store, blobs, passwords, directory, authenticate, verifyPassword, origins, nodes, bus, visibility, hooks, log, settings and signal."
  ],
  [{ hooks: { beforeSend: () => undefined } }, "The option hooks has no beforeSend; it has before, after and timeout."],
  [{ hooks: { befor: () => undefined } }, "The option hooks has no befor; did you mean before?"],
  [{ hooks: { before: "spam" } }, 'The option hooks.before must be a function, not "spam".'],
  [{ hooks: [] }, "The option hooks must be an object with before or after, not an empty list."],
  [
    { hooks: { timeout: Number.NaN } },
    "The option hooks.timeout must be a number of milliseconds from 0 to 2147483647, not NaN."
  ],
  [{ directory: { find: () => [] } }, "The option directory.findByAccount must be a function, not undefined."],
  [{ directory: () => [] }, "The option directory must be an object with find and findByAccount, not a function."],
  [{ authenticate: "cookie" }, 'The option authenticate must be a function, not "cookie".'],
  [{ verifyPassword: true }, "The option verifyPassword must be a function, not true."],
  [{ log: "debug" }, 'The option log must be a function, not "debug".'],
  [{ log: console }, "The option log must be a function, not an object of the class Console."],
  [{ signal: 3 }, "The option signal must be an AbortSignal, not 3."],
  [{ settings: "multi" }, 'The option settings must be an object with settings, not "multi".'],
  [{ settings: { frame: 65_536 } }, "The setting frame is unknown; did you mean limits.frame?"],
  [{ settings: { "limits.frames": 1 } }, "The setting limits.frames is unknown; did you mean limits.frame?"],
  [{ settings: { nothing: 1 } }, "The setting nothing is unknown."],
  [{ settings: { "limits.frame": 1 } }, "The setting limits.frame must be an integer from 1024 to 67108864, not 1."],
  [{ settings: { "session.idle": "60" } }, 'The setting session.idle must be an integer from 1, not "60".'],
  [{ settings: { sessions: "many" } }, 'The setting sessions must be one of "single", "multi", not "many".']
]

const LIST = 'must be a list of origins such as ["https://app.example"], or "any"'

/** Values of `origins`, and the words that refuse them. */
const ORIGINS: ReadonlyArray<readonly [origins: unknown, words: string]> = [
  ["https://app.example.com", `${LIST}, not "https://app.example.com": write ["https://app.example.com"]`],
  ["https://App.example.com/chat", `${LIST}, not "https://App.example.com/chat": write ["https://app.example.com"]`],
  ["*", `${LIST}, not "*"`],
  [true, `${LIST}, not true`],
  [null, `${LIST}, not null`],
  [new Set(["https://app.example"]), `${LIST}, not an object of the class Set`],
  [["*"], `${LIST}, not ["*"]: write "any" to allow every page`],
  [["any"], `${LIST}, not ["any"]: write "any" to allow every page`],
  [["https://app.example/"], `${LIST}, and has "https://app.example/": write "https://app.example"`],
  [["HTTPS://app.example"], `${LIST}, and has "HTTPS://app.example": write "https://app.example"`],
  [["https://app.example:443"], `${LIST}, and has "https://app.example:443": write "https://app.example"`],
  [["http://localhost:5173", "app.example"], `${LIST}, and has "app.example"`],
  [["https://*.example"], `${LIST}, and has "https://*.example"`],
  [["null"], `${LIST}, and has "null"`],
  [[undefined], `${LIST}, and has undefined`]
]

describe("options of createEngine", () => {
  for (const [options, sentence] of OPTIONS) {
    it(`refuses: ${sentence}`, async () => {
      const given = typeof options === "object" && options !== null && Object.keys(options).length > 0
      const error = await errorOf(() =>
        createEngine((given ? { store: MemoryStore.layer, ...options } : options) as EngineOptions)
      )
      assert.strictEqual(error.message, sentence)
      assert.strictEqual(error.code, "Invalid")
      assert.strictEqual(error.reason?._tag, "Invalid")
      assert.notInclude(JSON.stringify(error.reason), "hunter2")
    })
  }

  for (const [origins, words] of ORIGINS) {
    it(`origins ${words}`, async () => {
      const options = { store: MemoryStore.layer, origins } as EngineOptions
      assert.strictEqual((await errorOf(() => createEngine(options))).message, `The option origins ${words}.`)
    })
  }

  it("may be instances of classes, with further members", async () => {
    class Directory {
      readonly table = []
      find() {
        return this.table
      }
      findByAccount() {
        return this.table
      }
    }
    const origins = ["https://app.example", "http://[::1]:5173", "capacitor://localhost", "file://"]
    for (const given of [origins, [], "any"] as const) {
      const created = await createEngine({ store: MemoryStore.layer, directory: new Directory(), origins: given })
      assert.deepStrictEqual(await created.users.list(), [])
      await created.close()
    }
  })
})

describe("origins", () => {
  it("are compared whole, even if the list is a text", () => {
    const text = "https://app.example.com" as unknown as Origins
    for (const origin of ["https://app.example.co", "https://app", "h", "https://app.example.com"]) {
      assert.isFalse(allowsOrigin(text, origin), origin)
      const headers = new Map([
        ["origin", origin],
        ["host", "chat.example"]
      ])
      assert.isTrue(isCrossOrigin({ headers }, { origins: text }), origin)
      assert.strictEqual(isCrossOrigin({ headers }, { origins: [origin] }), false, origin)
    }
    assert.isTrue(allowsOrigin("any", "https://anywhere.example"))
  })

  it("are written as browsers write them", () => {
    for (const origin of [
      "https://a.example",
      "http://127.0.0.1:8080",
      "https://xn--bcher-kva.example",
      "tauri://localhost"
    ])
      assert.isTrue(isOrigin(origin), origin)
    for (const origin of [
      "https://",
      "https://a.example?",
      "https://u@a.example",
      "http://a:80",
      "http://a:08080",
      "https://bücher.example",
      "//a",
      "",
      3
    ])
      assert.isFalse(isOrigin(origin), String(origin))
  })
})

describe("arguments", () => {
  let engine: ParleyEngine
  beforeAll(async () => {
    engine = await createEngine({ store: MemoryStore.layer })
    await engine.users.addAll([{ account: "ann" }, { account: "ben" }])
  })
  afterAll(() => engine.close())

  const USER = "a user: our integer id, the external id or the account as a string, or an object with our integer id"
  const CHAT = "a chat: its integer id, its gid, or an object with one of them"

  /** Calls with arguments of other types, as plain JavaScript can make them. */
  const CALLS: ReadonlyArray<readonly [call: (api: Api) => unknown, sentence: string | RegExp]> = [
    [({ as }) => as(undefined), `as: user must be ${USER}, not undefined.`],
    [({ as }) => as(Number.NaN), `as: user must be ${USER}, not NaN.`],
    [({ as }) => as({ id: "u-17" }), `as: user must be ${USER}, not an object: pass its id instead.`],
    [({ ann }) => ann.send("g", 3), "send: content must be a string, not 3."],
    [({ ann }) => ann.send("g"), "send: content must be a string, not undefined."],
    [({ ann }) => ann.send(undefined, "hi"), `send: chat must be ${CHAT}, not undefined.`],
    [({ ann }) => ann.send("g", "hi", { gidd: "1" }), "send: options has no gidd; did you mean gid?"],
    [
      ({ ann }) => ann.send("g", "hi", { date: new Date(0) }),
      "send: options.date must be a number of milliseconds since 1970, not an object of the class Date."
    ],
    [({ ann }) => ann.sendAll("hi"), 'sendAll: messages must be a list of messages, not "hi".'],
    [
      ({ ann }) => ann.sendAll([{ chat: "g", content: "a" }, { chat: "g" }]),
      "sendAll: messages[1].content must be a string, not undefined."
    ],
    [({ ann }) => ann.createGroup("Team"), 'createGroup: group must be an object with a name, not "Team".'],
    [
      ({ ann }) => ann.createGroup({ name: "Team", members: "ben" }),
      'createGroup: group.members must be a list of users, not "ben".'
    ],
    [
      ({ ann }) => ann.createGroup({ name: "Team", member: ["ben"] }),
      "createGroup: group has no member; did you mean members?"
    ],
    [({ ann }) => ann.addMembers("g", ["ben", null]), `addMembers: users[1] must be ${USER}, not null.`],
    [({ ann }) => ann.kick("g", "12"), 'kick: users must be a list of users, not "12".'],
    [
      ({ ann }) => ann.setSenders("g", "12"),
      'setSenders: senders must be "all", "admins" or a list of users, not "12".'
    ],
    [({ ann }) => ann.promote("g", ["ben"], 1), "promote: on must be true or false, not 1."],
    [({ ann }) => ann.silence("g", "ben"), 'silence: users must be a list of users, not "ben".'],
    [({ ann }) => ann.setSlowMode("g", 21_601), "setSlowMode: seconds must be an integer from 0 to 21600, not 21601."],
    [
      ({ ann }) => ann.history("g", 2),
      "history: page must be a page { size, number }, a range { start, limit } of integers, or { before, limit } with a message or its id, not 2."
    ],
    [
      ({ ann }) => ann.history("g", { size: 20 }),
      "history: page must be a page { size, number }, a range { start, limit } of integers, or { before, limit } with a message or its id, not an object."
    ],
    [({ ann }) => ann.search(3), "search: text must be a string, not 3."],
    [({ ann }) => ann.search("x", { limit: 101 }), "search: options.limit must be an integer from 1 to 100, not 101."],
    [({ ann }) => ann.read("g", "4"), 'read: upTo must be a sequence of the log from 0, or a message, not "4".'],
    [
      ({ ann }) => ann.acknowledge("12"),
      'acknowledge: ids must be an id or a list of ids, which are integers, not "12".'
    ],
    [
      ({ ann }) => ann.upload("g", { title: "a", content: 3 }),
      "upload: files.content must be a string, a Uint8Array or an async iterable of them, not 3."
    ],
    [
      ({ ann }) => ann.changeStatus("offline"),
      'changeStatus: status must be "online", "away" or "busy", not "offline".'
    ],
    [({ ann }) => ann.log("g", { after: "1" }), 'log: options.after must be an integer from 0, not "1".'],
    [
      ({ ann }) => ann.recall({ id: 3 }),
      "recall: message must be a message: its gid, or an object with it, not an object."
    ],
    [({ users }) => users.add("cat"), 'add: draft must be an object with an account, not "cat".'],
    [
      ({ users }) => users.add({ account: "cat", admin: "false" }),
      'add: draft.admin must be true or false, not "false".'
    ],
    [
      ({ users }) => users.add({ account: "cat", password: 12_345_678 }),
      "add: draft.password must be a string, not 12345678."
    ],
    [({ users }) => users.invalidate("u-17"), 'invalidate: ids must be a list of external ids, not "u-17".'],
    [({ users }) => users.externalIds("12"), 'externalIds: ids must be an iterable of integer ids, not "12".'],
    [({ users }) => users.setDisabled("ben", "no"), 'setDisabled: disabled must be true or false, not "no".'],
    [({ login }) => login("ann", undefined), "login: password must be a string, not undefined."],
    [
      ({ explain }) => explain("ann", "g", "sends"),
      /^explain: operation must be "see", .* or "recallOthers", not "sends"\.$/
    ],
    [
      ({ on }) => on("messages", () => {}),
      'on: type must be "message", "replaced", "recalled", "created", "changed", "read", "delivered", "typing", "transient", "push" or "user", not "messages".'
    ],
    [({ on }) => on("message"), "on: listener must be a function, not undefined."],
    [
      ({ mintToken }) => mintToken("ann", { ttl: "60" }),
      'mintToken: options.ttl must be a number of seconds, not "60".'
    ]
  ]

  for (const [call, sentence] of CALLS) {
    it(`${String(sentence)}`, async () => {
      const loose = engine as unknown as Loose<ParleyEngine>
      const api: Api = {
        as: (...given) => loose.as(...given),
        explain: (...given) => loose.explain(...given),
        login: (...given) => loose.login(...given),
        mintToken: (...given) => loose.mintToken(...given),
        on: (...given) => loose.on(...given),
        ann: engine.as("ann") as unknown as Loose<UserApi>,
        users: engine.users as unknown as Loose<UsersApi>
      }
      const error = await errorOf(() => call(api))
      assert.strictEqual(error.code, "Invalid")
      if (typeof sentence === "string") assert.strictEqual(error.message, sentence)
      else assert.match(error.message, sentence)
    })
  }

  it("of every method are checked", () => {
    for (const [type, tables, unchecked] of [
      [UserApi, userApiParameters, []],
      [UsersApi, usersApiParameters, []],
      [ParleyEngine, engineParameters, ["close", "nodes", "storage"]]
    ] as const) {
      const methods = Object.getOwnPropertyNames(type.prototype).filter((name) => name !== "constructor")
      const checked = Object.values(tables).flatMap((table) => Object.keys(table))
      assert.deepStrictEqual([...checked, ...unchecked].sort(), methods.sort(), type.name)
    }
  })
})
