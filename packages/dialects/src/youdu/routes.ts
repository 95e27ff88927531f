/** Routes of the protocol's paths. All responses, including errors, have the protocol's shape. */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { protocolRoutes, recoverRefusals, type RouteHandler } from "../_http/protocolRoutes.ts"
import { appOfToken, issueToken, payerOf } from "./auth.ts"
import { type GroupDeps, groupRoutes } from "./groups.ts"
import { identify, type IdentifyDeps } from "./identify.ts"
import { type MediaDeps, mediaRoutes } from "./media.ts"
import { type OperationDeps, operationsOf } from "./operations.ts"
import { type MessageDeps, messageRoutes } from "./messages.ts"
import { bodyOf } from "./params.ts"
import { errors, failed, refused, sealed } from "./responses.ts"
import { type SessionDeps, sessionRoutes } from "./sessions.ts"
import { type UserDeps, userRoutes } from "./users.ts"

export interface RouteDeps
  extends OperationDeps, SessionDeps, GroupDeps, UserDeps, MediaDeps, MessageDeps, IdentifyDeps {
  /** Lifetime of an app's token, in seconds. */
  readonly lifetime: number
}

/** Cost of issuing a token, which reads the tokens of all apps. */
const TOKEN_COST = 100
/** Beginning of all paths. */
const PREFIX = "/cgi"
/** Maximum length of a path in an error message, in characters. */
const MAX_SHOWN_PATH = 80

export const routesOf = (deps: RouteDeps) => {
  const { engine, lifetime } = deps
  const operations = operationsOf(deps)

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

  /** For operations of the real server that this one does not have: clients read `errcode` only if the status is 200. */
  const unsupported: RouteHandler = ({ originalUrl }, query) =>
    Effect.map(appOfToken(deps, query.get("accessToken") ?? ""), (app) =>
      failed({ errcode: 404, errmsg: `The path ${shownPath(originalUrl)} is not supported.` }, app !== undefined)
    )

  return protocolRoutes({
    errors,
    routes: {
      "/cgi/gettoken": { POST: getToken },
      "/cgi/identify": { GET: identify(deps) },
      ...sessionRoutes(deps, operations),
      ...groupRoutes(deps, operations),
      ...userRoutes(deps, operations),
      ...mediaRoutes(deps, operations),
      ...messageRoutes(deps, operations)
    },
    unknown: { prefix: PREFIX, handler: unsupported }
  })
}

/** Returns the path of a URL from `PREFIX` on, shortened for an error message. */
const shownPath = (url: string): string => {
  const [path = ""] = url.split(/[?;#]/, 1)
  return path.slice(Math.max(0, path.indexOf(PREFIX))).slice(0, MAX_SHOWN_PATH)
}
