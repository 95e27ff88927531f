/** Routes with the document's paths. All responses, including errors, have the protocol's shape. */
import type { Refused } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { commandRunner } from "../_http/runCommands.ts"
import { protocolRoutes, type RouteHandler, type RouteTable } from "../_http/protocolRoutes.ts"
import { masterKey } from "./apps.ts"
import { type Authenticate, requireOwnAccount } from "./auth.ts"
import { canSign } from "./conversations.ts"
import { addMembers, createGroup, deleteGroup, removeMembers, renameGroup, type RequestContext } from "./groups.ts"
import { listContacts, listGroups, type MarkBroadcast, type OrganizationDeps } from "./organizations.ts"
import { clientId, clientIds, externalId, readParameters } from "./params.ts"
import { DIALECT } from "./records.ts"
import { errors, type Failure, toResponse } from "./errors.ts"
import { sign, type Signing, sorted } from "./signatures.ts"

export interface RouteDeps extends OrganizationDeps {
  readonly authenticate: Authenticate
  readonly signing: Signing
  readonly markBroadcast: MarkBroadcast
}

type Response = HttpServerResponse.HttpServerResponse
type Handler = (context: RequestContext) => Effect.Effect<Response, Failure | Refused>

const ok = (body: object): Response => HttpServerResponse.jsonUnsafe(body)
/** Responds with JSON in UTF-8. */
const jsonBytes = (json: Uint8Array): Response =>
  HttpServerResponse.uint8Array(json, { contentType: "application/json" })
const created = (body: object): Response => HttpServerResponse.jsonUnsafe(body, { status: 201 })
const noContent = (): Response => HttpServerResponse.empty({ status: 204 })

const handlerOf =
  (deps: RouteDeps, handler: Handler): RouteHandler =>
  (request, query) =>
    Effect.gen(function* () {
      const principal = yield* deps.authenticate(request, query)
      const payer = principal.user?.id ?? DIALECT
      const runCommand = yield* commandRunner(deps.engine, payer)
      const { params } = yield* HttpRouter.RouteContext
      return yield* handler({
        principal,
        path: (name) => params[name],
        parameters: yield* readParameters(request, query),
        runCommand,
        payer
      })
    }).pipe(Effect.catchTag("Failure", (failure) => Effect.succeed(toResponse(failure))))

export const routesOf = (deps: RouteDeps) => {
  const route = (handler: Handler) => handlerOf(deps, handler)

  const signed = (
    make: (context: RequestContext, app: string, client: string) => Effect.Effect<object, Failure | Refused>
  ): RouteHandler =>
    route(
      Effect.fnUntraced(function* (context) {
        const app = context.path("app_id") ?? ""
        const client = yield* clientId("client_id", context.path("client_id"), deps.settings)
        yield* requireOwnAccount(context.principal, client)
        return ok(yield* make(context, app, client)).pipe(HttpServerResponse.setHeader("cache-control", "no-store"))
      })
    )

  const membersIn = ({ path }: RequestContext) =>
    clientIds("sorted_member_ids", path("sorted_member_ids") ?? "", deps.settings)

  const login = signed(
    Effect.fnUntraced(function* (_context, app_id, client_id) {
      const key = yield* masterKey(deps.records, app_id)
      const { timestamp, signature, nonce } = yield* sign(deps.signing, key, [app_id, client_id, ""])
      return { timestamp, signature, nonce, app_id, client_id }
    })
  )

  const conversion = signed(
    Effect.fnUntraced(function* (context, app_id, client_id) {
      const sorted_member_ids = sorted(yield* membersIn(context))
      const key = yield* masterKey(deps.records, app_id)
      const { timestamp, signature, nonce } = yield* sign(deps.signing, key, [app_id, client_id, sorted_member_ids])
      return { timestamp, signature, nonce, sorted_member_ids, app_id, client_id }
    })
  )

  /** An invitation without members is for the caller to join; a kick needs members. */
  const membership = (action: "invite" | "kick") =>
    signed(
      Effect.fnUntraced(function* (context, app_id, client_id) {
        const conversion_id = yield* externalId("conversion_id", context.path("conversion_id"))
        const joins = action === "invite" && (context.path("sorted_member_ids") ?? "") === ""
        const ids = joins ? [] : yield* membersIn(context)
        const sorted_member_ids = joins ? "" : sorted(ids)
        const key = yield* masterKey(deps.records, app_id)
        yield* canSign(deps, context.principal, action, conversion_id, ids)
        const { timestamp, signature, nonce } = yield* sign(
          deps.signing,
          key,
          [app_id, client_id, conversion_id, sorted_member_ids],
          [action]
        )
        return { action, signature, conversion_id, app_id, nonce, sorted_member_ids, client_id, timestamp }
      })
    )

  /** Without members, a path ends with or without `/`; the router removes a trailing `/`. */
  const withMembers = (path: `/${string}`, handler: RouteHandler): RouteTable => ({
    [path]: { GET: handler },
    [`${path}/:sorted_member_ids`]: { GET: handler }
  })

  return protocolRoutes({
    errors,
    routes: {
      "/signature/login/:app_id/:client_id": { GET: login },
      ...withMembers("/signature/conversion/:app_id/:client_id", conversion),
      ...withMembers("/signature/invite/:app_id/:client_id/:conversion_id", membership("invite")),
      ...withMembers("/signature/kick/:app_id/:client_id/:conversion_id", membership("kick")),
      "/im/group": { POST: route((context) => Effect.map(createGroup(deps, context), created)) },
      "/im/group/:group_id": {
        PUT: route((context) => Effect.map(renameGroup(deps, context), ok)),
        DELETE: route((context) => Effect.map(deleteGroup(deps, context), noContent))
      },
      "/im/group/:group_id/member": {
        POST: route((context) => Effect.map(addMembers(deps, context), created)),
        DELETE: route((context) => Effect.map(removeMembers(deps, context), noContent))
      },
      "/im/org/:organization_id/groups": { GET: route((context) => Effect.map(listGroups(deps, context), ok)) },
      "/im/org/:organization_id/contacts": {
        GET: route((context) => Effect.map(listContacts(deps, context), jsonBytes))
      },
      "/im/org/:class_id/message": {
        POST: route((context) => Effect.map(deps.markBroadcast(deps, context), created))
      }
    }
  })
}
