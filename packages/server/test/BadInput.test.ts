/**
 * What is no request gets a clear answer that names the field; nothing is stored, nothing is pushed, and the connection
 * stays open. Source: PROTOCOLS, "Bad input", "Existence is not leaked", "sid", "Frames".
 */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import {
  bareMethods,
  draftOf,
  HUGE,
  loginParams,
  type Method,
  methodsOf,
  named,
  type Param,
  type Scene
} from "./MethodTable.ts"
import { connect, type Fields, first, listed, loggedIn, PASSWORD, Server, short, type Talk } from "./Talk.ts"

/** Alice with her room, and what she is no member of. */
class Stage extends Context.Service<
  Stage,
  Scene & {
    readonly as: { readonly alice: Talk; readonly admin: Talk }
    /** Who is in everything that alice is in, and would hear of it. */
    readonly witness: Talk
    readonly secret: { readonly gid: string; readonly id: number }
    readonly open: { readonly gid: string; readonly id: number }
    readonly pair: string
    /** All that alice sees, as text. */
    readonly seen: ReadonlyArray<Fields>
  }
>()("test/Stage") {
  static readonly layer = Layer.effect(
    Stage,
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice")
      const bob = yield* loggedIn("bob")
      const carol = yield* loggedIn("carol")
      const admin = yield* loggedIn("admin")
      const dave = yield* loggedIn("dave")
      const created = (answer: Fields) => {
        const { id, gid } = answer["data"] as { id: number; gid: string }
        return { id, gid }
      }
      const make = (talk: Talk, gid: string, members: ReadonlyArray<number>, more: Fields = {}) =>
        Effect.map(talk.done("create", { gid, name: gid, type: "group", members, ...more }), created)
      const room = yield* make(alice, "room", [bob.id])
      const secret = yield* make(carol, "secret", [dave.id])
      const open = yield* make(carol, "open", [dave.id], { public: true })
      const pair = yield* make(carol, "", [dave.id], { type: "one2one" })
      yield* alice.done("message", [{ gid: "m1", cgid: "room", content: "one" }])
      yield* bob.done("message", [{ gid: "m2", cgid: "room", content: "two" }])
      yield* carol.done("message", [{ gid: "m3", cgid: "secret", content: "three" }])
      yield* alice.done("settings", ["alice", { theme: "light" }])
      const system = listed(yield* alice.done("getList")).find((chat) => chat["type"] === "system")
      for (const talk of [alice, bob, carol, admin, dave]) yield* talk.news
      const ask = (module: string, method: string, ...params: ReadonlyArray<unknown>) => ({ module, method, params })
      return {
        alice: alice.id,
        bob: bob.id,
        carol: carol.id,
        dave: dave.id,
        room,
        secret,
        open,
        pair: pair.gid,
        system: String(system?.["gid"]),
        as: {
          alice,
          admin
        },
        witness: bob,
        seen: [
          ask("chat", "getList"),
          ask("chat", "userGetList"),
          ask("chat", "getPublicList"),
          ask("chat", "history", "room"),
          ask("chat", "members", "room"),
          ask("chat", "settings", "alice"),
          ask("attach", "getList", "room")
        ]
      }
    })
  )
}

interface Case {
  readonly says: string
  readonly params: unknown
  /** What the message has to name. */
  readonly field?: string
}

/** What is wrong with an answer to bad input, or nothing. */
const complaint = (request: Fields, { field }: Pick<Case, "field">, answer: Fields): string | undefined => {
  const { module, method, result, sid, message, data, ...more } = answer
  const told = Array.isArray(data)
    ? `${String(message)} ${data.map((one: Fields) => one["message"]).join(" ")}`
    : message
  if (module !== request["module"] || method !== request["method"]) return "echoes something else"
  if (result !== "fail") return `is ${short(result)}`
  if (typeof message !== "string" || message === "" || message.length > 1000) return "has no short message"
  if (/mistake|storage/.test(message)) return "speaks of the server"
  if (field !== undefined && !String(told).includes(field)) return `does not name ${field}`
  if (sid !== undefined && sid !== request["sid"]) return "has another sid"
  if (Object.keys(more).length > 0) return "has more fields than documented"
  return undefined
}

