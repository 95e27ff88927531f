/** Params by name and by position. Source: seeds/002, "API"; PROTOCOLS, "Params". */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Result } from "effect"
import * as fc from "fast-check"
import { Refused } from "@parley/core/Refused"
import { repetitions } from "../../../../scripts/repetitions.ts"
import {
  decode,
  decodeMessage,
  draftsIn,
  isMethod,
  type Method,
  methods,
  readMessage
} from "../../src/xuanxuan/params.ts"

const names = Object.keys(methods).filter(isMethod)

/** Decodes the params of a request, its messages one by one. */
const reading = (method: Method, params: unknown): Effect.Effect<unknown, Refused> =>
  method === "chat/message"
    ? Effect.flatMap(decode("chat/message", params), ({ messages }) =>
        Effect.forEach(messages, (message, index) =>
          Effect.mapError(Effect.fromResult(readMessage(message, index)), (reason) => new Refused({ reason }))
        ).pipe(Effect.map((read) => ({ messages: read })))
      )
    : decode(method, params)

const read = (method: Method, params?: unknown): unknown => Effect.runSync(reading(method, params))

const refused = (method: Method, params: unknown): string => {
  const { reason } = Effect.runSync(Effect.flip(reading(method, params)))
  return reason._tag === "Invalid" ? reason.field : reason._tag
}

/** Valid params of every method: all documented ones, in order. */
const allParams: { readonly [M in Method]: Readonly<Record<string, unknown>> } = {
  "chat/login": { account: "alice", password: "x", status: "away", device: "desk" },
  "chat/logout": {},
  "chat/ping": {},
  "chat/usergetlist": {},
  "chat/getlist": {},
  "chat/userchangename": { name: "Alice" },
  "chat/userchangestatus": { status: "busy" },
  "chat/create": { gid: "g", name: "G", type: "group", members: [{ id: 1 }, 2], subject: 3, public: true },
  "chat/joinchat": { gid: "g", join: false },
  "chat/changename": { id: 7, name: "N", gid: "g" },
  "chat/star": { gid: "g", star: true },
  "chat/hide": { gid: "g", hide: false },
  "chat/mute": { gid: "g", mute: true },
  "chat/addmember": { gid: "g", members: [1, { id: 2 }], join: true },
  "chat/message": { messages: [{ gid: "m", cgid: "g", content: "x" }] },
  "chat/history": { gid: "g", recPerPage: 10, pageID: 2, recTotal: 30, continued: false },
  "chat/members": { gid: "g" },
  "chat/changepublic": { gid: "g", public: false },
  "chat/getpubliclist": {},
  "chat/setadmin": { gid: "g", admins: [{ id: 1 }], isAdmin: false },
  "chat/setcommitters": { gid: "g", committers: [{ id: 1 }] },
  "chat/settings": { account: "alice", settings: { a: [null, { b: 1.5 }] } },
  "attach/getlist": { gid: "g" },
  "parley/events": { on: false },
  "parley/unread": { gid: "g" },
  "parley/read": { gid: "g", id: 7 },
  "parley/typing": { gid: "g", typing: false },
  "parley/historybefore": { gid: "g", id: 7, limit: 20 },
  "parley/search": { text: "x", gid: "g", limit: 20, from: "1.2" },
  "parley/edit": { gid: "g", content: "x" },
  "parley/slowmode": { gid: "g", seconds: 30 },
  "parley/recall": { gid: "g" },
  "parley/readmarks": { gid: "g", users: [{ id: 1 }] }
}

const OPTIONAL: ReadonlySet<string> = new Set([
  "login.status",
  "login.device",
  "create.name",
  "create.type",
  "create.subject",
  "create.public",
  "joinchat.join",
  "changename.id",
  "changename.gid",
  "star.star",
  "hide.hide",
  "mute.mute",
  "addmember.join",
  "history.recPerPage",
  "history.pageID",
  "history.recTotal",
  "history.continued",
  "changepublic.public",
  "setadmin.isAdmin",
  "settings.settings",
  "events.on",
  "unread.gid",
  "read.id",
  "typing.typing",
  "slowmode.seconds",
  "historybefore.limit",
  "search.gid",
  "search.limit",
  "search.from",
  "readmarks.users"
])
const isOptional = (method: Method, name: string): boolean => OPTIONAL.has(`${method.split("/")[1]}.${name}`)

const entries = names.flatMap((method) => Object.keys(allParams[method]).map((name) => ({ method, name })))

