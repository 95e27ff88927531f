/**
 * No request blocks the event loop for long: measures the longest stretch of synchronous work for the largest requests of
 * each protocol. The bound is 20 ms on the machine of `CALIBRATION` below, and scales with slower ones. A longer stretch is
 * measured again, since a garbage collection may fall into it.
 */
import { assert, describe, layer } from "@effect/vitest"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { ChatId, UserId } from "@parley/core/Ids"
import type { Store, Write } from "@parley/core/Store"
import { Context, Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import { connect } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { WebSocket } from "ws"
import { folder, start } from "./serverProcess.ts"

const RULE = 20
const ATTEMPTS = 3
/** Milliseconds of the fixed piece of work in `fixtures/delays.mjs`. */
const CALIBRATION = 0.8

const USERS = 100_000
const MEMBERS = 1000
const MESSAGES = 10_000
const PICTURES = 100
const BATCH = 2000

const sidOf = (id: number): string => `session-of-user-${id}`
const hashOf = (sid: string): string => createHash("sha256").update(sid).digest("hex")

const write = Effect.fnUntraced(function* (store: Store["Service"], writes: ReadonlyArray<Write>) {
  for (let from = 0; from < writes.length; from += BATCH) {
    yield* store.commit({ expectedVersions: [], writes: writes.slice(from, from + BATCH) })
  }
})

const upTo = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index + 1)

/** Content of a picture: a JSON object with as many distinct keys as fit. `nth`: the keys of different pictures differ. */
const pictureOf = (nth: number): string => {
  const first = 100_000 * (nth + 1)
  return `{"url":"u","x":[${upTo(5000)
    .map((id) => `{"${(first + id).toString(36)}":{}}`)
    .join(",")}]}`
}

/**
 * 100,000 users, some with sessions; a group of 1,000 members and a direct chat, with 10,000 messages each; a group
 * and a direct chat with 100 pictures each, whose content is large JSON.
 */
const fill = Effect.fnUntraced(function* (file: string) {
  const store = yield* SqliteStore.make({ file })
  yield* write(
    store,
    upTo(USERS).map((id) => ({
      _tag: "CreateUser",
      user: {
        account: `user${id}`,
        realname: `User ${id}`,
        avatar: "",
        role: "",
        dept: 0,
        admin: id === 1,
        organisation: 2,
        disabled: false,
        createdAt: 0,
        password: null
      }
    }))
  )
  yield* write(
    store,
    upTo(50).flatMap((id) =>
      (["chat", "token"] as const).map((kind): Write => {
        const now = Date.now()
        const hash = hashOf(`${kind}-${sidOf(id)}`)
        return {
          _tag: "SaveSession",
          session: { hash, user: UserId(id), kind, device: "", createdAt: now, usedAt: now }
        }
      })
    )
  )
  yield* write(store, [{ _tag: "PutRecord", record: { dialect: "ha", kind: "key", key: "ha-test", value: {} } }])
  const made = (gid: string, type: string, members: ReadonlyArray<number>): Write => ({
    _tag: "CreateChat",
    chat: {
      gid,
      name: gid,
      type,
      public: true,
      subject: 0,
      members: members.map(UserId),
      owner: type === "group" ? UserId(1) : null,
      admins: [],
      senders: "all",
      attributes: {},
      createdBy: UserId(1),
      createdAt: 0
    },
    by: UserId(1)
  })
  yield* write(store, [
    made("large", "group", upTo(MEMBERS)),
    made("1&2", "one2one", [1, 2]),
    made("pictures", "group", upTo(MEMBERS)),
    made("1&3", "one2one", [1, 3])
  ])
  for (const chat of [1, 2]) {
    yield* write(
      store,
      upTo(MESSAGES).map((nth) => ({
        _tag: "Append",
        chat: ChatId(chat),
        by: UserId(1),
        device: null,
        at: nth,
        body: {
          _tag: "Posted",
          gid: `${chat}-${nth}`,
          type: "normal",
          contentType: "text",
          content: "消息 ".repeat(40),
          date: nth
        }
      }))
    )
  }
  yield* write(
    store,
    upTo(2 * PICTURES).map((nth) => ({
      _tag: "Append",
      chat: ChatId(nth > PICTURES ? 3 : 4),
      by: UserId(1),
      device: null,
      at: nth,
      body: {
        _tag: "Posted",
        gid: `picture-${nth}`,
        type: "normal",
        contentType: "image",
        content: pictureOf(nth),
        date: nth
      }
    }))
  )
}, Effect.scoped)

