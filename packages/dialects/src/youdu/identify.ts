/**
 * `identify`: a web application that a user opens with a token of theirs asks whose token it is. Without an access token and
 * without an envelope. Source: PROTOCOLS, "youdu"; the public documentation, "单点登录".
 */
import type { Engine } from "@parley/core/Engine"
import type { Sessions } from "@parley/core/Sessions"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { RouteHandler } from "../_http/protocolRoutes.ts"
import { EMPTY_PROFILE, type Profiles } from "./profiles.ts"
import { OK } from "./responses.ts"

export interface IdentifyDeps {
  readonly engine: Engine["Service"]
  readonly sessions: Sessions["Service"]
  readonly profiles: Profiles
}

/** Codes of `status`. Source: the public SDKs. */
const SUCCESS = 0
const WRONG_TOKEN = 10

/** Returns the time as `2006-01-02 15:04:05`, in UTC. */
const timeText = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ")

/** The response has `errcode` as well, which some SDKs read. */
export const identify =
  ({ engine, sessions, profiles }: IdentifyDeps): RouteHandler =>
  (_, query) =>
    Effect.gen(function* () {
      const createdAt = timeText(yield* Clock.currentTimeMillis)
      // One client sends `ydToken`.
      const token = query.get("token") ?? query.get("ydToken") ?? ""
      const user = token === "" ? undefined : (yield* sessions.resume(token))?.user
      if (user === undefined) {
        const message = token === "" ? "token is missing." : "token is unknown or expired."
        return HttpServerResponse.jsonUnsafe({
          errcode: 401,
          errmsg: message,
          status: { code: WRONG_TOKEN, message, createdAt }
        })
      }
      yield* engine.limits.charge(user.id, 1)
      const { gender, mobile, phone, email } = (yield* profiles.find(user.account)) ?? EMPTY_PROFILE
      return HttpServerResponse.jsonUnsafe(
        {
          ...OK,
          status: { code: SUCCESS, message: OK.errmsg, createdAt },
          userInfo: {
            gid: user.id,
            account: user.account,
            chsName: user.realname,
            engName: "",
            gender,
            orgId: user.organisation ?? 0,
            mobile,
            phone,
            email
          }
        },
        { headers: { "cache-control": "no-store" } }
      )
    })
