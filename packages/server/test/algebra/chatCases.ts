/** The kinds of chats of the permission algebra, each created through the protocols. */
import { flagName, type Senders, VIA } from "@parley/core/Chat"
import { UserId } from "@parley/core/Ids"
import { Effect } from "effect"
import type { Actor, Actors, Json } from "./actors.ts"
import { flagUser, promote } from "./RtmRequests.ts"
import { byHisihi, bySpark, byXuanxuan, byYoudu, type Kind, type Make } from "./Makers.ts"
import {
  actorOf,
  agreed,
  askFor,
  chatFacts,
  isIn,
  looking,
  remove,
  type Role,
  say,
  type ChatCase,
  wasIn
} from "./ChatCase.ts"

const sendersFor = ({ senders }: Kind, actors: Actors, actor: Actor, role: Role): Senders => {
  if (senders === undefined) return []
  if (senders === "admins") return "admins"
  // A former member stays on the list, which must not grant anything.
  const listed = role === "sender" || role === "former" ? [actors.carol, actor] : [actors.carol]
  return listed.map(({ id }) => UserId(id))
}

/** Sets up a chat with or without an owner for a role: adds members and messages, restricts it, removes members. */
const made = (kind: Kind, make: Make): ChatCase["make"] =>
  Effect.fnUntraced(function* (actors, role) {
    const { bob, carol } = actors
    const actor = actorOf(actors, role)
    const owner = role === "owner" || role === "founder" ? actor : bob
    // In this order: ownership passes to the longest member.
    const inside = role === "founder" ? [bob] : wasIn(role) && owner !== actor ? [actor] : []
    const { gid, organisation = 0 } = yield* make(actors, owner, [...inside, carol])
    const others = yield* say(carol, gid)
    const own = wasIn(role) ? yield* say(actor, gid) : undefined
    const senders = sendersFor(kind, actors, actor, role)
    if (senders === "admins") yield* owner.done("setcommitters", { gid, committers: "$ADMINS" })
    else if (senders.length > 0) yield* owner.done("setcommitters", { gid, committers: senders })
    if (role === "former" && kind.ownerless === true) yield* actor.done("joinchat", { gid, join: false })
    else if (role === "former") yield* remove(owner, gid, actor)
    if (role === "admin" || role === "founder") yield* owner.done("joinchat", { gid, join: false })
    const heir = role === "admin" ? actor : role === "founder" ? bob : owner
    if (role === "pending") yield* askFor(actors, gid, actor)

    const creation = { gid, name: "", type: "group", members: [] }
    const data = yield* carol.done("create", creation)
    const { id } = data as { readonly id: number }
    const members = [heir, ...(isIn(role) && heir !== actor ? [actor] : []), carol]
    const facts = chatFacts(id, gid, members, {
      type: kind.type ?? "group",
      public: kind.public ?? false,
      subject: kind.subject ?? 0,
      createdBy: kind.ownerless === true ? null : UserId(owner.id),
      owner: kind.ownerless === true ? null : UserId(heir.id),
      senders,
      admins: role === "promoted" ? [UserId(actor.id)] : [],
      attributes: {
        ...(kind.via !== undefined && { [VIA]: kind.via }),
        ...((role === "silenced" || role === "blocked") && { [flagName(role, UserId(actor.id))]: true })
      }
    })
    if (role === "silenced" || role === "blocked") yield* flagUser(actors, heir, facts, role, actor)
    if (role === "promoted") yield* promote(actors, heir, facts, actor)
    yield* agreed(role === "promoted" ? yield* carol.done("create", creation) : data, facts)
    if (kind.dissolved === true) {
      const headers = { authorization: `Bearer ${heir.token}` }
      const { status } = yield* actors.http("DELETE", `/im/group/${id}`, { headers })
      if (status !== 204) return yield* Effect.die(new Error(`deleting a group answered ${status}`))
    }
    return {
      facts: { ...facts, dissolved: kind.dissolved ?? false },
      actor,
      gid,
      id,
      others,
      own,
      organisation,
      watcher: carol,
      look: looking(carol, gid, creation)
    }
  })

/** The direct chat of bob with the tested user or carol. */
const pair: ChatCase["make"] = Effect.fnUntraced(function* (actors, role) {
  const { bob, carol } = actors
  const actor = actorOf(actors, role)
  const other = isIn(role) ? actor : carol
  const creation = { gid: "", name: "", type: "one2one", members: [{ id: other.id }] }
  const data = yield* bob.done("create", creation)
  const { id, gid } = data as { readonly id: number; readonly gid: string }
  const facts = chatFacts(id, gid, [bob, other], { type: "one2one", createdBy: UserId(bob.id) })
  yield* agreed(data, facts)
  const others = yield* say(bob, gid)
  const own = isIn(role) ? yield* say(actor, gid) : undefined
  return { facts, actor, gid, id, others, own, organisation: 0, watcher: bob, look: looking(bob, gid, creation) }
})

