/** The largest requests of a client of xuanxuan. */
import { MEMBERS, upTo, pictureOf } from "./largeDatabase.ts"

export const MIB = 1024 * 1024
const ask = (sid: string, method: string, params?: unknown) => ({ module: "chat", method, sid, params })
const one = (method: string, params?: unknown) => (sid: string) => JSON.stringify(ask(sid, method, params))
const many = (count: number, method: string, params?: unknown) => (sid: string) =>
  JSON.stringify(Array.from({ length: count }, () => ask(sid, method, params)))
const ours = (method: string, params?: unknown) => (sid: string) =>
  JSON.stringify({ module: "parley", method, sid, params })
const members = upTo(MEMBERS).map((id) => ({ id }))

/** Objects with distinct keys: the slowest JSON for its size. */
export const KINDS = upTo(14_000).map((id) => ({ [`k${id.toString(36)}`]: 1 }))
const NESTED = JSON.parse("[".repeat(120) + "]".repeat(120)) as unknown

/** Frames of xuanxuan, and the number of their replies. */
export const frames: ReadonlyArray<readonly [description: string, json: (sid: string) => string, answers: number]> = [
  ["a login among all users", one("ping"), 1],
  ["1,000 requests in a frame", many(1000, "ping"), 1000],
  ["a list of all users, three times in a frame", many(3, "userGetList"), 3],
  ["lists of chats, one of which has everybody in it", many(3, "getlist"), 3],
  ["a group of 1,000 members", one("create", { gid: "another", name: "", type: "group", members }), 1],
  ["its members, 20 times in a frame", many(20, "members", { gid: "large" }), 20],
  ["a history of 10,000 messages", one("history", { gid: "large" }), 1],
  ["a history of pictures", one("history", { gid: "pictures" }), 1],
  ["unread counts, also of pictures", ours("unread"), 1],
  ["read marks of a group with pictures", ours("readMarks", { gid: "pictures" }), 1],
  [
    "10 pictures in a request",
    one(
      "message",
      upTo(10).map((nth) => ({
        gid: `sent-${nth}`,
        cgid: "pictures",
        contentType: "image",
        content: pictureOf(200 + nth)
      }))
    ),
    1
  ],
  [
    "100 messages in each of 20 requests",
    many(
      20,
      "message",
      Array.from({ length: 100 }, (_, index) => ({ gid: `m${index}`, cgid: "large", content: "x" }))
    ),
    20
  ],
  [
    "a request with very many invalid messages",
    (sid) => `{"module":"chat","method":"message","sid":"${sid}","params":[${"1,".repeat(500_000)}1]}`,
    1
  ],
  [
    "900 requests of 100 invalid messages",
    many(
      900,
      "message",
      Array.from({ length: 100 }, () => ({}))
    ),
    900
  ],
  [
    "acknowledgements of 5,000 unknown packets",
    (sid) =>
      JSON.stringify([
        { module: "chat", method: "message", id: upTo(5000).map((id) => id + 1e9), sid },
        ask(sid, "ping")
      ]),
    1
  ],
  [
    "acknowledgements of 100,000 packets",
    (sid) => JSON.stringify([{ module: "chat", method: "message", id: upTo(100_000), sid }, ask(sid, "ping")]),
    1
  ],
  [
    "deep JSON",
    (sid) =>
      `{"module":"chat","method":"settings","sid":"${sid}","params":["user1",${"[".repeat(500_000)}${"]".repeat(500_000)}]}`,
    1
  ],
  [
    "wide JSON",
    one("settings", { account: "user1", settings: Object.fromEntries(upTo(60_000).map((id) => [`k${id}`, id])) }),
    1
  ],
  [
    "wide JSON within the bounds",
    one("settings", { account: "user1", settings: Object.fromEntries(upTo(16_000).map((id) => [`k${id}`, id])) }),
    1
  ],
  ["32,000 texts", one("settings", { account: "user1", settings: upTo(32_000).map((id) => id.toString(36)) }), 1],
  ["objects of 14,000 kinds", one("settings", { account: "user1", settings: KINDS }), 1],
  [
    "objects of 7,000 kinds and 16,000 texts",
    one("settings", { account: "user1", settings: [...KINDS.slice(7000), ...upTo(16_000).map((id) => `s${id}`)] }),
    1
  ],
  ["130,000 empty arrays", one("settings", { account: "user1", settings: upTo(130_000).map(() => []) }), 1],
  ["1,000 rows of 128 levels", one("settings", { account: "user1", settings: upTo(1000).map(() => NESTED) }), 1],
  [
    "16,000 params with names of their own",
    one("create", { gid: "wide", members: [], ...Object.fromEntries(upTo(16_000).map((id) => [`k${id}`, id])) }),
    1
  ],
  ["900 requests of 14 fields", many(900, "ping", Object.fromEntries(upTo(12).map((id) => [`k${id}`, id]))), 900],
  ["130,000 members, which are no ids", one("create", { gid: "b", members: upTo(130_000).map(() => []) }), 1],
  ["a committers text of 1 MB", one("setCommitters", { gid: "large", committers: "1,".repeat(500_000) }), 1],
  ["100,000 ids of users", one("addMember", { gid: "large", members: upTo(100_000) }), 1],
  [
    "1,000 users who do not exist",
    one("addMember", { gid: "large", members: upTo(1000).map((id) => ({ id: id + 1e6 })) }),
    1
  ],
  ["the largest frame, which is no JSON", () => "x".repeat(MIB), 1]
]
