/** The protocol as an enterprise app sees it. Source: seeds/004; PROTOCOLS, "youdu". */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { UserId } from "@parley/core/Ids"
import { StorageFailed, Store } from "@parley/core/Store"
import { Users } from "@parley/core/Users"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { dialect } from "../../src/youdu/index.ts"
import { type Answer, type Ask, asking, engineLayer, engineOver, operate, people } from "../ha/Stage.ts"
import { DEMO, open, seal } from "./Envelope.ts"

const FIXED = "a-token-that-the-configuration-gives"
const SETTINGS = { "youdu.tokenExpiry": 7200, "youdu.tolerance": 300, "youdu.token": FIXED }

const opened = Effect.tap(dialect.open({ settings: SETTINGS, tcp: () => undefined }), ({ demo }) => demo)

interface SessionJson {
  readonly errcode: number
  readonly errmsg: string
  readonly sessionId: string
  readonly title: string
  readonly owner: string
  readonly creator: string
  readonly version: number
  readonly type: string
  readonly member: ReadonlyArray<string>
}

const jsonOf = <A>({ json }: Answer): A => json as A

/** alice, bob and carol are of the demo app's organisation; dave of another, erin of none; root administers all. */
const stage = Effect.gen(function* () {
  const { commands, ...open_ } = yield* opened
  const ask = yield* asking({ commands, ...open_ })
  const everybody = yield* people(
    ...["alice", "bob", "carol"].map((account) => ({ account, organisation: 1 })),
    { account: "dave", organisation: 2 },
    "erin",
    { account: "root", admin: true }
  )
  const [alice, bob, carol, dave, erin, root] = everybody
  if (!alice || !bob || !carol || !dave || !erin || !root) return yield* Effect.die("no people")
  const path = (name: string, token: string, more = "") =>
    `/cgi/session/${name}?accessToken=${encodeURIComponent(token)}${more}`
  const create = (json: unknown, token = root.token, more: Ask = {}) =>
    ask("POST", path("create", token), { json, ...more })
  const get = (sessionId: string, token = root.token) =>
    ask("GET", path("get", token, `&sessionId=${encodeURIComponent(sessionId)}`))
  const update = (json: unknown, token = root.token) => ask("POST", path("update", token), { json })
  const getToken = (json: unknown) => ask("POST", "/cgi/gettoken", { json })
  /** Seals the clock's time and asks for a token. */
  const appToken = Effect.gen(function* () {
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const { buin, appId } = DEMO
    const answer = yield* getToken({ buin, appId, encrypt: seal(String(now)) })
    const { encrypt } = jsonOf<{ readonly encrypt: string }>(answer)
    return (JSON.parse(open(encrypt).text) as { readonly accessToken: string }).accessToken
  })
  const team = Effect.map(create({ title: "Team", creator: "alice", member: ["bob", "carol"] }), (answer) =>
    jsonOf<SessionJson>(answer)
  )
  return { ask, commands, alice, bob, carol, dave, erin, root, path, create, get, update, getToken, appToken, team }
})

const envelope = (content: object) => ({
  buin: DEMO.buin,
  appId: DEMO.appId,
  encrypt: seal(JSON.stringify(content))
})

const failure = (errcode: number, errmsg: string) => ({ errcode, errmsg })

