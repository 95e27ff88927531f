/** Requests of the protocols over HTTP: 403 for refused, 404 for hidden. */
import { VIA } from "@parley/core/Chat"
import type { Operation } from "@parley/core/rules/Operations"
import { Effect } from "effect"
import { type Answer, fresh, type Json } from "./actors.ts"
import { always, type Changes, named, never, type Outcome, read, type Request, type Trial } from "./Request.ts"
import { askFor, type TestChat } from "./ChatCase.ts"

const bearer = ({ target: { actor }, isAnonymous }: Trial): { readonly headers: Record<string, string> } => ({
  headers: isAnonymous === true ? {} : { authorization: `Bearer ${actor.token}` }
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
      trial.actors.http("POST", `${path.split(" ")[0]}?token=${trial.target.actor.token}`, {
        body: { SessionId: trial.target.gid, ...body(trial) }
      }),
      (answer) => byStatus(answer, answer.status, answer.status === 200)
    ),
  ...more
})

const isGroup = ({ target: { facts } }: Trial): boolean => facts.type === "group" && !facts.dissolved

export const ofSpark: ReadonlyArray<Request> = [
  // A member without the right to add users only requests their admission.
  spark(
    "addMembers",
    "/session/AddMember",
    ({ actors }) => ({ To: [actors.dave.account] }),
    (_, allows) => allows("approveMembers")
  ),
  spark("approveMembers", "/session/ApproveMember", ({ actors }) => ({ To: [actors.dave.account] }), always, {
    prepare: (trial) => (isGroup(trial) ? askFor(trial.actors, trial.target.gid, trial.actors.dave) : Effect.void)
  }),
  spark("removeMembers", "/session/RemoveMember", ({ actors }) => ({ To: [actors.carol.account] }), always),
  spark("edit", "/session/Edit", () => ({ Data: { title: `edited ${fresh()}` } }), always),
  spark("publish", "/session/Edit of public", ({ target }) => ({ Data: { public: !target.facts.public } }), always, {
    beside: "edit"
  }),
  spark("send", "/message/push", () => ({ Type: 0, Content: `pushed ${fresh()}` }), always),
  spark("recallOthers", "/message/remove of others' messages", ({ target }) => ({ MessageId: target.others }), always),
  // Every member may recall own messages: the rule is that of reading.
  spark("read", "/message/remove of own messages", ({ target }) => ({ MessageId: target.own ?? target.others }), always)
]

export const hisihi = (
  operation: Operation,
  method: string,
  path: (target: TestChat) => string,
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
      trial.actors.http(method, path(trial.target), { ...bearer(trial), ...(sent !== undefined && { body: sent }) }),
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
      trial.actors.http("GET", `/im/org/${trial.target.organisation}/${what}`, bearer(trial)),
      (answer): Effect.Effect<Outcome> => {
        const found = (answer.json["data"] as ReadonlyArray<Json>).some(({ id }) => id === trial.target.id)
        return read(answer, answer.status === 200 && found, false, answer.status === 200)
      }
    )
})

const groupPath = ({ id }: TestChat): string => `/im/group/${id}`
export const memberPath = ({ id }: TestChat): string => `/im/group/${id}/member`

export const ofHisihi: ReadonlyArray<Request> = [
  listing("groups"),
  listing("contacts"),
  hisihi("rename", "PUT", groupPath, "/im/group/{group_id}", () => ({ group_name: `renamed ${fresh()}` })),
  hisihi("dissolve", "DELETE", groupPath, "/im/group/{group_id}", () => undefined),
  hisihi("addMembers", "POST", memberPath, "/im/group/{group_id}/member", ({ actors }) => ({
    member_client_ids: actors.dave.account
  })),
  hisihi("removeMembers", "DELETE", memberPath, "/im/group/{group_id}/member", ({ actors }) => ({
    member_client_ids: actors.carol.account
  }))
]

const conversationOf = ({ id }: TestChat): number => -(100_000_000 + id)

const ha = (
  operation: Operation,
  description: string,
  method: string,
  path: (target: TestChat) => string,
  body: (trial: Trial) => Json | undefined,
  changes: Changes
): Request => ({
  protocol: "ha",
  operation,
  description: named(description),
  beside: "useDirect",
  changes,
  ask: (trial) => {
    const headers = { "x-ha-key": "ha-demo", "x-ha-session": trial.target.actor.token }
    const sent = body(trial)
    return Effect.flatMap(
      trial.actors.http(method, path(trial.target), { headers, ...(sent !== undefined && { body: sent }) }),
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
    ({ target }) => ({
      conversationid: conversationOf(target),
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
    (target) => `/message?conversationid=${conversationOf(target)}`,
    () => undefined,
    never
  ),
  ha(
    "useDirect",
    "DELETE /message of type 1",
    "DELETE",
    message,
    ({ target }) => ({ messagekey: target.others, type: 1 }),
    never
  ),
  ha(
    "recallOthers",
    "DELETE /message of type 2, of the other's messages",
    "DELETE",
    message,
    ({ target }) => ({ messagekey: target.others, type: 2 }),
    always
  ),
  ha(
    "useDirect",
    "DELETE /message of type 2, of own messages",
    "DELETE",
    message,
    ({ target }) => ({ messagekey: target.own ?? target.others, type: 2 }),
    always
  )
]

export const youdu = (operation: Operation, description: string, change: (trial: Trial) => Json): Request => ({
  protocol: "youdu",
  operation,
  description: `\`/cgi/session/update\`, ${description}`,
  changes: always,
  ask: (trial) => {
    const { actors, target } = trial
    const body = { sessionId: target.gid, opUser: target.actor.account, ...change(trial) }
    return Effect.flatMap(
      actors.http("POST", `/cgi/session/update?accessToken=${actors.admin.token}`, { body }),
      (answer) => byStatus(answer, Number(answer.json["errcode"]), answer.json["errcode"] === 0)
    )
  }
})

export const ofYoudu: ReadonlyArray<Request> = [
  youdu("rename", "`title`", () => ({ title: `revised ${fresh()}` })),
  youdu("addMembers", "`addMember`", ({ actors }) => ({ addMember: [actors.dave.account] })),
  youdu("removeMembers", "`delMember` of others", ({ actors }) => ({ delMember: [actors.carol.account] })),
  youdu("leave", "`delMember` of `opUser`", ({ target }) => ({ delMember: [target.actor.account] })),
  {
    protocol: "youdu",
    operation: "send",
    description: "`/cgi/session/send`",
    changes: always,
    ask: ({ actors, target }) => {
      const text = { content: `sent ${fresh()}` }
      const body = { sessionId: target.gid, sender: target.actor.account, msgType: "text", text }
      return Effect.flatMap(
        actors.http("POST", `/cgi/session/send?accessToken=${actors.admin.token}`, { body }),
        (answer) => byStatus(answer, Number(answer.json["errcode"]), answer.json["errcode"] === 0)
      )
    }
  }
]
