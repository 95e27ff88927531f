/** spark: actions of an app with a user's token, and their effect for it. Source: seeds/000. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { byGid, LEAVER, NEWCOMER, type CellChat } from "./CellChat.ts"
import type { Read, Send } from "./Declaration.ts"
import type { Created, Joined, Recalled, Renamed, Sent, RecipientState } from "./actions.ts"
import { newGuest } from "./Hisihi.ts"
import { type Answer, type Fields, fresh, got, type BridgeContext } from "./context.ts"

const at = (context: BridgeContext["Service"], account: string, path: string): string =>
  `${path}?token=${encodeURIComponent(context.token(account))}`

export const asks = (
  context: BridgeContext["Service"],
  account: string,
  path: string,
  json: object
): Effect.Effect<Answer> => context.ask("POST", at(context, account, path), { json })

const does = (context: BridgeContext["Service"], account: string, path: string, json: object): Effect.Effect<Fields> =>
  got(context, "POST", at(context, account, path), { json })

/** Returns the session's id. */
export const startSession = (
  context: BridgeContext["Service"],
  account: string,
  ...To: ReadonlyArray<string>
): Effect.Effect<string> =>
  Effect.map(does(context, account, "/session/start", { To }), ({ SessionId }) => String(SessionId))

/** Returns a set of members without a session. */
export const create: Send<string, Created> = (context, creator) =>
  Effect.gen(function* () {
    const others = ["bob", "erin", yield* newGuest(context)]
    return Effect.gen(function* () {
      const gid = yield* startSession(context, creator, ...others)
      const { id } = yield* byGid(context, creator, gid)
      return { gid, id, type: "group", name: "", members: [creator, ...others] }
    })
  })

export const push = (
  context: BridgeContext["Service"],
  { gid, lead }: CellChat,
  Content: string,
  Type: 0 | 1 = 0
): Effect.Effect<string> =>
  Effect.map(does(context, lead, "/message/push", { SessionId: gid, Type, Content }), ({ MessageId }) =>
    String(MessageId)
  )

const sends =
  (contentType: "text" | "image"): Send<CellChat, Sent> =>
  (context, target) =>
    Effect.succeed(
      Effect.gen(function* () {
        const content = contentType === "text" ? fresh("said by spark") : `https://example.org/spark.png?${fresh("n")}`
        const gid = yield* push(context, target, content, contentType === "text" ? 0 : 1)
        return { gid, by: target.lead, contentType, content }
      })
    )
export const sendText = sends("text")
export const sendImage = sends("image")

export const remove = (context: BridgeContext["Service"], { gid, lead }: CellChat, MessageId: string) =>
  does(context, lead, "/message/remove", { SessionId: gid, MessageId })

const recalls =
  (recipient: RecipientState): Send<CellChat, Recalled> =>
  (context, target) =>
    Effect.gen(function* () {
      const content = fresh("regretted in spark")
      const gid = yield* push(context, target, content)
      if (recipient === "online") yield* context.clientOf("bob").untilMessage(content)
      if (recipient === "disconnected") yield* context.reconnectFor(content)
      return Effect.gen(function* () {
        yield* remove(context, target, gid)
        const next = fresh("said after that")
        yield* push(context, target, next)
        return { gid, content, next }
      })
    })
export const recall = recalls("online")
export const recallUnseen = recalls("none")
export const recallTaken = recalls("disconnected")

export const rename: Send<CellChat, Renamed> = (context, { gid, lead }) =>
  Effect.succeed(
    Effect.gen(function* () {
      const name = fresh("renamed by spark")
      yield* does(context, lead, "/session/Edit", { SessionId: gid, Data: { name } })
      return { name }
    })
  )

const moves =
  (path: string, account: string): Send<CellChat, Joined> =>
  (context, { gid, lead }) =>
    Effect.succeed(Effect.as(does(context, lead, path, { SessionId: gid, To: [account] }), { account }))
export const addMember = moves("/session/AddMember", NEWCOMER)
export const removeMember = moves("/session/RemoveMember", LEAVER)

const md5 = (accounts: ReadonlyArray<string>): string => createHash("md5").update(accounts.join(",")).digest("hex")

/** Returns a session: adding an existing member changes nothing. */
export const session = Effect.fnUntraced(function* (
  context: BridgeContext["Service"],
  gid: string
): Effect.fn.Return<Fields> {
  const found = yield* does(context, "bob", "/session/AddMember", { SessionId: gid, To: ["bob"] })
  assert.strictEqual(found["md5"], md5(found["Members"] as ReadonlyArray<string>))
  return found
})

const membersOf = (found: Fields): ReadonlyArray<string> => found["Members"] as ReadonlyArray<string>

export const seesCreated: Read<string, Created> = (context) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, members }) {
      const found = yield* session(context, gid)
      assert.deepInclude(found, { SessionId: gid, SesssionId: gid })
      assert.deepStrictEqual(membersOf(found), members.toSorted())
    })
  )

/** Checks that `Members` and `md5` are right before, and differ by exactly this member after. */
const seesMoved =
  (isIn: boolean): Read<CellChat, Joined> =>
  (context, { gid }) =>
    Effect.gen(function* () {
      const before = membersOf(yield* session(context, gid))
      return Effect.fnUntraced(function* ({ account }) {
        const rest = before.filter((one) => one !== account)
        assert.deepStrictEqual(before.includes(account), !isIn)
        const after = membersOf(yield* session(context, gid))
        assert.deepStrictEqual(after, isIn ? [...rest, account].toSorted() : rest)
      })
    })
export const seesJoined = seesMoved(true)
export const seesRemoved = seesMoved(false)
export const seesLeft = seesRemoved
