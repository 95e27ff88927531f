/** The documented paths. Every answer is in this protocol's shape, whatever went wrong. */
import { logStorageFailure } from "@parley/core/Availability"
import type { Switchboard } from "@parley/core/Hub"
import type { LogThrottling } from "@parley/core/LogThrottle"
import type { Refused } from "@parley/core/Refused"
import { refuse } from "@parley/core/Refused"
import type { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type { Scope } from "effect/Scope"
import { type Fields, invalid, text } from "../Fields.ts"
import { performing } from "../Perform.ts"
import { queryOf, type UnreadableQuery } from "../Query.ts"
import type { UnreadableBody } from "../UnreadableBody.ts"
import { accessOf, type Access, type Grounds as AccessGrounds, payerOf, tokenFor } from "./Access.ts"
import { failed, notUnderstood, plain, refused, sealed } from "./Answers.ts"
import type { OpenApp } from "./Apps.ts"
import { type Asking, createSession, getSession, type Grounds, type SessionJson, updateSession } from "./Groups.ts"
import { bodyOf, buinIn, fieldsIn } from "./Input.ts"

/** Routes that a host adds to its router; they answer all their errors themselves. */
export type HttpRoutes = Layer.Layer<never, never, HttpRouter.HttpRouter>

export interface Services extends Grounds, AccessGrounds {
  readonly hub: Switchboard
  readonly log: LogThrottling
  /** Seconds for which an app's token is good. */
  readonly lifetime: number
}

type Request = HttpServerRequest.HttpServerRequest
type Response = HttpServerResponse.HttpServerResponse
type Unread = UnreadableBody | UnreadableQuery
type Problem = Refused | StorageFailed

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const
type Method = (typeof METHODS)[number]

/** What begins like a documented path and is none. */
export const otherwise: HttpRoutes = HttpRouter.add(
  "*",
  "*",
  notUnderstood({ errcode: 404, errmsg: "There is nothing at this path." })
)

/** Cost of a token: all tokens of the app are looked through. */
const TOKEN = 100

export const routesOf = (services: Services): HttpRoutes => {
  const { engine, hub, lifetime } = services

  /** Gathered, since an app does nothing else. */
  const impersonated = ({ payer }: Access): Asking["impersonated"] => {
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

  /** What was understood and refused is told with status 200. */
  const answering = <R>(
    work: Effect.Effect<Response, Problem | Unread, R>,
    envelope: boolean
  ): Effect.Effect<Response, Unread, R> =>
    Effect.catchTags(work, {
      Refused: ({ reason }) => Effect.succeed(refused(reason, envelope)),
      StorageFailed: (cause) =>
        Effect.as(
          logStorageFailure(`storage failed: ${cause.operation}`, cause.cause),
          refused({ _tag: "Unavailable" }, envelope)
        )
    })

  const route = (
    method: Method,
    path: `/${string}`,
    work: (request: Request) => Effect.Effect<Response, Unread, Scope>
  ) =>
    Layer.mergeAll(
      HttpRouter.add(
        method,
        path,
        Effect.flatMap(HttpServerRequest.HttpServerRequest, work).pipe(
          Effect.catchTags({
            UnreadableBody: ({ status, problem }) =>
              Effect.succeed(notUnderstood({ errcode: status, errmsg: `The body ${problem}.` })),
            UnreadableQuery: ({ sentence }) => Effect.succeed(notUnderstood({ errcode: 400, errmsg: sentence }))
          }),
          Effect.catchDefect((defect) =>
            Effect.as(
              Effect.logError(`${method} ${path} broke off`, defect),
              notUnderstood({ errcode: 500, errmsg: "Internal server error." })
            )
          )
        )
      ),
      ...METHODS.filter((other) => other !== method).map((other) =>
        HttpRouter.add(
          other,
          path,
          notUnderstood({ errcode: 405, errmsg: `${path} takes ${method} only.` }, { allow: method })
        )
      )
    )

  const getToken = (request: Request) =>
    answering(
      Effect.gen(function* () {
        const found = yield* tokenFor(services, yield* bodyOf(request))
        if (found === undefined) {
          return failed({ errcode: 401, errmsg: "buin, appId and encrypt are not those of an app at this time." }, true)
        }
        const { app, token } = found
        yield* engine.limits.charge(payerOf(app), TOKEN)
        const answer = sealed(yield* app.sealing.seal(JSON.stringify({ accessToken: token, expireIn: lifetime })))
        return HttpServerResponse.setHeader(answer, "cache-control", "no-store")
      }),
      true
    )

  /** An operation on a session, in plain JSON or in the envelope, as the token is. */
  const operation =
    (
      read: (request: Request, access: Access) => Effect.Effect<Fields, Refused | Unread>,
      work: (grounds: Grounds, asking: Asking) => Effect.Effect<SessionJson, Problem>
    ) =>
    (request: Request) =>
      answering(
        Effect.gen(function* () {
          const access = yield* accessOf(services, request)
          const { app, reach } = access
          const carried = Effect.gen(function* () {
            const perform = yield* performing(engine, hub, access.payer)
            const fields = yield* read(request, access)
            const session = yield* work(services, { reach, perform, fields, impersonated: impersonated(access) })
            return app === undefined ? plain(session) : sealed(yield* app.sealing.seal(JSON.stringify(session)))
          })
          return yield* answering(carried, app !== undefined)
        }),
        false
      )

  const inBody = (request: Request, { app }: Access): Effect.Effect<Fields, Refused | Unread> =>
    Effect.flatMap(bodyOf(request), (fields) => (app === undefined ? Effect.succeed(fields) : opened(app, fields)))

  const inQuery = (request: Request): Effect.Effect<Fields, UnreadableQuery> =>
    Effect.map(queryOf(request), (query) => {
      const sessionId = query.get("sessionId")
      return sessionId === undefined ? {} : { sessionId }
    })

  return Layer.mergeAll(
    route("POST", "/cgi/gettoken", getToken),
    route("POST", "/cgi/session/create", operation(inBody, createSession)),
    route("GET", "/cgi/session/get", operation(inQuery, getSession)),
    route("POST", "/cgi/session/update", operation(inBody, updateSession))
  )
}

/** What an app's request holds. Its envelope names the app whose token it shows. */
const opened = Effect.fnUntraced(function* (app: OpenApp, fields: Fields): Effect.fn.Return<Fields, Refused> {
  const buin = yield* buinIn(fields)
  const appId = yield* text(fields, "appId")
  if (buin !== app.buin || appId !== app.appId) return yield* refuse({ _tag: "NotLoggedIn" })
  const sealedText = yield* text(fields, "encrypt")
  const unreadable = invalid("encrypt", "must be a JSON object, sealed with the app's key")
  const inner = fieldsIn(yield* Effect.mapError(app.sealing.open(sealedText), () => unreadable))
  return inner ?? (yield* unreadable)
})
