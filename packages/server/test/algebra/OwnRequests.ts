/** Requests without an existing chat: the caller's own data, and creation of chats and signatures. */
import { Effect } from "effect"
import { fresh, freshGid, type Json } from "./actors.ts"
import type { TokenProtocol } from "./Credentials.ts"
import type { Trial } from "./Request.ts"

export interface OwnRequest {
  readonly protocol: TokenProtocol
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

/** Of an application; fields in the query for GET. */
const youdu = (
  method: "GET" | "POST",
  path: string,
  fields: (trial: Trial) => Readonly<Record<string, unknown>>
): OwnRequest => ({
  protocol: "youdu",
  description: `${method} ${path}`,
  ask: (trial) => {
    const token = `accessToken=${trial.actors.admin.token}`
    const sent = fields(trial)
    if (method === "POST") return trial.actors.http("POST", `${path}?${token}`, { body: sent as Json })
    const query = Object.entries(sent).map(([name, value]) => `&${name}=${encodeURIComponent(String(value))}`)
    return trial.actors.http("GET", `${path}?${token}${query.join("")}`)
  }
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
  youdu("GET", "/cgi/session/get", ({ target: { gid } }) => ({ sessionId: gid })),
  youdu("POST", "/cgi/session/create", ({ actors }) => ({
    title: "own",
    creator: actors.bob.account,
    member: [actors.carol.account, actors.dave.account]
  })),
  youdu("POST", "/cgi/group/create", () => ({ name: "own" })),
  youdu("GET", "/cgi/group/list", ({ actors }) => ({ userId: actors.bob.account })),
  youdu("GET", "/cgi/group/info", ({ target: { gid } }) => ({ id: gid })),
  youdu("GET", "/cgi/group/ismember", ({ actors, target: { gid } }) => ({ id: gid, userId: actors.bob.account })),
  youdu("POST", "/cgi/group/update", ({ target: { gid } }) => ({ id: gid, name: `own ${fresh()}` })),
  youdu("POST", "/cgi/group/addmember", ({ actors, target: { gid } }) => ({
    id: gid,
    userList: [actors.dave.account]
  })),
  youdu("POST", "/cgi/group/delmember", ({ actors, target: { gid } }) => ({
    id: gid,
    userList: [actors.dave.account]
  })),
  youdu("GET", "/cgi/user/get", ({ actors }) => ({ userId: actors.bob.account })),
  youdu("GET", "/cgi/user/list", () => ({})),
  youdu("GET", "/cgi/user/simplelist", () => ({})),
  youdu("GET", "/cgi/dept/list", () => ({})),
  youdu("POST", "/cgi/user/create", () => ({ userId: `own-${fresh()}`, name: "", gender: 0, dept: [] })),
  youdu("POST", "/cgi/user/update", ({ actors }) => ({ userId: actors.dave.account, gender: 1 })),
  youdu("GET", "/cgi/group/delete", ({ target: { gid } }) => ({ id: gid }))
]
