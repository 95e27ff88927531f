/** Fixture: a conversation of this protocol, its users, and an app's requests. */
import { assert } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { UserId } from "@parley/core/Ids"
import { Effect } from "effect"
import { dialect } from "../../src/ha/index.ts"
import { type Reply, clientOf, addUsers, type TestUser } from "./harness.ts"

export const KEY = "ha-demo"
export const TIME = "1700000000123"

const opened = Effect.tap(dialect.open({ settings: {}, tcp: () => undefined }), ({ demo }) => demo)

export const headers = ({ token }: TestUser): Record<string, string> => ({ "X-HA-Key": KEY, "X-HA-Session": token })

export interface Sent {
  readonly issent: number
  readonly ispushed: number
  readonly isread: number
  readonly messagekey: string
  readonly id: number
}
export interface Listed {
  readonly messagekey: string
  readonly content: string
  readonly ispushed: number
  readonly isread: number
}

export const dataOf = <A>({ status, text, json }: Reply): A => {
  assert.strictEqual(status, 200, text)
  return (json as { readonly data: A }).data
}

/** Opens the protocol with a conversation of alice and bob, carol outside of it, and a group of all three. */
export const fixture = Effect.gen(function* () {
  const open = yield* opened
  const call = yield* clientOf(open)
  const [alice, bob, carol] = yield* addUsers("alice", "bob", "carol")
  if (alice === undefined || bob === undefined || carol === undefined) return yield* Effect.die("no people")
  const engine = yield* Engine
  const group = yield* engine.perform(alice.caller, {
    _tag: "CreateChat",
    gid: "group",
    name: "Group",
    type: "group",
    members: [UserId(bob.id), UserId(carol.id)],
    subject: 0,
    public: false
  })
  const start = (by: TestUser, to: number) =>
    call("POST", "/conversation", { headers: headers(by), json: { passiveuser: to, time: TIME } })
  const { conversationid } = dataOf<{ readonly conversationid: number }>(yield* start(alice, bob.id))
  const send = (by: TestUser, content: string, part: object = {}) =>
    call("POST", "/message", {
      headers: headers(by),
      json: { conversationid, type: -1, content, time: TIME, ...part }
    })
  const list = (by: TestUser, query = "") =>
    call("GET", `/message?conversationid=${conversationid}${query}`, { headers: headers(by) })
  const contents = (by: TestUser, query?: string) =>
    Effect.map(list(by, query), (reply) => dataOf<ReadonlyArray<Listed>>(reply).map(({ content }) => content))
  const erase = (by: TestUser, messagekey: string, type: number) =>
    call("DELETE", "/message", { headers: headers(by), json: { messagekey, type } })
  const sendText = (by: TestUser, content: string, part: object = {}) =>
    Effect.map(send(by, content, part), (reply) => dataOf<Sent>(reply))
  return {
    call,
    engine,
    alice,
    bob,
    carol,
    group,
    conversationid,
    start,
    send,
    sendText,
    list,
    contents,
    erase,
    commands: open.commands
  }
})

export const failure = (error: string) => ({ code: 1, msg: "不成功", data: null, error })