class Server extends Context.Service<
  Server,
  {
    readonly http: string
    /** Runs an effect and returns the longest stretch meanwhile, in ms. */
    readonly longest: <E>(work: Effect.Effect<unknown, E>) => Effect.Effect<number, E>
    /** Returns the milliseconds of a fixed piece of work in the server's main thread. */
    readonly calibration: Effect.Effect<number>
  }
>()("test/Server") {
  static readonly layer = Layer.effect(
    Server,
    Effect.gen(function* () {
      const cwd = yield* folder
      yield* fill(join(cwd, "parley.db"))
      const probe = join(cwd, "delays.sock")
      const limits = ["costPerSecond", "costBurst"].flatMap((name) => ["--set", `limits.${name}=1000000000`])
      const { until } = yield* start(
        cwd,
        ["serve", "--no-demo", "--port", "0", "--tcp-port", "off", "--database", "sqlite:parley.db", ...limits],
        {
          PARLEY_TEST_DELAYS: probe,
          NODE_OPTIONS: `--import ${fileURLToPath(new URL("fixtures/delays.mjs", import.meta.url))}`
        }
      )
      const [, http = ""] = /(http:\S+)/.exec(yield* until(/^listening /)) ?? []
      const ask = (line: string) =>
        Effect.callback<number>((resume) => {
          let text = ""
          const socket = connect(probe)
          socket.end(line)
          socket.setEncoding("utf8").on("data", (some) => (text += String(some)))
          socket.on("close", () => resume(Effect.succeed(Number(text))))
        })
      const read = ask("")
      return {
        http,
        longest: (work) => Effect.andThen(read, Effect.andThen(work, read)),
        calibration: ask("calibrate\n")
      }
    })
  )
}

/** Sends a frame as this user, and waits for this many frames with a `result`. */
const frame = (http: string, user: number, json: (sid: string) => string, answers: number) =>
  Effect.callback<void>((resume) => {
    const sid = `chat-${sidOf(user)}`
    const ws = new WebSocket(`${http.replace("http:", "ws:")}/ws`, { perMessageDeflate: false })
    let lists = 0
    let came = 0
    ws.on("open", () => ws.send(JSON.stringify({ module: "chat", method: "ping", sid })))
    ws.on("message", (data: Buffer) => {
      const beginning = data.subarray(0, 300).toString()
      if (beginning.startsWith("[")) {
        // A resumed session begins with two lists.
        if (/"(userGetList|getlist)"/.test(beginning) && ++lists === 2) ws.send(json(sid))
      } else if (/"result":"/.test(beginning) && lists === 2) {
        // A request of messages may be refused with a line for each of a hundred.
        if (!beginning.includes('"success"')) assert.isBelow(data.length, 4 * SMALL)
        if (++came < answers) return
        ws.terminate()
        resume(Effect.void)
      }
    })
    ws.on("error", () => resume(Effect.die(new Error("the connection broke off"))))
    ws.on("close", () => resume(Effect.die(new Error(`the server closed after ${came} answers`))))
  })

const http = (
  address: string,
  method: string,
  path: string,
  body?: string,
  headers: Readonly<Record<string, string>> = {}
) =>
  Effect.promise(async () => {
    const response = await fetch(address + path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body !== undefined && { body })
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    return { status: response.status, bytes: bytes.length, beginning: bytes.subarray(0, 200).toString() }
  })

/** Maximum bytes of a refusal. */
const SMALL = 8192

