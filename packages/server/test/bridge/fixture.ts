/** Chats of the cells. Each is created through one protocol; every protocol has its own id of it. */
import { Effect } from "effect"
import { newGid } from "../clients.ts"
import type { Arena, Protocol, Reason, Step } from "./Declaration.ts"
import { createConversation } from "./Ha.ts"
import { createOrganisationGroup } from "./Hisihi.ts"
import { byGid, byId, LEAVER, type Place } from "./Place.ts"
import { startSession } from "./Spark.ts"
import { AWAY, type Fields, fresh, type World } from "./context.ts"
import { createSession } from "./Youdu.ts"

const OWNER = "alice"
const OTHERS = ["bob", AWAY, LEAVER]

/** Creates a group through a protocol with owners. */
export const group =
  (maker: "xuanxuan" | "spark" | "youdu") =>
  (world: World["Service"]): Step<Place> =>
    Effect.gen(function* () {
      const made = yield* maker === "spark"
        ? startSession(world, OWNER, ...OTHERS)
        : maker === "youdu"
          ? createSession(world, fresh("team"), OWNER, ...OTHERS)
          : Effect.map(
              world.desk(OWNER).get<Fields>("create", {
                gid: newGid(),
                name: fresh("group"),
                type: "group",
                members: OTHERS.map((account) => ({ id: world.id(account) }))
              }),
              (chat) => String(chat["gid"])
            )
      return { ...(yield* byGid(world, OWNER, made)), lead: OWNER, other: "bob" }
    })

/** Creates a group of an organisation. It has no owner: a system administrator among its members acts as its admin. */
export const organisationGroup = (world: World["Service"]): Step<Place> =>
  Effect.gen(function* () {
    const id = yield* createOrganisationGroup(world, fresh("class"), "admin", ...OTHERS)
    return { ...(yield* byId(world, "admin", id)), lead: "admin", other: "bob" }
  })

/** Opens the direct chat of `alice` and another user. */
export const pair =
  (other: string) =>
  (world: World["Service"]): Step<Place> =>
    Effect.gen(function* () {
      const id = yield* createConversation(world, OWNER, other)
      return { ...(yield* byId(world, OWNER, -100_000_000 - id)), lead: OWNER, other }
    })

const knowsGroupsOnly = (protocol: Protocol): boolean => protocol === "hisihi" || protocol === "youdu"

/** Chats for messages: a direct chat if `ha` takes part, otherwise groups. */
export const wherePeopleTalk =
  (apart: Reason, other = "bob") =>
  (sender: Protocol, reader: Protocol): ReadonlyArray<Arena<Place>> | Reason => {
    if (sender !== "ha" && reader !== "ha") return whereMembersChange(apart)(sender, reader)
    return knowsGroupsOnly(sender) || knowsGroupsOnly(reader) ? apart : [pair(other)]
  }

/** Chats for changes of members: groups of every protocol, or only of an organisation if `hisihi` takes part. */
export const whereMembersChange =
  (fixed: Reason) =>
  (sender: Protocol, reader: Protocol): ReadonlyArray<Arena<Place>> | Reason => {
    if (sender === "ha" || reader === "ha") return fixed
    if (sender === "hisihi" || reader === "hisihi") return [organisationGroup]
    return [group("xuanxuan"), group("spark"), group("youdu"), organisationGroup]
  }
