/** Every request that the protocols offer for an operation on a chat. */
import { UserId } from "@parley/core/Ids"
import type { Actor, Actors } from "./actors.ts"
import { hisihi, memberPath, ofHa, ofHisihi, ofSpark, ofYoudu, spark, youdu } from "./HttpRequests.ts"
import { never, type Protocol, type Request, type Trial } from "./Request.ts"
import type { TestChat } from "./ChatCase.ts"
import { ofRtm } from "./RtmRequests.ts"
import { gidOf, ofXuanxuan, xuanxuan } from "./XuanxuanRequests.ts"

// The owner cannot be removed, through any protocol.

/** In a group made for a case; the actor may be the owner. */
const ownerOf = ({ actors, target: { facts, actor } }: Trial): Actor =>
  [actor, ...people(actors)].find(({ id }) => id === facts.owner) ?? actor

const people = ({ alice, admin, bob, carol, dave }: Actors): ReadonlyArray<Actor> => [alice, admin, bob, carol, dave]

const sparing = (
  protocol: Protocol,
  ask: Request["ask"],
  about: (target: TestChat) => boolean = () => true
): Request => ({
  protocol,
  operation: "removeMembers",
  description: "removing the owner",
  otherwise: "refused",
  about: (target) => target.facts.owner !== null && about(target),
  changes: never,
  ask
})

const ofOwners: ReadonlyArray<Request> = [
  sparing("xuanxuan", (trial) =>
    xuanxuan(
      "removeMembers",
      "addmember",
      () => ({ ...gidOf(trial), members: [{ id: ownerOf(trial).id }], join: false }),
      never
    ).ask(trial)
  ),
  sparing("spark", (trial) =>
    spark("removeMembers", "/session/RemoveMember", () => ({ To: [ownerOf(trial).account] }), never).ask(trial)
  ),
  sparing("hisihi", (trial) =>
    hisihi("removeMembers", "DELETE", memberPath, "", () => ({ member_client_ids: ownerOf(trial).account })).ask(trial)
  ),
  // There the caller leaves, even as owner.
  sparing(
    "youdu",
    (trial) => youdu("removeMembers", "", () => ({ delMember: [ownerOf(trial).account] })).ask(trial),
    ({ facts, actor }) => facts.owner !== UserId(actor.id)
  )
]

export const requests: ReadonlyArray<Request> = [
  ...ofXuanxuan,
  ...ofSpark,
  ...ofHisihi,
  ...ofHa,
  ...ofYoudu,
  ...ofRtm,
  ...ofOwners
]
export const protocols: ReadonlyArray<Protocol> = ["xuanxuan", "spark", "hisihi", "ha", "youdu", "rtm"]