describe("params of every method", () => {
  for (const method of names) {
    const params = allParams[method]
    it(`${method}: params by position equal params by name`, () => {
      assert.deepStrictEqual(read(method, params), params)
      assert.deepStrictEqual(read(method, Object.values(params)), params)
    })
  }

  for (const method of names.filter((name) => Object.keys(allParams[name]).length > 0)) {
    const params = allParams[method]
    it(`${method}: unknown params are ignored`, () => {
      const more = JSON.parse('{"__proto__":{"gid":"x"},"constructor":1,"toString":[],"zz":{}}') as object
      assert.deepStrictEqual(read(method, { ...more, ...params }), params)
      // Further positions would be messages.
      if (method === "chat/message") return
      assert.deepStrictEqual(read(method, [...Object.values(params), 1, [], null]), params)
    })
  }

  /** Returns the params without one, by name, and with null in its place, by position. */
  const without = (method: Method, name: string) => {
    const params = Object.entries(allParams[method])
    return {
      byName: Object.fromEntries(params.filter(([other]) => other !== name)),
      byPosition: params.map(([other, value]) => (other === name ? null : value))
    }
  }

  for (const { method, name } of entries.filter((one) => isOptional(one.method, one.name))) {
    it(`${method}: ${name} may be absent or null`, () => {
      const { byName, byPosition } = without(method, name)
      const withNull = { ...allParams[method], [name]: null }
      assert.deepStrictEqual(read(method, byName), byName)
      assert.deepStrictEqual(read(method, withNull), withNull)
      assert.deepStrictEqual(read(method, byPosition), withNull)
    })
  }

  for (const { method, name } of entries.filter((one) => !isOptional(one.method, one.name))) {
    it(`${method}: ${name} is required`, () => {
      const { byName, byPosition } = without(method, name)
      assert.strictEqual(refused(method, byName), `params.${name}`)
      assert.strictEqual(refused(method, { ...allParams[method], [name]: null }), `params.${name}`)
      if (method !== "chat/message") assert.strictEqual(refused(method, byPosition), `params.${name}`)
    })
  }

  for (const { method, name } of entries.filter((one) => one.name !== "settings")) {
    it(`${method}: ${name} has no other type`, () => {
      for (const wrong of [Number.NaN, Symbol.iterator, [[]], { x: { y: 1 } }, -0.5]) {
        assert.match(refused(method, { ...allParams[method], [name]: wrong }), new RegExp(`^params\\.${name}(\\.|$)`))
      }
    })
  }

  it("absent or null equals empty", () => {
    for (const method of names.filter((name) => Object.keys(allParams[name]).length === 0)) {
      for (const params of [undefined, null, {}, []]) assert.deepStrictEqual(read(method, params), {})
    }
    for (const params of [undefined, null, {}, []]) assert.strictEqual(refused("chat/star", params), "params.gid")
    for (const params of ["gid", 5, true]) assert.strictEqual(refused("chat/star", params), "params")
  })
})

