/** spark: actions of an app with a user's token, and their effect for it. Source: seeds/000. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { byGid, LEAVER, NEWCOMER, type Place } from "./Place.ts"
import type { Read, Send } from "./Declaration.ts"
import type { Created, Joined, Recalled, Renamed, Sent, Told } from "./actions.ts"
import { newGuest } from "./Hisihi.ts"
import { type Answer, type Fields, fresh, got, type World } from "./context.ts"

const at = (world: World["Service"], account: string, path: string): string =>
  `${path}?token=${encodeURIComponent(world.token(account))}`

export const asks = (world: World["Service"], account: string, path: string, json: object): Effect.Effect<Answer> =>
  world.ask("POST", at(world, account, path), { json })

const does = (world: World["Service"], account: string, path: string, json: object): Effect.Effect<Fields> =>
  got(world, "POST", at(world, account, path), { json })

/** Returns the session's id. */
export const startSession = (
  world: World["Service"],
  account: string,
  ...To: ReadonlyArray<string>
): Effect.Effect<string> =>
  Effect.map(does(world, account, "/session/start", { To }), ({ SessionId }) => String(SessionId))

/** Returns a set of members without a session. */
export const create: Send<string, Created> = (world, creator) =>
  Effect.gen(function* () {
    const others = ["bob", "erin", yield* newGuest(world)]
    return Effect.gen(function* () {
      const gid = yield* startSession(world, creator, ...others)
      const { id } = yield* byGid(world, creator, gid)
      return { gid, id, type: "group", name: "", members: [creator, ...others] }
    })
  })

export const push = (
  world: World["Service"],
  { gid, lead }: Place,
  Content: string,
  Type: 0 | 1 = 0
): Effect.Effect<string> =>
  Effect.map(does(world, lead, "/message/push", { SessionId: gid, Type, Content }), ({ MessageId }) =>
    String(MessageId)
  )

const sends =
  (contentType: "text" | "image"): Send<Place, Sent> =>
  (world, place) =>
    Effect.succeed(
      Effect.gen(function* () {
        const content = contentType === "text" ? fresh("said by spark") : `https://example.org/spark.png?${fresh("n")}`
        const gid = yield* push(world, place, content, contentType === "text" ? 0 : 1)
        return { gid, by: place.lead, contentType, content }
      })
    )
export const sendText = sends("text")
export const sendImage = sends("image")

export const remove = (world: World["Service"], { gid, lead }: Place, MessageId: string) =>
  does(world, lead, "/message/remove", { SessionId: gid, MessageId })

const recalls =
  (told: Told): Send<Place, Recalled> =>
  (world, place) =>
    Effect.gen(function* () {
      const content = fresh("regretted in spark")
      const gid = yield* push(world, place, content)
      if (told === "here") yield* world.desk("bob").untilTold(content)
      if (told === "gone") yield* world.comesBackFor(content)
      return Effect.gen(function* () {
        yield* remove(world, place, gid)
        const next = fresh("said after that")
        yield* push(world, place, next)
        return { gid, content, next }
      })
    })
export const recall = recalls("here")
export const recallUnseen = recalls("nobody")
export const recallTaken = recalls("gone")

export const rename: Send<Place, Renamed> = (world, { gid, lead }) =>
  Effect.succeed(
    Effect.gen(function* () {
      const name = fresh("renamed by spark")
      yield* does(world, lead, "/session/Edit", { SessionId: gid, Data: { name } })
      return { name }
    })
  )

const moves =
  (path: string, account: string): Send<Place, Joined> =>
  (world, { gid, lead }) =>
    Effect.succeed(Effect.as(does(world, lead, path, { SessionId: gid, To: [account] }), { account }))
export const addMember = moves("/session/AddMember", NEWCOMER)
export const removeMember = moves("/session/RemoveMember", LEAVER)

const md5 = (accounts: ReadonlyArray<string>): string => createHash("md5").update(accounts.join(",")).digest("hex")

/** Returns a session: adding an existing member changes nothing. */
export const session = Effect.fnUntraced(function* (world: World["Service"], gid: string): Effect.fn.Return<Fields> {
  const found = yield* does(world, "bob", "/session/AddMember", { SessionId: gid, To: ["bob"] })
  assert.strictEqual(found["md5"], md5(found["Members"] as ReadonlyArray<string>))
  return found
})

const membersOf = (found: Fields): ReadonlyArray<string> => found["Members"] as ReadonlyArray<string>

export const seesCreated: Read<string, Created> = (world) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, members }) {
      const found = yield* session(world, gid)
      assert.deepInclude(found, { SessionId: gid, SesssionId: gid })
      assert.deepStrictEqual(membersOf(found), members.toSorted())
    })
  )

/** Checks that `Members` and `md5` are right before, and differ by exactly this member after. */
const seesMoved =
  (isIn: boolean): Read<Place, Joined> =>
  (world, { gid }) =>
    Effect.gen(function* () {
      const before = membersOf(yield* session(world, gid))
      return Effect.fnUntraced(function* ({ account }) {
        const rest = before.filter((one) => one !== account)
        assert.deepStrictEqual(before.includes(account), !isIn)
        const after = membersOf(yield* session(world, gid))
        assert.deepStrictEqual(after, isIn ? [...rest, account].toSorted() : rest)
      })
    })
export const seesJoined = seesMoved(true)
export const seesRemoved = seesMoved(false)
export const seesLeft = seesRemoved
