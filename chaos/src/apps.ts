/** Requests of apps over HTTP: spark and ha with a user's token, hisihi without one. */
import type { NodeAddress } from "./Member.ts"
import type { Random } from "./random.ts"

/** Milliseconds until a response must arrive. */
const TIMEOUT = 9_000
/** Key of the demonstration's app. */
const HA_KEY = "ha-demo"
/** Organisation of the demonstration's app of hisihi. */
const ORGANISATION = 7

type Json = Readonly<Record<string, unknown>>

/** `done`: the server answered with success; `refused`: with another status; `unknown`: not, or that it is not available. */
export type Outcome =
  | { readonly _tag: "done"; readonly json: Json }
  | { readonly _tag: "refused"; readonly status: number; readonly json: Json }
  | { readonly _tag: "unknown" }

const UNKNOWN: Outcome = { _tag: "unknown" }

export class Apps {
  readonly #nodes: () => ReadonlyArray<NodeAddress>
  readonly #random: Random
  readonly #tokens = new Map<string, string>()
  logins = 0

  constructor(nodes: () => ReadonlyArray<NodeAddress>, random: Random) {
    this.#nodes = nodes
    this.#random = random
  }

  async #ask(method: string, path: string, init: Omit<RequestInit, "method" | "signal">): Promise<Outcome> {
    try {
      const { http } = this.#random.pick(this.#nodes())
      const response = await fetch(http + path, { ...init, method, signal: AbortSignal.timeout(TIMEOUT) })
      const text = await response.text()
      if (response.status >= 500 || response.status === 409 || response.status === 429) return UNKNOWN
      const json = (text.startsWith("{") ? JSON.parse(text) : {}) as Json
      return response.ok ? { _tag: "done", json } : { _tag: "refused", status: response.status, json }
    } catch {
      return UNKNOWN
    }
  }

  #postJson(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const json = { "content-type": "application/json", ...headers }
    return this.#ask("POST", path, { headers: json, body: JSON.stringify(body) })
  }

  /** Logs a user in again; the earlier token stays valid. */
  async login(account: string): Promise<void> {
    const outcome = await this.#postJson("/auth/login", { account, password: "123456" })
    if (outcome._tag !== "done") return
    this.logins++
    this.#tokens.set(account, String(outcome.json["token"]))
  }

  async #withToken(account: string, request: (token: string) => Promise<Outcome>): Promise<Outcome> {
    if (!this.#tokens.has(account)) await this.login(account)
    const token = this.#tokens.get(account)
    return token === undefined ? UNKNOWN : request(token)
  }

  spark(account: string, path: string, body: object): Promise<Outcome> {
    return this.#withToken(account, (token) => this.#postJson(`${path}?token=${encodeURIComponent(token)}`, body))
  }

  ha(account: string, path: string, body: object): Promise<Outcome> {
    return this.#withToken(account, (token) =>
      this.#postJson(path, body, { "x-ha-key": HA_KEY, "x-ha-session": token })
    )
  }

  /** Creates a group of an organisation. */
  organisationGroup(name: string, members: ReadonlyArray<string>): Promise<Outcome> {
    const fields = {
      group_name: name,
      member_client_ids: members.join(":"),
      organization_id: String(ORGANISATION),
      conversion_id: "5638b5d200b07d1dfbb0d6f4"
    }
    return this.#ask("POST", "/im/group", { body: new URLSearchParams(fields) })
  }

  moveInOrganisation(group: number, account: string, kind: "add" | "remove"): Promise<Outcome> {
    const path = `/im/group/${group}/member`
    return kind === "add"
      ? this.#ask("POST", path, { body: new URLSearchParams({ member_client_ids: account }) })
      : this.#ask("DELETE", `${path}?member_client_ids=${encodeURIComponent(account)}`, {})
  }
}
