/** Clients of an app, for app servers: presence, unread messages, logout, and signatures of logins. */
import { audit } from "@parley/core/Audit"
import type { User } from "@parley/core/User"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import { field } from "../_http/fields.ts"
import { DIALECT } from "./apps.ts"
import { ClientConnection } from "./ClientConnection.ts"
import { namedChat } from "./conversations.ts"
import { Code, fail } from "./errors.ts"
import { RANDOM_BYTES } from "./ids.ts"
import { clientNamed } from "./restMessages.ts"
import { actingAs, clientIdsIn, type RestOperation } from "./restRequest.ts"
import { makeSignature } from "./verifySignature.ts"

/** Maximum number of characters of a reason. */
const MAX_REASON = 20

/** Unknown clients are offline. */
export const checkOnline: RestOperation = Effect.fnUntraced(function* (context) {
  const { deps, appId, app } = context
  const found = yield* deps.engine.context.users.resolve(yield* clientIdsIn(context))
  const online = found.flatMap((user) => (user !== undefined && deps.hub.isOnline(user.id) ? [user] : []))
  const own = yield* Effect.filter(online, (user: User) => deps.clients.mayBe(appId, app, user))
  return { results: own.map(({ account }) => account) }
})

/** In one conversation, or in all. */
export const countUnread: RestOperation = Effect.fnUntraced(function* (context) {
  const user = yield* clientNamed(context, context.path("client"), Code.invalidLogin)
  const conversation = context.query.get("conv_id")
  const chat = conversation === undefined ? {} : { chat: yield* namedChat(conversation) }
  const counts = yield* actingAs(context, user).run({ _tag: "CountUnread", ...chat })
  return { count: counts.reduce((sum, { count }) => sum + count, 0) }
})

const isOurs = (device: string): boolean => device === DIALECT || device.startsWith(`${DIALECT}:`)

/** Ends the client's sessions of this protocol; it must log in again. */
export const kickClient: RestOperation = Effect.fnUntraced(function* (context) {
  const { deps, fields, payer } = context
  const reason = field(fields, "reason") ?? ""
  if (typeof reason !== "string" || reason.length > MAX_REASON) {
    return yield* fail(Code.conversationFailed, `reason must be a text of at most ${MAX_REASON} characters.`)
  }
  const user = yield* clientNamed(context, context.path("client"), Code.invalidLogin)
  for (const { connection } of deps.hub.sessionsOf(user.id)) {
    if (connection instanceof ClientConnection) connection.kicked = reason
  }
  const sessions = yield* deps.sessions.list(user.id)
  for (const { id, kind, device } of sessions) {
    if (kind === "device" && isOurs(device)) yield* deps.sessions.endOne(user.id, id)
  }
  yield* audit("rtm.client.kick", { actor: payer, user: user.account })
  return {}
})

/**
 * Returns the signature of a login, for the user of a token from `/auth/login`, which is in the query or, from the SDKs, in
 * the body. Needs no master key.
 */
export const signLogin: RestOperation = Effect.fnUntraced(function* ({ deps, appId, app, fields, query }) {
  const token = query.get("session_token") ?? field(fields, "session_token")
  const found = typeof token === "string" ? yield* deps.sessions.resume(token) : undefined
  if (found?.session.kind !== "token") return yield* fail(Code.sessionRequired, "session_token is not valid.")
  const { account } = found.user
  if (!(yield* deps.clients.mayBe(appId, app, found.user))) {
    return yield* fail(Code.notAllowed, "The user is not one of the app.")
  }
  const time = yield* Clock.currentTimeMillis
  const nonce = Hex.encode(yield* deps.random.randomBytes(RANDOM_BYTES))
  const by = { app: appId, client: account, key: app.key }
  const signature = yield* makeSignature(deps.mac, by, { _tag: "Login" }, { time, nonce })
  return { signature, nonce, client_id: account, timestamp: time }
})