/** Resets the system chat to its initial state, and then sets its admins. */
const system = (withAdmins: boolean, kind: Kind = {}): ChatCase["make"] =>
  Effect.fnUntraced(function* (actors, role) {
    const { admin, alice, bob, carol, dave } = actors
    const actor = actorOf(actors, role)
    const gid = "system"
    const set = (users: ReadonlyArray<Actor>, isAdmin: boolean) =>
      admin.done("setadmin", { gid, admins: users.map(({ id }) => ({ id })), isAdmin })
    yield* set([alice, bob, carol, dave, admin], false)
    yield* admin.done("setcommitters", { gid, committers: "" })
    const others = yield* say(carol, gid)
    const own = yield* say(actor, gid)
    const admins = withAdmins ? [bob, ...(role === "admin" ? [actor] : [])] : []
    if (withAdmins) yield* set(admins, true)
    const senders = sendersFor(kind, actors, actor, role)
    if (senders === "admins") yield* admin.done("setcommitters", { gid, committers: "$ADMINS" })
    else if (senders.length > 0) yield* admin.done("setcommitters", { gid, committers: senders })
    const creation = { gid, name: "", type: "group", members: [] }
    const data = yield* carol.done("create", creation)
    const { id } = data as { readonly id: number }
    const facts = chatFacts(id, gid, [], {
      type: "system",
      admins: admins.map((one) => UserId(one.id)),
      senders,
      public: (data as Json)["public"] === true
    })
    yield* agreed(data, facts)
    return { facts, actor, gid, id, others, own, organisation: 0, watcher: carol, look: looking(carol, gid, creation) }
  })

const GROUP: ReadonlyArray<Role> = [
  "owner",
  "admin",
  "member",
  "pending",
  "former",
  "founder",
  "stranger",
  "administrator",
  "insider"
]
/** With the roles of users whom the owner has promoted, or an admin has silenced or blocked. */
const MODERATED: ReadonlyArray<Role> = [...GROUP, "promoted", "silenced", "blocked"]
const LISTED: ReadonlyArray<Role> = ["owner", "admin", "sender", ...GROUP.slice(2)]
/** Roles of chats without leaving and without admission requests. */
const CLOSED: ReadonlyArray<Role> = ["owner", "member", "stranger", "administrator", "insider"]

const group = (
  name: string,
  description: string,
  kind: Kind,
  make: Make = byXuanxuan(kind),
  who = GROUP
): ChatCase => ({
  name,
  description,
  roles: who,
  server: "token",
  needsToken: kind.via === "hisihi" || kind.dissolved === true,
  shared: false,
  make: made(kind, make)
})

export const chatCases: ReadonlyArray<ChatCase> = [
  group("private group", "All members may send.", {}, undefined, MODERATED),
  group(
    "public group",
    "All members may send, and every user may see and join it.",
    { public: true },
    undefined,
    MODERATED
  ),
  group("group where only admins send", "The senders are `admins`.", { senders: "admins" }),
  group(
    "group with a list of senders",
    "Some of its members are listed as senders; a former member may still be on the list.",
    { senders: "list" },
    byXuanxuan({}),
    LISTED
  ),
  group("group with a subject", "A public group about a product or a project.", { subject: 7, public: true }),
  group(
    "product",
    "A chat of the type `product`, with a subject; `project` and other types are the same.",
    { type: "product", subject: 7 },
    byXuanxuan({ type: "product", subject: 7 }),
    CLOSED
  ),
  group("group created through spark", "A session started there.", { via: "spark" }, bySpark),
  group("group created through youdu", "A session that an application created for its owner.", {}, byYoudu),
  group(
    "group created through hisihi",
    "Created by a user with a token, who owns it.",
    { via: "hisihi" },
    byHisihi("token")
  ),
  {
    name: "group without an owner",
    description: "Created through hisihi without authentication (`hisihi.auth` is `open`).",
    roles: ["member", "pending", "former", "stranger", "administrator", "insider"],
    server: "open",
    shared: false,
    make: made({ via: "hisihi", ownerless: true }, byHisihi("open"))
  },
  group("dissolved group", "A group deleted through hisihi.", { dissolved: true, public: true }, undefined, GROUP),
  {
    name: "direct chat",
    description: "The one chat of two users. It has no owner and no admins.",
    roles: ["member", "stranger", "administrator", "insider"],
    server: "token",
    shared: true,
    make: pair
  },
  {
    name: "system chat without admins",
    description: "All users are members.",
    roles: ["member", "insider"],
    server: "token",
    shared: true,
    make: system(false)
  },
  {
    name: "system chat with admins",
    description: "All users are members, and only admins may send.",
    roles: ["admin", "member", "insider"],
    server: "token",
    shared: true,
    make: system(true)
  },
  {
    name: "system chat with a list of senders",
    description: "Admins and listed users may send.",
    roles: ["admin", "sender", "member", "insider"],
    server: "token",
    shared: true,
    make: system(true, { senders: "list" })
  }
]