describe("forms of a param", () => {
  it("flags are booleans, numbers or digits", () => {
    for (const [flag, meant] of [
      [true, true],
      [1, true],
      ["1", true],
      [false, false],
      [0, false],
      ["0", false]
    ]) {
      assert.deepStrictEqual(read("chat/star", ["g", flag]), { gid: "g", star: meant })
      assert.deepStrictEqual(read("chat/create", { gid: "g", members: [], pulic: flag }), {
        gid: "g",
        members: [],
        public: meant
      })
    }
    for (const flag of ["true", "yes", "", 2, -1, "01", [], [1], {}]) {
      assert.strictEqual(refused("chat/star", ["g", flag]), "params.star")
    }
  })

  it("members are ids, objects, or both", () => {
    for (const members of [[], [1, 2], [{ id: 1 }, { id: 2 }], [1, { id: 2 }]]) {
      assert.deepStrictEqual(read("chat/addmember", ["g", members]), { gid: "g", members })
    }
    const described = [{ id: 1, account: "alice" }]
    assert.deepStrictEqual(read("chat/addmember", ["g", described]), { gid: "g", members: [{ id: 1 }] })
    for (const members of ["1,2", 1, { id: 1 }, [null], ["1"], [1.5], [[1]], [{}], [{ id: "1" }], [2 ** 53]]) {
      assert.match(refused("chat/addmember", ["g", members]), /^params\.members/)
    }
  })

  it("committers are like members, or text", () => {
    for (const committers of [[1], [{ id: 1 }], "", "1,2,3", "$ALL", "$ADMINS", "anything"]) {
      assert.deepStrictEqual(read("chat/setcommitters", ["g", committers]), { gid: "g", committers })
    }
    for (const committers of [1, true, {}, ["1"]]) {
      assert.match(refused("chat/setcommitters", ["g", committers]), /^params\.committers/)
    }
  })

  it("public has two spellings", () => {
    const base = { gid: "g", members: [] }
    assert.deepStrictEqual(read("chat/create", { ...base, pulic: 1 }), { ...base, public: true })
    assert.deepStrictEqual(read("chat/create", { ...base, public: 1 }), { ...base, public: true })
    assert.deepStrictEqual(read("chat/changepublic", { gid: "g", pulic: "0" }), { gid: "g", public: false })
  })

  it("a chat is renamed by its id or by its gid", () => {
    assert.deepStrictEqual(read("chat/changename", [7, "N"]), { id: 7, name: "N" })
    assert.deepStrictEqual(read("chat/changename", ["g", "N"]), { id: "g", name: "N" })
    assert.deepStrictEqual(read("chat/changename", { gid: "g", name: "N" }), { gid: "g", name: "N" })
    assert.strictEqual(refused("chat/changename", [1.5, "N"]), "params.id")
  })

  it("text is well-formed, and the depth of JSON is limited", () => {
    for (const half of ["\ud800", "a\udc00", "\udc00\ud800"]) {
      assert.strictEqual(refused("chat/star", [half]), "params.gid")
      const draft = { gid: "m", cgid: "g", content: half }
      assert.strictEqual(refused("chat/message", [draft]), "params.messages.0.content")
    }
    assert.strictEqual(refused("chat/settings", ["a", { half: ["\ud800"] }]), "params.settings")
    assert.strictEqual(refused("chat/settings", ["a", { "\udc00": 1 }]), "params.settings")
    const deep = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels))
    assert.deepStrictEqual(read("chat/settings", ["a", deep(100)]), { account: "a", settings: deep(100) })
    for (const levels of [101, 1000, 100_000]) {
      assert.strictEqual(refused("chat/settings", ["a", deep(levels)]), "params.settings")
      const draft = { gid: "m", cgid: "g", content: { a: deep(levels) } }
      assert.strictEqual(refused("chat/message", [draft]), "params.messages.0.content")
    }
  })
})

describe("messages", () => {
  const one = { gid: "m1", cgid: "g", content: "x" }
  const two = { gid: "m2", cgid: "g", content: "y" }

  it("are a list, a list in a list, named, or a single message", () => {
    for (const params of [[one, two], [[one, two]], { messages: [one, two] }]) {
      assert.deepStrictEqual(read("chat/message", params), { messages: [one, two] })
      assert.deepStrictEqual(draftsIn(params), [one, two])
    }
    for (const params of [one, [one], [[one]], { messages: [one] }]) {
      assert.deepStrictEqual(read("chat/message", params), { messages: [one] })
    }
    for (const params of [undefined, null, "x", 5, {}, { gid: "m" }, { messages: one }, { messages: null }]) {
      assert.strictEqual(refused("chat/message", params), "params.messages")
    }
    assert.strictEqual(refused("chat/message", [[one], [two]]), "params.messages.0")
    assert.strictEqual(refused("chat/message", [one, null]), "params.messages.1")
  })

  it("have fields of the documented types", () => {
    const fine: ReadonlyArray<Readonly<Record<string, unknown>>> = [
      { user: 1 },
      { user: "alice" },
      { user: "" },
      { user: null },
      { date: 1 },
      { date: 1.5 },
      { date: "" },
      { date: null },
      { type: "normal" },
      { type: "broadcast" },
      { type: null },
      ...["text", "emoticon", "image", "file", null].map((contentType) => ({ contentType })),
      { content: "" },
      { content: {} },
      { content: { a: [1, null, { b: "c" }] } }
    ]
    for (const fields of fine) {
      assert.deepStrictEqual(read("chat/message", [{ ...one, ...fields }]), { messages: [{ ...one, ...fields }] })
    }
    const wrong: ReadonlyArray<Readonly<Record<string, unknown>>> = [
      ...[5, null, [], {}].flatMap((value) => [{ gid: value }, { cgid: value }]),
      ...[1.5, true, [], {}].map((user) => ({ user })),
      ...["x", true, [], {}, Number.POSITIVE_INFINITY].map((date) => ({ date })),
      ...["x", "", "Normal", 5].map((type) => ({ type })),
      ...["x", "", "video", 5].map((contentType) => ({ contentType })),
      ...[5, true, null, [], ["x"]].map((content) => ({ content }))
    ]
    for (const fields of wrong) {
      const field = `params.messages.1.${Object.keys(fields)[0]}`
      assert.strictEqual(refused("chat/message", [two, { ...one, ...fields }]), field)
    }
  })
})