const MIB = 1024 * 1024
const ask = (sid: string, method: string, params?: unknown) => ({ module: "chat", method, sid, params })
const one = (method: string, params?: unknown) => (sid: string) => JSON.stringify(ask(sid, method, params))
const many = (count: number, method: string, params?: unknown) => (sid: string) =>
  JSON.stringify(Array.from({ length: count }, () => ask(sid, method, params)))
const ours = (method: string, params?: unknown) => (sid: string) =>
  JSON.stringify({ module: "parley", method, sid, params })
const members = upTo(MEMBERS).map((id) => ({ id }))

/** Objects with distinct keys: the slowest JSON for its size. */
const KINDS = upTo(14_000).map((id) => ({ [`k${id.toString(36)}`]: 1 }))
const NESTED = JSON.parse("[".repeat(120) + "]".repeat(120)) as unknown

/** Frames of xuanxuan, and the number of their replies. */
const frames: ReadonlyArray<readonly [description: string, json: (sid: string) => string, answers: number]> = [
  ["a login among 100,000 users", one("ping"), 1],
  ["1,000 requests in a frame", many(1000, "ping"), 1000],
  ["a list of 100,000 users, three times in a frame", many(3, "userGetList"), 3],
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

const figures: Array<readonly [description: string, milliseconds: number]> = []

/** Runs an effect again while it takes too long, and checks the shortest of the longest stretches. */
const judge = Effect.fnUntraced(function* (
  description: string,
  work: Effect.Effect<unknown>,
  attempts: number = ATTEMPTS
): Effect.fn.Return<void, never, Server> {
  const { longest, calibration } = yield* Server
  let best = Infinity
  for (let attempt = 0; attempt < attempts && best >= RULE; attempt++) {
    const milliseconds = yield* longest(work)
    const slowness = milliseconds < RULE ? 1 : Math.max(1, (yield* calibration) / CALIBRATION)
    best = Math.min(best, milliseconds / slowness)
  }
  figures.push([description, best])
  assert.isBelow(best, RULE, description)
})

layer(Server.layer, { excludeTestServices: true, timeout: "2 minutes" })("the event loop is not blocked", (test) => {
  describe("for a client of xuanxuan", () => {
    for (const [index, [description, json, answers]] of frames.entries()) {
      test.effect(description, () =>
        Effect.gen(function* () {
          const { http: address } = yield* Server
          // The first login reads all users from storage, later ones from memory.
          yield* judge(description, frame(address, index + 1, json, answers), index === 0 ? 1 : ATTEMPTS)
        })
      )
    }
  })

  describe("for a client of the protocols over HTTP", () => {
    const token = `token-${sidOf(1)}`
    const bearer = { authorization: `Bearer ${token}` }
    const ha = { "x-ha-key": "ha-test", "x-ha-session": token }
    const accounts = upTo(MEMBERS).map((id) => `user${id}`)
    const loginOf = (password: string) => JSON.stringify({ account: "user1", password })
    const requests: ReadonlyArray<
      readonly [
        description: string,
        method: string,
        path: string,
        body?: string | undefined,
        headers?: Readonly<Record<string, string>>
      ]
    > = [
      ["a login with a password of 1 MB", "POST", "/auth/login", loginOf("x".repeat(MIB - 100))],
      ["a login with a password of 16 KB", "POST", "/auth/login", loginOf("密".repeat(5000))],
      ["spark: a session of 1,000", "POST", `/session/start?token=${token}`, JSON.stringify({ To: accounts })],
      [
        "spark: a form of 60,000 names",
        "POST",
        `/session/start?token=${token}`,
        upTo(60_000)
          .map((id) => `To[${id}]=a`)
          .join("&"),
        { "content-type": "application/x-www-form-urlencoded" }
      ],
      [
        "spark: 60,000 attributes",
        "POST",
        `/session/Edit?token=${token}`,
        JSON.stringify({ SessionId: "large", Data: Object.fromEntries(upTo(60_000).map((id) => [`k${id}`, "v"])) })
      ],
      [
        "spark: deep JSON",
        "POST",
        `/session/start?token=${token}`,
        `{"To":${"[".repeat(500_000)}${"]".repeat(500_000)}}`
      ],
      [
        "spark: 10,000 attributes",
        "POST",
        `/session/Edit?token=${token}`,
        JSON.stringify({ SessionId: "large", Data: Object.fromEntries(upTo(10_000).map((id) => [`k${id}`, "v"])) })
      ],
      [
        "spark: objects of 14,000 kinds",
        "POST",
        `/session/Edit?token=${token}`,
        JSON.stringify({ SessionId: "large", Data: { KINDS } })
      ],
      [
        "spark: objects of 14,000 kinds in a form",
        "POST",
        `/session/Edit?token=${token}`,
        new URLSearchParams({ SessionId: "large", Data: JSON.stringify({ KINDS }) }).toString(),
        { "content-type": "application/x-www-form-urlencoded" }
      ],
      [
        "spark: 32,000 accounts",
        "POST",
        `/session/start?token=${token}`,
        JSON.stringify({ To: upTo(32_000).map(String) })
      ],
      ["hisihi: 100,000 contacts", "GET", "/im/org/2/contacts", undefined, bearer],
      [
        "hisihi: very many members",
        "POST",
        "/im/group",
        JSON.stringify({
          group_name: "g",
          organization_id: 2,
          conversion_id: "c",
          member_client_ids: "a:".repeat(450_000)
        }),
        bearer
      ],
      [
        "ha: a late page of a conversation",
        "GET",
        "/message?conversationid=-100000002&start=9000&limit=100",
        undefined,
        ha
      ],
      ["ha: a page of pictures", "GET", "/message?conversationid=-100000004&limit=60", undefined, ha],
      [
        "ha: wide JSON",
        "POST",
        "/message",
        JSON.stringify(Object.fromEntries(upTo(60_000).map((id) => [`k${id}`, "v"]))),
        ha
      ],
      [
        "hisihi: objects of 14,000 kinds",
        "POST",
        "/im/group",
        JSON.stringify({ group_name: KINDS, organization_id: 2, conversion_id: "c", member_client_ids: "user2" }),
        bearer
      ],
      ["ha: objects of 14,000 kinds", "POST", "/message", JSON.stringify({ conversationid: KINDS }), ha],
      [
        "youdu: objects of 14,000 kinds",
        "POST",
        `/cgi/session/create?accessToken=${token}`,
        JSON.stringify({ title: KINDS, creator: "user1", member: ["user1"], type: "multi" })
      ],
      [
        "youdu: 16,000 fields",
        "POST",
        `/cgi/session/create?accessToken=${token}`,
        JSON.stringify(Object.fromEntries(upTo(16_000).map((id) => [`k${id}`, 1])))
      ],
      [
        "youdu: a session of 1,000",
        "POST",
        `/cgi/session/create?accessToken=${token}`,
        JSON.stringify({ title: "t", creator: "user1", member: accounts, type: "multi" })
      ],
      [
        "youdu: very many members",
        "POST",
        `/cgi/session/create?accessToken=${token}`,
        JSON.stringify({
          title: "t",
          creator: "user1",
          member: Array.from({ length: 32_000 }, () => "a"),
          type: "multi"
        })
      ],
      ["youdu: 100,000 users", "GET", `/cgi/user/list?accessToken=${token}`],
      ["youdu: a group of 1,000", "GET", `/cgi/group/info?accessToken=${token}&id=large`]
    ]
    for (const [description, method, path, body, headers] of requests) {
      test.effect(description, () =>
        Effect.gen(function* () {
          const { http: address } = yield* Server
          const request = http(address, method, path, body, headers)
          const answered = Effect.map(request, ({ status, bytes, beginning }) => {
            assert.notStrictEqual(status, 401, description)
            if (method === "GET") assert.strictEqual(status, 200, beginning)
            if (status !== 200) assert.isBelow(bytes, SMALL, description)
          })
          yield* judge(description, answered)
        })
      )
    }
  })

  test.effect("the figures are printed", () =>
    Effect.sync(() => {
      for (const [description, milliseconds] of figures)
        console.log(`${milliseconds.toFixed(1).padStart(7)} ms  ${description}`)
    })
  )
})