describe("plain JSON", () => {
  it.effect("create answers the documented fields in their order, with errcode and errmsg", () =>
    Effect.gen(function* () {
      const { create, root } = yield* stage
      const answer = yield* create({
        title: "会议",
        creator: "alice",
        type: "multi",
        member: ["alice", "carol", "bob"]
      })
      const { sessionId } = jsonOf<SessionJson>(answer)
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(
        answer.text,
        `{"errcode":0,"errmsg":"ok","sessionId":"${sessionId}","title":"会议","owner":"alice","creator":"alice",` +
          `"version":1,"type":"multi","member":["alice","carol","bob"]}`
      )
      // Of the same members there may be many.
      const again = yield* create({ title: "会议", creator: "alice", member: ["carol", "bob"] }, root.token)
      assert.notStrictEqual(jsonOf<SessionJson>(again).sessionId, sessionId)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("null is absent, everywhere, and an unknown content coding is none", () =>
    Effect.gen(function* () {
      const { create, update } = yield* stage
      const coded = { headers: { "content-encoding": "UTF-8" } }
      const made = yield* create(
        { title: "t", creator: "alice", type: null, member: ["bob", null, "carol"], extra: null },
        undefined,
        coded
      )
      const session = jsonOf<SessionJson>(made)
      assert.deepInclude(session, { errcode: 0, type: "multi", member: ["alice", "bob", "carol"] })
      const { sessionId } = session
      const named = yield* update({ sessionId, opUser: "alice", title: "u", addMember: null, delMember: null })
      assert.deepInclude(jsonOf<SessionJson>(named), { title: "u", version: 2 })
      const nothing = yield* update({ sessionId, opUser: "alice", title: null, addMember: null, delMember: null })
      assert.deepStrictEqual(nothing.json, failure(400, "title, addMember or delMember must be given."))
      const noTitle = yield* create({ title: null, creator: "alice", member: ["bob", "carol"] })
      assert.deepStrictEqual(noTitle.json, failure(400, "title is missing."))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("get answers what is there now, version and owner too, whoever changed it", () =>
    Effect.gen(function* () {
      const { get, team, alice } = yield* stage
      const engine = yield* Engine
      const { sessionId } = yield* team
      const chat = { gid: sessionId }
      assert.deepInclude(jsonOf<SessionJson>(yield* get(sessionId)), { title: "Team", version: 1 })
      yield* engine.perform(alice.caller, { _tag: "RenameChat", chat, name: "Renamed" })
      assert.deepInclude(jsonOf<SessionJson>(yield* get(sessionId)), { title: "Renamed", version: 2, owner: "alice" })
      yield* engine.perform(alice.caller, { _tag: "LeaveChat", chat })
      assert.deepInclude(jsonOf<SessionJson>(yield* get(sessionId)), {
        owner: "bob",
        creator: "alice",
        version: 3,
        member: ["bob", "carol"]
      })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("update changes title and members in one step, each part by its own rule", () =>
    Effect.gen(function* () {
      const { update, get, team } = yield* stage
      const { sessionId } = yield* team
      const answer = yield* update({
        sessionId,
        opUser: "alice",
        title: "Crew",
        addMember: ["dave", "bob"],
        delMember: ["carol", "erin"]
      })
      assert.deepStrictEqual(answer.json, {
        errcode: 0,
        errmsg: "ok",
        sessionId,
        title: "Crew",
        owner: "alice",
        creator: "alice",
        version: 2,
        type: "multi",
        member: ["alice", "bob", "dave"]
      })
      // What is so already is no step.
      const same = yield* update({ sessionId, opUser: "alice", title: "Crew", addMember: ["dave"] })
      assert.deepInclude(jsonOf<SessionJson>(same), { errcode: 0, version: 2 })
      // Whole or not at all: bob may add, but not remove.
      const both = yield* update({ sessionId, opUser: "bob", title: "Bob's", addMember: ["erin"], delMember: ["dave"] })
      assert.deepStrictEqual(both.json, failure(403, "Only admins may do this."))
      assert.deepInclude(jsonOf<SessionJson>(yield* get(sessionId)), { title: "Crew", version: 2 })
      const adds = yield* update({ sessionId, opUser: "bob", addMember: ["erin"] })
      assert.deepInclude(jsonOf<SessionJson>(adds), { version: 3, member: ["alice", "bob", "dave", "erin"] })
      const owner = yield* update({ sessionId, opUser: "bob", delMember: ["alice"] })
      assert.strictEqual(jsonOf<SessionJson>(owner).errcode, 403)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("anybody may leave, the owner too, and fewer than three may remain", () =>
    Effect.gen(function* () {
      const { update, team } = yield* stage
      const { sessionId } = yield* team
      const left = yield* update({ sessionId, opUser: "alice", delMember: ["alice"] })
      assert.deepInclude(jsonOf<SessionJson>(left), {
        owner: "bob",
        creator: "alice",
        version: 2,
        member: ["bob", "carol"]
      })
      const alone = yield* update({ sessionId, opUser: "carol", delMember: ["carol"] })
      assert.deepInclude(jsonOf<SessionJson>(alone), { owner: "bob", version: 3, member: ["bob"] })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("a title is for members who may speak", () =>
    Effect.gen(function* () {
      const { update, team, alice } = yield* stage
      const engine = yield* Engine
      const { sessionId } = yield* team
      const chat = { gid: sessionId }
      yield* engine.perform(alice.caller, { _tag: "SetCommitters", chat, committers: "admins" })
      const refused = yield* update({ sessionId, opUser: "bob", title: "x" })
      assert.deepStrictEqual(refused.json, failure(403, "opUser may not speak in this session."))
      assert.strictEqual(jsonOf<SessionJson>(yield* update({ sessionId, opUser: "alice", title: "x" })).errcode, 0)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("twenty updates at once are twenty steps", () =>
    Effect.gen(function* () {
      const { update, get, team } = yield* stage
      const { sessionId } = yield* team
      const answers = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, index) => `title ${index}`),
        (title) => update({ sessionId, opUser: "alice", title }),
        { concurrency: "unbounded" }
      )
      const versions = answers.map((answer) => jsonOf<SessionJson>(answer).version).sort((a, b) => a - b)
      assert.deepStrictEqual(
        versions,
        Array.from({ length: 20 }, (_, index) => index + 2)
      )
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId)).version, 21)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("the envelope", () => {
  it.effect("gettoken answers a token sealed, for who seals the time", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const { getToken } = yield* stage
      const { buin, appId } = DEMO
      const answer = yield* getToken({ buin, appId, encrypt: seal("1700000000"), extra: null })
      const { encrypt, ...rest } = jsonOf<{ readonly encrypt: string }>(answer)
      assert.deepStrictEqual([answer.status, rest], [200, { errcode: 0, errmsg: "ok" }])
      assert.deepStrictEqual(Object.keys(answer.json as object), ["errcode", "errmsg", "encrypt"])
      const content = open(encrypt)
      assert.strictEqual(content.appId, appId)
      const inner = JSON.parse(content.text) as { readonly accessToken: string; readonly expireIn: number }
      assert.deepStrictEqual(Object.keys(inner), ["accessToken", "expireIn"])
      assert.strictEqual(inner.expireIn, 7200)
      assert.isAtLeast(inner.accessToken.length, 43)
      for (const time of ["1699999700", "1700000300"]) {
        assert.deepInclude(jsonOf<object>(yield* getToken({ buin, appId, encrypt: seal(time) })), { errcode: 0 })
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("gettoken is refused alike, whatever is not right", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const { getToken } = yield* stage
      const { buin, appId } = DEMO
      const good = seal("1700000000")
      const table: ReadonlyArray<object> = [
        { buin: 1, appId, encrypt: good },
        { buin, appId: "yd-other", encrypt: good },
        { buin, appId, encrypt: "" },
        { buin, appId, encrypt: "nonsense" },
        { buin, appId, encrypt: seal("1700000000", Buffer.alloc(32, 1).toString("base64")) },
        { buin, appId, encrypt: seal("1700000000", DEMO.key, "yd-other") },
        { buin, appId, encrypt: seal("1699999699") },
        { buin, appId, encrypt: seal("1700000301") },
        { buin, appId, encrypt: seal("1700000000000") },
        { buin, appId, encrypt: seal("") },
        { buin, appId, encrypt: seal("now") }
      ]
      for (const body of table) {
        const { status, json } = yield* getToken(body)
        const refused = failure(401, "buin, appId and encrypt are not those of an app at this time.")
        assert.deepStrictEqual([status, json], [200, { ...refused, encrypt: "" }], JSON.stringify(body))
      }
      const fields: ReadonlyArray<readonly [object, string]> = [
        [{ appId, encrypt: good }, "buin is missing."],
        [{ buin: "x", appId, encrypt: good }, "buin must be an integer."],
        [{ buin: 1.5, appId, encrypt: good }, "buin must be an integer."],
        [{ buin, encrypt: good }, "appId is missing."],
        [{ buin, appId: 7, encrypt: good }, "appId must be a string."],
        [{ buin, appId }, "encrypt is missing."],
        [{ buin, appId, encrypt: null }, "encrypt is missing."],
        [{ buin, appId, encrypt: {} }, "encrypt must be a string."]
      ]
      for (const [body, errmsg] of fields) {
        const { status, json } = yield* getToken(body)
        assert.deepStrictEqual([status, json], [200, { ...failure(400, errmsg), encrypt: "" }])
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("carries every operation, also get", () =>
    Effect.gen(function* () {
      const { create, get, update, appToken } = yield* stage
      const token = yield* appToken
      const inner = (answer: Answer): SessionJson => {
        const { encrypt, ...rest } = jsonOf<{ readonly encrypt: string }>(answer)
        assert.deepStrictEqual(rest, { errcode: 0, errmsg: "ok" }, answer.text)
        return JSON.parse(open(encrypt).text) as SessionJson
      }
      const made = inner(
        yield* create(envelope({ title: "有度", creator: "alice", type: null, member: ["bob", "carol"] }), token)
      )
      const { sessionId } = made
      assert.strictEqual(
        JSON.stringify(made),
        JSON.stringify({
          sessionId,
          title: "有度",
          owner: "alice",
          creator: "alice",
          version: 1,
          type: "multi",
          member: ["alice", "bob", "carol"]
        })
      )
      assert.deepStrictEqual(inner(yield* get(sessionId, token)), made)
      const updated = inner(yield* update(envelope({ sessionId, opUser: "bob", addMember: ["erin"] }), token))
      assert.deepInclude(updated, { version: 2, member: ["alice", "bob", "carol", "erin"] })
      // Both kinds of token see one session.
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId)).version, 2)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("is wanted of an app's token, and is the app's own", () =>
    Effect.gen(function* () {
      const { create, get, appToken } = yield* stage
      const token = yield* appToken
      const plain = { title: "t", creator: "alice", member: ["bob", "carol"] }
      const good = envelope(plain)
      const sealed = "encrypt must be a JSON object, sealed with the app's key."
      const table: ReadonlyArray<readonly [object, number, string]> = [
        [plain, 400, "buin is missing."],
        [{ ...good, appId: undefined }, 400, "appId is missing."],
        [{ ...good, encrypt: undefined }, 400, "encrypt is missing."],
        [{ ...good, buin: 5 }, 401, "accessToken is missing, unknown or expired."],
        [{ ...good, appId: "yd-other" }, 401, "accessToken is missing, unknown or expired."],
        [{ ...good, encrypt: "nonsense" }, 400, sealed],
        [{ ...good, encrypt: seal("not json") }, 400, sealed],
        [{ ...good, encrypt: seal("[]") }, 400, sealed],
        [{ ...good, encrypt: seal("null") }, 400, sealed],
        [{ ...good, encrypt: seal(JSON.stringify(plain), DEMO.key, "yd-other") }, 400, sealed],
        [envelope({ ...plain, title: "" }), 400, "title must have 1 to 64 characters."]
      ]
      for (const [body, errcode, errmsg] of table) {
        const { status, json } = yield* create(body, token)
        assert.deepStrictEqual([status, json], [200, { errcode, errmsg, encrypt: "" }], JSON.stringify(body))
      }
      const unknown = yield* get("nothing", token)
      assert.deepStrictEqual(unknown.json, { ...failure(404, "sessionId: there is no such session."), encrypt: "" })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("a token ends after its time, or with its app", () =>
    Effect.gen(function* () {
      const { get, team, appToken, commands } = yield* stage
      const { sessionId } = yield* team
      const token = yield* appToken
      const code = Effect.map(get(sessionId, token), (answer) => jsonOf<SessionJson>(answer).errcode)
      yield* TestClock.adjust("7199 seconds")
      assert.strictEqual(yield* code, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* code, 401)
      const next = yield* appToken
      const inputs = { buin: DEMO.buin, "app-id": DEMO.appId }
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, next)).errcode, 0)
      assert.strictEqual(yield* operate(commands, "youdu-app remove", inputs), "removed app 14797363/yd-demo")
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, next)).errcode, 401)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("tokens are stored as hashes, survive a restart, and are bounded", () =>
    Effect.gen(function* () {
      const { get, team, appToken } = yield* stage
      const store = yield* Store
      const { sessionId } = yield* team
      const first = yield* appToken
      const restarted = yield* asking(yield* opened)
      const path = `/cgi/session/get?accessToken=${first}&sessionId=${sessionId}`
      assert.strictEqual(jsonOf<SessionJson>(yield* restarted("GET", path)).errcode, 0)
      for (let n = 0; n < 100; n++) {
        yield* TestClock.adjust("1 second")
        yield* appToken
      }
      const records = yield* store.records("youdu", "token")
      assert.strictEqual(records.length, 100)
      assert.isTrue(
        records.every(({ key, value }) => /^[0-9a-f]{64}$/.test(key) && !JSON.stringify(value).includes(first))
      )
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, first)).errcode, 401)
      yield* TestClock.adjust("3 hours")
      yield* appToken
      assert.strictEqual((yield* store.records("youdu", "token")).length, 1)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("who asks", () => {
  it.effect("is told by an access token: none, an unknown one, or a plain user's are refused", () =>
    Effect.gen(function* () {
      const { ask, alice, team } = yield* stage
      const { sessionId } = yield* team
      const NOT = failure(401, "accessToken is missing, unknown or expired.")
      const table: ReadonlyArray<readonly [string, object]> = [
        ["", NOT],
        ["accessToken=", NOT],
        ["accessToken=nonsense", NOT],
        [`accessToken=${FIXED.slice(0, -1)}`, NOT],
        [`accessToken=${"x".repeat(5000)}`, NOT],
        [`accessToken=${alice.token}`, failure(403, "Only system administrators may do this.")]
      ]
      for (const [query, refused] of table) {
        for (const [method, name] of [
          ["POST", "create"],
          ["GET", "get"],
          ["POST", "update"]
        ] as const) {
          const path = `/cgi/session/${name}?sessionId=${sessionId}&${query}`
          const { status, json } = yield* ask(method, path, method === "POST" ? { json: {} } : {})
          assert.deepStrictEqual([status, json], [200, refused])
        }
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("may be the configuration's token", () =>
    Effect.gen(function* () {
      const { get, team } = yield* stage
      const { sessionId } = yield* team
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, FIXED)).errcode, 0)
      const short = yield* Effect.flip(
        dialect.open({ settings: { ...SETTINGS, "youdu.token": "short" }, tcp: () => undefined })
      )
      assert.strictEqual(short.message, "youdu.token must have at least 32 characters")
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("reaches the groups of the app's organisation, and an administrator all groups", () =>
    Effect.gen(function* () {
      const { create, get, update, appToken, root, alice, bob, dave, erin } = yield* stage
      const engine = yield* Engine
      const token = yield* appToken
      const { sessionId } = jsonOf<SessionJson>(
        yield* create({ title: "Foreign", creator: "dave", member: ["erin", "root"] })
      )
      const GONE = { ...failure(404, "sessionId: there is no such session."), encrypt: "" }
      assert.deepStrictEqual((yield* get(sessionId, token)).json, GONE)
      const change = envelope({ sessionId, opUser: "dave", title: "Taken" })
      assert.deepStrictEqual((yield* update(change, token)).json, GONE)
      const made = yield* create(envelope({ title: "t", creator: "dave", member: ["erin", "root"] }), token)
      assert.deepStrictEqual(made.json, {
        ...failure(400, "member must hold somebody of the app's organisation."),
        encrypt: ""
      })
      // With alice in it, the app reaches it.
      yield* engine.perform(dave.caller, { _tag: "AddMembers", chat: { gid: sessionId }, members: [UserId(alice.id)] })
      assert.strictEqual(jsonOf<SessionJson>(yield* get(sessionId, token)).errcode, 0)
      // Pairs and system chats are nobody's sessions, and a group of two is one.
      const make = (gid: string, type: string, members: ReadonlyArray<number>) =>
        engine.perform(alice.caller, {
          _tag: "CreateChat",
          gid,
          name: "n",
          type,
          members: members.map(UserId),
          subject: 0,
          public: false
        })
      const pair = yield* make("", "one2one", [bob.id])
      const two = yield* make("two", "group", [bob.id])
      const project = yield* make("project", "project", [bob.id, erin.id])
      for (const by of [root.token, token]) {
        const codes = yield* Effect.forEach([pair, two, project], ({ chat }) =>
          Effect.map(get(chat.gid, by), (answer) => jsonOf<SessionJson>(answer).errcode)
        )
        assert.deepStrictEqual(codes, [404, 0, 404])
      }
      yield* engine.perform(alice.caller, { _tag: "DissolveChat", chat: { gid: "two" } })
      assert.strictEqual(jsonOf<SessionJson>(yield* get("two")).errcode, 404)
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("bad input", () => {
  it.effect("is answered with status 200, an errcode and the field's name, and stores nothing", () =>
    Effect.gen(function* () {
      const { create, update, get, team, alice } = yield* stage
      const engine = yield* Engine
      const users = yield* Users
      const { sessionId } = yield* team
      const [disabled] = yield* users.add([{ account: "gone", organisation: 1 }])
      yield* users.setDisabled(disabled!.account, true)
      const creation = { title: "t", creator: "alice", member: ["bob", "carol"] }
      const change = { sessionId, opUser: "alice", title: "u" }
      const long = "字".repeat(65)
      const many = Array.from({ length: 1001 }, (_, index) => `u${index}`)
      type Row = readonly [patch: object, errcode: number, errmsg: string]
      const creations: ReadonlyArray<Row> = [
        [{ title: undefined }, 400, "title is missing."],
        [{ title: 5 }, 400, "title must be a string."],
        [{ title: "" }, 400, "title must have 1 to 64 characters."],
        [{ title: long }, 400, "title must have 1 to 64 characters."],
        [{ title: "  " }, 400, "title must not be blank."],
        [{ title: "\udc00" }, 400, "title must be well-formed Unicode."],
        [{ creator: undefined }, 400, "creator is missing."],
        [{ creator: 1 }, 400, "creator must be a string."],
        [{ creator: "" }, 400, "creator must not be empty."],
        [{ creator: long }, 400, "creator must have at most 64 characters."],
        [{ creator: "nobody" }, 404, "There are no such users: nobody (creator)."],
        [{ creator: "gone" }, 400, "creator is disabled."],
        [{ type: "single" }, 400, "type must be multi."],
        [{ type: 1 }, 400, "type must be multi."],
        [{ member: undefined }, 400, "member is missing."],
        [{ member: "bob,carol" }, 400, "member must be an array of accounts."],
        [{ member: [] }, 400, "member must be at least 3 users with the creator."],
        [{ member: ["bob"] }, 400, "member must be at least 3 users with the creator."],
        [{ member: ["alice", "bob", "bob"] }, 400, "member must be at least 3 users with the creator."],
        [{ member: ["bob", 3] }, 400, "member[1] must be a string."],
        [{ member: ["bob", ""] }, 400, "member[1] must not be empty."],
        [{ member: ["bob", long] }, 400, "member[1] must have at most 64 characters."],
        [{ member: ["bob", "x", "y"] }, 404, "There are no such users: x (member), y (member)."],
        [{ member: many }, 400, "member must name at most 1000 users."]
      ]
      const changes: ReadonlyArray<Row> = [
        [{ sessionId: undefined }, 400, "sessionId is missing."],
        [{ sessionId: 5 }, 400, "sessionId must be a string."],
        [{ sessionId: "unknown" }, 404, "sessionId: there is no such session."],
        [{ opUser: undefined }, 400, "opUser is missing."],
        [{ opUser: {} }, 400, "opUser must be a string."],
        [{ opUser: "nobody" }, 404, "There are no such users: nobody (opUser)."],
        [{ opUser: "gone" }, 400, "opUser is disabled."],
        [{ opUser: "dave" }, 403, "opUser is not a member of this session."],
        [{ title: undefined }, 400, "title, addMember or delMember must be given."],
        [{ title: undefined, addMember: [], delMember: [] }, 400, "title, addMember or delMember must be given."],
        [{ title: long }, 400, "title must have 1 to 64 characters."],
        [{ title: "" }, 400, "title must have 1 to 64 characters."],
        [{ addMember: "dave" }, 400, "addMember must be an array of accounts."],
        [{ addMember: [5] }, 400, "addMember[0] must be a string."],
        [{ addMember: ["nobody"] }, 404, "There are no such users: nobody (addMember)."],
        [{ addMember: many }, 400, "addMember must name at most 1000 users."],
        [{ delMember: { 0: "bob" } }, 400, "delMember must be an array of accounts."],
        [{ delMember: ["nobody"] }, 404, "There are no such users: nobody (delMember)."],
        [{ addMember: ["dave"], delMember: ["dave"] }, 400, "delMember must not name dave, whom addMember names."],
        [{ opUser: "bob", delMember: ["carol"] }, 403, "Only admins may do this."]
      ]
      const before = yield* engine.handle(alice.caller, { _tag: "ListChats" })
      for (const [patch, errcode, errmsg] of creations) {
        const { status, json } = yield* create({ ...creation, ...patch })
        assert.deepStrictEqual([status, json], [200, { errcode, errmsg }], JSON.stringify(patch))
      }
      for (const [patch, errcode, errmsg] of changes) {
        const { status, json } = yield* update({ ...change, ...patch })
        assert.deepStrictEqual([status, json], [200, { errcode, errmsg }], JSON.stringify(patch))
      }
      assert.deepStrictEqual((yield* get("")).json, failure(404, "sessionId: there is no such session."))
      assert.deepStrictEqual(yield* engine.handle(alice.caller, { _tag: "ListChats" }), before)
      // 64 code points are 64 characters, however they are written.
      assert.strictEqual(jsonOf<SessionJson>(yield* create({ ...creation, title: "🙂".repeat(64) })).errcode, 0)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("has the status say so, too, where the request was not understood", () =>
    Effect.gen(function* () {
      const { ask, root } = yield* stage
      for (const path of [
        "/cgi/gettoken",
        `/cgi/session/create?accessToken=${root.token}`,
        `/cgi/session/update?accessToken=${root.token}`
      ]) {
        const sent = (body: string, headers: Record<string, string> = {}) => ask("POST", path, { body, headers })
        const table: ReadonlyArray<readonly [Answer, number, string]> = [
          [yield* sent("{"), 400, "The body is not JSON."],
          [yield* sent("[]"), 400, "The body must be a JSON object."],
          [yield* sent("5"), 400, "The body must be a JSON object."],
          [
            yield* sent("a=1", { "content-type": "application/x-www-form-urlencoded" }),
            400,
            "The body must be JSON, and Content-Type application/json."
          ],
          [yield* sent(`{"x":"${"x".repeat(1_100_000)}"}`), 413, "The body is too large."],
          [yield* sent("{}", { "content-encoding": "GZIP" }), 415, "Content-Encoding gzip is not read here."],
          [yield* sent("{}", { "content-encoding": "utf-8, br" }), 415, "Content-Encoding br is not read here."]
        ]
        for (const [{ status, json }, code, errmsg] of table) {
          assert.deepStrictEqual([status, json], [code, failure(code, errmsg)])
        }
      }
      for (const [method, path, allow] of [
        ["GET", "/cgi/gettoken", "POST"],
        ["GET", "/cgi/session/create", "POST"],
        ["POST", "/cgi/session/get", "GET"],
        ["DELETE", "/cgi/session/update", "POST"]
      ] as const) {
        const answer = yield* ask(method, path)
        assert.deepStrictEqual(
          [answer.status, answer.allow, answer.json],
          [405, allow, failure(405, `${path} takes ${allow} only.`)]
        )
      }
    }).pipe(Effect.provide(engineLayer))
  )
})

describe("when the server is in trouble", () => {
  const failing = new StorageFailed({ operation: "test", cause: "the disk is gone" })
  let isBroken = false
  const broken = engineOver((store) => ({
    commit: (unit) => (isBroken ? Effect.fail(failing) : store.commit(unit)),
    chatByGid: (gid) => (isBroken ? Effect.fail(failing) : store.chatByGid(gid)),
    usersByAccount: (accounts) => (isBroken ? Effect.die(new Error("a mistake")) : store.usersByAccount(accounts))
  }))

  it.effect("errcode says so", () =>
    Effect.gen(function* () {
      const { create, get, getToken, appToken } = yield* stage
      const token = yield* appToken
      isBroken = true
      const unavailable = failure(503, "The storage does not answer.")
      assert.deepStrictEqual(
        (yield* create({ title: "t", creator: "alice", member: ["bob", "carol"] })).json,
        unavailable
      )
      assert.deepStrictEqual((yield* get("cold")).json, unavailable)
      assert.deepStrictEqual((yield* get("cold", token)).json, { ...unavailable, encrypt: "" })
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const { buin, appId } = DEMO
      const asked = yield* getToken({ buin, appId, encrypt: seal(String(now)) })
      assert.deepStrictEqual(asked.json, { ...unavailable, encrypt: "" })
      const mistaken = yield* create({ title: "t", creator: "unheard-of", member: ["bob", "carol"] })
      assert.deepStrictEqual(
        [mistaken.status, mistaken.json],
        [500, failure(500, "The server made a mistake; it was logged.")]
      )
    }).pipe(Effect.ensuring(Effect.sync(() => (isBroken = false))), Effect.provide(broken))
  )
})

describe("the operator's commands", () => {
  it.effect("add, list and remove apps, and never show a key", () =>
    Effect.gen(function* () {
      const { commands, getToken } = yield* stage
      const key = Buffer.alloc(32, 9).toString("base64")
      const app = { buin: 5, "app-id": "mine", key, org: 2 }
      const run = (words: string, inputs = {}) => operate(commands, `youdu-app ${words}`, inputs)
      assert.strictEqual(yield* run("add", app), "added app 5/mine of organisation 2")
      assert.strictEqual(yield* run("add", app), "no: app 5/mine exists already")
      assert.strictEqual(yield* run("add", { ...app, key: "short" }), "no: key must be 32 bytes in base64")
      assert.match(yield* run("add", { ...app, "app-id": "" }), /^no: app-id must have/)
      assert.strictEqual(yield* run("list"), "14797363/yd-demo  org 1\n5/mine  org 2")
      const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const token = getToken({ buin: 5, appId: "mine", encrypt: seal(String(now), key, "mine") })
      assert.deepInclude(jsonOf<object>(yield* token), { errcode: 0 })
      assert.strictEqual(yield* run("remove", { buin: 5, "app-id": "mine" }), "removed app 5/mine")
      assert.strictEqual(yield* run("remove", { buin: 5, "app-id": "mine" }), "no: there is no app 5/mine")
      assert.deepInclude(jsonOf<object>(yield* token), { errcode: 401 })
    }).pipe(Effect.provide(engineLayer))
  )
})
