/** Malformed data of a server: it is ignored and reported, and the client continues. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { repetitions } from "../../../scripts/repetitions.ts"
import { ParleyError, type ParleyEvent } from "../src/index.ts"
import { CHAT, settled, USER } from "./FakeServer.ts"
import { failure, online } from "./harness.ts"

/** Returns uncaught exceptions and unhandled rejections during `run`, which would end a process. */
const unhandled = async (run: () => Promise<void>): Promise<ReadonlyArray<unknown>> => {
  const thrown: Array<unknown> = []
  const note = (error: unknown): void => void thrown.push(error)
  process.on("uncaughtException", note).on("unhandledRejection", note)
  try {
    await run()
    await settled()
  } finally {
    process.off("uncaughtException", note).off("unhandledRejection", note)
  }
  return thrown
}

const MESSAGE = { id: 9, gid: "g9", cgid: "chat", user: 2, date: 1, type: "normal", contentType: "text", content: "m9" }
const pushes: ReadonlyArray<{ readonly method: string; readonly data: unknown }> = [
  ...["userGetList", "login", "logout", "userChangeName", "userChangeStatus"].map((method) => ({
    method,
    data: [USER, { ...USER, id: 2, account: "bob" }]
  })),
  ...["getlist", "create", "joinchat", "addmember", "changename", "changepublic", "setAdmin", "setCommitters"].map(
    (method) => ({ method, data: [{ ...CHAT, name: "n", admins: "1,2", committers: "$ALL", public: true }] })
  ),
  { method: "message", data: [MESSAGE, { ...MESSAGE, gid: "g10", recalled: true, content: "" }] }
]

/** Returns the paths of all values within a value, as keys and indexes. */
const pathsIn = (value: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<ReadonlyArray<string>> => [
  path,
  ...(typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]))
    : [])
]

/** Returns a copy of the value with another one at this path. */
const changed = (value: unknown, [key, ...rest]: ReadonlyArray<string>, other: unknown): unknown => {
  if (key === undefined) return other
  if (Array.isArray(value))
    return value.map((one: unknown, at) => (String(at) === key ? changed(one, rest, other) : one))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === key ? changed(inner, rest, other) : inner])
  )
}

const wrong = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, true, 0, -1, 1e300, "", "$ALL", [], [null], {}, { id: null }, [[]], [{}]),
  fc.jsonValue({ maxDepth: 2 })
)

/** A push with up to three of its values replaced, possibly the push itself. */
const mutated = fc.constantFrom(...pushes).chain(({ method, data }) => {
  const packet: unknown = { id: 2 ** 52, module: "chat", method, data }
  return fc
    .array(fc.tuple(fc.constantFrom(...pathsIn(packet)), wrong), { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce((value, [path, other]) => changed(value, path, other), packet))
})

describe("a push that is not as documented", () => {
  it("with a null member is ignored and reported, and further pushes are delivered", async () => {
    const { net, parley } = await online()
    const errors: Array<ParleyError> = []
    const joined: Array<string> = []
    parley.on("error", (error) => errors.push(error))
    parley.on("members", ({ gid }) => joined.push(gid))
    const thrown = await unhandled(async () => {
      net.peer.push("addmember", [{ ...CHAT, members: [null] }])
      net.peer.push("addmember", [{ ...CHAT, gid: "other" }])
    })
    assert.deepStrictEqual(thrown, [])
    assert.deepStrictEqual(joined, ["other"])
    assert.deepStrictEqual(
      errors.map(({ code, method }) => [code, method]),
      [["malformed", "addmember"]]
    )
    assert.deepStrictEqual(
      parley.chats.get("chat")?.members?.map(({ id }) => id),
      [1, 2]
    )
    assert.strictEqual(parley.state, "online")
  })

  it("is passed to onError if the error event has no listener", async () => {
    const errors: Array<unknown> = []
    const { net } = await online({ onError: (error) => errors.push(error) })
    net.peer.push("message", [{ ...MESSAGE, content: null }])
    net.peer.emit("no packet")
    assert.strictEqual(errors.length, 2)
    for (const error of errors) assert.instanceOf(error, ParleyError)
  })

  it("does not affect the messages beside it, and is not acknowledged if it is alone", async () => {
    const { net, parley } = await online({ onError: () => {} })
    const shown: Array<string> = []
    parley.on("message", ({ content }) => shown.push(content))
    net.peer.push("message", [{ ...MESSAGE, gid: 5 }], 9)
    net.peer.push("message", [{ ...MESSAGE, id: 10, gid: "g10", content: "good" }, null], 10)
    await settled()
    assert.deepStrictEqual(shown, ["good"])
    assert.deepStrictEqual(
      net.peer.requests.map(({ id }) => id),
      [10]
    )
  })

  it("never ends the process or the connection, for any content", async () => {
    const thrown = await unhandled(() =>
      fc.assert(
        fc.asyncProperty(fc.array(mutated, { maxLength: 5 }), async (frames) => {
          const { net, parley } = await online({ onError: () => {} })
          const events: Array<ParleyEvent> = []
          parley.onAny((event) => events.push(event))
          for (const frame of frames) net.peer.emit(frame)
          await settled()
          // Required fields are present in every event.
          for (const event of events) {
            if (event.type === "message") assert.isString(event.data.content)
            if (event.type === "chats") for (const { gid } of event.data) assert.isString(gid)
            if (event.type === "users") for (const { id } of event.data) assert.isNumber(id)
            if (event.type === "members") for (const { id } of event.data.members ?? []) assert.isNumber(id)
          }
          const after = net.peer
          after.message(100, { cgid: "after" })
          await settled()
          if (parley.state === "online") {
            assert.isTrue(events.some(({ type, data }) => type === "message" && data.content === "m100"))
          }
          parley.close()
        }),
        { numRuns: repetitions(400, 100), seed: 13 }
      )
    )
    assert.deepStrictEqual(thrown, [])
  })

  it("is treated neither as a takeover nor as a reply", async () => {
    const { net, parley } = await online({ onError: () => {} })
    net.peer.emit({ module: "chat", method: "ping", result: null })
    net.peer.emit({ module: null, method: null })
    net.peer.emit({ module: "chat", method: "message", id: "9", data: [MESSAGE] })
    await settled()
    assert.strictEqual(parley.state, "online")
  })

  it("as a reply fails only its request", async () => {
    const { net, parley } = await online()
    const creating = parley.create({ gid: "new" })
    net.peer.reply("create", { data: { gid: "new", members: [null] } })
    assert.strictEqual((await failure(creating)).code, "malformed")
    assert.strictEqual(parley.state, "online")
  })

  it("does not end the process through a rejecting asynchronous listener", async () => {
    const errors: Array<unknown> = []
    const { net, parley } = await online({ onError: (error) => errors.push(error) })
    parley.on("members", () => Promise.reject(new Error("the listener's")))
    const thrown = await unhandled(async () => net.peer.push("addmember", [CHAT]))
    assert.deepStrictEqual(thrown, [])
    assert.deepStrictEqual(errors.map(String), ["Error: the listener's"])
  })
})
