/** Fixture: a conversation of this protocol, its users, and an app's requests. */
import { assert } from "@effect/vitest"
import { Engine } from "@parley/core/Engine"
import { UserId } from "@parley/core/Ids"
import { Effect } from "effect"
import { dialect } from "../../src/ha/index.ts"
import { type Answer, asking, people, type Person } from "./harness.ts"

export const KEY = "ha-demo"
export const TIME = "1700000000123"

const opened = Effect.tap(dialect.open({ settings: {}, tcp: () => undefined }), ({ demo }) => demo)

export const headers = ({ token }: Person): Record<string, string> => ({ "X-HA-Key": KEY, "X-HA-Session": token })

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

export const dataOf = <A>({ status, text, json }: Answer): A => {
  assert.strictEqual(status, 200, text)
  return (json as { readonly data: A }).data
}

/** Opens the protocol with a conversation of alice and bob, carol outside of it, and a group of all three. */
export const stage = Effect.gen(function* () {
  const open = yield* opened
  const ask = yield* asking(open)
  const [alice, bob, carol] = yield* people("alice", "bob", "carol")
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
  const start = (by: Person, to: number) =>
    ask("POST", "/conversation", { headers: headers(by), json: { passiveuser: to, time: TIME } })
  const { conversationid } = dataOf<{ readonly conversationid: number }>(yield* start(alice, bob.id))
  const send = (by: Person, content: string, part: object = {}) =>
    ask("POST", "/message", {
      headers: headers(by),
      json: { conversationid, type: -1, content, time: TIME, ...part }
    })
  const list = (by: Person, query = "") =>
    ask("GET", `/message?conversationid=${conversationid}${query}`, { headers: headers(by) })
  const contents = (by: Person, query?: string) =>
    Effect.map(list(by, query), (answer) => dataOf<ReadonlyArray<Listed>>(answer).map(({ content }) => content))
  const erase = (by: Person, messagekey: string, type: number) =>
    ask("DELETE", "/message", { headers: headers(by), json: { messagekey, type } })
  const told = (by: Person, content: string, part: object = {}) =>
    Effect.map(send(by, content, part), (answer) => dataOf<Sent>(answer))
  return {
    ask,
    engine,
    alice,
    bob,
    carol,
    group,
    conversationid,
    start,
    send,
    told,
    list,
    contents,
    erase,
    commands: open.commands
  }
})

export const failure = (error: string) => ({ code: 1, msg: "不成功", data: null, error })
