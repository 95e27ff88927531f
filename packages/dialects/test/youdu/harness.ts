/** Harness: the protocol with its demo app, users of several organisations, and requests of an enterprise app. */
import { assert } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { dialect } from "../../src/youdu/index.ts"
import { type Reply, type Call, type Client, clientOf, addUsers } from "../ha/harness.ts"
import { DEMO, open, seal } from "./Envelope.ts"

export const FIXED = "a-token-that-the-configuration-gives"
export const SETTINGS = { "youdu.tokenExpiry": 7200, "youdu.token": FIXED }

export const opened = Effect.tap(dialect.open({ settings: SETTINGS, tcp: () => undefined }), ({ demo }) => demo)

export interface SessionJson {
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

export const jsonOf = <A>({ json }: Reply): A => json as A

/** alice, bob and carol are in the demo app's organisation, dave in another, erin in none; root is a system administrator. */
export const fixture = Effect.gen(function* () {
  const { commands, ...open_ } = yield* opened
  const call = yield* clientOf({ commands, ...open_ })
  const everybody = yield* addUsers(
    ...["alice", "bob", "carol"].map((account) => ({ account, organisation: 1 })),
    { account: "dave", organisation: 2 },
    "erin",
    { account: "root", admin: true }
  )
  const [alice, bob, carol, dave, erin, root] = everybody
  if (!alice || !bob || !carol || !dave || !erin || !root) return yield* Effect.die("no people")
  const path = (name: string, token: string, more = "") =>
    `/cgi/session/${name}?accessToken=${encodeURIComponent(token)}${more}`
  const create = (json: unknown, token = root.token, more: Call = {}) =>
    call("POST", path("create", token), { json, ...more })
  const get = (sessionId: string, token = root.token) =>
    call("GET", path("get", token, `&sessionId=${encodeURIComponent(sessionId)}`))
  const update = (json: unknown, token = root.token) => call("POST", path("update", token), { json })
  const getToken = (json: unknown) => call("POST", "/cgi/gettoken", { json })
  /** Seals the clock's time and requests a token. */
  const appToken = Effect.gen(function* () {
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const { buin, appId } = DEMO
    const reply = yield* getToken({ buin, appId, encrypt: seal(String(now)) })
    const { encrypt } = jsonOf<{ readonly encrypt: string }>(reply)
    return (JSON.parse(open(encrypt).text) as { readonly accessToken: string }).accessToken
  })
  const team = Effect.map(create({ title: "Team", creator: "alice", member: ["bob", "carol"] }), (reply) =>
    jsonOf<SessionJson>(reply)
  )
  return { call, commands, alice, bob, carol, dave, erin, root, path, create, get, update, getToken, appToken, team }
})

/** Fields of a response: those of plain JSON, or `errcode`, `errmsg` and the fields in the envelope. */
export type Answer = { readonly errcode: number; readonly errmsg: string } & Readonly<Record<string, unknown>>

export interface Asker {
  /** Sends fields in the body, in the form of the token. */
  readonly post: (path: string, fields: unknown) => Effect.Effect<Answer>
  /** Sends fields in the query. */
  readonly get: (path: string, fields?: Readonly<Record<string, string>>) => Effect.Effect<Answer>
}

/** Sends operations with a token, in an envelope if `sealed`; status 200 is required. */
export const askerOf = (call: Client, token: string, sealed: boolean): Asker => {
  const answerOf = (reply: Reply): Answer => {
    assert.strictEqual(reply.status, 200, reply.text)
    const { encrypt, ...rest } = jsonOf<Answer & { readonly encrypt?: string }>(reply)
    if (!sealed) {
      assert.isUndefined(encrypt)
      return rest
    }
    assert.deepStrictEqual(Object.keys(rest), ["errcode", "errmsg"])
    const inner = encrypt === undefined || encrypt === "" ? {} : (JSON.parse(open(encrypt).text) as object)
    if (rest.errcode !== 0) assert.strictEqual(encrypt, "")
    return { errcode: rest.errcode, errmsg: rest.errmsg, ...inner }
  }
  const url = (path: string, fields: Readonly<Record<string, string>> = {}): string =>
    `/cgi/${path}?${new URLSearchParams({ accessToken: token, ...fields }).toString()}`
  return {
    post: (path, fields) =>
      Effect.map(
        call("POST", url(path), {
          json: sealed ? envelope(fields as object) : fields,
          headers: { "content-encoding": "UTF-8" }
        }),
        answerOf
      ),
    get: (path, fields) => Effect.map(call("GET", url(path, fields)), answerOf)
  }
}

export const ok = (fields: object = {}) => ({ errcode: 0, errmsg: "ok", ...fields })

export const envelope = (content: object) => ({
  buin: DEMO.buin,
  appId: DEMO.appId,
  encrypt: seal(JSON.stringify(content))
})

export const failure = (errcode: number, errmsg: string) => ({ errcode, errmsg })
