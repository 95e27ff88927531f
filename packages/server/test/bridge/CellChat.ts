/** A chat of a cell, with its ids in each protocol. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Fields, BridgeContext } from "./context.ts"

export interface Chat {
  readonly id: number
  readonly gid: string
}

/** A chat with its actors. `bob` is always a member. */
export interface CellChat extends Chat {
  /** Has the rights of admins. */
  readonly lead: string
  /** The other user of a direct chat; an ordinary member of a group. */
  readonly other: string
}

/** Member that is removed or leaves. */
export const LEAVER = "erin"
/** User that is not in any group yet. */
export const NEWCOMER = "dave"

const chatBy = Effect.fnUntraced(function* (
  context: BridgeContext["Service"],
  member: string,
  sought: (chat: Fields) => boolean
): Effect.fn.Return<Chat> {
  const chats = yield* context.clientOf(member).get<ReadonlyArray<Fields>>("getlist")
  const found = chats.find(sought)
  assert.isDefined(found, `${member} does not have the chat`)
  return { id: Number(found?.["id"]), gid: String(found?.["gid"]) }
})

/** Finds a chat by its id in the list of a member's chat client. */
export const byId = (context: BridgeContext["Service"], member: string, id: number): Effect.Effect<Chat> =>
  chatBy(context, member, (chat) => chat["id"] === id)
export const byGid = (context: BridgeContext["Service"], member: string, gid: string): Effect.Effect<Chat> =>
  chatBy(context, member, (chat) => chat["gid"] === gid)
