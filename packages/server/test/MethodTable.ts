/**
 * The methods of the xuanxuan protocol with their params in the document's order: a valid value for each, and invalid
 * values. Source: seeds/002, "API"; PROTOCOLS, "Params", "Who may do what".
 */
import type { Fields } from "./TestClient.ts"

/** Users and chats in the values of the table. */
export interface Subjects {
  /** Ids of alice, the caller, and of bob, carol and dave. */
  readonly alice: number
  readonly bob: number
  readonly carol: number
  readonly dave: number
  /** A group of alice's with bob. */
  readonly room: { readonly gid: string; readonly id: number }
  /** The system chat. */
  readonly system: string
}

export interface Param {
  readonly name: string
  readonly value: unknown
  readonly optional: boolean
  /** Values refused with the name of the param. */
  readonly wrong: ReadonlyArray<unknown>
  /** Values refused with any error. */
  readonly refused: ReadonlyArray<unknown>
}

export interface Method {
  readonly module: string
  readonly method: string
  /** Caller with the right: alice, or a system administrator. */
  readonly as: "alice" | "admin"
  readonly params: ReadonlyArray<Param>
}

export const HUGE = "x".repeat(1_000_000)
export const UNKNOWN_USER = 999_999_999

/** Returns JSON with this many levels. */
export const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels))

const NO_TEXT = [5, 1.5, true, [], ["a"], {}, { a: "b" }, "half \ud83d", "\ude00\ud83d"]
const NO_FLAG = ["yes", "true", "", "2", 2, -1, 0.5, [], [true], {}, HUGE]
const NO_INT = ["x", "1", "", 1.5, 1e300, true, [], [1], {}, HUGE]
const NO_IDS = [
  5,
  "x",
  true,
  {},
  { id: 1 },
  [null],
  ["a"],
  [true],
  [{}],
  [{ id: null }],
  [{ id: "1" }],
  [1.5],
  [[1]],
  HUGE,
  Array.from({ length: 1001 }, (_, index) => index + 1)
]
const NO_USERS = [[UNKNOWN_USER], [{ id: UNKNOWN_USER }], [0], [-1], [9_007_199_254_740_991]]

type Values = Partial<Pick<Param, "wrong" | "refused" | "optional">>

const param = (name: string, value: unknown, { wrong = [], refused = [], optional = false }: Values): Param => ({
  name,
  value,
  optional,
  wrong,
  refused
})
const optional = { optional: true }
const chat = (gid: string): Param =>
  param("gid", gid, { wrong: NO_TEXT, refused: ["", "no-such-chat", "\u0000", "__proto__", "constructor", HUGE] })
const message = param("gid", "no-such-message", {
  wrong: NO_TEXT,
  refused: ["", "\u0000", "__proto__", "constructor", HUGE]
})
const flag = (name: string): Param => param(name, true, { ...optional, wrong: NO_FLAG })
const users = (name: string, value: unknown, more: ReadonlyArray<unknown> = [[]]): Param =>
  param(name, value, { wrong: [...NO_IDS, ...more], refused: NO_USERS })
const status = (values: Values): Param =>
  param("status", "busy", { ...values, wrong: [...NO_TEXT, "", "offline", "ONLINE", HUGE] })

const method = (name: `${string}/${string}`, params: ReadonlyArray<Param>, as: Method["as"] = "alice"): Method => {
  const [module = "", word = ""] = name.split("/")
  return { module, method: word, as, params }
}

