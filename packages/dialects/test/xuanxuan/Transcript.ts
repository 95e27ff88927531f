/** Clients of the dialect on an engine in memory, and a transcript of their connections. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import { Engine } from "@parley/core/Engine"
import * as Parley from "@parley/core/Parley"
import { Passwords } from "@parley/core/Passwords"
import type { Store } from "@parley/core/Store"
import { connect } from "@parley/core/testing/MemoryConnection"
import { Users } from "@parley/core/Users"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { dialect } from "../../src/xuanxuan/index.ts"
import type { ProfileName } from "../../src/xuanxuan/profiles.ts"

/** Time of all events: the documented example of a date, in milliseconds. */
const NOON = 1_446_773_418_000
/** `md5("123456")`. */
export const PASSWORD = "e10adc3949ba59abbe56e057f20f883e"
/** Stored in clear text: the transcripts use a password that new users may not choose. */
const HASH = `$plain$${PASSWORD}`

const plainPasswords = Layer.succeed(
  Passwords,
  Passwords.of({
    hash: (secret) => Effect.succeed(`$plain$${secret}`),
    verify: (secret, hash) => Effect.succeed(hash === `$plain$${secret}`)
  })
)

export const engineLayerOn = <E>(store: Layer.Layer<Store, E>) =>
  Parley.layer.pipe(Layer.provideMerge(Layer.mergeAll(store, MemoryBlobs.layer, plainPasswords)))

/** Users 1, 2, 3 (alice, bob, root) and the system chat. */
const populate = Effect.gen(function* () {
  const users = yield* Users
  const { commit } = yield* Engine
  yield* users.add([
    { account: "alice", passwordHash: HASH, realname: "Alice", role: "dev", dept: 7, avatar: "http://a.example/a.png" },
    { account: "bob", passwordHash: HASH, realname: "Bob" },
    { account: "root", passwordHash: HASH, realname: "Root", admin: true }
  ])
  const chat = {
    gid: "system",
    name: "System",
    type: "system",
    public: false,
    subject: 0,
    createdBy: null,
    owner: null,
    admins: [],
    senders: [],
    createdAt: NOON,
    attributes: {},
    members: []
  }
  yield* commit({ expectedVersions: [], writes: [{ _tag: "CreateChat", by: null, chat }] })
})

/** Opens the dialect; each `client` is a connection with a name in the transcript. */
export const fixture = Effect.fnUntraced(function* (profile: ProfileName) {
  yield* TestClock.setTime(NOON)
  yield* populate
  const { endpoints } = yield* dialect.open({
    settings: { "xuanxuan.websocketProfile": "documented", "xuanxuan.tcpProfile": "client-1.0" },
    tcp: () => undefined
  })
  const door = endpoints.find((one) => one._tag === "WebSocket")
  if (door?._tag !== "WebSocket") return yield* Effect.die("no WebSocket door")

  const lines: Array<string> = []
  /** Replaces sids and ids of ephemeral pushes, which vary, by their order. */
  const stand = new Map<string, string>()
  const plain = (text: string): string =>
    text
      .replaceAll(/"sid":"([^"]*)"/g, (_, sid: string) => {
        if (!stand.has(sid)) stand.set(sid, `sid-${stand.size + 1}`)
        return `"sid":"${stand.get(sid)}"`
      })
      .replaceAll(/"id":45035996\d{8}/g, '"id":"unkept"')

  const client = (name: string) => {
    let [replies, over, quiet, sid] = [0, false, false, ""]
    const watchers = new Set<() => void>()
    const wake = () => {
      for (const look of watchers) look()
    }
    const until = (there: () => boolean) =>
      Effect.callback<void>((resume) => {
        const look = () => {
          if (!there()) return
          watchers.delete(look)
          resume(Effect.void)
        }
        watchers.add(look)
        look()
      })
    const { send } = connect({
      accept: door.accept,
      opening: { query: new Map([["profile", profile]]) },
      client: {
        frame: (text) => {
          const reply = !text.startsWith("[")
          if (reply) replies++
          if (!(reply && quiet)) lines.push(`${name} < ${plain(text)}`)
          sid = /"method":"login","result":"success","sid":"([^"]+)"/.exec(text)?.[1] ?? sid
          wake()
        },
        ended: (closed) => {
          over = true
          lines.push(`${name} | ${closed?.code} ${closed?.reason}`)
          wake()
        }
      }
    })
    const told = (text: string) => {
      lines.push(`${name} > ${plain(text)}`)
      send(text)
    }
    /** Sends a frame unchanged and waits for a number of replies. */
    const say = Effect.fnUntraced(function* (text: string, count = 1) {
      const before = replies
      told(text)
      yield* until(() => replies >= before + count)
    })
    return {
      say,
      call: (method: string, params?: unknown, module = "chat") =>
        say(JSON.stringify({ module, method, ...(params !== undefined && { params }), sid })),
      login: (account: string) =>
        say(JSON.stringify({ module: "chat", method: "login", params: [account, PASSWORD, "online"] })),
      acknowledge: (...ids: ReadonlyArray<number>) =>
        Effect.sync(() => told(JSON.stringify({ module: "chat", method: "message", id: ids, sid }))),
      /** Waits until everything sent to this client has arrived. */
      listen: Effect.suspend(() => {
        const before = replies
        quiet = true
        send(JSON.stringify({ module: "chat", method: "ping", sid }))
        return Effect.map(
          until(() => replies > before),
          () => (quiet = false)
        )
      }),
      ended: until(() => over)
    }
  }

  return {
    client,
    note: (text: string) => Effect.sync(() => void lines.push("", `# ${text}`)),
    transcript: Effect.sync(() => `${lines.join("\n").trim()}\n`)
  }
})