/** Every case that is not answered as bad input is, or that changes or pushes anything. */
const faults = Effect.fnUntraced(function* (method: Omit<Method, "params">, cases: ReadonlyArray<Case>) {
  const { as, witness, seen } = yield* Stage
  const talk = as[method.as]
  const look = seen.map((request) => ({ ...request, sid: as.alice.sid }))
  const before = JSON.stringify(yield* as.alice.askAll(look))
  const found: Array<string> = []
  for (const one of cases) {
    const { module, method: word } = method
    const request = { module, method: word, params: one.params, sid: talk.sid }
    const [answer, ping] = yield* talk.askAll([request, { method: "ping" }])
    const wrong = complaint(request, one, answer ?? {})
    if (wrong !== undefined) found.push(`${one.says}: ${wrong}: ${short(answer)}`)
    if (ping?.["result"] !== "success") found.push(`${one.says}: then ${short(ping)}`)
    if (JSON.stringify(yield* as.alice.askAll(look)) !== before) return [...found, `${one.says}: changed something`]
    const pushed = [...(yield* witness.news), ...(yield* talk.news)]
    if (pushed.length > 0) return [...found, `${one.says}: pushed ${short(pushed)}`]
  }
  return found
})

const omit = (object: Fields, name: string): Fields =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== name))

interface Bad {
  readonly says: string
  readonly name: string
  /** Absent where the param is missing. */
  readonly value?: unknown
  readonly field?: string
}

const badValues = (params: ReadonlyArray<Param>): ReadonlyArray<Bad> =>
  params.flatMap(({ name, optional, wrong, refused }) => [
    ...(optional ? [] : [{ says: `without ${name}`, name, field: name }]),
    ...(optional ? [] : [{ says: `${name}: null`, name, value: null, field: name }]),
    ...wrong.map((value) => ({ says: `${name}: ${short(value)}`, name, value, field: name })),
    ...refused.map((value) => ({ says: `${name}: ${short(value)}`, name, value }))
  ])

/** Each bad value by name, and by position. */
const casesOf = (params: ReadonlyArray<Param>): ReadonlyArray<Case> => {
  const valid = named(params)
  return badValues(params).flatMap(({ says, name, field, ...bad }) => {
    const byName = "value" in bad ? { ...valid, [name]: bad.value } : omit(valid, name)
    const byPosition = params.map((one) => byName[one.name])
    const named = field === undefined ? {} : { field }
    return [
      { says, params: byName, ...named },
      { says: `${says}, by position`, params: byPosition, ...named }
    ]
  })
}

/** Methods with the chat that they are about. */
const chatParam = ({ method, params }: Method): string | undefined =>
  method === "create" ? undefined : params.find(({ name }) => name === "gid" || name === "id")?.name

