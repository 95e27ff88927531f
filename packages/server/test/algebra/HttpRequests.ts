/** Requests of the protocols over HTTP: 403 for refused, 404 for hidden. */
import { VIA } from "@parley/core/Chat"
import type { Operation } from "@parley/core/rules/Operations"
import { Effect } from "effect"
import { type Answer, fresh, type Json } from "./actors.ts"
import { always, type Changes, named, never, type Outcome, read, type Request, type Trial } from "./Request.ts"
import { askFor, type Place } from "./Scene.ts"

const bearer = ({ place: { actor }, isNobody }: Trial): { readonly headers: Record<string, string> } => ({
  headers: isNobody === true ? {} : { authorization: `Bearer ${actor.token}` }
})

const byStatus = (answer: Answer, status: number, success: boolean): Effect.Effect<Outcome> =>
  read(answer, success, status === 403, status === 404)

export const spark = (
  operation: Operation,
  path: string,
  body: (trial: Trial) => Json,
  changes: Changes,
  more: Partial<Request> = {}
): Request => ({
  protocol: "spark",
  operation,
  description: named(path),
  changes,
  ask: (trial) =>
    Effect.flatMap(
      trial.cast.http("POST", `${path.split(" ")[0]}?token=${trial.place.actor.token}`, {
        body: { SessionId: trial.place.gid, ...body(trial) }
      }),
      (answer) => byStatus(answer, answer.status, answer.status === 200)
    ),
  ...more
})

const isGroup = ({ place: { facts } }: Trial): boolean => facts.type === "group" && !facts.dissolved

export const ofSpark: ReadonlyArray<Request> = [
  // A member without the right to add users only requests their admission.
  spark(
    "addMembers",
    "/session/AddMember",
    ({ cast }) => ({ To: [cast.dave.account] }),
    (_, allows) => allows("approveMembers")
  ),
  spark("approveMembers", "/session/ApproveMember", ({ cast }) => ({ To: [cast.dave.account] }), always, {
    prepare: (trial) => (isGroup(trial) ? askFor(trial.cast, trial.place.gid, trial.cast.dave) : Effect.void)
  }),
  spark("removeMembers", "/session/RemoveMember", ({ cast }) => ({ To: [cast.carol.account] }), always),
  spark("edit", "/session/Edit", () => ({ Data: { title: `edited ${fresh()}` } }), always),
  spark("publish", "/session/Edit of public", ({ place }) => ({ Data: { public: !place.facts.public } }), always, {
    beside: "edit"
  }),
  spark("send", "/message/push", () => ({ Type: 0, Content: `pushed ${fresh()}` }), always),
  spark("recallOthers", "/message/remove of others' messages", ({ place }) => ({ MessageId: place.others }), always),
  // Every member may recall own messages: the rule is that of reading.
  spark("read", "/message/remove of own messages", ({ place }) => ({ MessageId: place.own ?? place.others }), always)
]

export const hisihi = (
  operation: Operation,
  method: string,
  path: (place: Place) => string,
  description: string,
  body: (trial: Trial) => Json | undefined
): Request => ({
  protocol: "hisihi",
  operation,
  description: `\`${method} ${description}\``,
  changes: always,
  ask: (trial) => {
    const sent = body(trial)
    return Effect.flatMap(
      trial.cast.http(method, path(trial.place), { ...bearer(trial), ...(sent !== undefined && { body: sent }) }),
      (answer) => byStatus(answer, answer.status, answer.status >= 200 && answer.status < 300)
    )
  }
})

const listing = (what: "groups" | "contacts"): Request => ({
  protocol: "hisihi",
  operation: "see",
  description: `\`GET /im/org/{organization_id}/${what}\``,
  // It lists chats created there.
  about: ({ facts }) => facts.attributes[VIA] === "hisihi",
  changes: never,
  ask: (trial) =>
    Effect.flatMap(
      trial.cast.http("GET", `/im/org/${trial.place.organisation}/${what}`, bearer(trial)),
      (answer): Effect.Effect<Outcome> => {
        const found = (answer.json["data"] as ReadonlyArray<Json>).some(({ id }) => id === trial.place.id)
        return read(answer, answer.status === 200 && found, false, answer.status === 200)
      }
    )
})

