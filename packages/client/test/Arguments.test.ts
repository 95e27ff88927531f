/** Arguments of every method are checked before anything is sent, with one sentence. */
import { assert, describe, it } from "@effect/vitest"
import { connect, ParleyError, type Parley } from "../src/index.ts"
import { EVENT_TYPES } from "../src/Events.ts"
import { PARAMETERS } from "../src/ArgumentChecks.ts"
import { failure, online } from "./harness.ts"

/** A client as a program without types sees it. */
type Untyped = Record<string, (...values: ReadonlyArray<unknown>) => unknown>

const OPTIONS = "it has signal, timeout"

const table: ReadonlyArray<readonly [string, ReadonlyArray<unknown>, string]> = [
  ["send", [undefined, "x"], "send: chat must be a chat or its gid, not undefined."],
  ["send", [{ id: 3 }, "x"], "send: chat must be a chat or its gid, not an object."],
  ["send", ["g", 3], "send: content must be a string, or an object to be sent as JSON, not 3."],
  ["send", ["g", "x", { timout: 3 }], `send: options has no timout; ${OPTIONS}, gid, type, contentType.`],
  ["send", ["g", "x", { type: "loud" }], 'send: options.type must be one of "normal", "broadcast", not "loud".'],
  ["sendAll", ["g"], 'sendAll: messages must be a list of messages, not "g".'],
  [
    "sendAll",
    [[{ chat: "g", content: "x" }, { chat: 1 }]],
    "sendAll: messages[1].chat must be a chat or its gid, not 1."
  ],
  ["create", [{ memebers: [] }], "create: chat has no memebers; it has gid, name, type, members, subject, public."],
  ["create", [{ members: ["ann"] }], 'create: chat.members[0] must be a user or its id, not "ann".'],
  ["openDirectChat", ["bob"], 'openDirectChat: user must be a user or its id, not "bob".'],
  ["read", ["g", { signal: null }], "read: upTo must be a message or its id, not an object."],
  ["typing", ["g", "yes"], 'typing: on must be true or false, not "yes".'],
  ["history", ["g", { page: 0 }], "history: options.page must be an integer from 1, not 0."],
  ["historyBefore", ["g", 1, { size: 501 }], "historyBefore: options.size must be an integer from 1 to 500, not 501."],
  ["search", [/x/], "search: text must be a string, not an object."],
  ["search", ["x", "g"], 'search: options must be an object with options, not "g".'],
  ["edit", ["g", null], "edit: content must be a string, not null."],
  ["setSenders", ["g", "$NOBODY"], 'setSenders: senders must be "$ALL", "$ADMINS" or a list of users, not "$NOBODY".'],
  ["setSlowMode", ["g", 0.5], "setSlowMode: seconds must be an integer from 0 to 21600, not 0.5."],
  ["changeStatus", ["offline"], 'changeStatus: status must be one of "online", "away", "busy", not "offline".'],
  ["saveSettings", [], "saveSettings: settings must be a value of JSON, not undefined."],
  [
    "upload",
    ["g", [{ name: "x" }]],
    "upload: files[0] must be a File, or an object with name and data, not an object."
  ],
  ["download", [1, { range: { start: -1 } }], "download: options.range.start must be an integer from 0, not -1."],
  ["logout", [{ timeout: "1s" }], 'logout: options.timeout must be a number of milliseconds from 0, not "1s".'],
  ["rename", ["g", ["a"]], "rename: name must be a string, not a list."]
]

describe("arguments", () => {
  it("that cannot be used are refused in one sentence, and nothing is sent", async () => {
    const { parley, net } = await online()
    const before = net.peer.frames.length
    for (const [method, values, sentence] of table) {
      const promise = (parley as unknown as Untyped)[method]?.apply(parley, [...values]) as Promise<unknown>
      const error = await failure(promise)
      assert.deepStrictEqual([error.code, error.message], ["invalid", sentence])
    }
    for (const [method, values, sentence] of [
      [
        "on",
        ["mesage", () => {}],
        `on: type must be one of ${EVENT_TYPES.map((type) => `"${type}"`).join(", ")}, not "mesage".`
      ],
      ["on", ["message"], "on: listener must be a function, not undefined."],
      ["onAny", [{}], "onAny: listener must be a function, not an object."]
    ] as const) {
      assert.throws(() => (parley as unknown as Untyped)[method]?.(...values), ParleyError, sentence)
    }
    assert.strictEqual(net.peer.frames.length, before)
    parley.close()
  })

  it("of every public method are checked", async () => {
    const { parley } = await online()
    const names = new Set<string>()
    for (let type: object = parley; type !== Object.prototype; type = Object.getPrototypeOf(type) as object) {
      for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
        if (typeof value === "function" && name !== "constructor") names.add(name)
      }
    }
    const withoutArguments: ReadonlyArray<keyof Parley> = ["start", "messages", "wake", "close"]
    assert.sameMembers([...names], [...Object.keys(PARAMETERS), ...withoutArguments])
    parley.close()
  })

  it("of connect are named, without showing a password", async () => {
    for (const [options, sentence] of [
      [undefined, "connect: options must be an object with options, not undefined."],
      ["http://h", 'connect: options must be an object with options, not "http://h".'],
      [{}, "connect: options.url must be a string, not undefined."],
      [{ url: "http://h", acount: "ann" }, "connect: options has no acount; it has url, account, password"],
      [
        { url: "http://h", account: "ann", password: 123456 },
        "connect: options.password must be a string, not number."
      ],
      [{ url: "http://h", token: {} }, "connect: options.token must be a string, not an object."],
      [{ url: "http://h", timeout: -1 }, "connect: options.timeout must be a number of milliseconds from 0, not -1."],
      [
        { url: "http://h", backoff: { first: "1" } },
        'connect: options.backoff.first must be a number of milliseconds from 0, not "1".'
      ]
    ] as const) {
      const error = await failure(connect(options as never))
      assert.strictEqual(error.code, "invalid")
      assert.isTrue(error.message.startsWith(sentence), error.message)
    }
  })
})
