/** hisihi in the demonstration: an organisation's app without a user. Source: seeds/001. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { byId, LEAVER, NEWCOMER, type Place } from "./Place.ts"
import type { Read, Send } from "./Declaration.ts"
import type { Created, Joined, Renamed } from "./actions.ts"
import { type Fields, fresh, got, type World } from "./context.ts"

const ORGANISATION = 7

/** Returns the group's id, which is the chat's. */
export const createOrganisationGroup = (
  world: World["Service"],
  group_name: string,
  ...members: ReadonlyArray<string>
): Effect.Effect<number> =>
  Effect.map(
    got(world, "POST", "/im/group", {
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
export const newGuest = Effect.fnUntraced(function* (world: World["Service"]): Effect.fn.Return<string> {
  const account = fresh("guest").replace(" ", "-")
  yield* createOrganisationGroup(world, account, account)
  return account
})

export const create: Send<string, Created> = (world) =>
  Effect.succeed(
    Effect.gen(function* () {
      const [name, members] = [fresh("made by hisihi"), ["bob", "erin", "alice"]]
      const id = yield* createOrganisationGroup(world, name, ...members)
      return { ...(yield* byId(world, "bob", id)), type: "group", name, members }
    })
  )

export const rename: Send<Place, Renamed> = (world, { id }) =>
  Effect.succeed(
    Effect.gen(function* () {
      const name = fresh("renamed by hisihi")
      yield* got(world, "PUT", `/im/group/${id}`, { form: { group_name: name } })
      return { name }
    })
  )

export const addMember: Send<Place, Joined> = (world, { id }) =>
  Effect.succeed(
    Effect.as(got(world, "POST", `/im/group/${id}/member`, { form: { member_client_ids: NEWCOMER } }), {
      account: NEWCOMER
    })
  )

export const removeMember: Send<Place, Joined> = (world, { id }) =>
  Effect.succeed(
    Effect.as(got(world, "DELETE", `/im/group/${id}/member?member_client_ids=${LEAVER}`), { account: LEAVER })
  )

/** Finds the group in the list of its organisation, and among its contacts. */
export const listed = Effect.fnUntraced(function* (world: World["Service"], id: number) {
  const found = (answer: Fields): Fields | undefined =>
    (answer["data"] as ReadonlyArray<Fields>).find((one) => one["id"] === id && one["type"] !== "user")
  const groups = yield* got(world, "GET", `/im/org/${ORGANISATION}/groups?per_page=1000`)
  const contacts = yield* got(world, "GET", `/im/org/${ORGANISATION}/contacts`)
  return { group: found(groups), contact: found(contacts) }
})

export const seesCreated: Read<string, Created> = (world) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ id, name }) {
      const { group, contact } = yield* listed(world, id)
      assert.deepStrictEqual(group, { id, group_name: name })
      assert.deepStrictEqual(contact, { id, avatar: "0", name, type: "group" })
    })
  )

export const seesRenamed: Read<Place, Renamed> = (world, { id }) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ name }) {
      const { group, contact } = yield* listed(world, id)
      assert.deepStrictEqual([group?.["group_name"], contact?.["name"]], [name, name])
    })
  )
