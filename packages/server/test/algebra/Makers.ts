/** Creation of a group with given members through each protocol. */
import { Effect, Semaphore } from "effect"
import { type Actor, type Actors, fresh, freshGid, type Json } from "./actors.ts"

export type Make = (
  actors: Actors,
  owner: Actor,
  members: ReadonlyArray<Actor>
) => Effect.Effect<{ readonly gid: string; readonly organisation?: number }>

export interface Kind {
  readonly type?: string
  readonly public?: boolean
  readonly subject?: number
  readonly via?: string
  readonly senders?: "admins" | "list"
  readonly ownerless?: boolean
  readonly dissolved?: boolean
}

export const byXuanxuan =
  (kind: Kind): Make =>
  (_cast, owner, members) => {
    const gid = freshGid()
    const creation = {
      gid,
      name: "algebra",
      type: kind.type ?? "group",
      members: members.map(({ id }) => ({ id })),
      subject: kind.subject ?? 0,
      public: kind.public ?? false
    }
    return Effect.as(owner.done("create", creation), { gid })
  }

/**
 * A session is identified by its members: each is started with a set that no session has, and then reduced. One at a time,
 * so that two cases do not share a session.
 */
const oneByOne = Semaphore.makeUnsafe(1)
export const bySpark: Make = ({ http, alice, admin, bob, carol, dave }, owner, members) =>
  Effect.gen(function* () {
    const all = [alice, admin, bob, carol, dave]
    const ask = (path: string, body: Json) => http("POST", `${path}?token=${owner.token}`, { body })
    const { json } = yield* ask("/session/start", { To: all.map(({ account }) => account) })
    const { SessionId } = json
    const To = all.filter((one) => one !== owner && !members.includes(one)).map(({ account }) => account)
    const { status } = yield* ask("/session/RemoveMember", { SessionId, To })
    return status === 200 ? { gid: String(SessionId) } : yield* Effect.die(new Error(`RemoveMember: ${status}`))
  }).pipe((started) => oneByOne.withPermit(started))

export const byYoudu: Make = ({ http, admin, dave }, owner, members) =>
  Effect.gen(function* () {
    const ask = (path: string, body: Json) => http("POST", `${path}?accessToken=${admin.token}`, { body })
    // A session needs at least three members; extra ones are removed again.
    const member = [...members, dave].map(({ account }) => account)
    const { json } = yield* ask("/cgi/session/create", { title: "algebra", creator: owner.account, member })
    const sessionId = String(json["sessionId"])
    const change = { sessionId, opUser: owner.account, delMember: [dave.account] }
    const revised = yield* ask("/cgi/session/update", change)
    return revised.json["errcode"] === 0 ? { gid: sessionId } : yield* Effect.die(new Error(JSON.stringify(revised)))
  })

export const byHisihi =
  (auth: "token" | "open"): Make =>
  ({ http, bob, carol }, owner, members) =>
    Effect.gen(function* () {
      const organisation = 1000 + fresh()
      const headers: Record<string, string> = auth === "token" ? { authorization: `Bearer ${owner.token}` } : {}
      const body = {
        group_name: "algebra",
        member_client_ids: (auth === "token" ? members : [bob, ...members]).map(({ account }) => account).join(":"),
        organization_id: organisation,
        conversion_id: "c"
      }
      const { status, json } = yield* http("POST", "/im/group", { headers, body })
      if (status !== 201) return yield* Effect.die(new Error(`creating a group answered ${JSON.stringify(json)}`))
      // The response has only the id; renaming by it returns the gid.
      const data = yield* carol.done("changename", { id: json["group_id"], name: "named" })
      return { gid: String((data as Json)["gid"]), organisation }
    })