layer(Stage.layer.pipe(Layer.provideMerge(Server.patient)), { excludeTestServices: true })("bad input", (it) => {
  it.effect("in any param of any method is refused by name, and leaves no trace", () =>
    Effect.gen(function* () {
      const scene = yield* Stage
      const found: Record<string, ReadonlyArray<string>> = {}
      for (const method of methodsOf(scene)) {
        const whole = [5, "x", true].map((params): Case => ({ says: `params: ${short(params)}`, params }))
        const wrong = yield* faults(method, [...casesOf(method.params), ...whole])
        if (wrong.length > 0) found[method.method] = wrong
      }
      assert.deepStrictEqual(found, {})
    })
  )

  it.effect("in any field of a message is refused by name, and leaves no trace", () =>
    Effect.gen(function* () {
      const scene = yield* Stage
      const params = draftOf(scene)
      const valid = named(params)
      const other = { ...valid, gid: "bad-other" }
      const message = { module: "chat", method: "message", as: "alice" } as const
      const drafts = badValues(params).flatMap(({ says, name, field, ...bad }) => {
        const draft = "value" in bad ? { ...valid, [name]: bad.value } : omit(valid, name)
        const about = field === undefined ? {} : { field }
        const forms: ReadonlyArray<Case> = [
          { says, params: [draft], ...about },
          { says: `${says}, beside a good one`, params: [other, draft], ...about },
          { says: `${says}, in a list in a list`, params: [[draft]], ...about },
          { says: `${says}, by name`, params: { messages: [draft] }, ...about }
        ]
        return forms
      })
      assert.deepStrictEqual(yield* faults(message, drafts), [])

      const many = Array.from({ length: 101 }, (_, index) => ({ ...valid, gid: `bad-${index}` }))
      const lists = [undefined, null, 5, "x", true, {}, [], [[]], [null], [5], ["x"], [[], []], [[[]]], many, [many]]
      const whole = lists.flatMap((list): ReadonlyArray<Case> => [
        { says: `params: ${short(list)}`, params: list, field: "messages" },
        { says: `messages: ${short(list)}`, params: { messages: list }, field: "messages" }
      ])
      assert.deepStrictEqual(yield* faults(message, whole), [])
    })
  )

  it.effect("in a message is told for each message, with its gid and cgid, in every form of the params", () =>
    Effect.gen(function* () {
      const { as, room } = yield* Stage
      const good = { gid: "good", cgid: room.gid, content: "x" }
      const lost = { gid: "lost", cgid: "no-such-chat", content: "x" }
      const long = { gid: "long", cgid: room.gid, content: "x".repeat(70_000) }
      for (const params of [[good, lost, long], [[good, lost, long]], { messages: [good, lost, long] }]) {
        const answer = yield* as.alice.ask("message", params)
        assert.deepStrictEqual(
          listed(answer).map(({ gid, cgid }) => ({ gid, cgid })),
          [
            { gid: "lost", cgid: "no-such-chat" },
            { gid: "long", cgid: room.gid }
          ]
        )
      }
      const [alone] = listed(yield* as.alice.ask("message", lost))
      assert.deepInclude(alone, { gid: "lost", cgid: "no-such-chat" })
    })
  )

  it.effect("about a chat of others is answered exactly as about none", () =>
    Effect.gen(function* () {
      const scene = yield* Stage
      const { as, secret, pair } = scene
      for (const method of methodsOf(scene)) {
        const name = chatParam(method)
        if (name === undefined) continue
        const ask = (chat: unknown) =>
          as[method.as].ask(method.method, { ...named(method.params), [name]: chat }, { module: method.module })
        const none = yield* ask("no-such-chat")
        assert.strictEqual(none["result"], "fail")
        for (const chat of [secret.gid, pair, ...(name === "id" ? [secret.id] : [])]) {
          assert.deepStrictEqual(yield* ask(chat), none, `${method.method} ${chat}`)
        }
      }
      const send = (cgid: string) => as.alice.ask("message", [{ gid: "m", cgid, content: "x" }])
      const none = JSON.stringify(yield* send("no-such-chat"))
      assert.strictEqual(JSON.stringify(yield* send(secret.gid)), none.replace("no-such-chat", secret.gid))
      assert.strictEqual(JSON.stringify(yield* send(pair)), none.replace("no-such-chat", pair))
    })
  )

  it.effect("about a public chat of others is refused by whatever needs membership", () =>
    Effect.gen(function* () {
      const scene = yield* Stage
      const methods = methodsOf(scene).filter(({ method }) => method !== "joinchat")
      for (const method of methods) {
        const name = chatParam(method)
        if (name === undefined || method.as === "admin") continue
        const params = { ...named(method.params), [name]: scene.open.gid }
        assert.deepStrictEqual(yield* faults(method, [{ says: "open", params }]), [], method.method)
      }
      const send = { module: "chat", method: "message", as: "alice" } as const
      const params = [{ gid: "m", cgid: scene.open.gid, content: "x" }]
      assert.deepStrictEqual(yield* faults(send, [{ says: "open", params }]), [])
    })
  )

  it.effect("of a settings account tells nobody but an administrator whether there is one", () =>
    Effect.gen(function* () {
      const { as } = yield* Stage
      const [bob, nobody] = yield* as.alice.askAll([
        { method: "settings", params: ["bob"] },
        { method: "settings", params: ["nobody"] }
      ])
      assert.strictEqual(bob?.["result"], "fail")
      assert.deepStrictEqual(bob, nobody)
      assert.strictEqual((yield* as.admin.ask("settings", ["bob"]))["result"], "success")
      assert.include(String((yield* as.admin.ask("settings", ["nobody"]))["message"]), "nobody")
    })
  )

  it.effect("at login is refused by name, and costs nobody their session", () =>
    Effect.gen(function* () {
      const { as } = yield* Stage
      const cases = casesOf(loginParams(PASSWORD))
      assert.deepStrictEqual(yield* faults({ module: "chat", method: "login", as: "alice" }, cases), [])
      const stranger = yield* connect()
      const wrong: Array<string> = []
      for (const one of cases) {
        const request = { module: "chat", method: "login", params: one.params }
        stranger.send(request)
        const fault = complaint(request, one, first(yield* stranger.take(1)))
        if (fault !== undefined) wrong.push(`${one.says}: ${fault}`)
      }
      assert.deepStrictEqual(wrong, [])
      assert.strictEqual((yield* stranger.ask("ping"))["result"], "denied")
      assert.deepStrictEqual(stranger.pushes, [])
      assert.strictEqual((yield* as.alice.ask("ping"))["result"], "success")
    })
  )

  it.effect("tells a wrong password and an unknown account alike", () =>
    Effect.gen(function* () {
      const stranger = yield* connect()
      const [wrong, unknown] = yield* stranger.askAll([
        { method: "login", params: ["alice", "0".repeat(32)] },
        { method: "login", params: ["nobody", "0".repeat(32)] }
      ])
      assert.strictEqual(wrong?.["result"], "fail")
      assert.deepStrictEqual(wrong, unknown)
    })
  )
})

