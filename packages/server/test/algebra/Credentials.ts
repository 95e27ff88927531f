/** Credentials of requests, and their meaning in each protocol. */
import type { Protocol } from "./Request.ts"
import type { Role } from "./ChatCase.ts"

/** Protocols whose requests have one of these credentials. Clients of rtm have sessions of their own. */
export type TokenProtocol = Exclude<Protocol, "rtm">

export const tokenProtocols: ReadonlyArray<TokenProtocol> = ["xuanxuan", "spark", "hisihi", "ha", "youdu"]

/** Principal of a request with the credential; or the status of its refusal, for every operation. */
export type Standing = "its user" | "the application" | 401 | 403

export interface Credential {
  readonly description: string
  /** Role of its user in the requested chat. */
  readonly role: Role
  readonly standing: Readonly<Record<TokenProtocol, Standing>>
}

const everywhere = (standing: Standing, youdu: Standing): Credential["standing"] => ({
  xuanxuan: standing,
  spark: standing,
  hisihi: standing,
  ha: standing,
  youdu
})

const dead = (description: string): Credential => ({ description, role: "member", standing: everywhere(401, 401) })
const live = (description: string, role: Role, youdu: Standing): Credential => ({
  description,
  role,
  standing: everywhere("its user", youdu)
})

export const credentials = {
  none: dead("none"),
  wrong: dead("a token that was never issued"),
  expired: dead("an expired token"),
  ended: dead("a token that was logged out"),
  disabled: dead("a token of a user who was disabled"),
  memberSid: live("the sid of a member's chat login", "member", 401),
  memberToken: live("a member's token", "member", 403),
  strangerToken: live("a token of a user outside the chat", "stranger", 403),
  kickedToken: live("a token of a member who was removed", "former", 403),
  adminSid: live("the sid of a system administrator's chat login", "administrator", 401),
  adminToken: live("a system administrator's token", "administrator", "the application")
} as const satisfies Readonly<Record<string, Credential>>

export type CredentialName = keyof typeof credentials
