/**
 * Runs operations of apps: authenticates the request, charges it, reads its fields, and encodes the result in plain JSON or
 * in an envelope, depending on the token. Source: PROTOCOLS, "youdu".
 */
import type { LogThrottling } from "@parley/core/LogThrottle"
import { type Refused, refuse } from "@parley/core/Refused"
import type { AppScope } from "@parley/core/rules/AppScope"
import type { Engine } from "@parley/core/Engine"
import type { EngineSettings } from "@parley/core/Settings"
import type { User } from "@parley/core/User"
import type { ReasonWords } from "@parley/core/describeReason"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import { type Fields, invalid, text } from "../_http/fields.ts"
import { jsonProblem, type JsonLimits, limitsForUsers } from "../_http/jsonLimits.ts"
import { type CommonFailure, recoverRefusals, type RouteHandler } from "../_http/protocolRoutes.ts"
import type { Query } from "../_http/query.ts"
import { commandRunner, type RunCommand } from "../_http/runCommands.ts"
import type { UnreadableBody } from "../_http/UnreadableBody.ts"
import type { AppWithCipher } from "./apps.ts"
import { type AuthDeps, authenticateRequest, type Principal } from "./auth.ts"
import { ListJson, plainList, sealedList } from "./listJson.ts"
import { bodyOf, fieldsIn, readBuin } from "./params.ts"
import { plain, refused, sealed } from "./responses.ts"

export interface OperationDeps extends AuthDeps {
  readonly engine: Engine["Service"]
  readonly settings: EngineSettings
  readonly log: LogThrottling
}

/** Context of one request. */
export interface RequestContext {
  readonly request: HttpServerRequest
  readonly principal: Principal
  readonly scope: AppScope
  /** Records in the audit log that the app acts for this user; `act` is the operation, such as `session.create`. */
  readonly recordImpersonation: (user: User, act: string) => Effect.Effect<void>
  readonly runCommand: RunCommand
  readonly fields: Fields
}

/**
 * Returns the fields of the response, beside `errcode` and `errmsg`; a long list as `ListJson`; or the response itself, if
 * it is not JSON.
 */
export type Operation = (
  context: RequestContext
) => Effect.Effect<object | ListJson | HttpServerResponse.HttpServerResponse, CommonFailure, Scope.Scope>

/** Returns whether the request is `HEAD`, which must change nothing, although the `GET` of some operations does. */
export const isHead = ({ request }: RequestContext): boolean => request.method === "HEAD"

/** Builds route handlers of operations. */
export interface Operations {
  /** Fields in the body: a JSON object, or an envelope around one. `words` are for its refusals; see `refused`. */
  readonly inBody: (work: Operation, words?: ReasonWords) => RouteHandler
  /** Fields in the query, without an envelope; only these names are read. */
  readonly inQuery: (names: ReadonlyArray<string>, work: Operation, words?: ReasonWords) => RouteHandler
  /** For a body that is not JSON, which `work` reads itself; no fields are read. */
  readonly inForm: (work: Operation, words?: ReasonWords) => RouteHandler
}

export const operationsOf = (deps: OperationDeps): Operations => {
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

  const operation = (
    read: (
      request: HttpServerRequest,
      query: Query,
      principal: Principal
    ) => Effect.Effect<Fields, Refused | UnreadableBody>,
    work: Operation,
    words: ReasonWords | undefined
  ): RouteHandler =>
    Effect.fnUntraced(function* (request, query) {
      const principal = yield* authenticateRequest(deps, request, query)
      const { app, payer, scope } = principal
      return yield* Effect.gen(function* () {
        const runCommand = yield* commandRunner(deps.engine, payer)
        const fields = yield* read(request, query, principal)
        const result = yield* work({
          request,
          principal,
          scope,
          runCommand,
          fields,
          recordImpersonation: recordImpersonation(principal)
        })
        if (HttpServerResponse.isHttpServerResponse(result)) return result
        if (result instanceof ListJson) {
          return app === undefined ? plainList(result) : yield* sealedList(app.envelope.files, result)
        }
        return app === undefined ? plain(result) : sealed(yield* app.envelope.seal(JSON.stringify(result)))
      }).pipe(recoverRefusals((reason) => refused(reason, app !== undefined, words)))
    })

  const bodyFields = (
    request: HttpServerRequest,
    _: Query,
    { app }: Principal
  ): Effect.Effect<Fields, Refused | UnreadableBody> =>
    Effect.flatMap(bodyOf(request, limits), (fields) =>
      app === undefined ? Effect.succeed(fields) : openEnvelope(app, fields, limits)
    )

  return {
    inBody: (work, words) => operation(bodyFields, work, words),
    inQuery: (names, work, words) => operation((_, query) => Effect.succeed(fieldsOf(query, names)), work, words),
    inForm: (work, words) => operation(() => Effect.succeed({}), work, words)
  }
}

const fieldsOf = (query: Query, names: ReadonlyArray<string>): Fields =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = query.get(name)
      return value === undefined ? [] : [[name, value]]
    })
  )

/** Opens an app's envelope around a JSON object, which must name the app of the access token. */
export const openEnvelope = Effect.fnUntraced(function* (
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
