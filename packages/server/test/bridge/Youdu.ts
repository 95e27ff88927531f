/** youdu: an app of organisation 1 that uses the envelope, like the SDKs. Source: seeds/004; PROTOCOLS, "youdu". */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { DEMO, open, seal } from "../../../dialects/test/youdu/Envelope.ts"
import { byGid, LEAVER, NEWCOMER, type CellChat } from "./CellChat.ts"
import type { Read, Send } from "./Declaration.ts"
import type { Created, Joined, Renamed } from "./actions.ts"
import { fresh, got, type BridgeContext } from "./context.ts"

interface Session {
  readonly sessionId: string
  readonly title: string
  readonly version: number
  readonly member: ReadonlyArray<string>
}

const sealed = (text: string) => ({ buin: DEMO.buin, appId: DEMO.appId, encrypt: seal(text) })

/** `errcode`, and the JSON in the envelope. */
export const asks = Effect.fnUntraced(function* (
  context: BridgeContext["Service"],
  operation: "get" | "create" | "update",
  asked: object | string
) {
  const now = String(Math.floor(Date.now() / 1000))
  const answer = yield* got(context, "POST", "/cgi/gettoken", { json: sealed(now) })
  const { accessToken } = JSON.parse(open(String(answer["encrypt"])).text) as { readonly accessToken: string }
  const path = `/cgi/session/${operation}?accessToken=${accessToken}`
  const { errcode, encrypt } = yield* typeof asked === "string"
    ? got(context, "GET", `${path}&sessionId=${encodeURIComponent(asked)}`)
    : got(context, "POST", path, { json: sealed(JSON.stringify(asked)) })
  return { errcode, held: errcode === 0 ? open(String(encrypt)).text : "" }
})

const does = (...asked: Parameters<typeof asks>): Effect.Effect<Session> =>
  Effect.map(asks(...asked), ({ errcode, held }) => {
    assert.strictEqual(errcode, 0)
    return JSON.parse(held) as Session
  })

/** Returns the session's id. */
export const createSession = (
  context: BridgeContext["Service"],
  title: string,
  creator: string,
  ...member: ReadonlyArray<string>
): Effect.Effect<string> =>
  Effect.map(does(context, "create", { title, creator, type: null, member }), ({ sessionId }) => sessionId)

export const session = (context: BridgeContext["Service"], gid: string): Effect.Effect<Session> =>
  does(context, "get", gid)

export const create: Send<string, Created> = (context, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const [name, others] = [fresh("made by youdu"), ["bob", "erin"]]
      const gid = yield* createSession(context, name, creator, ...others)
      return { ...(yield* byGid(context, creator, gid)), type: "group", name, members: [creator, ...others] }
    })
  )

export const rename: Send<CellChat, Renamed> = (context, { gid, lead }) =>
  Effect.succeed(
    Effect.gen(function* () {
      const name = fresh("renamed by youdu")
      yield* does(context, "update", { sessionId: gid, opUser: lead, title: name })
      return { name }
    })
  )

export const addMember: Send<CellChat, Joined> = (context, { gid, lead }) =>
  Effect.succeed(
    Effect.as(does(context, "update", { sessionId: gid, opUser: lead, addMember: [NEWCOMER] }), { account: NEWCOMER })
  )

const removes =
  (opUser: (target: CellChat) => string): Send<CellChat, Joined> =>
  (context, target) =>
    Effect.succeed(
      Effect.as(does(context, "update", { sessionId: target.gid, opUser: opUser(target), delMember: [LEAVER] }), {
        account: LEAVER
      })
    )
export const removeMember = removes(({ lead }) => lead)
export const leave = removes(() => LEAVER)

export const seesCreated: Read<string, Created> = (context) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, name, members }) {
      const found = yield* session(context, gid)
      assert.deepInclude(found, { sessionId: gid, title: name, version: 1 })
      assert.sameMembers([...found.member], [...members])
    })
  )

/** Checks that the version rises by one, and that only the action's fields change. */
export const seesRenamed: Read<CellChat, Renamed> = (context, { gid }) =>
  Effect.gen(function* () {
    const before = yield* session(context, gid)
    return Effect.fnUntraced(function* ({ name }) {
      assert.deepStrictEqual(yield* session(context, gid), { ...before, title: name, version: before.version + 1 })
    })
  })

const seesMoved =
  (isIn: boolean): Read<CellChat, Joined> =>
  (context, { gid }) =>
    Effect.gen(function* () {
      const before = yield* session(context, gid)
      return Effect.fnUntraced(function* ({ account }) {
        assert.strictEqual(before.member.includes(account), !isIn)
        const rest = before.member.filter((one) => one !== account)
        const member = isIn ? [...rest, account] : rest
        assert.deepStrictEqual(yield* session(context, gid), { ...before, member, version: before.version + 1 })
      })
    })
export const seesJoined = seesMoved(true)
export const seesRemoved = seesMoved(false)
export const seesLeft = seesRemoved
