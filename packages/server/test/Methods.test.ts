/**
 * Every method with every form of its params: by name, by position, with optional ones absent or null; the documented
 * fields of the reply, and the recipients of pushes. Source: seeds/002, "API"; PROTOCOLS, "Params".
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { type Fields, fields, first, listed, loggedIn, md5, Server, short, type Transport } from "./TestClient.ts"

const USER = ["id", "account", "realname", "avatar", "role", "dept", "status"]
const FACTS = [
  "id",
  "gid",
  "name",
  "type",
  "admins",
  "committers",
  "subject",
  "public",
  "createdBy",
  "createdDate",
  "editedBy",
  "editedDate",
  "lastActiveTime"
]
const CHAT = [...FACTS, "members"]
const OWN_CHAT = [...FACTS, "star", "hide", "mute", "members"]
const MESSAGE = ["id", "gid", "cgid", "user", "date", "type", "contentType", "content"]

/** One param: its name, its value, and whether it is optional. */
type Given = readonly [name: string, value: unknown, optional?: "optional"]

/** Forms of params, equivalent if optional params have their defaults. */
const forms: Readonly<Record<string, (given: ReadonlyArray<Given>) => unknown>> = {
  "by name": (given) => Object.fromEntries(given),
  "by position": (given) => given.map(([, value]) => value),
  "by name, what is optional left out": (given) =>
    Object.fromEntries(given.filter(([, , optional]) => optional === undefined)),
  "by name, what is optional null": (given) =>
    Object.fromEntries(given.map(([name, value, optional]) => [name, optional === undefined ? value : null])),
  "by position, what is optional null": (given) =>
    given.map(([, value, optional]) => (optional === undefined ? value : null)),
  "by name, with unknown fields": (given) => ({ ...Object.fromEntries(given), zz: [1], constructor: 5 })
}

