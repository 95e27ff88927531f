/** Chats of the cells. Each is created through one protocol; every protocol has its own id of it. */
import { Effect } from "effect"
import { newGid } from "../clients.ts"
import type { OpenChat, Protocol, Reason, Step } from "./Declaration.ts"
import { createConversation } from "./Ha.ts"
import { createOrganisationGroup } from "./Hisihi.ts"
import { byGid, byId, LEAVER, type CellChat } from "./CellChat.ts"
import { startSession } from "./Spark.ts"
import { OFFLINE, type Fields, fresh, type BridgeContext } from "./context.ts"
import { APP_ACCOUNT } from "./callback.ts"
import { createSession, joinedByApp } from "./Youdu.ts"

const OWNER = "alice"
const OTHERS = ["bob", OFFLINE, LEAVER]

/** Creates a group through a protocol with owners. */
export const group =
  (maker: "xuanxuan" | "spark" | "youdu") =>
  (context: BridgeContext["Service"]): Step<CellChat> =>
    Effect.gen(function* () {
      const made = yield* maker === "spark"
        ? startSession(context, OWNER, ...OTHERS)
        : maker === "youdu"
          ? createSession(context, fresh("team"), OWNER, ...OTHERS)
          : Effect.map(
              context.clientOf(OWNER).get<Fields>("create", {
                gid: newGid(),
                name: fresh("group"),
                type: "group",
                members: OTHERS.map((account) => ({ id: context.id(account) }))
              }),
              (chat) => String(chat["gid"])
            )
      return { ...(yield* byGid(context, OWNER, made)), lead: OWNER, other: "bob" }
    })

/** Creates a group of an organisation. It has no owner: a system administrator among its members acts as its admin. */
export const organisationGroup = (context: BridgeContext["Service"]): Step<CellChat> =>
  Effect.gen(function* () {
    const id = yield* createOrganisationGroup(context, fresh("class"), "admin", ...OTHERS)
    return { ...(yield* byId(context, "admin", id)), lead: "admin", other: "bob" }
  })

/** Opens the direct chat of `alice` and another user. */
export const pair =
  (other: string) =>
  (context: BridgeContext["Service"]): Step<CellChat> =>
    Effect.gen(function* () {
      const id = yield* createConversation(context, OWNER, other)
      return { ...(yield* byId(context, OWNER, -100_000_000 - id)), lead: OWNER, other }
    })

/** Adds the app's user to the chat, and lets its callback fail from then on, as if it were offline. */
const withApp =
  (open: OpenChat<CellChat>, isFailing: boolean): OpenChat<CellChat> =>
  (context) =>
    Effect.gen(function* () {
      const target = yield* open(context)
      yield* joinedByApp(context, target)
      context.callback.refuse(isFailing)
      return target
    })

const hasGroupsOnly = (protocol: Protocol): boolean => protocol === "hisihi"

/**
 * Chats for messages: a direct chat if `ha` takes part, otherwise groups; those of the app's user for its callback, which
 * joins the groups.
 */
export const chatsForMessages =
  (apart: Reason, other = "bob") =>
  (sender: Protocol, reader: Protocol): ReadonlyArray<OpenChat<CellChat>> | Reason => {
    if (reader === "youdu" && sender !== "hisihi") {
      const ofApp = sender === "ha" ? [pair(APP_ACCOUNT)] : [group("xuanxuan"), group("youdu"), pair(APP_ACCOUNT)]
      return ofApp.map((open) => withApp(open, other === OFFLINE))
    }
    if (sender !== "ha" && reader !== "ha") return chatsForMembers(apart)(sender, reader)
    return hasGroupsOnly(sender) || hasGroupsOnly(reader) ? apart : [pair(other)]
  }

/** Chats for changes of members: groups of every protocol, or only of an organisation if `hisihi` takes part. */
export const chatsForMembers =
  (fixed: Reason) =>
  (sender: Protocol, reader: Protocol): ReadonlyArray<OpenChat<CellChat>> | Reason => {
    if (sender === "ha" || reader === "ha") return fixed
    if (sender === "hisihi" || reader === "hisihi") return [organisationGroup]
    return [group("xuanxuan"), group("spark"), group("youdu"), organisationGroup]
  }
