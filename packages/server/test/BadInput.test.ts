/**
 * Invalid requests get an error that names the field; nothing is stored or pushed, and the connection stays open. The quick run
 * has a third of the values of each field.
 * Source: PROTOCOLS, "Bad input", "Existence is not leaked".
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { draftOf, loginParams, type Method, methodsOf, named, type Param } from "./MethodTable.ts"
import { share } from "../../../scripts/repetitions.ts"
import { Harness } from "./harness.ts"
import { connect, type Fields, first, listed, PASSWORD, Server, short } from "./TestClient.ts"

interface Case {
  readonly description: string
  readonly params: unknown
  /** Field that the message must name. */
  readonly field?: string
}

/** Returns the problem of a reply to bad input; undefined if there is none. */
const complaint = (request: Fields, { field }: Pick<Case, "field">, answer: Fields): string | undefined => {
  const { module, method, result, sid, message, data, ...more } = answer
  const told = Array.isArray(data)
    ? `${String(message)} ${data.map((one: Fields) => one["message"]).join(" ")}`
    : message
  if (module !== request["module"] || method !== request["method"]) return "echoes something else"
  if (result !== "fail") return `is ${short(result)}`
  if (typeof message !== "string" || message === "" || message.length > 1000) return "has no short message"
  if (/server error|storage/i.test(message)) return "speaks of the server"
  if (field !== undefined && !String(told).includes(field)) return `does not name ${field}`
  if (sid !== undefined && sid !== request["sid"]) return "has another sid"
  if (Object.keys(more).length > 0) return "has more fields than documented"
  return undefined
}

/** Returns every case whose reply is wrong, or that changes or pushes something. */
const faults = Effect.fnUntraced(function* (method: Omit<Method, "params">, cases: ReadonlyArray<Case>) {
  const { as, witness, seen } = yield* Harness
  const client = as[method.as]
  const look = seen.map((request) => ({ ...request, sid: as.alice.sid }))
  const before = JSON.stringify(yield* as.alice.askAll(look))
  const found: Array<string> = []
  for (const one of share(cases, cases.length < 3 ? 1 : 3)) {
    const { module, method: word } = method
    const request = { module, method: word, params: one.params, sid: client.sid }
    const [answer, ping] = yield* client.askAll([request, { method: "ping" }])
    const wrong = complaint(request, one, answer ?? {})
    if (wrong !== undefined) found.push(`${one.description}: ${wrong}: ${short(answer)}`)
    if (ping?.["result"] !== "success") found.push(`${one.description}: then ${short(ping)}`)
    if (JSON.stringify(yield* as.alice.askAll(look)) !== before)
      return [...found, `${one.description}: changed something`]
    const pushed = [...(yield* witness.news), ...(yield* client.news)]
    if (pushed.length > 0) return [...found, `${one.description}: pushed ${short(pushed)}`]
  }
  return found
})

const omit = (object: Fields, name: string): Fields =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== name))

interface Bad {
  readonly description: string
  readonly name: string
  /** Absent if the param is missing. */
  readonly value?: unknown
  readonly field?: string
}

const badValues = (params: ReadonlyArray<Param>): ReadonlyArray<Bad> =>
  params.flatMap(({ name, optional, wrong, refused }) => [
    ...(optional ? [] : [{ description: `without ${name}`, name, field: name }]),
    ...(optional ? [] : [{ description: `${name}: null`, name, value: null, field: name }]),
    ...wrong.map((value) => ({ description: `${name}: ${short(value)}`, name, value, field: name })),
    ...refused.map((value) => ({ description: `${name}: ${short(value)}`, name, value }))
  ])

/** Each bad value by name, and by position. */
/** Maximum size of a frame of an unauthenticated connection, in bytes. */
const BEFORE_LOGIN = 64 * 1024

const casesOf = (params: ReadonlyArray<Param>): ReadonlyArray<Case> => {
  const valid = named(params)
  return badValues(params).flatMap(({ description, name, field, ...bad }) => {
    const byName = "value" in bad ? { ...valid, [name]: bad.value } : omit(valid, name)
    const byPosition = params.map((one) => byName[one.name])
    const named = field === undefined ? {} : { field }
    return [
      { description, params: byName, ...named },
      { description: `${description}, by position`, params: byPosition, ...named }
    ]
  })
}

/** Methods that name a chat. */
const chatParam = ({ method, params }: Method): string | undefined =>
  method === "create" ? undefined : params.find(({ name }) => name === "gid" || name === "id")?.name