const groupPath = ({ id }: Place): string => `/im/group/${id}`
export const memberPath = ({ id }: Place): string => `/im/group/${id}/member`

export const ofHisihi: ReadonlyArray<Request> = [
  listing("groups"),
  listing("contacts"),
  hisihi("rename", "PUT", groupPath, "/im/group/{group_id}", () => ({ group_name: `renamed ${fresh()}` })),
  hisihi("dissolve", "DELETE", groupPath, "/im/group/{group_id}", () => undefined),
  hisihi("addMembers", "POST", memberPath, "/im/group/{group_id}/member", ({ cast }) => ({
    member_client_ids: cast.dave.account
  })),
  hisihi("removeMembers", "DELETE", memberPath, "/im/group/{group_id}/member", ({ cast }) => ({
    member_client_ids: cast.carol.account
  }))
]

const conversationOf = ({ id }: Place): number => -(100_000_000 + id)

const ha = (
  operation: Operation,
  description: string,
  method: string,
  path: (place: Place) => string,
  body: (trial: Trial) => Json | undefined,
  changes: Changes
): Request => ({
  protocol: "ha",
  operation,
  description: named(description),
  beside: "useDirect",
  changes,
  ask: (trial) => {
    const headers = { "x-ha-key": "ha-demo", "x-ha-session": trial.place.actor.token }
    const sent = body(trial)
    return Effect.flatMap(
      trial.cast.http(method, path(trial.place), { headers, ...(sent !== undefined && { body: sent }) }),
      (answer) => byStatus(answer, answer.status, answer.status === 200 && answer.json["code"] === 0)
    )
  }
})

const message = (): string => "/message"

export const ofHa: ReadonlyArray<Request> = [
  ha(
    "send",
    "POST /message",
    "POST",
    message,
    ({ place }) => ({
      conversationid: conversationOf(place),
      type: -1,
      content: `sent ${fresh()}`,
      time: "1700000000000"
    }),
    always
  ),
  ha(
    "read",
    "GET /message",
    "GET",
    (place) => `/message?conversationid=${conversationOf(place)}`,
    () => undefined,
    never
  ),
  ha(
    "useDirect",
    "DELETE /message of type 1",
    "DELETE",
    message,
    ({ place }) => ({ messagekey: place.others, type: 1 }),
    never
  ),
  ha(
    "recallOthers",
    "DELETE /message of type 2, of the other's messages",
    "DELETE",
    message,
    ({ place }) => ({ messagekey: place.others, type: 2 }),
    always
  ),
  ha(
    "useDirect",
    "DELETE /message of type 2, of own messages",
    "DELETE",
    message,
    ({ place }) => ({ messagekey: place.own ?? place.others, type: 2 }),
    always
  )
]

export const youdu = (operation: Operation, description: string, change: (trial: Trial) => Json): Request => ({
  protocol: "youdu",
  operation,
  description: `\`/cgi/session/update\`, ${description}`,
  changes: always,
  ask: (trial) => {
    const { cast, place } = trial
    const body = { sessionId: place.gid, opUser: place.actor.account, ...change(trial) }
    return Effect.flatMap(
      cast.http("POST", `/cgi/session/update?accessToken=${cast.admin.token}`, { body }),
      (answer) => byStatus(answer, Number(answer.json["errcode"]), answer.json["errcode"] === 0)
    )
  }
})

export const ofYoudu: ReadonlyArray<Request> = [
  youdu("rename", "`title`", () => ({ title: `revised ${fresh()}` })),
  youdu("addMembers", "`addMember`", ({ cast }) => ({ addMember: [cast.dave.account] })),
  youdu("removeMembers", "`delMember` of others", ({ cast }) => ({ delMember: [cast.carol.account] })),
  youdu("leave", "`delMember` of `opUser`", ({ place }) => ({ delMember: [place.actor.account] }))
]