layer(Stage.layer.pipe(Layer.provideMerge(Server.patient)), { excludeTestServices: true })(
  "without a session",
  (it) => {
    const everything = (scene: Scene): ReadonlyArray<Fields> => [
      ...methodsOf(scene).map(({ module, method, params }) => ({ module, method, params: named(params) })),
      { module: "chat", method: "message", params: [named(draftOf(scene))] },
      ...bareMethods.map((method) => ({ module: "chat", method })),
      { module: "chat", method: "message", id: 1 },
      { module: "chat", method: "no-such-method", params: {} }
    ]

    it.effect("every method is denied: no sid, one that is none, a dead one, another's", () =>
      Effect.gen(function* () {
        const scene = yield* Stage
        const { as, witness, seen } = scene
        const before = JSON.stringify(yield* as.alice.askAll(seen))
        const gone = yield* loggedIn("erin")
        const dead = gone.sid
        yield* gone.done("logout")
        yield* witness.news
        yield* as.alice.news

        const stranger = yield* connect()
        const sids = [
          undefined,
          null,
          "",
          "x",
          5,
          true,
          [],
          {},
          [as.alice.sid],
          { sid: as.alice.sid },
          HUGE.slice(1000),
          dead
        ]
        const check = Effect.fnUntraced(function* (talk: Talk, sid: unknown) {
          for (const request of everything(scene)) {
            const [answer] = yield* talk.askAll([{ ...request, sid }])
            const { module, method, result, message } = answer ?? {}
            assert.deepStrictEqual(
              { module, method, result },
              {
                module: request["module"],
                method: request["method"],
                result: "denied"
              }
            )
            assert.isNotEmpty(message)
          }
        })
        for (const sid of sids) yield* check(stranger, sid)
        for (const sid of [...sids, as.admin.sid]) yield* check(as.alice, sid)
        yield* check(gone, dead)

        assert.strictEqual(JSON.stringify(yield* as.alice.askAll(seen)), before)
        assert.deepStrictEqual([...(yield* witness.news), ...(yield* as.alice.news)], [])
        assert.deepStrictEqual(stranger.pushes, [])
      })
    )

    it.effect("broken frames are answered each by one packet from nobody, and the connection goes on", () =>
      Effect.gen(function* () {
        const { as } = yield* Stage
        const requests = [
          null,
          5,
          "x",
          true,
          [],
          {},
          { module: "chat" },
          { method: "ping" },
          { module: 1, method: "ping" }
        ]
        for (const transport of ["websocket", "tcp"] as const) {
          const talk = yield* connect(transport)
          const whole = requests.filter((request) => !Array.isArray(request)).map((request) => JSON.stringify(request))
          for (const frame of [
            ...whole,
            "{",
            "[1,",
            "nul",
            "'x'",
            '{"module":"chat","method":"ping"}}',
            "\u0001",
            "["
          ]) {
            talk.send(frame)
            const { message, ...rest } = first(yield* talk.take(1))
            assert.deepStrictEqual(rest, { module: "null", method: "null", result: "fail" }, frame)
            assert.isNotEmpty(message)
          }
          talk.send("[]")
          talk.send([...requests, { module: "chat", method: "ping" }])
          const answers = yield* talk.take(requests.length + 1)
          assert.deepStrictEqual(
            answers.map(({ module, result }) => `${String(module)} ${String(result)}`),
            [...requests.map(() => "null fail"), "chat denied"]
          )
          talk.send(Array.from({ length: 1001 }, () => ({ module: "chat", method: "ping" })))
          assert.include(first(yield* talk.take(1)), { module: "null", result: "fail" })
          assert.strictEqual((yield* talk.ask("ping"))["result"], "denied")
        }
        assert.strictEqual((yield* as.alice.ask("ping"))["result"], "success")
      })
    )

    it.effect("a frame of the limit is read; one over it is answered, and ends the connection", () =>
      Effect.gen(function* () {
        const LIMIT = 1024 * 1024
        for (const transport of ["websocket", "tcp"] as const) {
          const talk = yield* connect(transport)
          const ping = (bytes: number) => {
            const frame = { module: "chat", method: "ping", fill: "" }
            return JSON.stringify({ ...frame, fill: "x".repeat(bytes - JSON.stringify(frame).length) })
          }
          talk.send(ping(LIMIT))
          assert.include(first(yield* talk.take(1)), { method: "ping", result: "denied" })
          // Bytes count, not characters.
          talk.send(ping(LIMIT - 1).replace("xx", "字x"))
          const over = first(yield* talk.take(1))
          assert.deepInclude(over, { module: "null", method: "null", result: "fail" })
          assert.include(String(over["message"]), String(LIMIT))
          assert.strictEqual(yield* talk.end, transport === "tcp" ? 1005 : 1009)
        }
      })
    )

    it.effect("an unknown method is refused by name", () =>
      Effect.gen(function* () {
        const { as } = yield* Stage
        for (const [module, method] of [
          ["chat", "nothing"],
          ["nothing", "login"],
          ["", ""],
          ["chat/login", ""],
          ["chat", "__proto__"],
          ["__proto__", "constructor"]
        ]) {
          const answer = yield* as.alice.ask(method ?? "", {}, { module })
          assert.deepInclude(answer, { module, method, result: "fail" })
          assert.include(String(answer["message"]), "method")
        }
      })
    )
  }
)