layer(Server.patient, { excludeTestServices: true })("every method", (it) => {
  const services = (transport: Transport, form: string, write: (given: ReadonlyArray<Given>) => unknown) =>
    Effect.gen(function* () {
      const alice = yield* loggedIn("alice", transport)
      const bob = yield* loggedIn("bob")
      const carol = yield* loggedIn("carol", transport)
      const admin = yield* loggedIn("admin", transport)
      const gid = `room ${transport} ${form}`
      const isClient10 = transport === "tcp"
      const members = (...users: ReadonlyArray<number>) => users.map((id) => (isClient10 ? id : { id }))
      yield* bob.news
      yield* alice.news

      /** Returns the data of a method's reply, after checking the recipients of each push. */
      const does = Effect.fnUntraced(function* (
        client: typeof alice,
        name: string,
        given: ReadonlyArray<Given>,
        heard: string | undefined
      ) {
        const [module = "chat", method = ""] = name.split("/")
        const answer = yield* client.ask(method, write(given), { module })
        assert.deepInclude(answer, { module, method, result: "success", sid: client.sid }, short(answer))
        const pushes = yield* bob.news
        assert.deepStrictEqual(
          pushes.map((push) => [Object.keys(push), push["module"], push["method"], Number.isInteger(push["id"])]),
          heard === undefined ? [] : [[["id", "module", "method", "data"], "chat", heard, true]],
          name
        )
        const own = (yield* client.news).filter((push) => push["method"] === heard)
        assert.deepStrictEqual(own, [], `${name} is pushed to who asked`)
        return { data: answer["data"], answer, pushed: pushes[0]?.["data"] }
      })
      const keys = (value: unknown, documented: ReadonlyArray<string>) =>
        assert.deepStrictEqual(Object.keys(fields(value)), documented)
      const chatBy = (documented: ReadonlyArray<string>, { data, pushed }: { data: unknown; pushed: unknown }) => {
        keys(data, documented)
        keys(pushed, CHAT)
        assert.deepStrictEqual({ ...fields(pushed), members: 0 }, { ...fields(data), members: 0 })
      }

      const created = yield* does(
        alice,
        "chat/create",
        [
          ["gid", gid],
          ["name", "", "optional"],
          ["type", "group", "optional"],
          ["members", [{ id: bob.id }]],
          ["subject", 0, "optional"],
          ["public", false, "optional"]
        ],
        "create"
      )
      chatBy(CHAT, created)
      const chat = fields(created.data)
      const { id } = chat
      assert.deepInclude(chat, {
        gid,
        name: "",
        type: "group",
        admins: String(alice.id),
        committers: "",
        subject: 0,
        public: false,
        createdBy: "alice",
        editedBy: "",
        editedDate: 0,
        lastActiveTime: 0,
        members: members(alice.id, bob.id)
      })
      assert.deepInclude(fields(created.pushed), { members: [{ id: alice.id }, { id: bob.id }] })

      const name = `Room, ${form}`
      const renamed = yield* does(
        alice,
        "chat/changename",
        [
          ["id", id],
          ["name", name]
        ],
        "changeName"
      )
      assert.deepStrictEqual(renamed.data, { gid, name })
      keys(renamed.pushed, CHAT)
      const byGid = yield* does(
        alice,
        "chat/changename",
        [
          ["id", gid],
          ["name", `${name}!`]
        ],
        "changeName"
      )
      assert.deepStrictEqual(byGid.data, { gid, name: `${name}!` })

      const published = yield* does(
        alice,
        "chat/changepublic",
        [
          ["gid", gid],
          ["public", true, "optional"]
        ],
        "changePublic"
      )
      assert.deepStrictEqual(published.data, { gid, public: true })
      assert.deepInclude(fields(published.pushed), { public: true, editedBy: "alice" })
      const publicList = yield* does(alice, "chat/getPublicList", [], undefined)
      const inList = listed(publicList.answer).find((one) => one["gid"] === gid)
      keys(inList, isClient10 ? CHAT : FACTS)

      const joined = yield* does(
        carol,
        "chat/joinchat",
        [
          ["gid", gid],
          ["join", true, "optional"]
        ],
        "joinChat"
      )
      const { chat: joinedChat, ...joinedFields } = fields(joined.data)
      assert.deepStrictEqual(joinedFields, { gid, join: true })
      if (isClient10) chatBy(CHAT, { ...joined, data: joinedChat })
      assert.deepInclude(fields(joined.pushed), { members: [alice, bob, carol].map((one) => ({ id: one.id })) })
      yield* alice.news
      const left = yield* carol.ask(
        "joinchat",
        write([
          ["gid", gid],
          ["join", 0]
        ])
      )
      assert.deepInclude(left["data"], { gid, join: false })
      assert.strictEqual(first(yield* bob.news)["method"], "joinChat")
      yield* alice.news

      const added = yield* does(
        alice,
        "chat/addmember",
        [
          ["gid", gid],
          ["members", [carol.id]],
          ["join", true, "optional"]
        ],
        "addMember"
      )
      chatBy(CHAT, added)
      assert.deepInclude(fields(added.data), { members: members(alice.id, bob.id, carol.id) })

      for (const flag of ["star", "hide", "mute"]) {
        const set = yield* does(
          alice,
          `chat/${flag}`,
          [
            ["gid", gid],
            [flag, true, "optional"]
          ],
          undefined
        )
        assert.deepStrictEqual(set.data, { gid, [flag]: true })
      }
      const own = yield* does(alice, "chat/getList", [], undefined)
      const mine = listed(own.answer).find((one) => one["gid"] === gid)
      keys(mine, OWN_CHAT)
      assert.deepInclude(mine, { star: true, hide: true, mute: true, members: members(alice.id, bob.id, carol.id) })

      const message: ReadonlyArray<Given> = [
        ["gid", `m ${gid}`],
        ["cgid", gid],
        ["user", alice.id, "optional"],
        ["date", "", "optional"],
        ["type", "normal", "optional"],
        ["contentType", "text", "optional"],
        ["content", "Hello"]
      ]
      const draft = form.startsWith("by position") ? Object.fromEntries(message) : write(message)
      const sent = yield* alice.done("message", form.startsWith("by position") ? [[draft]] : [draft])
      const stored = first(listed(sent))
      keys(stored, MESSAGE)
      assert.deepInclude(stored, { cgid: gid, user: alice.id, type: "normal", contentType: "text", content: "Hello" })
      const push = first(yield* bob.news)
      assert.deepStrictEqual(push, { id: stored["id"], module: "chat", method: "message", data: [stored] })
      for (const params of [[draft], [[draft]], { messages: [draft] }, draft]) {
        assert.deepStrictEqual(listed(yield* alice.done("message", params)), [stored], "said again")
      }
      assert.deepStrictEqual(yield* bob.news, [])

      const pages: ReadonlyArray<Given> = [
        ["gid", gid],
        ["recPerPage", 0, "optional"],
        ["pageID", 1, "optional"],
        ["recTotal", 0, "optional"],
        ["continued", false, "optional"]
      ]
      const history = yield* does(alice, "chat/history", pages, undefined)
      assert.deepStrictEqual(history.data, [stored])
      const pager = { recPerPage: 0, pageID: 1, recTotal: 1, gid, continued: false }
      assert.strictEqual(JSON.stringify(history.answer["pager"]), JSON.stringify(pager))

      const listedMembers = yield* does(alice, "chat/members", [["gid", gid]], undefined)
      const [{ gid: of, members: people } = {}, ...none] = listed(listedMembers.answer)
      assert.deepStrictEqual([of, none], [gid, []])
      if (isClient10) assert.deepStrictEqual(people, [alice.id, bob.id, carol.id])
      else for (const one of people as ReadonlyArray<Fields>) keys(one, USER)

      const speakers = yield* does(
        alice,
        "chat/setCommitters",
        [
          ["gid", gid],
          ["committers", [{ id: bob.id }]]
        ],
        "setCommitters"
      )
      chatBy(CHAT, speakers)
      assert.deepInclude(fields(speakers.data), { committers: String(bob.id) })
      const texts: ReadonlyArray<readonly [unknown, string]> = [
        [`${alice.id}, ${bob.id}`, `${alice.id},${bob.id}`],
        ["$ALL", "$ALL"],
        ["$ADMINS", "$ADMINS"],
        [[bob.id], String(bob.id)],
        ["", ""]
      ]
      for (const [committers, shown] of texts) {
        const set = yield* alice.done(
          "setCommitters",
          write([
            ["gid", gid],
            ["committers", committers]
          ])
        )
        assert.deepInclude(fields(set["data"]), { committers: shown })
      }
      yield* bob.news

      const system = listed(own.answer).find((one) => one["type"] === "system")?.["gid"]
      const named: ReadonlyArray<Given> = [
        ["gid", system],
        ["admins", [{ id: carol.id }]]
      ]
      const granted = yield* does(admin, "chat/setAdmin", [...named, ["isAdmin", true, "optional"]], "setAdmin")
      chatBy(CHAT, granted)
      assert.deepInclude(fields(granted.data), { admins: String(carol.id) })
      const taken = yield* does(admin, "chat/setAdmin", [...named, ["isAdmin", "0"]], "setAdmin")
      assert.deepInclude(fields(taken.data), { admins: "" })

      const status = yield* does(alice, "chat/userChangeStatus", [["status", "away"]], "userChangeStatus")
      assert.deepStrictEqual(status.data, { id: alice.id, status: "away" })
      keys(status.pushed, USER)
      const called = yield* does(alice, "chat/userChangeName", [["name", `Alice, ${gid}`]], "userChangeName")
      assert.deepStrictEqual(called.data, { id: alice.id, name: `Alice, ${gid}` })
      assert.deepInclude(fields(called.pushed), { realname: `Alice, ${gid}`, status: "away" })
      const users = yield* does(alice, "chat/userGetlist", [], undefined)
      for (const one of listed(users.answer)) keys(one, isClient10 ? [...USER, "admin"] : USER)

      const settings = { theme: form, list: [1, null, { a: "字" }] }
      const saved = yield* alice.done("settings", { account: "alice", settings })
      assert.deepStrictEqual(saved["data"], settings)
      const read = yield* does(
        alice,
        "chat/settings",
        [
          ["account", "alice"],
          ["settings", "", "optional"]
        ],
        undefined
      )
      assert.deepStrictEqual(read.data, settings)

      const files = yield* does(alice, "attach/getList", [["gid", gid]], undefined)
      assert.deepStrictEqual(files.data, [])

      assert.deepInclude(
        yield* alice.ask(
          "login",
          write([
            ["account", "alice"],
            ["password", md5("123456")],
            ["status", "busy", "optional"]
          ]),
          { sid: undefined }
        ),
        {
          result: "success"
        }
      )
    })

  for (const transport of ["websocket", "tcp"] as const) {
    for (const [form, write] of Object.entries(forms)) {
      it.effect(`${form}, over ${transport}`, () => services(transport, form, write))
    }
  }
})
