/** Routes of the documented paths. All responses, including errors, have the protocol's shape. */
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
import { authenticateRequest, type Principal, type AuthDeps, payerOf, issueToken } from "./auth.ts"
import { errors, failed, plain, refused, sealed } from "./responses.ts"
import type { AppWithCipher } from "./apps.ts"
import {
  type RequestContext,
  createSession,
  getSession,
  type GroupDeps,
  type SessionJson,
  updateSession
} from "./groups.ts"
import { bodyOf, readBuin, fieldsIn } from "./params.ts"

export interface RouteDeps extends AuthDeps, GroupDeps {
  readonly log: LogThrottling
  /** Lifetime of an app's token, in seconds. */
  readonly lifetime: number
}

/** Cost of issuing a token, which reads the tokens of all apps. */
const TOKEN_COST = 100

export const routesOf = (deps: RouteDeps) => {
  const { engine, lifetime } = deps
  const limits = limitsForUsers(deps.settings.membersPerRequest)

  /** Logs with throttling: impersonation is an app's normal mode of operation. */
  const recordImpersonation = ({ payer }: Principal): RequestContext["recordImpersonation"] => {
    return ({ account }, act) =>
      Effect.sync(() =>
        deps.log.note({
          key: `youdu.impersonate ${payer} ${account} ${act}`,
          level: "Info",
          message: "audit: youdu.impersonate",
          details: { audit: "youdu.impersonate", actor: payer, user: account, act }
        })
      )
  }

  const getToken: RouteHandler = (request) =>
    Effect.gen(function* () {
      const found = yield* issueToken(deps, yield* bodyOf(request))
      if (found === undefined) {
        return failed({ errcode: 401, errmsg: "buin, appId or encrypt is wrong, or encrypt is expired or used." }, true)
      }
      const { app, token } = found
      yield* engine.limits.charge(payerOf(app), TOKEN_COST)
      const response = sealed(yield* app.envelope.seal(JSON.stringify({ accessToken: token, expireIn: lifetime })))
      return HttpServerResponse.setHeader(response, "cache-control", "no-store")
    }).pipe(recoverRefusals((reason) => refused(reason, true)))

  /** Runs an operation on a session, in plain JSON or in an envelope, depending on the token. */
  const operation = (
    read: (
      request: HttpServerRequest,
      query: Query,
      principal: Principal
    ) => Effect.Effect<Fields, Refused | UnreadableBody>,
    work: (deps: GroupDeps, context: RequestContext) => Effect.Effect<SessionJson, Refused | StorageFailed>
  ): RouteHandler =>
    Effect.fnUntraced(function* (request, query) {
      const principal = yield* authenticateRequest(deps, request, query)
      const { app, payer, scope } = principal
      return yield* Effect.gen(function* () {
        const runCommand = yield* commandRunner(engine, payer)
        const fields = yield* read(request, query, principal)
        const session = yield* work(deps, {
          scope,
          runCommand,
          fields,
          recordImpersonation: recordImpersonation(principal)
        })
        return app === undefined ? plain(session) : sealed(yield* app.envelope.seal(JSON.stringify(session)))
      }).pipe(recoverRefusals((reason) => refused(reason, app !== undefined)))
    })

  const inBody = (
    request: HttpServerRequest,
    _: Query,
    { app }: Principal
  ): Effect.Effect<Fields, Refused | UnreadableBody> =>
    Effect.flatMap(bodyOf(request, limits), (fields) =>
      app === undefined ? Effect.succeed(fields) : openEnvelope(app, fields, limits)
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

/** Opens an app's envelope, which must name the app of the access token. */
const openEnvelope = Effect.fnUntraced(function* (
  app: AppWithCipher,
  fields: Fields,
  limits: JsonLimits
): Effect.fn.Return<Fields, Refused> {
  const buin = yield* readBuin(fields)
  const appId = yield* text(fields, "appId")
  if (buin !== app.buin || appId !== app.appId) return yield* refuse({ _tag: "NotLoggedIn" })
  const sealedText = yield* text(fields, "encrypt")
  const unreadable = invalid("encrypt", "must be a JSON object, sealed with the app's key")
  const json = yield* Effect.mapError(app.envelope.open(sealedText), () => unreadable)
  const problem = jsonProblem(json, limits)
  if (problem !== undefined) return yield* invalid("encrypt", `holds JSON that ${problem}`)
  return fieldsIn(json) ?? (yield* unreadable)
})
