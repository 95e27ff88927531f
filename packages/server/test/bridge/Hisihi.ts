/** hisihi in the demonstration: an organisation's app without a user. Source: seeds/001. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { byId, LEAVER, NEWCOMER, type CellChat } from "./CellChat.ts"
import type { Read, Send } from "./Declaration.ts"
import type { Created, Joined, Renamed } from "./actions.ts"
import { type Fields, fresh, got, type BridgeContext } from "./context.ts"

const ORGANISATION = 7

/** Returns the group's id, which is the chat's. */
export const createOrganisationGroup = (
  context: BridgeContext["Service"],
  group_name: string,
  ...members: ReadonlyArray<string>
): Effect.Effect<number> =>
  Effect.map(
    got(context, "POST", "/im/group", {
      form: {
        group_name,
        member_client_ids: members.join(":"),
        organization_id: String(ORGANISATION),
        conversion_id: "5638b5d200b07d1dfbb0d6f4"
      }
    }),
    ({ group_id }) => Number(group_id)
  )

/** A client id that is unknown becomes a user. */
export const newGuest = Effect.fnUntraced(function* (context: BridgeContext["Service"]): Effect.fn.Return<string> {
  const account = fresh("guest").replace(" ", "-")
  yield* createOrganisationGroup(context, account, account)
  return account
})

export const create: Send<string, Created> = (context) =>
  Effect.succeed(
    Effect.gen(function* () {
      const [name, members] = [fresh("made by hisihi"), ["bob", "erin", "alice"]]
      const id = yield* createOrganisationGroup(context, name, ...members)
      return { ...(yield* byId(context, "bob", id)), type: "group", name, members }
    })
  )

export const rename: Send<CellChat, Renamed> = (context, { id }) =>
  Effect.succeed(
    Effect.gen(function* () {
      const name = fresh("renamed by hisihi")
      yield* got(context, "PUT", `/im/group/${id}`, { form: { group_name: name } })
      return { name }
    })
  )

export const addMember: Send<CellChat, Joined> = (context, { id }) =>
  Effect.succeed(
    Effect.as(got(context, "POST", `/im/group/${id}/member`, { form: { member_client_ids: NEWCOMER } }), {
      account: NEWCOMER
    })
  )

export const removeMember: Send<CellChat, Joined> = (context, { id }) =>
  Effect.succeed(
    Effect.as(got(context, "DELETE", `/im/group/${id}/member?member_client_ids=${LEAVER}`), { account: LEAVER })
  )

/** Finds the group in the list of its organisation, and among its contacts. */
export const listed = Effect.fnUntraced(function* (context: BridgeContext["Service"], id: number) {
  const found = (answer: Fields): Fields | undefined =>
    (answer["data"] as ReadonlyArray<Fields>).find((one) => one["id"] === id && one["type"] !== "user")
  const groups = yield* got(context, "GET", `/im/org/${ORGANISATION}/groups?per_page=1000`)
  const contacts = yield* got(context, "GET", `/im/org/${ORGANISATION}/contacts`)
  return { group: found(groups), contact: found(contacts) }
})

export const seesCreated: Read<string, Created> = (context) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ id, name }) {
      const { group, contact } = yield* listed(context, id)
      assert.deepStrictEqual(group, { id, group_name: name })
      assert.deepStrictEqual(contact, { id, avatar: "0", name, type: "group" })
    })
  )

export const seesRenamed: Read<CellChat, Renamed> = (context, { id }) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ name }) {
      const { group, contact } = yield* listed(context, id)
      assert.deepStrictEqual([group?.["group_name"], contact?.["name"]], [name, name])
    })
  )
