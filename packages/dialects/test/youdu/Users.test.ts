/** Users and departments that apps manage, and `identify`. Source: PROTOCOLS, "youdu"; the public SDKs. */
import { assert, describe, it } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { UserId } from "@parley/core/Ids"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import { UserDirectory } from "@parley/core/UserDirectory"
import { Users } from "@parley/core/Users"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { clientOf, engineLayer, operate } from "../ha/harness.ts"
import { askerOf, failure, FIXED, fixture, ok, opened } from "./harness.ts"

const asked = Effect.gen(function* () {
  const all = yield* fixture
  const { call, appToken, root } = all
  return { ...all, app: askerOf(call, yield* appToken, true), everywhere: askerOf(call, root.token, false) }
})

/** As the SDKs send it: every field, empty ones included. */
const PERSON = {
  userId: "zoe",
  name: "左一",
  gender: 1,
  mobile: "13800000000",
  phone: "",
  email: null,
  dept: [5, 3],
  enableState: 0,
  shortCode: "12",
  attrs: null
}

const detail = (deptId: number, position = "") => ({ deptId, position, weight: 0, sortId: 0 })

describe("users", () => {
  it.effect("are created, read, changed and removed, and are users of the engine", () =>
    Effect.gen(function* () {
      const { app } = yield* asked
      const engine = yield* Engine
      const users = yield* Users
      assert.deepStrictEqual(yield* app.post("user/create", PERSON), ok())
      const zoe = yield* users.byAccount("zoe")
      assert.deepInclude(zoe, {
        realname: "左一",
        dept: 5,
        organisation: 1,
        admin: false,
        disabled: false
      })
      const json = {
        gid: zoe?.id,
        userId: "zoe",
        name: "左一",
        gender: 1,
        mobile: "13800000000",
        phone: "",
        email: "",
        shortCode: "12",
        enableState: 1,
        dept: [5, 3],
        deptDetail: [detail(5), detail(3)],
        attrs: []
      }
      assert.deepStrictEqual(yield* app.get("user/get", { userId: "zoe" }), ok(json))
      // Empty values change nothing; gender is always sent.
      const change = { ...PERSON, name: "", gender: 0, mobile: "", email: "z@example.org", dept: [], shortCode: null }
      assert.deepStrictEqual(yield* app.post("user/update", { ...change, attrs: [{ name: "工号", value: "7" }] }), ok())
      const changed = { ...json, gender: 0, email: "z@example.org", attrs: [{ name: "工号", value: "7" }] }
      assert.deepStrictEqual(yield* app.get("user/get", { userId: "zoe" }), ok(changed))
      assert.deepStrictEqual(yield* app.post("user/update", { userId: "zoe", name: "Zoë", dept: [3] }), ok())
      assert.deepInclude(yield* users.byAccount("zoe"), { realname: "Zoë", dept: 3 })
      // A department given elsewhere counts.
      yield* users.change("zoe", { dept: 9, role: "dev" })
      assert.deepInclude(yield* app.get("user/get", { userId: "zoe" }), { dept: [9], deptDetail: [detail(9, "dev")] })
      const { id } = yield* app.post("group/create", { name: "Crew" })
      yield* app.post("group/addmember", { id, userList: ["alice", "zoe"] })
      assert.deepInclude(yield* app.get("group/info", { id: String(id) }), {
        members: [
          { account: "alice", name: "alice", mobile: "" },
          { account: "zoe", name: "Zoë", mobile: "13800000000" }
        ]
      })
      assert.deepStrictEqual(yield* app.get("user/delete", { userId: "zoe" }), ok())
      const gone = failure(404, "There are no such users: zoe (userId).")
      assert.deepStrictEqual(yield* app.get("user/delete", { userId: "zoe" }), gone)
      assert.deepStrictEqual(yield* app.get("user/get", { userId: "zoe" }), gone)
      assert.deepStrictEqual((yield* engine.context.chats.find({ gid: String(id) }))?.chat.members.size, 1)
      // The account is free, without the earlier user's data.
      assert.deepStrictEqual(yield* app.post("user/create", { userId: "zoe", name: "", gender: 0, dept: [] }), ok())
      assert.deepInclude(yield* app.get("user/get", { userId: "zoe" }), {
        name: "zoe",
        mobile: "",
        dept: [],
        attrs: []
      })
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("are removed with their records, whoever removes them", () =>
    Effect.gen(function* () {
      const { app } = yield* asked
      const users = yield* Users
      const store = yield* Store
      yield* app.post("user/create", PERSON)
      assert.lengthOf(yield* store.records("youdu", "profile"), 1)
      yield* users.remove("zoe")
      assert.lengthOf(yield* store.records("youdu", "profile"), 0)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("are listed by department; a department exists if it has users", () =>
    Effect.gen(function* () {
      const { app, everywhere } = yield* asked
      yield* app.post("user/create", PERSON)
      yield* app.post("user/create", { userId: "yan", name: "Yan", gender: 0, dept: [3, 0], enableState: -1 })
      const ofUser = (answer: object) =>
        (answer as { readonly userList: ReadonlyArray<{ readonly userId: string }> }).userList.map(
          ({ userId }) => userId
        )
      assert.deepStrictEqual(ofUser(yield* app.get("user/list")), ["alice", "bob", "carol", "zoe", "yan"])
      assert.deepStrictEqual(ofUser(yield* app.get("user/list", { deptId: "0" })), [
        "alice",
        "bob",
        "carol",
        "zoe",
        "yan"
      ])
      assert.deepStrictEqual(ofUser(yield* app.get("user/simplelist", { deptId: "5" })), ["zoe"])
      const { userList } = yield* app.get("user/simplelist", { deptId: "3" })
      assert.deepStrictEqual(
        (userList as ReadonlyArray<{ readonly gid: number }>).map(({ gid, ...rest }) => (assert.isAbove(gid, 0), rest)),
        [
          { userId: "zoe", name: "左一", gender: 1, dept: [5, 3] },
          { userId: "yan", name: "Yan", gender: 0, dept: [3] }
        ]
      )
      assert.deepInclude(yield* app.get("user/get", { userId: "yan" }), { enableState: -1 })
      const department = (id: number) => ({ id, name: String(id), parentId: 0, sortId: 0, alias: "" })
      assert.deepStrictEqual(yield* app.get("dept/list"), ok({ deptList: [department(3), department(5)] }))
      assert.deepStrictEqual(yield* app.get("dept/list", { id: "0" }), ok({ deptList: [department(3), department(5)] }))
      assert.deepStrictEqual(yield* app.get("dept/list", { id: "5" }), ok({ deptList: [department(5)] }))
      assert.deepStrictEqual(ofUser(yield* everywhere.get("user/list")).length, 8)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("are in departments that the operator may name", () =>
    Effect.gen(function* () {
      const { app, everywhere, commands } = yield* asked
      const run = (words: string, inputs = {}) => operate(commands, `youdu-dept ${words}`, inputs)
      yield* app.post("user/create", { ...PERSON, dept: [7] })
      assert.strictEqual(yield* run("set", { org: 1, id: 2, name: "研发" }), "department 2 of organisation 1 is 研发")
      yield* run("set", { org: 1, id: 5, name: "后端", parent: 2, sort: 9 })
      yield* run("set", { org: 2, id: 8, name: "Elsewhere" })
      const all = [
        { id: 2, name: "研发", parentId: 0, sortId: 0, alias: "" },
        { id: 5, name: "后端", parentId: 2, sortId: 9, alias: "" },
        { id: 7, name: "7", parentId: 0, sortId: 0, alias: "" }
      ]
      assert.deepStrictEqual(yield* app.get("dept/list"), ok({ deptList: all }))
      assert.deepStrictEqual(yield* app.get("dept/list", { id: "2" }), ok({ deptList: all.slice(0, 2) }))
      assert.deepStrictEqual(yield* app.get("user/list", { deptId: "5" }), ok({ userList: [] }))
      assert.deepInclude(yield* app.get("dept/list", { id: "8" }), { errcode: 400 })
      assert.lengthOf((yield* everywhere.get("dept/list"))["deptList"] as ReadonlyArray<unknown>, 4)
      assert.strictEqual(yield* run("list"), "1/2 研发 0 0\n1/5 后端 2 9\n2/8 Elsewhere 0 0")
      for (const [words, inputs, expected] of [
        [
          "set",
          { org: 1, id: 2, name: "x", parent: 5 },
          "no: parent must not be the department itself or one below it"
        ],
        ["set", { org: 1, id: 3, name: "x", parent: 77 }, "no: there is no department 77 with a name"],
        ["set", { org: 1, id: 0, name: "x" }, "no: id must be a positive integer"],
        ["set", { org: 1, id: 3, name: " " }, "no: name must have 1 to 32 characters"],
        ["remove", { org: 1, id: 2 }, "no: department 2 is the parent of another one"],
        ["remove", { org: 1, id: 7 }, "no: department 7 of organisation 1 has no name"],
        ["remove", { org: 1, id: 5 }, "department 5 of organisation 1 has no name now"]
      ] as const) {
        assert.strictEqual(yield* run(words, inputs), expected)
      }
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("of other organisations do not exist for an app; system administrators are not managed by one", () =>
    Effect.gen(function* () {
      const { app, everywhere, call } = yield* asked
      const users = yield* Users
      yield* users.add([{ account: "boss", organisation: 1, admin: true }])
      for (const userId of ["dave", "erin", "root", "nobody", "removed:1"]) {
        const unknown = failure(404, `There are no such users: ${userId} (userId).`)
        assert.deepStrictEqual(yield* app.get("user/get", { userId }), unknown)
        assert.deepStrictEqual(yield* app.get("user/delete", { userId }), unknown)
        assert.deepStrictEqual(yield* app.post("user/update", { userId, name: "x" }), unknown)
      }
      const refused = failure(403, "An app may not manage system administrators.")
      assert.deepInclude(yield* app.get("user/get", { userId: "boss" }), { errcode: 0 })
      assert.deepStrictEqual(yield* app.post("user/update", { userId: "boss", name: "x" }), refused)
      assert.deepStrictEqual(yield* app.get("user/delete", { userId: "boss" }), refused)
      assert.deepStrictEqual(
        yield* app.post("user/create", { userId: "dave", name: "", gender: 0, dept: [] }),
        failure(400, "userId is taken.")
      )
      // A token for plain JSON reaches all users, and its users belong to no organisation.
      assert.deepStrictEqual(yield* everywhere.post("user/update", { userId: "boss", name: "Boss" }), ok())
      assert.deepStrictEqual(yield* everywhere.post("user/create", { userId: "solo", gender: 0 }), ok())
      assert.deepInclude(yield* users.byAccount("solo"), { organisation: null, realname: "solo" })
      assert.deepStrictEqual(
        yield* app.get("user/get", { userId: "solo" }),
        failure(404, "There are no such users: solo (userId).")
      )
      // POST with the user in the query, as one SDK sends it.
      const { json } = yield* call("POST", `/cgi/user/delete?userId=solo&accessToken=${FIXED}`)
      assert.deepStrictEqual(json, ok())
      assert.isUndefined(yield* users.byAccount("solo"))
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("bad input names the field and adds nobody", () =>
    Effect.gen(function* () {
      const { app, everywhere } = yield* asked
      const users = yield* Users
      const before = (yield* users.list).length
      const long = "字".repeat(65)
      const table: ReadonlyArray<readonly [patch: Record<string, unknown>, errmsg: string | RegExp]> = [
        [{ userId: undefined }, "userId is missing."],
        [{ userId: 5 }, "userId must be a string."],
        [{ userId: "" }, "userId must not be empty."],
        [{ userId: long }, "userId must have at most 64 characters."],
        [{ userId: "a b" }, /^userId must not contain white space/],
        [{ userId: "bob" }, "userId is taken."],
        [{ userId: "ｂｏｂ" }, "userId is taken."],
        [{ name: 5 }, "name must be a string."],
        [{ name: long }, "name must have at most 64 characters."],
        [{ name: "\udc00" }, "name must be well-formed Unicode."],
        [{ gender: 2 }, "gender must be 0 or 1."],
        [{ gender: "1" }, "gender must be 0 or 1."],
        [{ mobile: 138 }, "mobile must be a string."],
        [{ phone: long }, "phone must have at most 64 characters."],
        [{ email: {} }, "email must be a string."],
        [{ dept: "5" }, "dept must be an array of department ids."],
        [{ dept: [1.5] }, "dept[0] must be a department's id."],
        [{ dept: [1, -1] }, "dept[1] must be a department's id."],
        [{ dept: Array.from({ length: 21 }, (_, id) => id + 1) }, "dept must name at most 20 departments."],
        [{ enableState: 2 }, "enableState must be -1, 0 or 1."],
        [{ attrs: {} }, "attrs must be an array."],
        [{ attrs: ["x"] }, "attrs[0] must be an object."],
        [{ attrs: [{ value: "x" }] }, "attrs[0].name is missing."],
        [{ attrs: [{ name: "x".repeat(256), value: "" }] }, "attrs[0].name must have at most 255 characters."]
      ]
      for (const [patch, expected] of table) {
        for (const asker of [app, everywhere]) {
          const { errcode, errmsg } = yield* asker.post("user/create", { ...PERSON, ...patch })
          assert.strictEqual(errcode, 400, errmsg)
          if (typeof expected === "string") assert.strictEqual(errmsg, expected)
          else assert.match(errmsg, expected)
        }
      }
      for (const [patch, errmsg] of [
        [{ userId: undefined }, "userId is missing."],
        [{ name: " " }, "name must not be blank."],
        [{ gender: -1 }, "gender must be 0 or 1."],
        [{ dept: 7 }, "dept must be an array of department ids."]
      ] as const) {
        assert.deepStrictEqual(yield* app.post("user/update", { userId: "alice", ...patch }), failure(400, errmsg))
      }
      for (const [path, fields, errmsg] of [
        ["user/get", {}, "userId is missing."],
        ["user/delete", { userId: "" }, "userId must not be empty."],
        ["user/list", { deptId: "x" }, "deptId must be a department's id."],
        ["user/simplelist", { deptId: "77" }, "deptId must be a department that has a name or users."],
        ["dept/list", { id: "-1" }, "id must be a department's id."],
        ["dept/list", { id: "77" }, "id must be a department that has a name or users."]
      ] as const) {
        assert.deepStrictEqual(yield* app.get(path, fields), failure(400, errmsg))
      }
      assert.strictEqual((yield* users.list).length, before)
    }).pipe(Effect.provide(engineLayer))
  )

  it.effect("of a hosting application are changed there", () =>
    Effect.gen(function* () {
      const call = yield* clientOf(yield* opened)
      const { post, get } = askerOf(call, FIXED, false)
      const elsewhere = failure(403, "Users are managed by the host application.")
      assert.deepStrictEqual(yield* post("user/create", PERSON), elsewhere)
      assert.deepStrictEqual(yield* post("user/update", { userId: "ann", name: "x" }), elsewhere)
      assert.deepStrictEqual(yield* get("user/delete", { userId: "ann" }), elsewhere)
      assert.deepInclude(yield* get("user/get", { userId: "ann" }), { errcode: 0, name: "Ann", dept: [4] })
      assert.lengthOf((yield* get("user/list"))["userList"] as ReadonlyArray<unknown>, 1)
    }).pipe(
      Effect.provide(
        engineLayer.pipe(
          Layer.provide(
            Layer.succeed(UserDirectory, {
              find: (ids) => Effect.succeed(ids.includes("1") ? [ANN] : []),
              findByAccount: (accounts) => Effect.succeed(accounts.includes("ann") ? [ANN] : []),
              list: Effect.succeed([ANN]),
              change: () => Effect.die("nothing is changed")
            })
          )
        )
      )
    )
  )
})

const ANN = { id: "1", account: "ann", realname: "Ann", dept: 4 }

describe("identify", () => {
  it.effect("returns the user of a session's token, without an access token and in plain JSON", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_000)
      const { call, app, appToken } = yield* asked
      yield* app.post("user/create", PERSON)
      const zoe = yield* (yield* Users).byAccount("zoe")
      const { token } = yield* (yield* Sessions).issue(zoe?.id ?? UserId(0), "chat")
      const identify = (query: string) =>
        Effect.map(call("GET", `/cgi/identify?${query}`), ({ status, json }) => [status, json])
      const createdAt = "2023-11-14 22:13:20"
      const expected = {
        errcode: 0,
        errmsg: "ok",
        status: { code: 0, message: "ok", createdAt },
        userInfo: {
          gid: zoe?.id,
          account: "zoe",
          chsName: "左一",
          engName: "",
          gender: 1,
          orgId: 1,
          mobile: "13800000000",
          phone: "",
          email: ""
        }
      }
      assert.deepStrictEqual(yield* identify(`token=${token}`), [200, expected])
      assert.deepStrictEqual(yield* identify(`ydToken=${token}`), [200, expected])
      const wrong = (message: string) => [
        200,
        { errcode: 401, errmsg: message, status: { code: 10, message, createdAt } }
      ]
      assert.deepStrictEqual(yield* identify(""), wrong("token is missing."))
      for (const other of ["token=", `token=${yield* appToken}`, "token=unknown", `token=${FIXED}`]) {
        const message = other === "token=" ? "token is missing." : "token is unknown or expired."
        assert.deepStrictEqual(yield* identify(other), wrong(message))
      }
      yield* (yield* Users).setDisabled("zoe", true)
      assert.deepStrictEqual(yield* identify(`token=${token}`), wrong("token is unknown or expired."))
    }).pipe(Effect.provide(engineLayer))
  )
})
