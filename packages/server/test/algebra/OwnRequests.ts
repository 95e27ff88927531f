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
  ask: (trial) => trial.place.actor.chat(method, params(trial))
})

const signature = (action: string, rest: (trial: Trial) => string, only?: Forbidden): OwnRequest =>
  hisihi("GET", `/signature/${action}/1`, (trial) => `/${trial.place.actor.account}${rest(trial)}`, undefined, only)

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
    trial.cast.http(method, path + rest(trial), {
      headers: { authorization: `Bearer ${trial.place.actor.token}` },
      ...(body !== undefined && { body: body(trial) })
    })
})

const nothing = () => ""
const group = ({ cast }: Trial): Json => ({
  group_name: "own",
  member_client_ids: cast.dave.account,
  organization_id: 1,
  conversion_id: `c${fresh()}`
})

export const ownRequests: ReadonlyArray<OwnRequest> = [
  xuanxuan("ping", () => ({})),
  xuanxuan("userGetList", () => ({})),
  xuanxuan("userChangeName", ({ place: { actor } }) => ({ name: actor.account })),
  xuanxuan("userChangeStatus", () => ({ status: "away" })),
  xuanxuan("settings", ({ place: { actor } }) => ({ account: actor.account })),
  xuanxuan("settings", ({ cast }) => ({ account: cast.dave.account }), "system administrators"),
  xuanxuan("create", () => ({ gid: freshGid(), name: "own", type: "group", members: [] })),
  {
    protocol: "spark",
    description: "/session/start",
    ask: ({ cast, place: { actor } }) =>
      cast.http("POST", `/session/start?token=${actor.token}`, { body: { To: [cast.dave.account] } })
  },
  signature("login", nothing),
  signature("conversion", ({ cast }) => `/${cast.dave.account}`),
  signature("invite", () => "/unknown"),
  signature("invite", ({ cast }) => `/unknown/${cast.dave.account}`, "nobody"),
  signature("kick", ({ place: { actor } }) => `/unknown/${actor.account}`),
  signature("kick", ({ cast }) => `/unknown/${cast.dave.account}`, "nobody"),
  hisihi("POST", "/im/group", nothing, group),
  hisihi("GET", "/im/org/1/groups", nothing),
  hisihi("GET", "/im/org/1/contacts", nothing),
  hisihi("POST", "/im/org/1/message", nothing, undefined, "system administrators"),
  {
    protocol: "ha",
    description: "POST /conversation",
    ask: ({ cast, place: { actor } }) =>
      cast.http("POST", "/conversation", {
        headers: { "x-ha-key": "ha-demo", "x-ha-session": actor.token },
        body: { passiveuser: cast.dave.id, time: "1700000000000" }
      })
  },
  {
    protocol: "youdu",
    description: "GET /cgi/session/get",
    ask: ({ cast, place: { gid } }) =>
      cast.http("GET", `/cgi/session/get?accessToken=${cast.admin.token}&sessionId=${encodeURIComponent(gid)}`)
  },
  {
    protocol: "youdu",
    description: "POST /cgi/session/create",
    ask: ({ cast }) =>
      cast.http("POST", `/cgi/session/create?accessToken=${cast.admin.token}`, {
        body: { title: "own", creator: cast.bob.account, member: [cast.carol.account, cast.dave.account] }
      })
  }
]