/** Every method with params, except `message`, whose params are a list, and `login`, which has no session. */
export const methodsOf = ({ bob, carol, dave, room, system }: Subjects): ReadonlyArray<Method> => [
  method("chat/userChangeName", [
    param("name", "Alice the First", { wrong: [...NO_TEXT, "", "  ", "x".repeat(256), HUGE] })
  ]),
  method("chat/userChangeStatus", [status({})]),
  method("chat/create", [
    param("gid", "bad-chat", { wrong: [...NO_TEXT, "", "x".repeat(256), HUGE, "1&2"] }),
    param("name", "Bad chat", { ...optional, wrong: [...NO_TEXT, "x".repeat(256), HUGE] }),
    param("type", "group", { ...optional, wrong: [...NO_TEXT, "", "system", "x".repeat(33), HUGE] }),
    users("members", [{ id: bob }, { id: carol }], []),
    param("subject", 0, { ...optional, wrong: NO_INT }),
    flag("public")
  ]),
  method("chat/joinchat", [chat(room.gid), flag("join")]),
  method("chat/changename", [
    param("id", room.id, {
      wrong: [1.5, true, [], [1], {}],
      refused: [0, -1, UNKNOWN_USER, 9_007_199_254_740_991, "", "no-such-chat", HUGE]
    }),
    param("name", "Other name", { wrong: [...NO_TEXT, "", " \t", "x".repeat(256), HUGE] })
  ]),
  method("chat/star", [chat(room.gid), flag("star")]),
  method("chat/hide", [chat(room.gid), flag("hide")]),
  method("chat/mute", [chat(room.gid), flag("mute")]),
  method("chat/addmember", [chat(room.gid), users("members", [{ id: dave }]), flag("join")]),
  method("chat/history", [
    chat(room.gid),
    param("recPerPage", 10, { ...optional, wrong: [...NO_INT, -1, 10_001] }),
    param("pageID", 1, { ...optional, wrong: [...NO_INT, -1] }),
    param("recTotal", 0, { ...optional, wrong: NO_INT }),
    flag("continued")
  ]),
  method("chat/members", [chat(room.gid)]),
  method("chat/changepublic", [chat(room.gid), flag("public")]),
  method("chat/setAdmin", [chat(system), users("admins", [{ id: bob }]), flag("isAdmin")], "admin"),
  method("chat/setCommitters", [
    chat(room.gid),
    param("committers", [{ id: bob }], {
      wrong: [
        ...NO_IDS.filter((value) => value !== "x"),
        "x",
        "1,x",
        "1;2",
        "$all",
        "0x1",
        "1.5",
        "1e0",
        "constructor",
        "__proto__",
        HUGE
      ],
      refused: [...NO_USERS, [dave], String(UNKNOWN_USER), "-1"]
    })
  ]),
  method("chat/settings", [
    param("account", "alice", { wrong: NO_TEXT, refused: ["bob", "nobody", HUGE] }),
    param("settings", { theme: "dark" }, { ...optional, wrong: [HUGE, nested(101), nested(5000)] })
  ]),
  method("attach/getList", [chat(room.gid)]),
  method("parley/events", [flag("on")]),
  method("parley/unread", [{ ...chat(room.gid), optional: true }]),
  method("parley/read", [
    chat(room.gid),
    param("id", 1, { ...optional, wrong: NO_INT, refused: [0, -1, UNKNOWN_USER, 9_007_199_254_740_991] })
  ]),
  method("parley/typing", [chat(room.gid), flag("typing")]),
  method("parley/historyBefore", [
    chat(room.gid),
    param("id", 1, { wrong: NO_INT, refused: [0, -1, UNKNOWN_USER, 9_007_199_254_740_991] }),
    param("limit", 10, { ...optional, wrong: [...NO_INT, 0, -1, 501] })
  ]),
  method("parley/search", [
    param("text", "hello", { wrong: [...NO_TEXT, "", " ", "x".repeat(256), "half \ud83d", HUGE] }),
    { ...chat(room.gid), optional: true },
    param("limit", 10, { ...optional, wrong: [...NO_INT, 0, -1, 101] }),
    param("from", "", { ...optional, wrong: [...NO_TEXT, "x", "1", "1.x", "-1.1", "999999.1", HUGE] })
  ]),
  method("parley/edit", [message, param("content", "new", { wrong: NO_TEXT, refused: [HUGE] })]),
  method("parley/recall", [message]),
  method("parley/readMarks", [chat(room.gid), param("users", [{ id: bob }], { ...optional, wrong: NO_IDS })])
]

/** Fields of a message. */
export const draftOf = ({ alice, bob, room }: Subjects): ReadonlyArray<Param> => [
  param("gid", "bad-message", { wrong: [...NO_TEXT, "", "x".repeat(256), HUGE] }),
  param("cgid", room.gid, { wrong: NO_TEXT, refused: ["", "no-such-chat", HUGE] }),
  param("user", alice, { ...optional, wrong: [bob, UNKNOWN_USER, "bob", true, 1.5, [], [alice], {}, HUGE] }),
  param("date", 1_500_000_000, { ...optional, wrong: ["x", true, [], {}, -1, 1e300] }),
  param("type", "normal", { ...optional, wrong: [...NO_TEXT, "", "x", HUGE] }),
  param("contentType", "text", { ...optional, wrong: [...NO_TEXT, "", "x", HUGE] }),
  param("content", "Not to be read", {
    wrong: [
      5,
      1.5,
      true,
      [],
      ["a"],
      "x".repeat(65_537),
      "字".repeat(21_846),
      { text: "x".repeat(65_536) },
      { text: nested(100) },
      "half \ud83d",
      HUGE
    ]
  })
]

export const loginParams = (password: string): ReadonlyArray<Param> => [
  param("account", "alice", { wrong: NO_TEXT, refused: ["", "nobody", "alice\u0000", "ALICE", HUGE] }),
  param("password", password, { wrong: NO_TEXT, refused: ["", "123456", password.toUpperCase(), HUGE] }),
  status(optional),
  param("device", "desk", { ...optional, wrong: [...NO_TEXT, "x".repeat(65), HUGE] })
]

/** Methods without params. */
export const bareMethods = ["userGetlist", "getList", "getPublicList", "ping", "logout"] as const

/** Returns the values by name. */
export const named = (params: ReadonlyArray<Param>): Fields =>
  Object.fromEntries(params.map(({ name, value }) => [name, value]))