describe("decode", () => {
  it("accepts any value without throwing", () => {
    const odd = fc.oneof(fc.jsonValue({ maxDepth: 5 }), fc.anything())
    const near = fc.constantFrom(...names).chain((method) =>
      fc.tuple(
        fc.constant(method),
        fc.oneof(
          odd,
          fc.record(
            Object.fromEntries(
              Object.entries(allParams[method]).map(([name, value]) => [name, fc.oneof(fc.constant(value), odd)])
            ),
            {
              requiredKeys: []
            }
          ),
          fc.tuple(...Object.values(allParams[method]).map((value) => fc.oneof(fc.constant(value), odd)))
        )
      )
    )
    fc.assert(
      fc.property(near, ([method, params]) => {
        const exit = Effect.runSyncExit(decode(method, params))
        if (Exit.isSuccess(exit)) return
        const { reason } = Effect.runSync(Effect.flip(decode(method, params)))
        assert.strictEqual(reason._tag, "Invalid")
        if (reason._tag === "Invalid") assert.match(reason.field, /^params/)
      }),
      { numRuns: repetitions(3000, 300) }
    )
  })

  it("a list of too many users is refused by its length, without decoding its users", () => {
    const users = (count: number) =>
      Array.from({ length: count }, (): unknown => ({
        get id() {
          throw new Error("was looked at")
        }
      }))
    const cases = [
      ["chat/create", "members", { gid: "g", members: users(1001) }],
      ["chat/create", "members", ["g", "name", "group", users(1001)]],
      ["chat/addmember", "members", { gid: "g", members: users(1001) }],
      ["chat/setadmin", "admins", ["g", users(1001)]],
      ["chat/setcommitters", "committers", { gid: "g", committers: users(1001) }]
    ] as const
    for (const [method, name, params] of cases) {
      assert.deepStrictEqual(Effect.runSync(Effect.flip(decode(method, params))).reason, {
        _tag: "Invalid",
        field: `params.${name}`,
        problem: "must name at most 1000 users"
      })
    }
    const few = Effect.runSync(Effect.flip(decode("chat/addmember", { gid: "g", members: [1, 2, 3] }, 2)))
    assert.deepInclude(few.reason, { field: "params.members", problem: "must name at most 2 users" })
  })
})

describe("a text message, which is decoded without the schema", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "\ud800", "&", "normal"))
  const odd = fc.constantFrom(null, 0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, "", "\udfff", true, [], {})
  const message = fc.record(
    {
      gid: fc.oneof({ weight: 9, arbitrary: text }, odd),
      cgid: fc.oneof({ weight: 9, arbitrary: text }, odd),
      user: fc.oneof(fc.integer(), text, odd),
      date: fc.oneof(fc.double(), fc.constant(""), odd),
      type: fc.oneof(fc.constantFrom("normal", "broadcast"), odd),
      contentType: fc.oneof(fc.constantFrom("text", "image", "emoticon"), odd),
      content: fc.oneof({ weight: 9, arbitrary: text }, fc.dictionary(fc.string(), fc.jsonValue()), odd),
      more: fc.jsonValue()
    },
    { requiredKeys: ["gid", "cgid", "content"] }
  )
  const FIELDS = ["gid", "cgid", "user", "date", "type", "contentType", "content"] as const

  it("is accepted and decoded as by the schema", () => {
    fc.assert(
      fc.property(message, (sent) => {
        const read = readMessage(sent, 0)
        const bySchema = decodeMessage(sent)
        assert.strictEqual(Result.isSuccess(read), Result.isSuccess(bySchema))
        if (Result.isFailure(read) || Result.isFailure(bySchema)) return
        for (const field of FIELDS) assert.deepStrictEqual(read.success[field], bySchema.success[field])
      }),
      { numRuns: repetitions(20_000, 2000) }
    )
  })
})
