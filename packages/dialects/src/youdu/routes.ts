/** The documented paths. Every answer is in this protocol's shape, whatever went wrong. */
import type { LogThrottling } from "@parley/core/LogThrottle"
import { type Refused, refuse } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { type Fields, invalid, text } from "../_http/fields.ts"
import { jsonProblem, type JsonLimits, limitsForUsers } from "../_http/jsonLimits.ts"
import { commandRunner } from "../_http/runCommands.ts"
import { protocolRoutes, recoverRefusals, type RouteHandler } from "../_http/protocolRoutes.ts"
import type { Query } from "../_http/query.ts"
import type { UnreadableBody } from "../_http/UnreadableBody.ts"
import { authenticateApp, type Access, type AuthDeps as AccessGrounds, payerOf, tokenFor } from "./auth.ts"
import { errors, failed, plain, refused, sealed } from "./responses.ts"
import type { OpenApp } from "./apps.ts"
import {
  type RequestContext,
  createSession,
  getSession,
  type GroupDeps,
  type SessionJson,
  updateSession
} from "./groups.ts"
import { bodyOf, buinIn, fieldsIn } from "./params.ts"

export interface RouteDeps extends GroupDeps, AccessGrounds {
  readonly log: LogThrottling
  /** Seconds for which an app's token is good. */
  readonly lifetime: number
}

/** Cost of a token: all tokens of the app are looked through. */
const TOKEN = 100

export const routesOf = (services: RouteDeps) => {
  const { engine, lifetime } = services
  const limits = limitsForUsers(services.settings.membersPerRequest)

  /** Gathered, since an app does nothing else. */
  const impersonated = ({ payer }: Access): RequestContext["impersonated"] => {
    return ({ account }, act) =>
      Effect.sync(() =>
        services.log.note({
          key: `youdu.impersonate ${payer} ${account} ${act}`,
          level: "Info",
          message: "audit: youdu.impersonate",
          details: { audit: "youdu.impersonate", actor: payer, user: account, act }
        })
      )
  }

  const getToken: RouteHandler = (request) =>
    Effect.gen(function* () {
      const found = yield* tokenFor(services, yield* bodyOf(request))
      if (found === undefined) {
        return failed({ errcode: 401, errmsg: "buin, appId and encrypt are not those of an app at this time." }, true)
      }
      const { app, token } = found
      yield* engine.limits.charge(payerOf(app), TOKEN)
      const answer = sealed(yield* app.sealing.seal(JSON.stringify({ accessToken: token, expireIn: lifetime })))
      return HttpServerResponse.setHeader(answer, "cache-control", "no-store")
    }).pipe(recoverRefusals((reason) => refused(reason, true)))

  /** An operation on a session, in plain JSON or in the envelope, as the token is. */
  const operation = (
    read: (request: HttpServerRequest, query: Query, access: Access) => Effect.Effect<Fields, Refused | UnreadableBody>,
    work: (deps: GroupDeps, asking: RequestContext) => Effect.Effect<SessionJson, Refused | StorageFailed>
  ): RouteHandler =>
    Effect.fnUntraced(function* (request, query) {
      const access = yield* authenticateApp(services, request, query)
      const { app, scope: reach } = access
      return yield* Effect.gen(function* () {
        const perform = yield* commandRunner(engine, access.payer)
        const fields = yield* read(request, query, access)
        const session = yield* work(services, { scope: reach, perform, fields, impersonated: impersonated(access) })
        return app === undefined ? plain(session) : sealed(yield* app.sealing.seal(JSON.stringify(session)))
      }).pipe(recoverRefusals((reason) => refused(reason, app !== undefined)))
    })

  const inBody = (
    request: HttpServerRequest,
    _: Query,
    { app }: Access
  ): Effect.Effect<Fields, Refused | UnreadableBody> =>
    Effect.flatMap(bodyOf(request, limits), (fields) =>
      app === undefined ? Effect.succeed(fields) : opened(app, fields, limits)
    )

  const inQuery = (_: HttpServerRequest, query: Query): Effect.Effect<Fields> => {
    const sessionId = query.get("sessionId")
    return Effect.succeed(sessionId === undefined ? {} : { sessionId })
  }

  return protocolRoutes({
    errors,
    routes: {
      "/cgi/gettoken": { POST: getToken },
      "/cgi/session/create": { POST: operation(inBody, createSession) },
      "/cgi/session/get": { GET: operation(inQuery, getSession) },
      "/cgi/session/update": { POST: operation(inBody, updateSession) }
    }
  })
}

/** What an app's request holds. Its envelope names the app whose token it shows. */
const opened = Effect.fnUntraced(function* (
  app: OpenApp,
  fields: Fields,
  limits: JsonLimits
): Effect.fn.Return<Fields, Refused> {
  const buin = yield* buinIn(fields)
  const appId = yield* text(fields, "appId")
  if (buin !== app.buin || appId !== app.appId) return yield* refuse({ _tag: "NotLoggedIn" })
  const sealedText = yield* text(fields, "encrypt")
  const unreadable = invalid("encrypt", "must be a JSON object, sealed with the app's key")
  const json = yield* Effect.mapError(app.sealing.open(sealedText), () => unreadable)
  const problem = jsonProblem(json, limits)
  if (problem !== undefined) return yield* invalid("encrypt", `holds JSON that ${problem}`)
  return fieldsIn(json) ?? (yield* unreadable)
})
