/** Requests without an existing chat: the caller's own data, and creation of chats and signatures. */
import { Effect } from "effect"
import { fresh, freshGid, type Json } from "./actors.ts"
import type { Protocol, Trial } from "./Request.ts"

export interface OwnRequest {
  readonly protocol: Protocol
  readonly description: string
  /** Authorised users; all if absent. */
  readonly only?: "system administrators" | "nobody"
  readonly ask: (trial: Trial) => Effect.Effect<unknown>
}

type Forbidden = OwnRequest["only"]
const restricted = (only: Forbidden) => (only === undefined ? {} : { only })

const xuanxuan = (method: string, params: (trial: Trial) => unknown, only?: Forbidden): OwnRequest => ({
  protocol: "xuanxuan",
  description: method,
  ...restricted(only),
  ask: (trial) => trial.target.actor.chat(method, params(trial))
})

const signature = (action: string, rest: (trial: Trial) => string, only?: Forbidden): OwnRequest =>
  hisihi("GET", `/signature/${action}/1`, (trial) => `/${trial.target.actor.account}${rest(trial)}`, undefined, only)

const hisihi = (
  method: string,
  path: string,
  rest: (trial: Trial) => string,
  body?: (trial: Trial) => Json,
  only?: Forbidden
): OwnRequest => ({
  protocol: "hisihi",
  description: `${method} ${path}`,
  ...restricted(only),
  ask: (trial) =>
    trial.actors.http(method, path + rest(trial), {
      headers: { authorization: `Bearer ${trial.target.actor.token}` },
      ...(body !== undefined && { body: body(trial) })
    })
})

const nothing = () => ""
const group = ({ actors }: Trial): Json => ({
  group_name: "own",
  member_client_ids: actors.dave.account,
  organization_id: 1,
  conversion_id: `c${fresh()}`
})

export const ownRequests: ReadonlyArray<OwnRequest> = [
  xuanxuan("ping", () => ({})),
  xuanxuan("userGetList", () => ({})),
  xuanxuan("userChangeName", ({ target: { actor } }) => ({ name: actor.account })),
  xuanxuan("userChangeStatus", () => ({ status: "away" })),
  xuanxuan("settings", ({ target: { actor } }) => ({ account: actor.account })),
  xuanxuan("settings", ({ actors }) => ({ account: actors.dave.account }), "system administrators"),
  xuanxuan("create", () => ({ gid: freshGid(), name: "own", type: "group", members: [] })),
  {
    protocol: "spark",
    description: "/session/start",
    ask: ({ actors, target: { actor } }) =>
      actors.http("POST", `/session/start?token=${actor.token}`, { body: { To: [actors.dave.account] } })
  },
  signature("login", nothing),
  signature("conversion", ({ actors }) => `/${actors.dave.account}`),
  signature("invite", () => "/unknown"),
  signature("invite", ({ actors }) => `/unknown/${actors.dave.account}`, "nobody"),
  signature("kick", ({ target: { actor } }) => `/unknown/${actor.account}`),
  signature("kick", ({ actors }) => `/unknown/${actors.dave.account}`, "nobody"),
  hisihi("POST", "/im/group", nothing, group),
  hisihi("GET", "/im/org/1/groups", nothing),
  hisihi("GET", "/im/org/1/contacts", nothing),
  hisihi("POST", "/im/org/1/message", nothing, undefined, "system administrators"),
  {
    protocol: "ha",
    description: "POST /conversation",
    ask: ({ actors, target: { actor } }) =>
      actors.http("POST", "/conversation", {
        headers: { "x-ha-key": "ha-demo", "x-ha-session": actor.token },
        body: { passiveuser: actors.dave.id, time: "1700000000000" }
      })
  },
  {
    protocol: "youdu",
    description: "GET /cgi/session/get",
    ask: ({ actors, target: { gid } }) =>
      actors.http("GET", `/cgi/session/get?accessToken=${actors.admin.token}&sessionId=${encodeURIComponent(gid)}`)
  },
  {
    protocol: "youdu",
    description: "POST /cgi/session/create",
    ask: ({ actors }) =>
      actors.http("POST", `/cgi/session/create?accessToken=${actors.admin.token}`, {
        body: { title: "own", creator: actors.bob.account, member: [actors.carol.account, actors.dave.account] }
      })
  }
]
