/** The bytes of every operation in both forms, and random input to each. Source: PROTOCOLS, "youdu"; the public SDKs. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { Sessions } from "@parley/core/Sessions"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { repetitions } from "../../../../scripts/repetitions.ts"
import { Dice } from "../../../server/test/fuzzInput.ts"
import { engineLayer, engineOver, type Reply } from "../ha/harness.ts"
import { open, seal } from "./Envelope.ts"
import { askerOf, envelope, fixture } from "./harness.ts"

const HEX_ID = /[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}/g

const onSqlite = Layer.unwrap(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "parley-youdu-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ).pipe(Effect.map((folder) => Layer.orDie(SqliteStore.layer({ file: join(folder, "parley.db") }))))
)

/** The same requests with a token of each form; ids are replaced by their order of appearance. */
const transcript = Effect.gen(function* () {
  yield* TestClock.setTime(1_700_000_000_000)
  const { call, appToken, root, alice } = yield* fixture
  const lines: Array<string> = []
  const ids = new Map<string, string>()
  const named = (text: string): string =>
    text.replaceAll(HEX_ID, (id) => ids.get(id) ?? (ids.set(id, `<id ${ids.size + 1}>`), ids.get(id) ?? ""))
  const opened = (text: string): string =>
    text.replace(/"encrypt":"([^"]+)"/, (_, sealed: string) => `"encrypt":<${open(sealed).text}>`)

  for (const [form, token] of [
    ["plain", root.token],
    ["sealed", yield* appToken]
  ] as const) {
    const isSealed = form === "sealed"
    const note = (request: string, { status, text }: Reply): string => {
      lines.push(named(`> ${request}`), named(`< ${status} ${opened(text)}`))
      return text
    }
    const get = (path: string, query = "") =>
      Effect.map(call("GET", `/cgi/${path}?accessToken=${token}${query}`), (reply) =>
        note(`GET ${path}${query}`, reply)
      )
    const post = (path: string, fields: object) =>
      Effect.map(
        call("POST", `/cgi/${path}?accessToken=${token}`, { json: isSealed ? envelope(fields) : fields }),
        (reply) => note(`POST ${path} ${JSON.stringify(fields)}`, reply)
      )
    lines.push(`# ${form}`)
    const made = yield* post("group/create", { name: "群" })
    const { id } = JSON.parse(isSealed ? open((JSON.parse(made) as { encrypt: string }).encrypt).text : made) as {
      readonly id: string
    }
    const userId = `zoe-${form}`
    yield* post("user/create", {
      userId,
      name: "左一",
      gender: 1,
      mobile: "138",
      phone: "",
      email: "",
      dept: [5, 3],
      enableState: 0,
      attrs: null
    })
    yield* post("user/update", {
      userId,
      name: "",
      gender: 0,
      email: "z@example.org",
      dept: [],
      attrs: [{ name: "工号", value: "7" }]
    })
    yield* get("user/get", `&userId=${userId}`)
    yield* get("user/simplelist", "&deptId=5")
    yield* get("user/list", "&deptId=5")
    yield* get("dept/list", "&id=0")
    yield* post("group/addmember", { id, userList: ["alice", userId] })
    yield* post("group/update", { id, name: "Crew" })
    yield* get("group/info", `&id=${id}`)
    yield* get("group/list", `&userId=${userId}`)
    yield* get("group/ismember", `&id=${id}&userId=alice`)
    yield* post("group/delmember", { id, userList: ["alice"] })
    yield* get("group/delete", `&id=${id}`)
    yield* get("group/delete", `&id=${id}`)
    yield* get("user/delete", `&userId=${userId}`)
    yield* get("user/get", `&userId=${userId}`)
    const form_ = new FormData()
    if (isSealed) {
      const { buin, appId, encrypt } = envelope({ type: "file", name: "a.txt" })
      for (const [name, value] of Object.entries({ buin: String(buin), appId, encrypt })) form_.append(name, value)
      form_.append("file", new Blob([seal("hello")]), "tmp")
    } else {
      form_.append("type", "file")
      form_.append("file", new Blob(["hello"]), "a.txt")
    }
    const uploaded = note(
      "POST media/upload a.txt",
      yield* call("POST", `/cgi/media/upload?accessToken=${token}`, { form: form_ })
    )
    const { mediaId } = JSON.parse(
      isSealed ? open((JSON.parse(uploaded) as { encrypt: string }).encrypt).text : uploaded
    ) as { readonly mediaId: string }
    yield* post("media/search", { mediaId })
    const fields = { mediaId }
    const got = yield* call("POST", `/cgi/media/get?accessToken=${token}`, {
      json: isSealed ? envelope(fields) : fields
    })
    const header = got.headers.get("encrypt")
    lines.push(
      named(`> POST media/get ${JSON.stringify(fields)}`),
      `< ${got.status} encrypt: ${header === null ? "absent" : `<${open(header).text}>`}; ${isSealed ? `<${open(got.text).text}>` : got.text}`
    )
    yield* post("media/search", { mediaId: "none" })
    yield* post("dept/create", { name: "x" })
  }
  const { token } = yield* (yield* Sessions).issue(alice.caller.user, "chat")
  for (const query of [`token=${token}`, "token=wrong"]) {
    const { status, text } = yield* call("GET", `/cgi/identify?${query}`)
    lines.push(`> GET identify ${query.replace(token, "<token>")}`, `< ${status} ${text}`)
  }
  return `${lines.join("\n")}\n`
})