layer(Harness.layer.pipe(Layer.provideMerge(Server.patient)), { excludeTestServices: true })("bad input", (it) => {
  it.effect("in any param of any method is refused by name, and leaves no trace", () =>
    Effect.gen(function* () {
      const subjects = yield* Harness
      const found: Record<string, ReadonlyArray<string>> = {}
      for (const method of methodsOf(subjects)) {
        const whole = [5, "x", true].map((params): Case => ({ description: `params: ${short(params)}`, params }))
        const wrong = yield* faults(method, [...casesOf(method.params), ...whole])
        if (wrong.length > 0) found[method.method] = wrong
      }
      assert.deepStrictEqual(found, {})
    })
  )

  it.effect("in any field of a message is refused by name, and leaves no trace", () =>
    Effect.gen(function* () {
      const subjects = yield* Harness
      const params = draftOf(subjects)
      const valid = named(params)
      const other = { ...valid, gid: "bad-other" }
      const message = { module: "chat", method: "message", as: "alice" } as const
      const drafts = badValues(params).flatMap(({ description, name, field, ...bad }) => {
        const draft = "value" in bad ? { ...valid, [name]: bad.value } : omit(valid, name)
        const about = field === undefined ? {} : { field }
        const forms: ReadonlyArray<Case> = [
          { description, params: [draft], ...about },
          { description: `${description}, beside a good one`, params: [other, draft], ...about },
          { description: `${description}, in a list in a list`, params: [[draft]], ...about },
          { description: `${description}, by name`, params: { messages: [draft] }, ...about }
        ]
        return forms
      })
      assert.deepStrictEqual(yield* faults(message, drafts), [])

      const many = Array.from({ length: 101 }, (_, index) => ({ ...valid, gid: `bad-${index}` }))
      const lists = [undefined, null, 5, "x", true, {}, [], [[]], [null], [5], ["x"], [[], []], [[[]]], many, [many]]
      const whole = lists.flatMap((list): ReadonlyArray<Case> => [
        { description: `params: ${short(list)}`, params: list, field: "messages" },
        { description: `messages: ${short(list)}`, params: { messages: list }, field: "messages" }
      ])
      assert.deepStrictEqual(yield* faults(message, whole), [])
    })
  )

  it.effect("in a message is reported for each message, with its gid and cgid, in every form of the params", () =>
    Effect.gen(function* () {
      const { as, room } = yield* Harness
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

  it.effect("for a chat of other users gets the same reply as for an unknown chat", () =>
    Effect.gen(function* () {
      const subjects = yield* Harness
      const { as, secret, pair } = subjects
      for (const method of methodsOf(subjects)) {
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

  it.effect("for a public chat of other users is refused by operations that need membership", () =>
    Effect.gen(function* () {
      const subjects = yield* Harness
      const methods = methodsOf(subjects).filter(({ method }) => method !== "joinchat")
      for (const method of methods) {
        const name = chatParam(method)
        if (name === undefined || method.as === "admin") continue
        const params = { ...named(method.params), [name]: subjects.open.gid }
        assert.deepStrictEqual(yield* faults(method, [{ description: "open", params }]), [], method.method)
      }
      const send = { module: "chat", method: "message", as: "alice" } as const
      const params = [{ gid: "m", cgid: subjects.open.gid, content: "x" }]
      assert.deepStrictEqual(yield* faults(send, [{ description: "open", params }]), [])
    })
  )

  it.effect("of a settings account reveals only to administrators whether it exists", () =>
    Effect.gen(function* () {
      const { as } = yield* Harness
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

  it.effect("at login is refused by name, and ends no session", () =>
    Effect.gen(function* () {
      const { as } = yield* Harness
      const cases = casesOf(loginParams(PASSWORD))
      assert.deepStrictEqual(yield* faults({ module: "chat", method: "login", as: "alice" }, cases), [])
      const stranger = yield* connect()
      const wrong: Array<string> = []
      for (const one of share(cases, 3)) {
        const request = { module: "chat", method: "login", params: one.params }
        if (JSON.stringify(request).length > BEFORE_LOGIN) {
          const large = yield* connect()
          large.send(request)
          assert.strictEqual(yield* large.end, 1009, one.description)
          continue
        }
        stranger.send(request)
        const fault = complaint(request, one, first(yield* stranger.take(1)))
        if (fault !== undefined) wrong.push(`${one.description}: ${fault}`)
      }
      assert.deepStrictEqual(wrong, [])
      assert.strictEqual((yield* stranger.ask("ping"))["result"], "denied")
      assert.deepStrictEqual(stranger.pushes, [])
      assert.strictEqual((yield* as.alice.ask("ping"))["result"], "success")
    })
  )

  it.effect("does not distinguish a wrong password from an unknown account", () =>
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
