/** A chat as the actors of a cell know it, by each protocol's name for it. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Fields, World } from "./context.ts"

export interface Chat {
  readonly id: number
  readonly gid: string
}

/** A chat with who acts in it. `bob` is always there and sees it. */
export interface Place extends Chat {
  /** May do whatever admins may. */
  readonly lead: string
  /** Whom the lead writes to in a pair; a member like others in a group. */
  readonly other: string
}

/** Who may be removed or may leave, beside `bob` and the one who is away. */
export const LEAVER = "erin"
/** Who is in no group yet. */
export const NEWCOMER = "dave"

const chatBy = Effect.fnUntraced(function* (
  world: World["Service"],
  member: string,
  sought: (chat: Fields) => boolean
): Effect.fn.Return<Chat> {
  const chats = yield* world.desk(member).get<ReadonlyArray<Fields>>("getlist")
  const found = chats.find(sought)
  assert.isDefined(found, `${member} has no such chat`)
  return { id: Number(found?.["id"]), gid: String(found?.["gid"]) }
})

/** A chat that is known by one of its ids, as the chat client of a member lists it. */
export const byId = (world: World["Service"], member: string, id: number): Effect.Effect<Chat> =>
  chatBy(world, member, (chat) => chat["id"] === id)
export const byGid = (world: World["Service"], member: string, gid: string): Effect.Effect<Chat> =>
  chatBy(world, member, (chat) => chat["gid"] === gid)