describe("golden frames", () => {
  for (const [store, layer] of [
    ["memory", engineLayer],
    ["SQLite", engineOver(() => ({}), onSqlite)]
  ] as const) {
    it.effect(`of every operation on users, groups and files, on ${store}`, (test) =>
      Effect.gen(function* () {
        const text = yield* transcript
        yield* Effect.promise(() => test.expect(text).toMatchFileSnapshot("./golden/organisation.txt"))
      }).pipe(Effect.provide(layer))
    )
  }
})

const BODIES: ReadonlyArray<string> = [
  "group/create",
  "group/update",
  "group/addmember",
  "group/delmember",
  "user/create",
  "user/update",
  "media/get",
  "media/search",
  "session/create",
  "session/update"
]
const QUERIES: ReadonlyArray<string> = [
  "group/delete",
  "group/info",
  "group/list",
  "group/ismember",
  "user/get",
  "user/list",
  "user/simplelist",
  "user/delete",
  "dept/list",
  "session/get",
  "identify",
  "nothing"
]
const NAMES = [
  "id",
  "groupId",
  "name",
  "userId",
  "userList",
  "gender",
  "mobile",
  "dept",
  "attrs",
  "enableState",
  "deptId"
]
const MORE = [
  "mediaId",
  "type",
  "title",
  "creator",
  "member",
  "sessionId",
  "opUser",
  "token",
  "constructor",
  "__proto__"
]

describe("random input", () => {
  it.effect("is answered with an errcode and a sentence, never with an internal error", () =>
    Effect.gen(function* () {
      const { call, appToken, root, team } = yield* fixture
      const { sessionId } = yield* team
      const token = yield* appToken
      const plain = askerOf(call, root.token, false)
      const { id } = yield* plain.post("group/create", { name: "g" })
      for (let seed = 1; seed <= repetitions(3000, 300); seed++) {
        const dice = new Dice(seed)
        const text = (): string =>
          dice.of([
            "",
            " ",
            "alice",
            "bob",
            "root",
            "nobody",
            String(id),
            sessionId,
            "0",
            "5",
            "-1",
            "字".repeat(70),
            "\u0000",
            "a:b",
            "\ud800"
          ])
        const value = (depth = 2): unknown =>
          dice.of<() => unknown>([
            text,
            () => null,
            () => dice.of([0, 1, -1, 1.5, 5, 2 ** 53, true, false]),
            () => (depth === 0 ? [] : dice.times(4, () => value(depth - 1))),
            () =>
              depth === 0
                ? {}
                : Object.fromEntries(dice.times(3, () => [dice.of([...NAMES, ...MORE, "value"]), value(depth - 1)]))
          ])()
        const fields = Object.fromEntries(dice.times(6, () => [dice.of([...NAMES, ...MORE]), value()]))
        const isSealed = dice.below(2) === 0
        const own = isSealed ? token : root.token
        const isPost = dice.below(2) === 0
        const path = dice.of(isPost ? BODIES : QUERIES)
        const query = Object.entries(fields).map(
          ([name, one]) => `&${name}=${encodeURIComponent(String(one).toWellFormed())}`
        )
        const reply = isPost
          ? yield* call("POST", `/cgi/${path}?accessToken=${own}`, { json: isSealed ? envelope(fields) : fields })
          : yield* call("GET", `/cgi/${path}?accessToken=${own}${query.join("")}`)
        const what = `seed ${seed}: ${path} ${JSON.stringify(fields)}: ${reply.text}`
        assert.strictEqual(reply.status, 200, what)
        const { errcode, errmsg } = reply.json as { readonly errcode: number; readonly errmsg: string }
        assert.include([0, 400, 401, 403, 404], errcode, what)
        assert.match(errmsg, errcode === 0 ? /^ok$/ : /^\S[\s\S]*\.$/, what)
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("as a form is answered likewise, and leaves no file behind", () =>
    Effect.gen(function* () {
      const { call, appToken, root } = yield* fixture
      const token = yield* appToken
      for (let seed = 1; seed <= repetitions(500, 60); seed++) {
        const dice = new Dice(seed)
        const form = new FormData()
        for (const name of dice.times(5, () => dice.of(["buin", "appId", "encrypt", "file", "type", "name", "x"]))) {
          const content = dice.of([
            "",
            "14797363",
            "yd-demo",
            "file",
            seal("{}"),
            seal('{"type":"file","name":"a"}'),
            seal("hello"),
            "!!"
          ])
          if (dice.below(3) === 0) form.append(name, new Blob([content]), dice.of(["", "a.txt", "字"]))
          else form.append(name, content)
        }
        const own = dice.of([token, root.token])
        const { status, json, text } = yield* call("POST", `/cgi/media/upload?accessToken=${own}`, { form })
        const { errcode } = json as { readonly errcode: number }
        assert.include([0, 400, 401], errcode, `seed ${seed}: ${text}`)
        assert.strictEqual(status, 200, `seed ${seed}: ${text}`)
      }
    }).pipe(Effect.provide(engineLayer))
  )
})
